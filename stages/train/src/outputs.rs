//! What a training leaves behind: models, the table of its epochs, learning curves.

use crate::{
    TrainError,
    failpoint::BEFORE_MODEL_RENAME,
    network::{Network, Weights},
    state::{EpochFigures, State},
};
use contract::{EventKind, StageContext, failpoint, layout};
use figures::{Series, curves};
use formats::keras;
use fs_err as fs;
use model::{Graph, passes};
use std::path::Path;

/// The model with the lowest validation loss.
pub(crate) const BEST: &str = "best_model.h5";
/// The same with the rescaling layer.
const BEST_AUGMENTED: &str = "best_augmented_model.h5";
/// The model after the last epoch.
const LAST: &str = "last_model.h5";
/// Figures of every epoch.
const TABLE: &str = "train_metrics.csv";

/// Turns states into files.
#[derive(Debug, Clone)]
pub(crate) struct Exporter {
    pub(crate) graph: Graph,
    pub(crate) network: Network,
    pub(crate) debias: bool,
    /// Scale and offset from pixels to the network's input.
    pub(crate) rescaling: (f32, f32),
}

impl Exporter {
    /// Writes all files into the stage's output folder and tells of them.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub(crate) fn finish(&self, state: &State, context: &StageContext) -> Result<(), TrainError> {
        let models = context.out.join(layout::SAVED_MODELS);
        let tables = context.out.join(layout::LOGS).join("metrics");
        fs::create_dir_all(&models)?;
        fs::create_dir_all(&tables)?;
        for (name, bytes) in self.models(state)? {
            fs::write(models.join(name), bytes)?;
        }
        fs::write(tables.join(TABLE), table(&state.history))?;
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

    /// Replaces the run folder's models and table while the training goes on. A run folder that cannot be written is a
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
        for (name, bytes) in self.models(state)? {
            replace(&models.join(name), &bytes)?;
        }
        replace(&tables.join(TABLE), table(&state.history).as_bytes())
    }

    fn models(&self, state: &State) -> Result<Vec<(&'static str, Vec<u8>)>, TrainError> {
        let mut models = vec![(LAST, keras::h5_bytes(&self.model(&state.weights))?)];
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

/// One line an epoch, counted from 0, as Keras' CSVLogger writes it.
fn table(history: &[EpochFigures]) -> String {
    let mut text = String::from("epoch,loss,accuracy,val_loss,val_accuracy,val_miou,lr\n");
    for (epoch, figures) in history.iter().enumerate() {
        let values: Vec<String> = figures.named().iter().map(|(_, value)| value.to_string()).collect();
        text.push_str(&format!("{epoch},{}\n", values.join(",")));
    }
    text
}

/// Title, file name and SVG of each learning curve.
fn pictures(history: &[EpochFigures]) -> [(&'static str, &'static str, String); 2] {
    let series = |wanted: &[&str]| -> Vec<Series> {
        wanted
            .iter()
            .map(|wanted| Series {
                name: (*wanted).to_owned(),
                points: history
                    .iter()
                    .enumerate()
                    .flat_map(|(epoch, figures)| {
                        let named = figures.named().into_iter().filter(|(name, _)| name == wanted);
                        named.map(move |(_, value)| (epoch as f64 + 1.0, value))
                    })
                    .collect(),
            })
            .collect()
    };
    let losses = series(&["loss", "val_loss"]);
    let scores = series(&["accuracy", "val_accuracy", "val_miou"]);
    [
        ("Loss", "loss.svg", curves("Loss", "epoch", &losses)),
        ("Accuracy and mIoU", "accuracy.svg", curves("Accuracy and mIoU", "epoch", &scores)),
    ]
}
