//! What a training starts from: a network of the zoo or of the user's own, a model file, or another training.
//!
//! [`ports`] says where files come from, [`Start::read`] reads them, and [`Start::problems`] are all that can be known
//! before hours of work. A model that ends in a softmax is trained without it: the loss is that of a softmax, and what is
//! saved has it again.

mod backbone;
mod custom;
mod error;
pub(crate) mod kept;
pub(crate) mod ports;

pub use error::StartError;

use crate::{
    ModelSettings, TrainError, TrainSettings, callbacks::Callbacks, network::FrozenLayers, state::State,
    trainer::Trainer,
};
use contract::{Finding, Input, Problem};
use kept::Kept;
use model::{
    Activation, Conv2d, Conv2dTranspose, Dense, DepthwiseConv2d, Graph, Layer, LayerId, Op, SeparableConv2d,
};
use ports::{BACKBONE, LAYERS, MODEL, TRAINING, file};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// What a training starts from.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    /// The network as its model files have it. Weights that no file gave are not drawn yet.
    pub(crate) graph: Graph,
    /// Positions of the layers whose weights come from a file.
    pub(crate) loaded: BTreeSet<usize>,
    /// The training that goes on, if one does.
    pub(crate) kept: Option<Kept>,
    /// What users call it: `the model own.h5`, `the network`.
    name: String,
    /// Arguments of a network of the user's own that change nothing.
    unused: Vec<String>,
}

impl Start {
    /// Reads what the settings and the inputs say. None where another stage is yet to make it.
    ///
    /// # Errors
    /// Files that cannot be read, and a backbone that does not fit.
    pub(crate) fn read(
        settings: &TrainSettings,
        inputs: &BTreeMap<String, Input>,
    ) -> Result<Option<Self>, TrainError> {
        if let Some(graph) = settings.graph()? {
            refuse(inputs, LAYERS, "training.model")?;
            refuse(inputs, MODEL, "training.model")?;
            refuse(inputs, TRAINING, "training.model")?;
            return Self::network(graph, settings, inputs).map(Some);
        }
        if let ModelSettings::Custom { .. } = settings.model {
            for port in [MODEL, TRAINING, BACKBONE] {
                refuse(inputs, port, "training.model")?;
            }
            return Self::custom(settings, inputs);
        }
        refuse(inputs, LAYERS, "general.model_path")?;
        if settings.model == ModelSettings::Training {
            refuse(inputs, BACKBONE, "training.resume_training_from")?;
            refuse(inputs, MODEL, "training.resume_training_from")?;
            return file(inputs, TRAINING).map(|(name, path)| Self::training(name, path)).transpose();
        }
        refuse(inputs, BACKBONE, "general.model_path")?;
        refuse(inputs, TRAINING, "general.model_path")?;
        file(inputs, MODEL).map(|(name, path)| Self::model(name, path, settings.dropout)).transpose()
    }

    /// A model from a file, whose dropout layers get this rate.
    fn model(name: &str, path: &Path, wanted: Option<f64>) -> Result<Self, TrainError> {
        let mut graph = formats::read_model(path, name)?;
        for layer in &mut graph.layers {
            if let (Some(rate), Some(wanted)) = (dropout(&mut layer.op), wanted) {
                *rate = wanted as f32;
            }
        }
        Ok(Self::loaded(graph, name, None))
    }

    /// A training that goes on.
    fn training(name: &str, path: &Path) -> Result<Self, TrainError> {
        let (graph, kept) = kept::read(path, name)?;
        Ok(Self::loaded(graph, name, Some(kept)))
    }

    fn loaded(graph: Graph, name: &str, kept: Option<Kept>) -> Self {
        let loaded = (0..graph.layers.len()).collect();
        Self { graph, loaded, kept, name: format!("the model `{name}`"), unused: Vec::new() }
    }

    /// A network that is built, with the backbone of another model if there is one.
    fn network(
        mut graph: Graph,
        settings: &TrainSettings,
        inputs: &BTreeMap<String, Input>,
    ) -> Result<Self, TrainError> {
        let loaded = match (file(inputs, BACKBONE), settings.model.backbone_end()) {
            (Some((name, path)), Some(end)) => backbone::take_over(&mut graph, end, path, name)?,
            _ => BTreeSet::new(),
        };
        Ok(Self { loaded, ..Self::built(graph) })
    }

    /// A network that was made here.
    pub(crate) fn built(graph: Graph) -> Self {
        let name = "the network".to_owned();
        Self { graph, loaded: BTreeSet::new(), kept: None, name, unused: Vec::new() }
    }

    /// The settings that count: a training that goes on keeps some of its own.
    pub(crate) fn settings(&self, settings: &TrainSettings) -> TrainSettings {
        match &self.kept {
            Some(kept) => kept.original.win_over(settings),
            None => settings.clone(),
        }
    }

