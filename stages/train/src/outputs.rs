//! What a training leaves behind: models, the table of its epochs, event files for TensorBoard, learning curves.

use crate::{
    TrainError,
    failpoint::BEFORE_MODEL_RENAME,
    network::{Network, Weights},
    start::{
        kept::{self, Original},
        ports::LAST_AUGMENTED,
    },
    state::{EpochFigures, State},
};
use contract::{EventKind, StageContext, failpoint, layout};
use figures::{Series, curves};
use formats::{
    keras,
    tensorboard::{Scalar, event_file},
};
use fs_err as fs;
use model::{Graph, passes};
use std::{io::Write, path::Path};

/// The model with the lowest validation loss.
pub(crate) const BEST: &str = "best_model.h5";
/// The same with the rescaling layer.
const BEST_AUGMENTED: &str = "best_augmented_model.h5";
/// The model after the last epoch.
const LAST: &str = "last_model.h5";
/// Figures of every epoch.
const TABLE: &str = "train_metrics.csv";
/// Figures of every epoch for TensorBoard: one such file below `logs` for each of its two runs. Keras puts time, host and
/// process into the name.
const EVENTS: &str = "events.out.tfevents.0.pipeline.v2";

/// Turns states into files.
#[derive(Debug, Clone)]
pub(crate) struct Exporter {
    pub(crate) graph: Graph,
    pub(crate) network: Network,
    pub(crate) debias: bool,
    /// Scale and offset from pixels to the network's input.
    pub(crate) rescaling: (f32, f32),
    /// What whoever goes on with the training needs besides its state.
    pub(crate) original: Original,
}

impl Exporter {
    /// Writes all files into the stage's output folder and tells of them. `last` are the weights that the training ends with.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub(crate) fn finish(
        &self,
        state: &State,
        last: &Weights,
        context: &StageContext,
    ) -> Result<(), TrainError> {
        let models = context.out.join(layout::SAVED_MODELS);
        let tables = context.out.join(layout::LOGS).join("metrics");
        fs::create_dir_all(&models)?;
        fs::create_dir_all(&tables)?;
        for (name, bytes) in self.models(state, last)? {
            fs::write(models.join(name), bytes)?;
        }
        fs::write(tables.join(TABLE), table(&state.history))?;
        for (run, bytes) in event_files(&state.history) {
            let folder = context.out.join(layout::LOGS).join(run);
            fs::create_dir_all(&folder)?;
            fs::write(folder.join(EVENTS), bytes)?;
        }
        for (title, name, svg) in pictures(&state.history) {
            fs::write(tables.join(name), svg)?;
            let path = format!("{}/metrics/{name}", layout::LOGS);
            context.emit(EventKind::Figure { title: title.to_owned(), path });
        }
        let Some((best, figures)) = self.best(state) else { return Ok(()) };
        context.note(format!(
            "the best model is that of epoch {}/{}: val_loss {:.4}, val_accuracy {:.4}, val_miou {:.4}",
            best + 1,
            state.history.len(),
            figures.val_loss,
            figures.val_accuracy,
            figures.val_miou
        ));
        // From 1, as in the line above: it is a number for people, not a step.
        context.metric("best_epoch", (best + 1) as f64);
        context.metric("best_val_loss", figures.val_loss);
        context.metric("best_val_accuracy", figures.val_accuracy);
        context.metric("best_val_miou", figures.val_miou);
        Ok(())
    }

    /// Replaces the run folder's models and tables while the training goes on. A run folder that cannot be written is a
    /// warning: the training does not depend on it.
    pub(crate) fn publish(&self, state: &State, context: &StageContext) {
        let Some(live) = &context.live else { return };
        if let Err(error) = self.publish_to(live, state) {
            context.warn_transient(format!("the run folder does not have the newest models: {error}"));
        }
    }

    fn publish_to(&self, live: &Path, state: &State) -> Result<(), TrainError> {
        let models = live.join(layout::SAVED_MODELS);
        let tables = live.join(layout::LOGS).join("metrics");
        fs::create_dir_all(&models)?;
        fs::create_dir_all(&tables)?;
        for (name, bytes) in self.models(state, &state.weights)? {
            replace(&models.join(name), &bytes)?;
        }
        for (run, bytes) in event_files(&state.history) {
            let folder = live.join(layout::LOGS).join(run);
            fs::create_dir_all(&folder)?;
            extend(&folder.join(EVENTS), &bytes)?;
        }
        replace(&tables.join(TABLE), table(&state.history).as_bytes())
    }

    /// The model files: those of `last` beside the best.
    fn models(&self, state: &State, last: &Weights) -> Result<Vec<(&'static str, Vec<u8>)>, TrainError> {
        let last = self.model(last);
        let mut models = vec![
            (LAST, keras::h5_bytes(&last)?),
            (LAST_AUGMENTED, kept::write(&last, self.rescaling, &self.original, state)?),
        ];
        if let Some(best) = &state.best {
            let graph = self.model(&best.weights);
            let (scale, offset) = self.rescaling;
            models.push((BEST, keras::h5_bytes(&graph)?));
            models.push((BEST_AUGMENTED, keras::h5_bytes(&passes::with_rescaling(&graph, scale, offset)?)?));
        }
        Ok(models)
    }

    /// The graph with these weights, statistics as they are used outside training.
    pub(crate) fn model(&self, weights: &Weights) -> Graph {
        let mut graph = self.graph.clone();
        let statistics = self.network.statistics(weights, self.debias);
        self.network.write(&mut graph, &weights.parameters, &statistics);
        graph
    }

    fn best<'a>(&self, state: &'a State) -> Option<(usize, &'a EpochFigures)> {
        let epoch = state.best.as_ref()?.epoch;
        Some((epoch, state.history.get(epoch)?))
    }
}

