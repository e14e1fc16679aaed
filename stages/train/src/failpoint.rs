//! Fail points: places where tests kill the process.
//!
//! `PIPELINE_FAILPOINT=train::after_checkpoint:2` aborts the process when the named place is reached for the second time.

use std::sync::Mutex;

/// All names, so that a test can visit each.
pub const FAIL_POINTS: &[&str] =
    &[BEFORE_CHECKPOINT_RENAME, AFTER_CHECKPOINT, BEFORE_MODEL_RENAME, BEFORE_OUTPUTS];

/// A checkpoint is written and not yet in its place.
pub(crate) const BEFORE_CHECKPOINT_RENAME: &str = "train::before_checkpoint_rename";
/// A checkpoint is committed.
pub(crate) const AFTER_CHECKPOINT: &str = "train::after_checkpoint";
/// A model of the run folder is written and not yet in its place.
pub(crate) const BEFORE_MODEL_RENAME: &str = "train::before_model_rename";
/// The last epoch is over, no output is written yet.
pub(crate) const BEFORE_OUTPUTS: &str = "train::before_outputs";

const VARIABLE: &str = "PIPELINE_FAILPOINT";

static VISITS: Mutex<u64> = Mutex::new(0);

/// Aborts the process if the environment asks for it here and now.
pub(crate) fn fail_point(name: &str) {
    let Ok(wanted) = std::env::var(VARIABLE) else { return };
    let Some((wanted_name, count)) = wanted.rsplit_once(':') else { return };
    let (Ok(count), true) = (count.parse::<u64>(), wanted_name == name) else { return };
    let Ok(mut visits) = VISITS.lock() else { return };
    *visits += 1;
    if *visits == count {
        std::process::abort();
    }
}
