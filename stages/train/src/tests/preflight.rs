//! What is found before a training runs.

use super::support::{inputs, settings};
use crate::{OptimizerSettings, Train, demand::Sizes};
use contract::{
    InputContent, Machine, Preflight, Settings, Severity, Stage,
    config::{Callback, EarlyStopping, InOrder, Sgd},
};
use std::collections::BTreeMap;

fn preflight(batch_size: usize) -> Preflight {
    let settings = crate::TrainSettings { batch_size, ..settings() };
    Preflight { settings: Settings::of(&settings), inputs: inputs(), threads: 2, list_all: false }
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

#[test]
fn a_batch_size_beyond_all_memory_is_refused_and_not_counted_round() {
    // Without a set whose size is known nothing bounds the batch.
    let preflight = Preflight { inputs: BTreeMap::new(), ..preflight(usize::MAX) };
    let demand = Train.demand(&preflight, &Machine { memory: 8 << 30 });
    assert_eq!((demand.memory, demand.findings.len()), (u64::MAX, 1));
}

#[test]
fn samples_that_could_stay_in_memory_are_no_reason_to_refuse() {
    let needed = |images| {
        let mut preflight = preflight(4);
        for input in preflight.inputs.values_mut() {
            input.content = InputContent::Source(dataset::Shapes::new(1).first(images).content());
        }
        Train.demand(&preflight, &Machine { memory: u64::MAX }).memory
    };
    assert_eq!(needed(4), needed(40_000));
}

#[test]
fn samples_have_the_room_that_the_training_leaves() {
    let needed = Train.demand(&preflight(4), &Machine { memory: u64::MAX }).memory;
    let graph = settings().graph().expect("a network").expect("of the zoo");
    let sizes = Sizes::new(&graph, &settings());
    let room = |memory| sizes.room(memory, 4, [10, 6]);
    assert_eq!([room(Some(needed + 7)), room(Some(needed - 7)), room(None)], [7, 0, u64::MAX]);
}

#[test]
fn what_optimizers_and_callbacks_keep_needs_memory_and_disk() {
    let demand = |change: fn(&mut crate::TrainSettings)| {
        let mut settings = settings();
        change(&mut settings);
        let preflight = Preflight { settings: Settings::of(&settings), ..preflight(4) };
        let demand = Train.demand(&preflight, &Machine { memory: u64::MAX });
        (demand.memory, demand.disk)
    };
    let adam = demand(|_| {});
    let sgd = demand(|settings| settings.optimizer = OptimizerSettings::Sgd(Sgd::default()));
    let numbers = settings().graph().expect("a network").expect("of the zoo").parameters() as u64;
    // Two moments less, in the state and in a checkpoint being written; in three checkpoints, and in two models.
    assert_eq!((adam.0 - sgd.0, adam.1 - sgd.1), (numbers * 4 * 2 * 2, numbers * 4 * 2 * 5));
    let stopping = demand(|settings| {
        let stopping = EarlyStopping { restore_best_weights: true, ..EarlyStopping::default() };
        settings.callbacks = InOrder(vec![Callback::EarlyStopping(stopping)]);
    });
    assert_eq!(stopping.0 - adam.0, numbers * 4 * 2);
}

#[test]
fn the_parts_of_a_kernels_gradient_count() {
    let graph = settings().graph().expect("a network").expect("of the zoo");
    let outputs: usize = graph.layers.iter().map(|layer| layer.output.len()).sum();
    // The largest kernel of this network is the pointwise one that joins the branches: 1280 to 256 channels.
    let per_image = 4 * (outputs + 2 * graph.output_type().len() + 1280 * 256) as u64;
    assert_eq!(Sizes::new(&graph, &settings()).per_image, per_image);
}