/// Replaces a file whole.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let temporary = path.with_extension("tmp");
    fs::write(&temporary, bytes)?;
    failpoint::hit(BEFORE_MODEL_RENAME);
    Ok(fs::rename(&temporary, path)?)
}

/// Makes a file hold `bytes`. What is there already stays and the rest is appended, because TensorBoard follows the file
/// that it opened and would not see another one in its place; half an event at the end does not disturb it. A file that
/// is not a beginning of `bytes` is replaced.
fn extend(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    match fs::read(path) {
        Ok(found) if bytes.starts_with(&found) => {
            let mut file = fs::OpenOptions::new().append(true).open(path)?;
            Ok(file.write_all(&bytes[found.len()..])?)
        }
        _ => replace(path, bytes),
    }
}

/// One line an epoch, counted from 0, and the columns in alphabetical order, as Keras' CSVLogger writes it.
fn table(history: &[EpochFigures]) -> String {
    const COLUMNS: [&str; 6] = ["accuracy", "loss", "lr", "val_accuracy", "val_loss", "val_miou"];
    let mut text = format!("epoch,{}\n", COLUMNS.join(","));
    for (epoch, figures) in history.iter().enumerate() {
        let values = COLUMNS.map(|column| figures.value(column).to_string());
        text.push_str(&format!("{epoch},{}\n", values.join(",")));
    }
    text
}

/// The event file of each of the two runs that TensorBoard shows, under its name, with the tags of Keras' callback
/// (`keras/src/callbacks/tensorboard.py`).
fn event_files(history: &[EpochFigures]) -> [(&'static str, Vec<u8>); 2] {
    const TRAIN: [(&str, &str); 3] =
        [("epoch_loss", "loss"), ("epoch_accuracy", "accuracy"), ("epoch_learning_rate", "lr")];
    const VALIDATION: [(&str, &str); 3] =
        [("epoch_loss", "val_loss"), ("epoch_accuracy", "val_accuracy"), ("epoch_miou", "val_miou")];
    [("train", TRAIN), ("validation", VALIDATION)].map(|(run, series)| {
        let epochs = history.iter().enumerate();
        let scalars: Vec<Scalar<'_>> = epochs
            .flat_map(|(epoch, figures)| {
                series.map(|(tag, name)| Scalar {
                    tag,
                    step: epoch as u64,
                    value: figures.value(name) as f32,
                })
            })
            .collect();
        (run, event_file(&scalars))
    })
}

/// Title, file name and SVG of each learning curve.
fn pictures(history: &[EpochFigures]) -> [(&'static str, &'static str, String); 3] {
    let series = |wanted: &[&str]| -> Vec<Series> {
        wanted
            .iter()
            .map(|wanted| Series {
                name: (*wanted).to_owned(),
                points: history
                    .iter()
                    .enumerate()
                    .map(|(epoch, figures)| (epoch as f64 + 1.0, figures.value(wanted)))
                    .collect(),
            })
            .collect()
    };
    let losses = series(&["loss", "val_loss"]);
    let scores = series(&["accuracy", "val_accuracy", "val_miou"]);
    let rates = series(&["lr"]);
    [
        ("Loss", "loss.svg", curves("Loss", "epoch", &losses)),
        ("Accuracy and mIoU", "accuracy.svg", curves("Accuracy and mIoU", "epoch", &scores)),
        ("Learning rate", "learning_rate.svg", curves("Learning rate", "epoch", &rates)),
    ]
}
