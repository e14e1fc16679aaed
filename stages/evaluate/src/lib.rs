//! Stage evaluate: measures a model on labelled images.
