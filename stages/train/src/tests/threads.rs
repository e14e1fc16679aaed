//! Results on any number of threads.

use super::support::{Run, batch, settings, trainer};
use crate::state::State;
use model::{AsppVersion, Backbone, DeeplabV3};

fn state_after_steps(threads: usize, images: usize) -> State {
    let network = DeeplabV3 {
        input: (64, 48, 3),
        classes: 3,
        backbone: Backbone::MobilenetV2 { alpha: 0.5 },
        output_stride: 16,
        aspp: AsppVersion::V1,
        dropout: 0.3,
    };
    let mut graph = network.build().expect("a network");
    model::initialize(&mut graph, 3);
    let trainer = trainer(&graph);
    let mut state = State::new(trainer.network.read(&graph).expect("weights"), &trainer.optimizer);
    let batch = batch(images, (64, 48, 3), 3);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    pool.install(|| (0..3).for_each(|_| drop(trainer.step(&mut state, &batch).expect("a step"))));
    state
}

/// Few images and many go different ways through burn's matrix product.
#[test]
fn steps_on_1_2_and_4_threads_give_the_same_bits() {
    for images in [1, 3, 6] {
        let single = state_after_steps(1, images);
        for threads in [2, 4] {
            assert!(
                state_after_steps(threads, images) == single,
                "{images} images on {threads} threads differ"
            );
        }
    }
}

#[test]
fn a_batch_is_augmented_alike_on_1_2_and_4_threads() {
    let augmented = |threads: usize| {
        let mut batch = batch(16, (32, 48, 3), 3);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| batch.augment(&settings().augmentation, (-1.0, 1.0), 120, 1));
        batch
    };
    let single = augmented(1);
    assert_ne!(single, batch(16, (32, 48, 3), 3));
    for threads in [2, 4] {
        assert!(augmented(threads) == single, "{threads} threads differ");
    }
}

#[test]
fn whole_trainings_on_1_2_and_4_threads_give_the_same_files_and_events() {
    let single = Run::new().go(1, None);
    assert!(single.result.is_ok(), "{:?}", single.result);
    for threads in [2, 4] {
        assert!(Run::new().go(threads, None) == single, "{threads} threads differ");
    }
}
