//! Tests of the training as a whole.

mod backbone;
mod continued;
mod deeplab_step;
mod forward;
mod frozen;
mod gradients;
mod keras;
mod norms;
mod outcome;
mod preflight;
mod resume;
mod schedules;
mod settings;
mod speed;
mod start;
mod support;
mod threads;