    /// Draws the weights that no file gave.
    pub(crate) fn draw(&mut self, seed: u64) {
        if self.loaded.len() == self.graph.layers.len() {
            return;
        }
        let mut fresh = self.graph.clone();
        model::initialize(&mut fresh, seed);
        for (position, layer) in fresh.layers.into_iter().enumerate() {
            if !self.loaded.contains(&position) {
                self.graph.layers[position].weights = layer.weights;
            }
        }
    }

    /// The network whose output the loss is computed from: without the softmax at its end, if there is one. Layers keep
    /// their positions and weights.
    pub(crate) fn logits(&self) -> Graph {
        let mut graph = self.graph.clone();
        let last = &mut graph.layers[graph.output.0];
        if last_function(&last.op) == Activation::Softmax {
            match &mut last.op {
                Op::Conv2d(Conv2d { activation, .. })
                | Op::DepthwiseConv2d(DepthwiseConv2d { activation, .. })
                | Op::SeparableConv2d(SeparableConv2d { activation, .. })
                | Op::Conv2dTranspose(Conv2dTranspose { activation, .. })
                | Op::Dense(Dense { activation, .. }) => *activation = Activation::Linear,
                op => *op = Op::Activation(Activation::Linear),
            }
        }
        graph
    }

    /// Height, width and channels of the images; zeros for what takes none, which is a problem.
    pub(crate) fn image(&self) -> (usize, usize, usize) {
        match self.graph.input().map(|input| self.graph.layer(input).output.shape.as_slice()) {
            Some(&[height, width, channels]) => (height, width, channels),
            _ => (0, 0, 0),
        }
    }

    /// What can be said of it before the run: problems, what of the network cannot be trained, and what is ignored.
    pub(crate) fn findings(&self, settings: &TrainSettings) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.problems(settings).iter().map(Problem::finding).collect();
        if findings.is_empty() {
            let settings = self.settings(settings);
            let beginning = self.trainer(&settings).and_then(|trainer| self.beginning(&settings, &trainer));
            findings.extend(match beginning {
                Ok(state) => stays_stopped(&state, settings.epochs),
                Err(error) => Some(error.finding()),
            });
        }
        findings.extend(self.without_effect());
        let ignored = self.kept.as_ref().map(|kept| kept.original.ignored(settings));
        findings.extend(ignored.into_iter().flatten());
        findings.extend(self.nothing_frozen(settings));
        findings
    }

    /// Slices are cut to the layers there are, as in Python, so that a wrong one may freeze nothing.
    fn nothing_frozen(&self, settings: &TrainSettings) -> Option<Finding> {
        let slices = self.settings(settings).frozen_layers?;
        let frozen = FrozenLayers::resolve(Some(&slices), &self.graph).ok()?;
        frozen.is_empty().then(|| {
            let layers = self.graph.layers.len();
            let message =
                format!("frozen_layers {slices} names none of the {layers} layers: all are trained");
            Finding::note("train::frozen_layers", message)
        })
    }

    /// What trains the network by the settings that count. Statistics that came from a file are those of a trained network.
    ///
    /// # Errors
    /// A layer that cannot be trained, and frozen layers that are not there or are all there are.
    pub(crate) fn trainer(&self, settings: &TrainSettings) -> Result<Trainer, TrainError> {
        let mut trainer = Trainer::of(settings, &self.logits())?;
        trainer.network.load_statistics(&self.loaded);
        trainer.freeze(&FrozenLayers::resolve(settings.frozen_layers.as_deref(), &self.graph)?);
        Ok(trainer)
    }

    /// The state that training begins with. One that EarlyStopping has ended goes on where the callbacks let it.
    ///
    /// # Errors
    /// Weights that are missing, and a kept state that does not fit.
    pub(crate) fn beginning(&self, settings: &TrainSettings, trainer: &Trainer) -> Result<State, TrainError> {
        let fresh = State::new(trainer.network.read(&self.graph)?, &trainer.optimizer);
        match &self.kept {
            Some(kept) => {
                let mut state = kept.state(&fresh)?;
                state.stopped = Callbacks::new(&settings.callbacks)?.still_stop(&state);
                Ok(state)
            }
            None => Ok(fresh),
        }
    }

    /// Everything in which the model and the settings do not fit.
    pub(crate) fn problems(&self, settings: &TrainSettings) -> Vec<StartError> {
        let mut problems = Vec::new();
        problems.extend(self.misfitting_input(settings));
        problems.extend(self.misfitting_output(settings));
        problems.extend(self.probabilities());
        problems.extend(self.rescaled_twice(settings));
        match &self.kept {
            Some(kept) => problems.extend(kept.too_few_epochs(settings.epochs)),
            None => problems.extend(self.misfitting_dropout(settings)),
        }
        problems
    }

    fn misfitting_input(&self, settings: &TrainSettings) -> Option<StartError> {
        let model = self.name.clone();
        let shape = self.graph.input().map(|input| self.graph.layer(input).output.shape.clone());
        let images = settings.preprocessing.channels;
        match shape.unwrap_or_default().as_slice() {
            &[_, _, channels] if channels == images => None,
            &[_, _, channels] => Some(StartError::Channels { model, channels, images }),
            other => Some(StartError::InputShape { model, shape: other.to_vec() }),
        }
    }

    fn misfitting_output(&self, settings: &TrainSettings) -> Option<StartError> {
        let (model, classes) = (self.name.clone(), settings.classes);
        let (height, width, channels) = self.image();
        let output = &self.graph.output_type().shape;
        match output.as_slice() {
            _ if channels == 0 => None,
            [rows, columns, found] if (*rows, *columns) == (height, width) => {
                (*found != classes).then_some(StartError::Classes { model, found: *found, classes })
            }
            _ => Some(StartError::OutputShape { model, output: output.clone(), height, width }),
        }
    }

    /// An output of probabilities that the loss cannot be computed from: those of a sigmoid, and those of a softmax that is
    /// not the last layer.
    fn probabilities(&self) -> Option<StartError> {
        let last = self.graph.layer(self.graph.output);
        let mut layer = last;
        while let (Activation::Linear, [input]) = (last_function(&layer.op), layer.inputs.as_slice()) {
            let keeps_them = matches!(
                layer.op,
                Op::Upsample { .. }
                    | Op::Resize { .. }
                    | Op::Reshape { .. }
                    | Op::Crop2d { .. }
                    | Op::ZeroPad2d { .. }
                    | Op::Dropout { .. }
                    | Op::SpatialDropout2d { .. }
                    | Op::Rescale { .. }
                    | Op::Activation(Activation::Linear)
            );
            if !keeps_them {
                return None;
            }
            layer = self.graph.layer(*input);
        }
        let (model, name) = (self.name.clone(), layer.name.clone());
        match last_function(&layer.op) {
            Activation::Softmax if !std::ptr::eq(layer, last) => {
                Some(StartError::EarlySoftmax { model, layer: name })
            }
            Activation::Sigmoid | Activation::HardSigmoid => Some(StartError::Sigmoid { model, layer: name }),
            _ => None,
        }
    }

    fn rescaled_twice(&self, settings: &TrainSettings) -> Option<StartError> {
        let (low, high) = settings.preprocessing.range();
        let layer = self.graph.layer(rescaling(&self.graph)?).name.clone();
        ((low, high) != (0.0, 255.0)).then(|| StartError::RescaledTwice {
            model: self.name.clone(),
            layer,
            low,
            high,
        })
    }

    fn misfitting_dropout(&self, settings: &TrainSettings) -> Option<StartError> {
        let model = self.name.clone();
        let drops = |layer: &&Layer| matches!(layer.op, Op::Dropout { .. } | Op::SpatialDropout2d { .. });
        let layer = self.graph.layers.iter().find(drops);
        match (layer, settings.dropout) {
            (None, Some(rate)) => Some(StartError::NoDropout { model, rate }),
            (Some(layer), None) if settings.model == ModelSettings::File => {
                Some(StartError::DropoutUnset { model, layer: layer.name.clone() })
            }
            _ => None,
        }
    }
}

