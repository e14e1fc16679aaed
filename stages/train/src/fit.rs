//! The training loop.

use crate::{
    TrainError,
    batches::{Batch, Set, shuffled},
    callbacks::Callbacks,
    checkpoint::Checkpoints,
    failpoint::AFTER_STEP,
    network::Weights,
    outputs::Exporter,
    state::{EpochFigures, Position, State},
    trainer::{Diverged, Trainer},
};
use contract::{EventKind, Progress, StageContext, failpoint};
use dataset::augmentation::Augmentation;
use metrics::ConfusionMatrix;
use std::time::{Duration, Instant};

/// A checkpoint is written at least this often, inside an epoch too.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(300);

/// A training: what stays the same from step to step.
pub(crate) struct Fit<'a> {
    pub(crate) trainer: Trainer,
    pub(crate) training: Set,
    pub(crate) validation: Set,
    /// What changes training batches.
    pub(crate) augmentation: Vec<Augmentation>,
    /// Lowest and highest value of the network's input.
    pub(crate) range: (f32, f32),
    pub(crate) exporter: Exporter,
    pub(crate) callbacks: Callbacks,
    pub(crate) batch_size: usize,
    pub(crate) epochs: usize,
    pub(crate) debias: bool,
    pub(crate) context: &'a StageContext,
}

/// What changes from step to step, and where it is kept.
struct Course<'a> {
    state: &'a mut State,
    checkpoints: &'a mut Checkpoints,
    saved: Instant,
}

