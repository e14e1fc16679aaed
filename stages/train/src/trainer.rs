//! One step of training, one batch of validation.

use crate::{
    TrainError, TrainSettings,
    batches::Batch,
    loss::{BatchLoss, cross_entropy},
    network::{Dropout, FrozenLayers, Mode, Network, Weights, floats, vector},
    ops,
    optimizer::Optimizer,
    state::State,
};
use burn::tensor::{Device, Tensor, TensorData};
use contract::config;
use model::Graph;
use rayon::prelude::*;

/// A network with its loss and optimizer.
#[derive(Debug, Clone)]
pub(crate) struct Trainer {
    pub(crate) network: Network,
    pub(crate) class_weights: Vec<f32>,
    pub(crate) optimizer: Optimizer,
    pub(crate) seed: u64,
}

/// What a batch asks of the weights.
#[derive(Debug, Clone)]
pub(crate) struct Slopes {
    /// Gradient of the scaled loss by each parameter; empty for one that is frozen or that the loss does not depend on.
    pub(crate) gradients: Vec<Vec<f32>>,
    /// Mean and biased variance of the batch at each normalisation; empty where it is frozen.
    pub(crate) moments: Vec<(Vec<f32>, Vec<f32>)>,
}

/// A step without a result: what is no number, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Diverged(pub(crate) String);

/// A network ready to judge: parameters and statistics on the device.
pub(crate) struct Ready {
    parameters: Vec<Tensor<1>>,
    statistics: Vec<(Vec<f32>, Vec<f32>)>,
}

impl Trainer {
    /// A trainer for a graph by the settings.
    ///
    /// # Errors
    /// As [`Trainer::new`].
    pub(crate) fn of(settings: &TrainSettings, graph: &Graph) -> Result<Self, TrainError> {
        let class_weights = settings.loss_weights.iter().map(|weight| *weight as f32).collect();
        Self::new(graph, class_weights, &settings.optimizer, settings.seed)
    }

    /// A trainer for a graph whose output is logits of as many classes as there are weights, one pixel a mask pixel.
    ///
    /// # Errors
    /// A layer that cannot be trained, or an output of another shape.
    pub(crate) fn new(
        graph: &Graph,
        class_weights: Vec<f32>,
        optimizer: &config::Optimizer,
        seed: u64,
    ) -> Result<Self, TrainError> {
        let network = Network::build(graph)?;
        let input = graph.input().map(|input| graph.layer(input).output.shape.clone()).unwrap_or_default();
        let output = &graph.output_type().shape;
        let (height, width) = (input.first().copied().unwrap_or(0), input.get(1).copied().unwrap_or(0));
        if output[..] != [height, width, class_weights.len()] {
            let classes = class_weights.len();
            return Err(TrainError::Output { found: output.clone(), height, width, classes });
        }
        let optimizer = Optimizer::new(optimizer, network.trainable());
        Ok(Self { network, class_weights, optimizer, seed })
    }

    /// Leaves these layers as they are from now on; the optimizer keeps nothing of them.
    pub(crate) fn freeze(&mut self, frozen: &FrozenLayers) {
        self.network.freeze(frozen);
        self.optimizer.trainable = self.network.trainable();
    }

    /// One step: forward, loss, backward, update of parameters and moving statistics.
    ///
    /// # Errors
    /// A loss or gradients that are not finite, of which nothing is changed; weights that are not finite any more, after
    /// which the state is of no use.
    pub(crate) fn step(&self, state: &mut State, batch: &Batch) -> Result<BatchLoss, Diverged> {
        let (loss, Slopes { gradients, moments }) =
            self.slopes(&state.weights, state.memory.batches, batch)?;
        let (weights, rate) = (&mut state.weights, state.learning_rate);
        self.optimizer.step(&mut state.memory, rate, &mut weights.parameters, gradients);
        self.network.move_statistics(&mut weights.statistics, &moments);
        if weights.are_finite() { Ok(loss) } else { Err(Diverged("a weight is not finite".to_owned())) }
    }

    /// Forward and backward on a batch, with the dropout of step `step`. Nothing is differentiated in front of the first
    /// layer that trains.
    ///
    /// # Errors
    /// A loss or gradients that are not finite.
    pub(crate) fn slopes(
        &self,
        weights: &Weights,
        step: u64,
        batch: &Batch,
    ) -> Result<(BatchLoss, Slopes), Diverged> {
        let device = Device::flex().autodiff();
        let parameters = weights.parameters.iter().zip(self.network.trainable());
        let parameters: Vec<Tensor<1>> = parameters
            .map(|(values, trainable)| match vector(values, &device) {
                parameter if trainable => parameter.require_grad(),
                parameter => parameter,
            })
            .collect();
        let dropout = Dropout { seed: self.seed, step, samples: &batch.samples };
        let frozen = self.network.frozen_statistics(weights);
        let mode = Mode::Training(&dropout, &frozen);
        let passed = self.network.forward(&parameters, &images(batch, &device), mode);
        let shape = passed.output.dims();
        let logits = floats(passed.output.clone());
        let mut gradient = vec![0f32; logits.len()];
        let loss = self.loss(&logits, batch, Some(&mut gradient));
        // Large, and of no more use: the backward pass is the peak of memory.
        drop(logits);
        if !loss.loss.is_finite() {
            return Err(Diverged(format!("the loss is {}", loss.loss)));
        }
        let scale = self.optimizer.loss_scale();
        if scale != 1.0 {
            gradient.iter_mut().for_each(|gradient| *gradient *= scale);
        }
        let gradient = Tensor::from_data(TensorData::new(gradient, shape), &device);
        let mut gradients = ops::seed_gradient(passed.output, gradient).backward();
        let gradients: Vec<Vec<f32>> = parameters
            .iter()
            .map(|parameter| parameter.grad_remove(&mut gradients).map(floats).unwrap_or_default())
            .collect();
        if !gradients.par_iter().all(|gradient| gradient.iter().all(|value| value.is_finite())) {
            return Err(Diverged("a gradient is not finite".to_owned()));
        }
        Ok((loss, Slopes { gradients, moments: passed.moments }))
    }

    /// The state's network as it is used outside training.
    pub(crate) fn ready(&self, state: &State, debias: bool) -> Ready {
        let device = Device::flex();
        Ready {
            parameters: state.weights.parameters.iter().map(|values| vector(values, &device)).collect(),
            statistics: self.network.statistics(&state.weights, debias),
        }
    }

    /// Logits `[batch, classes, height, width]`.
    pub(crate) fn infer(&self, ready: &Ready, batch: &Batch) -> Vec<f32> {
        let images = images(batch, &Device::flex());
        floats(self.network.forward(&ready.parameters, &images, Mode::Inference(&ready.statistics)).output)
    }

    /// Loss and predictions.
    pub(crate) fn judge(&self, ready: &Ready, batch: &Batch) -> BatchLoss {
        self.loss(&self.infer(ready, batch), batch, None)
    }

    fn loss(&self, logits: &[f32], batch: &Batch, gradient: Option<&mut [f32]>) -> BatchLoss {
        let [_, _, height, width] = batch.shape;
        cross_entropy(logits, &batch.masks, height * width, &self.class_weights, gradient)
    }
}

fn images(batch: &Batch, device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(batch.images.clone(), batch.shape), device)
}
