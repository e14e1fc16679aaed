//! What is found before a training runs.

use super::support::{inputs, settings};
use crate::Train;
use contract::{Machine, Preflight, Settings, Severity, Stage};

fn preflight(batch_size: usize) -> Preflight {
    let settings = crate::TrainSettings { batch_size, ..settings() };
    Preflight { settings: Settings::of(&settings), inputs: inputs(), threads: 2 }
}

#[test]
fn a_training_that_fits_has_nothing_to_report() {
    let preflight = preflight(4);
    assert_eq!(Train.preflight(&preflight), []);
    let demand = Train.demand(&preflight, &Machine { memory: 8 << 30 });
    assert_eq!(demand.findings, []);
    assert!(demand.memory > 100 << 20 && demand.disk > 1 << 20, "{demand:?}");
}

#[test]
fn a_batch_larger_than_the_set_is_noted() {
    let findings = Train.preflight(&preflight(64));
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].severity, findings[0].code.as_str()), (Severity::Note, "train::small_set"));
}

#[test]
fn a_batch_that_does_not_fit_is_refused_with_the_largest_that_does() {
    let needed = |batch| Train.demand(&preflight(batch), &Machine { memory: u64::MAX }).memory;
    let machine = Machine { memory: needed(3) };
    assert_eq!(Train.demand(&preflight(3), &machine).findings, []);
    let findings = Train.demand(&preflight(8), &machine).findings;
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].code, "train::memory");
    assert_eq!(findings[0].help.as_deref(), Some("the largest batch_size that fits is 3"));
    let none = Train.demand(&preflight(8), &Machine { memory: 1 << 20 }).findings;
    assert!(none[0].help.as_deref().is_some_and(|help| help.starts_with("even a batch of one")), "{none:?}");
}
