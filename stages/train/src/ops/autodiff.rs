//! Derivatives of the operations, registered with burn's autodiff.

use super::{
    Bounds, Curve, NetworkOps, NormOptions, Normalized, NormalizedGradients, Pool, Resize, Transposed, Window,
};
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

/// An operation of one input, with options: `unary!(clip, clip_gradient, Clip, Bounds)`.
macro_rules! unary {
    ($forward:ident, $gradient:ident, $step:ident, $options:ty) => {
        fn $forward(input: FloatTensor<Self>, options: $options) -> FloatTensor<Self> {
            #[derive(Debug)]
            struct $step;
            impl<B: NetworkOps> Backward<B, 1> for $step {
                type State = (NodeId, $options);
                fn backward(
                    self,
                    ops: Ops<Self::State, 1>,
                    grads: &mut Gradients,
                    checkpointer: &mut Checkpointer,
                ) {
                    let [node] = ops.parents;
                    let gradient = grads.consume::<B>(&ops.node);
                    let (input, options) = ops.state;
                    let input: FloatTensor<B> = checkpointer.retrieve_node_output(input);
                    if let Some(node) = node {
                        grads.register::<B>(node.id, B::$gradient(input, gradient, options));
                    }
                }
            }
            match $step.prepare::<C>([input.node()]).compute_bound().stateful() {
                OpsKind::Tracked(mut prep) => {
                    let state = (prep.checkpoint(&input), options);
                    prep.finish(state, B::$forward(input.into_primitive(), options))
                }
                OpsKind::UnTracked(prep) => prep.finish(B::$forward(input.into_primitive(), options)),
            }
        }

        fn $gradient(_: FloatTensor<Self>, _: FloatTensor<Self>, _: $options) -> FloatTensor<Self> {
            unreachable!("{FIRST_ORDER}")
        }
    };
}

/// An operation of an input, a kernel and a bias, with options.
macro_rules! weighted {
    ($forward:ident, $input_gradient:ident, $kernel_gradient:ident, $step:ident, $options:ty) => {
        fn $forward(
            input: FloatTensor<Self>,
            kernel: FloatTensor<Self>,
            bias: FloatTensor<Self>,
            options: $options,
        ) -> FloatTensor<Self> {
            #[derive(Debug)]
            struct $step;
            impl<B: NetworkOps> Backward<B, 3> for $step {
                type State = (NodeId, NodeId, $options);
                fn backward(
                    self,
                    ops: Ops<Self::State, 3>,
                    grads: &mut Gradients,
                    checkpointer: &mut Checkpointer,
                ) {
                    let [input_node, kernel_node, bias_node] = ops.parents;
                    let gradient = grads.consume::<B>(&ops.node);
                    let (input, kernel, options) = ops.state;
                    let input: FloatTensor<B> = checkpointer.retrieve_node_output(input);
                    let kernel: FloatTensor<B> = checkpointer.retrieve_node_output(kernel);
                    if let Some(node) = bias_node {
                        grads.register::<B>(node.id, B::bias_gradient(gradient.clone()));
                    }
                    if let Some(node) = kernel_node {
                        let part =
                            B::$kernel_gradient(input.clone(), kernel.clone(), gradient.clone(), options);
                        grads.register::<B>(node.id, part);
                    }
                    if let Some(node) = input_node {
                        grads.register::<B>(node.id, B::$input_gradient(input, kernel, gradient, options));
                    }
                }
            }
            let nodes = [input.node(), kernel.node(), bias.node()];
            match $step.prepare::<C>(nodes).compute_bound().stateful() {
                OpsKind::Tracked(mut prep) => {
                    let state = (prep.checkpoint(&input), prep.checkpoint(&kernel), options);
                    let (input, kernel) = (input.into_primitive(), kernel.into_primitive());
                    prep.finish(state, B::$forward(input, kernel, bias.into_primitive(), options))
                }
                OpsKind::UnTracked(prep) => {
                    let (input, kernel) = (input.into_primitive(), kernel.into_primitive());
                    prep.finish(B::$forward(input, kernel, bias.into_primitive(), options))
                }
            }
        }

        fn $input_gradient(
            _: FloatTensor<Self>,
            _: FloatTensor<Self>,
            _: FloatTensor<Self>,
            _: $options,
        ) -> FloatTensor<Self> {
            unreachable!("{FIRST_ORDER}")
        }

        fn $kernel_gradient(
            _: FloatTensor<Self>,
            _: FloatTensor<Self>,
            _: FloatTensor<Self>,
            _: $options,
        ) -> FloatTensor<Self> {
            unreachable!("{FIRST_ORDER}")
        }
    };
}

impl<B: NetworkOps, C: CheckpointStrategy> NetworkOps for Autodiff<B, C> {
    weighted!(conv, conv_input_gradient, conv_kernel_gradient, Conv, Window);
    weighted!(depthwise, depthwise_input_gradient, depthwise_kernel_gradient, Depthwise, Window);
    weighted!(
        conv_transpose,
        conv_transpose_input_gradient,
        conv_transpose_kernel_gradient,
        ConvTranspose,
        Transposed
    );
    unary!(clip, clip_gradient, Clip, Bounds);
    unary!(curve, curve_gradient, Curved, Curve);
    unary!(pool, pool_gradient, Pooled, Pool);
    unary!(resize, resize_gradient, Resized, Resize);

    fn bias_gradient(_: FloatTensor<Self>) -> FloatTensor<Self> {
        unreachable!("{FIRST_ORDER}")
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
        let (gamma, beta) = (gamma.into_primitive(), beta.into_primitive());
        let weights = [gamma, beta, mean.into_primitive(), variance.into_primitive()];
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
}
