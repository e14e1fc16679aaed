//! Tests of the training as a whole.

mod backbone;
mod callbacks;
mod codec;
mod continued;
mod custom;
mod deeplab_step;
mod diverged;
mod forward;
mod frozen;
mod gradients;
mod keras;
mod layers;
mod norms;
mod optimizers;
mod outcome;
mod preflight;
mod resume;
mod schedules;
mod settings;
mod speed;
mod start;
mod support;
mod threads;