impl Fit<'_> {
    /// Goes on from `state` to the last epoch. Gives the weights that the training ends with: they may be others than those
    /// of the state, from which it could go on.
    ///
    /// # Errors
    /// Cancellation, after a checkpoint; a loss that is no number; files that cannot be read or written.
    pub(crate) fn run(
        &self,
        state: &mut State,
        checkpoints: &mut Checkpoints,
    ) -> Result<Weights, TrainError> {
        for epoch in 0..state.history.len() {
            self.tell_rate(epoch, state.history[epoch].lr);
            self.tell_epoch(epoch, state, None);
        }
        // A training that goes on may do so in another run folder, or in one where a model was just being replaced.
        if !state.history.is_empty() {
            self.exporter.publish(state, self.context);
        }
        let mut course = Course { state, checkpoints, saved: Instant::now() };
        while course.state.position.epoch < self.epochs && !course.state.stopped {
            self.begin_epoch(course.state)?;
            let speed = match self.train_epoch(&mut course) {
                Ok(speed) => speed,
                Err(error) => return self.terminate(course.state, error),
            };
            let figures = self.validate(&mut course)?;
            course.state.finish_epoch(figures);
            self.callbacks.end_epoch(course.state);
            course.commit()?;
            self.exporter.publish(course.state, self.context);
            let epoch = course.state.position.epoch - 1;
            self.tell_epoch(epoch, course.state, speed);
        }
        // In Keras' order: the averages of weights replace them, then EarlyStopping has the last word.
        let Course { state, .. } = course;
        let mut last = state.weights.clone();
        self.trainer.optimizer.finish(&state.memory, &mut last.parameters);
        self.end(state, &mut last);
        Ok(last)
    }

    /// Ends a training that has diverged, if TerminateOnNaN is to and there is an epoch to go back to: with the weights at
    /// the end of the last whole epoch. Whatever happens, no checkpoint has seen the numbers that are none.
    fn terminate(&self, state: &mut State, error: TrainError) -> Result<Weights, TrainError> {
        let ends = self.callbacks.terminates_on_nan && matches!(error, TrainError::NanLoss { .. });
        let Some(weights) = state.callbacks.whole.clone().filter(|_| ends) else { return Err(error) };
        let Position { epoch, begun, .. } = state.position;
        state.weights = weights;
        state.position = Position { epoch, begun, ..Position::default() };
        self.context.warn(format!("{error}; TerminateOnNaN ends it with the models of epoch {epoch}"));
        let mut last = state.weights.clone();
        self.end(state, &mut last);
        Ok(last)
    }

    /// Lets callbacks end the training.
    fn end(&self, state: &State, last: &mut Weights) {
        for line in self.callbacks.end(state, last) {
            self.context.note(line);
        }
    }

    /// Sets the learning rate of an epoch, once, and says so.
    fn begin_epoch(&self, state: &mut State) -> Result<(), TrainError> {
        if !state.position.begun {
            state.learning_rate = self.callbacks.rate(state.position.epoch, state.learning_rate)?;
            state.position.begun = true;
        }
        self.tell_rate(state.position.epoch, state.learning_rate);
        Ok(())
    }

    /// The batches of the epoch that are not done yet. Gives the images per second, if there were any.
    fn train_epoch(&self, course: &mut Course<'_>) -> Result<Option<f64>, TrainError> {
        let epoch = course.state.position.epoch;
        let order = shuffled(self.training.len(), self.trainer.seed, epoch);
        let batches: Vec<&[usize]> = order.chunks(self.batch_size).collect();
        let (started, mut images) = (Instant::now(), 0);
        let mut next = self.load_augmented(batches.get(course.state.position.batch), epoch)?;
        while let Some(batch) = next {
            self.stop_if_cancelled(course)?;
            let upcoming = batches.get(course.state.position.batch + 1);
            let (stepped, loaded) = rayon::join(
                || self.trainer.step(course.state, &batch),
                || self.load_augmented(upcoming, epoch),
            );
            let position = &mut course.state.position;
            let (step, epoch) = (position.batch + 1, position.epoch + 1);
            let loss = stepped.map_err(|Diverged(what)| TrainError::NanLoss { what, step, epoch })?;
            images += batch.samples.len();
            position.batch += 1;
            position.loss += loss.loss;
            position.correct += loss.correct;
            position.counted += loss.counted;
            self.tell_progress(
                *position,
                position.batch,
                format!("loss {:.4}", position.loss / position.batch as f64),
            );
            failpoint::hit(AFTER_STEP);
            if course.saved.elapsed() >= CHECKPOINT_EVERY {
                course.commit()?;
            }
            next = loaded?;
        }
        Ok((images > 0).then(|| images as f64 / started.elapsed().as_secs_f64()))
    }

    /// The figures of the epoch whose batches are all done.
    fn validate(&self, course: &mut Course<'_>) -> Result<EpochFigures, TrainError> {
        let ready = self.trainer.ready(course.state, self.debias);
        let order: Vec<usize> = (0..self.validation.len()).collect();
        let batches: Vec<&[usize]> = order.chunks(self.batch_size).collect();
        let mut confusion = ConfusionMatrix::new(self.trainer.class_weights.len());
        let (mut loss, mut correct, mut counted) = (0f64, 0u64, 0u64);
        let position = course.state.position;
        let train_loss = position.loss / position.batch.max(1) as f64;
        let mut next = self.load(&self.validation, batches.first())?;
        for done in 1..=batches.len() {
            let Some(batch) = next else { break };
            self.stop_if_cancelled(course)?;
            let (judged, loaded) = rayon::join(
                || self.trainer.judge(&ready, &batch),
                || self.load(&self.validation, batches.get(done)),
            );
            confusion.add_image(&batch.masks, &judged.predicted);
            loss += judged.loss;
            correct += judged.correct;
            counted += judged.counted;
            let note = format!("loss {train_loss:.4}, val_loss {:.4}", loss / done as f64);
            self.tell_progress(position, position.batch + done, note);
            next = loaded?;
        }
        Ok(EpochFigures {
            loss: train_loss,
            accuracy: share(position.correct, position.counted),
            val_loss: loss / batches.len().max(1) as f64,
            val_accuracy: share(correct, counted),
            val_miou: confusion.miou().unwrap_or(0.0),
            lr: course.state.learning_rate,
        })
    }

    fn load_augmented(&self, samples: Option<&&[usize]>, epoch: usize) -> Result<Option<Batch>, TrainError> {
        let mut batch = self.load(&self.training, samples)?;
        if let Some(batch) = &mut batch {
            batch.augment(&self.augmentation, self.range, self.trainer.seed, epoch);
        }
        Ok(batch)
    }

    fn load(&self, set: &Set, samples: Option<&&[usize]>) -> Result<Option<Batch>, TrainError> {
        samples.map(|samples| set.batch(samples)).transpose()
    }

    fn stop_if_cancelled(&self, course: &mut Course<'_>) -> Result<(), TrainError> {
        if !self.context.cancel.is_cancelled() {
            return Ok(());
        }
        course.commit()?;
        Err(TrainError::Cancelled)
    }

    /// Steps of training and validation done so far; an epoch's are its batches of both sets.
    fn tell_progress(&self, position: Position, in_epoch: usize, note: String) {
        let per_epoch = self.training.batches(self.batch_size) + self.validation.batches(self.batch_size);
        self.context.emit(EventKind::Progress(Progress {
            label: format!("epoch {}/{}", position.epoch + 1, self.epochs),
            done: (position.epoch * per_epoch + in_epoch) as u64,
            total: (self.epochs * per_epoch) as u64,
            note: Some(note),
        }));
    }

    /// The learning rate that a schedule gave an epoch, if that is to be told.
    fn tell_rate(&self, epoch: usize, rate: f64) {
        if let Some(line) = self.callbacks.rate_line(rate) {
            self.context.note(format!("epoch {}/{}: {line}", epoch + 1, self.epochs));
        }
    }

    /// An epoch's figures: metrics with the epoch from 0 as their step, as Keras and MLflow count, and a line for people,
    /// who count from 1. The line is no part of the result: the speed, in images per second, is that of this machine now.
    fn tell_epoch(&self, epoch: usize, state: &State, speed: Option<f64>) {
        let figures = &state.history[epoch];
        for (name, value) in figures.named() {
            self.context.emit(EventKind::Metric { name: name.to_owned(), step: Some(epoch as u64), value });
        }
        let EpochFigures { loss, accuracy, val_loss, val_accuracy, val_miou, lr } = figures;
        let lr = four_digits(*lr);
        let speed = speed.map(|speed| format!(", {speed:.0} images/s")).unwrap_or_default();
        self.context.note_transient(format!(
            "epoch {}/{}: loss {loss:.4}, accuracy {accuracy:.4}, val_loss {val_loss:.4}, val_accuracy \
             {val_accuracy:.4}, val_miou {val_miou:.4}, lr {lr}{speed}",
            epoch + 1,
            self.epochs
        ));
        let after = state.history.get(epoch + 1).map_or(state.learning_rate, |next| next.lr);
        if let Some(line) = self.callbacks.lowered_line(figures.lr, after) {
            self.context.note(format!("epoch {}/{}: {line}", epoch + 1, self.epochs));
        }
    }
}

impl Course<'_> {
    fn commit(&mut self) -> Result<(), TrainError> {
        self.checkpoints.commit(self.state)?;
        self.saved = Instant::now();
        Ok(())
    }
}

/// A number with four significant digits.
fn four_digits(number: f64) -> String {
    let scientific = format!("{number:.3e}");
    scientific.parse::<f64>().map_or(scientific, |rounded| rounded.to_string())
}

/// A share; 0 of nothing.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