/// That a training that goes on has nothing left to do although more epochs are asked for.
fn stays_stopped(state: &State, epochs: usize) -> Option<Finding> {
    let done = state.history.len();
    (state.stopped && done < epochs).then(|| {
        let message =
            format!("EarlyStopping has ended the training after epoch {done}, and it ends it again at once");
        Finding::warning("train::stopped", message)
            .with_help("raise its `patience`, or remove it from `callbacks`, to train on")
    })
}

/// Refuses a port that is bound although the settings say otherwise, as an entry of `stages` can do.
fn refuse(inputs: &BTreeMap<String, Input>, port: &'static str, key: &'static str) -> Result<(), StartError> {
    if inputs.contains_key(port) { Err(StartError::Superfluous { port, key }) } else { Ok(()) }
}

/// The layer that rescales the image before anything else reads it.
fn rescaling(graph: &Graph) -> Option<LayerId> {
    let input = graph.input()?;
    let mut readers = graph.layers.iter().enumerate().filter(|(_, layer)| layer.inputs.contains(&input));
    match (readers.next(), readers.next()) {
        (Some((position, layer)), None) if matches!(layer.op, Op::Rescale { .. }) => Some(LayerId(position)),
        _ => None,
    }
}

/// The function that a layer ends with.
fn last_function(op: &Op) -> Activation {
    match op {
        Op::Activation(activation)
        | Op::Conv2d(Conv2d { activation, .. })
        | Op::DepthwiseConv2d(DepthwiseConv2d { activation, .. })
        | Op::SeparableConv2d(SeparableConv2d { activation, .. })
        | Op::Conv2dTranspose(Conv2dTranspose { activation, .. })
        | Op::Dense(Dense { activation, .. }) => *activation,
        Op::Softmax => Activation::Softmax,
        _ => Activation::Linear,
    }
}

/// The rate of a layer that drops.
fn dropout(op: &mut Op) -> Option<&mut f32> {
    match op {
        Op::Dropout { rate } | Op::SpatialDropout2d { rate } => Some(rate),
        _ => None,
    }
}
