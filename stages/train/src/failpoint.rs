//! The fail points of training; see [`contract::failpoint`].

/// All names, in the order a training meets them first, so that a test can visit each.
pub const FAIL_POINTS: &[&str] =
    &[AFTER_STEP, BEFORE_CHECKPOINT_RENAME, AFTER_CHECKPOINT, BEFORE_MODEL_RENAME, BEFORE_OUTPUTS];

/// A step is made.
pub(crate) const AFTER_STEP: &str = "train::after_step";
/// A checkpoint is written and not yet in its place.
pub(crate) const BEFORE_CHECKPOINT_RENAME: &str = "train::before_checkpoint_rename";
/// A checkpoint is committed.
pub(crate) const AFTER_CHECKPOINT: &str = "train::after_checkpoint";
/// A model of the run folder is written and not yet in its place.
pub(crate) const BEFORE_MODEL_RENAME: &str = "train::before_model_rename";
/// The last epoch is over, no output is written yet.
pub(crate) const BEFORE_OUTPUTS: &str = "train::before_outputs";
