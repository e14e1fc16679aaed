//! Derivatives of the operations, registered with burn's autodiff.

use super::{Bounds, NetworkOps, NormOptions, Normalized, NormalizedGradients, Resize, Window};
use burn::backend::{
    AutodiffBackend,
    autodiff::{
        Autodiff, NodeId,
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::FloatTensor,
};

/// The gradients themselves have no derivatives: a second backward pass through them would be a mistake in this crate.
const FIRST_ORDER: &str = "only first derivatives are taken of a network";

impl<B: NetworkOps, C: CheckpointStrategy> NetworkOps for Autodiff<B, C> {
    fn conv(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Conv;
        impl<B: NetworkOps> Backward<B, 3> for Conv {
            type State = (NodeId, NodeId, Window);
            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                grads: &mut Gradients,
                checkpointer: &mut Checkpointer,
            ) {
                let [input_node, kernel_node, bias_node] = ops.parents;
                let gradient = grads.consume::<B>(&ops.node);
                let (input, kernel, window) = ops.state;
                let input: FloatTensor<B> = checkpointer.retrieve_node_output(input);
                let kernel: FloatTensor<B> = checkpointer.retrieve_node_output(kernel);
                if let Some(node) = bias_node {
                    grads.register::<B>(node.id, B::bias_gradient(gradient.clone()));
                }
                if let Some(node) = kernel_node {
                    let part =
                        B::conv_kernel_gradient(input.clone(), kernel.clone(), gradient.clone(), window);
                    grads.register::<B>(node.id, part);
                }
                if let Some(node) = input_node {
                    grads.register::<B>(node.id, B::conv_input_gradient(input, kernel, gradient, window));
                }
            }
        }
        match Conv.prepare::<C>([input.node(), kernel.node(), bias.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = (prep.checkpoint(&input), prep.checkpoint(&kernel), window);
                let output =
                    B::conv(input.into_primitive(), kernel.into_primitive(), bias.into_primitive(), window);
                prep.finish(state, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::conv(
                input.into_primitive(),
                kernel.into_primitive(),
                bias.into_primitive(),
                window,
            )),
        }
    }

    fn depthwise(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Depthwise;
        impl<B: NetworkOps> Backward<B, 3> for Depthwise {
            type State = (NodeId, NodeId, Window);
            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                grads: &mut Gradients,
                checkpointer: &mut Checkpointer,
            ) {
                let [input_node, kernel_node, bias_node] = ops.parents;
                let gradient = grads.consume::<B>(&ops.node);
                let (input, kernel, window) = ops.state;
                let input: FloatTensor<B> = checkpointer.retrieve_node_output(input);
                let kernel: FloatTensor<B> = checkpointer.retrieve_node_output(kernel);
                if let Some(node) = bias_node {
                    grads.register::<B>(node.id, B::bias_gradient(gradient.clone()));
                }
                if let Some(node) = kernel_node {
                    let part = B::depthwise_kernel_gradient(input.clone(), gradient.clone(), window);
                    grads.register::<B>(node.id, part);
                }
                if let Some(node) = input_node {
                    let part = B::depthwise_input_gradient(input, kernel, gradient, window);
                    grads.register::<B>(node.id, part);
                }
            }
        }
        match Depthwise.prepare::<C>([input.node(), kernel.node(), bias.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = (prep.checkpoint(&input), prep.checkpoint(&kernel), window);
                let output = B::depthwise(
                    input.into_primitive(),
                    kernel.into_primitive(),
                    bias.into_primitive(),
                    window,
                );
                prep.finish(state, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::depthwise(
                input.into_primitive(),
                kernel.into_primitive(),
                bias.into_primitive(),
                window,
            )),
        }
    }

    fn norm(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        options: NormOptions,
    ) -> Normalized<Self> {
        #[derive(Debug)]
        struct Norm;
        impl<B: NetworkOps> Backward<B, 3> for Norm {
            type State = ([NodeId; 3], FloatTensor<B>, FloatTensor<B>, NormOptions);
            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                grads: &mut Gradients,
                checkpointer: &mut Checkpointer,
            ) {
                let gradient = grads.consume::<B>(&ops.node);
                let ([input, gamma, beta], mean, variance, options) = ops.state;
                let input: FloatTensor<B> = checkpointer.retrieve_node_output(input);
                let gamma: FloatTensor<B> = checkpointer.retrieve_node_output(gamma);
                let beta: FloatTensor<B> = checkpointer.retrieve_node_output(beta);
                let parts = B::norm_gradient(input, gamma, beta, mean, variance, gradient, options);
                for (node, part) in ops.parents.into_iter().zip([parts.input, parts.gamma, parts.beta]) {
                    if let Some(node) = node {
                        grads.register::<B>(node.id, part);
                    }
                }
            }
        }
        match Norm.prepare::<C>([input.node(), gamma.node(), beta.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let nodes = [prep.checkpoint(&input), prep.checkpoint(&gamma), prep.checkpoint(&beta)];
                let inner =
                    B::norm(input.into_primitive(), gamma.into_primitive(), beta.into_primitive(), options);
                let state = (nodes, inner.mean.clone(), inner.variance.clone(), options);
                Normalized {
                    output: prep.finish(state, inner.output),
                    mean: <Self as AutodiffBackend>::from_inner(inner.mean),
                    variance: <Self as AutodiffBackend>::from_inner(inner.variance),
                }
            }
            OpsKind::UnTracked(prep) => {
                let inner =
                    B::norm(input.into_primitive(), gamma.into_primitive(), beta.into_primitive(), options);
                Normalized {
                    output: prep.finish(inner.output),
                    mean: <Self as AutodiffBackend>::from_inner(inner.mean),
                    variance: <Self as AutodiffBackend>::from_inner(inner.variance),
                }
            }
        }
    }

    fn norm_with(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        options: NormOptions,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct NormWith;
        impl<B: NetworkOps> Backward<B, 1> for NormWith {
            type State = (NodeId, [FloatTensor<B>; 4], NormOptions);
            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                checkpointer: &mut Checkpointer,
            ) {
                let [node] = ops.parents;
                let gradient = grads.consume::<B>(&ops.node);
                let (input, [gamma, beta, mean, variance], options) = ops.state;
                let input: FloatTensor<B> = checkpointer.retrieve_node_output(input);
                if let Some(node) = node {
                    let part = B::norm_with_gradient(input, gamma, beta, mean, variance, gradient, options);
                    grads.register::<B>(node.id, part);
                }
            }
        }
        let weights = [gamma, beta, mean, variance].map(|weight| weight.into_primitive());
        let output = {
            let [gamma, beta, mean, variance] = weights.clone();
            |input| B::norm_with(input, gamma, beta, mean, variance, options)
        };
        match NormWith.prepare::<C>([input.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = (prep.checkpoint(&input), weights, options);
                prep.finish(state, output(input.into_primitive()))
            }
            OpsKind::UnTracked(prep) => prep.finish(output(input.into_primitive())),
        }
    }

    fn clip(input: FloatTensor<Self>, bounds: Bounds) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Clip;
        impl<B: NetworkOps> Backward<B, 1> for Clip {
            type State = (NodeId, Bounds);
            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                checkpointer: &mut Checkpointer,
            ) {
                let [node] = ops.parents;
                let gradient = grads.consume::<B>(&ops.node);
                let (input, bounds) = ops.state;
                let input: FloatTensor<B> = checkpointer.retrieve_node_output(input);
                if let Some(node) = node {
                    grads.register::<B>(node.id, B::clip_gradient(input, gradient, bounds));
                }
            }
        }
        match Clip.prepare::<C>([input.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = (prep.checkpoint(&input), bounds);
                prep.finish(state, B::clip(input.into_primitive(), bounds))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::clip(input.into_primitive(), bounds)),
        }
    }

    fn resize(input: FloatTensor<Self>, resize: Resize) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Resized;
        impl<B: NetworkOps> Backward<B, 1> for Resized {
            type State = (NodeId, Resize);
            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                checkpointer: &mut Checkpointer,
            ) {
                let [node] = ops.parents;
                let gradient = grads.consume::<B>(&ops.node);
                let (input, resize) = ops.state;
                let input: FloatTensor<B> = checkpointer.retrieve_node_output(input);
                if let Some(node) = node {
                    grads.register::<B>(node.id, B::resize_gradient(input, gradient, resize));
                }
            }
        }
        match Resized.prepare::<C>([input.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = (prep.checkpoint(&input), resize);
                prep.finish(state, B::resize(input.into_primitive(), resize))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::resize(input.into_primitive(), resize)),
        }
    }

    fn seed_gradient(output: FloatTensor<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Seed;
        impl<B: NetworkOps> Backward<B, 1> for Seed {
            type State = FloatTensor<B>;
            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let [node] = ops.parents;
                // The scalar is the end of the graph: its own gradient is 1.
                grads.consume::<B>(&ops.node);
                if let Some(node) = node {
                    grads.register::<B>(node.id, ops.state);
                }
            }
        }
        match Seed.prepare::<C>([output.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let gradient = gradient.into_primitive();
                prep.finish(gradient.clone(), B::seed_gradient(output.into_primitive(), gradient))
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(B::seed_gradient(output.into_primitive(), gradient.into_primitive()))
            }
        }
    }

    fn norm_with_gradient(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: NormOptions,
    ) -> FloatTensor<Self> {
        unreachable!("{FIRST_ORDER}")
    }

    fn conv_input_gradient(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: Window,
    ) -> FloatTensor<Self> {
        unreachable!("{FIRST_ORDER}")
    }

    fn conv_kernel_gradient(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: Window,
    ) -> FloatTensor<Self> {
        unreachable!("{FIRST_ORDER}")
    }

    fn bias_gradient(_: FloatTensor<Self>) -> FloatTensor<Self> {
        unreachable!("{FIRST_ORDER}")
    }

    fn depthwise_input_gradient(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: Window,
    ) -> FloatTensor<Self> {
        unreachable!("{FIRST_ORDER}")
    }

    fn depthwise_kernel_gradient(_: FloatTensor<Self>, _: FloatTensor<Self>, _: Window) -> FloatTensor<Self> {
        unreachable!("{FIRST_ORDER}")
    }

    fn norm_gradient(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: NormOptions,
    ) -> NormalizedGradients<Self> {
        unreachable!("{FIRST_ORDER}")
    }

    fn clip_gradient(_: FloatTensor<Self>, _: FloatTensor<Self>, _: Bounds) -> FloatTensor<Self> {
        unreachable!("{FIRST_ORDER}")
    }

    fn resize_gradient(_: FloatTensor<Self>, _: FloatTensor<Self>, _: Resize) -> FloatTensor<Self> {
        unreachable!("{FIRST_ORDER}")
    }
}
