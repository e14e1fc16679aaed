//! Tests of the training as a whole.

mod forward;
mod speed;
mod support;
