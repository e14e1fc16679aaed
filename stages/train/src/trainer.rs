//! One step of training, one batch of validation.

use crate::{
    OptimizerSettings, TrainError, TrainSettings,
    batches::Batch,
    loss::{BatchLoss, cross_entropy},
    network::{Dropout, Mode, Network, Weights, floats, vector},
    ops,
    state::State,
};
use burn::tensor::{Device, Tensor, TensorData};
use contract::config::Adam;
use model::Graph;

/// A network with its loss and optimizer.
#[derive(Debug, Clone)]
pub(crate) struct Trainer {
    pub(crate) network: Network,
    pub(crate) class_weights: Vec<f32>,
    pub(crate) adam: Adam,
    pub(crate) seed: u64,
}

/// What a batch asks of the weights.
#[derive(Debug, Clone)]
pub(crate) struct Slopes {
    /// Gradient of each parameter; empty where it is frozen.
    pub(crate) gradients: Vec<Vec<f32>>,
    /// Mean and biased variance of the batch at each normalisation; empty where it is frozen.
    pub(crate) moments: Vec<(Vec<f32>, Vec<f32>)>,
}

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
        let OptimizerSettings::Adam(adam) = settings.optimizer.clone();
        let class_weights = settings.loss_weights.iter().map(|weight| *weight as f32).collect();
        Self::new(graph, class_weights, adam, settings.seed)
    }

    /// A trainer for a graph whose output is logits of as many classes as there are weights, one pixel a mask pixel.
    ///
    /// # Errors
    /// A layer that cannot be trained, or an output of another shape.
    pub(crate) fn new(
        graph: &Graph,
        class_weights: Vec<f32>,
        adam: Adam,
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
        Ok(Self { network, class_weights, adam, seed })
    }

    /// One step: forward, loss, backward, update of parameters and moving statistics. Where the loss is not finite
    /// nothing is updated.
    pub(crate) fn step(&self, state: &mut State, batch: &Batch) -> BatchLoss {
        let (loss, slopes) = self.slopes(&state.weights, state.moments.steps, batch);
        if let Some(Slopes { gradients, moments }) = slopes {
            state.moments.step(&self.adam, state.learning_rate, &mut state.weights.parameters, &gradients);
            self.network.move_statistics(&mut state.weights.statistics, &moments);
        }
        loss
    }

    /// Forward and backward on a batch, with the dropout of step `step`; no slopes where the loss is not finite.
    ///
    /// Nothing is differentiated in front of the first layer that trains.
    pub(crate) fn slopes(&self, weights: &Weights, step: u64, batch: &Batch) -> (BatchLoss, Option<Slopes>) {
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
            return (loss, None);
        }
        let gradient = Tensor::from_data(TensorData::new(gradient, shape), &device);
        let mut gradients = ops::seed_gradient(passed.output, gradient).backward();
        let gradients: Vec<Vec<f32>> = parameters
            .iter()
            .map(|parameter| parameter.grad_remove(&mut gradients).map(floats).unwrap_or_default())
            .collect();
        (loss, Some(Slopes { gradients, moments: passed.moments }))
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
