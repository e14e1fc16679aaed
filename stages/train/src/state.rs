//! Everything a training is at a moment between two steps.

use crate::{
    callbacks::CallbackState,
    network::Weights,
    optimizer::{Memory, Optimizer},
};

/// All that the rest of a training depends on, besides its settings and data.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    /// The network's numbers.
    pub(crate) weights: Weights,
    /// The optimizer's memory.
    pub(crate) memory: Memory,
    /// The learning rate: that of the epoch, once it has begun.
    pub(crate) learning_rate: f64,
    /// Where the training stands.
    pub(crate) position: Position,
    /// The best epoch so far.
    pub(crate) best: Option<Best>,
    /// Figures of the epochs that are over.
    pub(crate) history: Vec<EpochFigures>,
    /// What callbacks remember.
    pub(crate) callbacks: CallbackState,
    /// Whether a callback has ended the training before its last epoch.
    pub(crate) stopped: bool,
}

/// Where a training stands, and what the epoch has added up so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Position {
    /// Epoch, from 0.
    pub(crate) epoch: usize,
    /// Whether the epoch has begun, and with it its learning rate.
    pub(crate) begun: bool,
    /// Batches of it that are done.
    pub(crate) batch: usize,
    /// Sum of their losses.
    pub(crate) loss: f64,
    /// Right pixels in them.
    pub(crate) correct: u64,
    /// Pixels, not void, in them.
    pub(crate) counted: u64,
}

/// The weights with the lowest validation loss.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Best {
    /// Their epoch, from 0.
    pub(crate) epoch: usize,
    /// The weights.
    pub(crate) weights: Weights,
}

/// Figures of an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct EpochFigures {
    /// Mean of the batch losses.
    pub(crate) loss: f64,
    /// Pixel accuracy over the epoch, each batch before its update.
    pub(crate) accuracy: f64,
    /// Mean of the validation batches' losses.
    pub(crate) val_loss: f64,
    /// Pixel accuracy on the validation set.
    pub(crate) val_accuracy: f64,
    /// Mean intersection over union on the validation set.
    pub(crate) val_miou: f64,
    /// Learning rate.
    pub(crate) lr: f64,
}

impl EpochFigures {
    /// Names and values, in the order of tables.
    pub(crate) fn named(&self) -> [(&'static str, f64); 6] {
        [
            ("loss", self.loss),
            ("accuracy", self.accuracy),
            ("val_loss", self.val_loss),
            ("val_accuracy", self.val_accuracy),
            ("val_miou", self.val_miou),
            ("lr", self.lr),
        ]
    }

    /// The figure of that name; NaN where there is none.
    pub(crate) fn value(&self, name: &str) -> f64 {
        self.named().iter().find(|(other, _)| *other == name).map_or(f64::NAN, |(_, value)| *value)
    }
}

impl State {
    /// A training that has not begun.
    pub(crate) fn new(weights: Weights, optimizer: &Optimizer) -> Self {
        Self {
            memory: optimizer.memory(&weights.parameters),
            weights,
            learning_rate: optimizer.learning_rate(),
            position: Position::default(),
            best: None,
            history: Vec::new(),
            callbacks: CallbackState::default(),
            stopped: false,
        }
    }

    /// Closes the epoch: remembers its figures, and its weights if they are the best so far.
    pub(crate) fn finish_epoch(&mut self, figures: EpochFigures) {
        let epoch = self.position.epoch;
        let lowest =
            self.best.as_ref().and_then(|best| self.history.get(best.epoch)).map(|best| best.val_loss);
        // The first epoch is the best whatever its loss: a training always ends with a model.
        if lowest.is_none_or(|lowest| figures.val_loss < lowest || lowest.is_nan()) {
            self.best = Some(Best { epoch, weights: self.weights.clone() });
        }
        self.history.push(figures);
        self.position = Position { epoch: epoch + 1, ..Position::default() };
    }

    /// Whether it has the shape of one that starts from `fresh`.
    pub(crate) fn fits(&self, fresh: &State) -> bool {
        let lengths = |lists: &[Vec<f32>]| lists.iter().map(Vec::len).collect::<Vec<_>>();
        let parameters = lengths(&fresh.weights.parameters);
        let channels = |weights: &Weights| {
            weights.statistics.iter().map(|norm| (norm.mean.len(), norm.variance.len())).collect::<Vec<_>>()
        };
        let same = |weights: &Weights| {
            lengths(&weights.parameters) == parameters && channels(weights) == channels(&fresh.weights)
        };
        let restored = self.callbacks.stopping.weights.as_ref().map(|(_, weights)| weights);
        same(&self.weights)
            && self.memory.fits(&fresh.memory)
            && restored.into_iter().chain(&self.callbacks.whole).all(same)
            && self.best.as_ref().is_none_or(|best| same(&best.weights) && best.epoch < self.history.len())
            && self.position.epoch == self.history.len()
    }
}
