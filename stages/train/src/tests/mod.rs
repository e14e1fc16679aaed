//! Tests of the training as a whole.

mod forward;
mod gradients;
mod keras;
mod outcome;
mod preflight;
mod resume;
mod schedules;
mod settings;
mod speed;
mod support;
mod threads;
