//! A state as bytes.

use super::support::{batch, small_graph, trainer};
use crate::{
    codec::StateError,
    state::{EpochFigures, State},
};

/// A state in the middle of its second epoch, with all that a state can have.
fn full() -> (State, State) {
    let graph = small_graph(0.3);
    let trainer = trainer(&graph);
    let fresh = State::new(trainer.network.read(&graph).expect("weights"), &trainer.optimizer);
    let mut state = fresh.clone();
    let batch = batch(2, (8, 6, 2), 3);
    trainer.step(&mut state, &batch).expect("a step");
    state.finish_epoch(EpochFigures {
        loss: f64::NAN,
        accuracy: 0.1,
        val_loss: f64::NEG_INFINITY,
        val_accuracy: -0.0,
        val_miou: f64::MIN_POSITIVE,
        lr: 0.1 + 0.2,
    });
    trainer.step(&mut state, &batch).expect("a step");
    state.position.begun = true;
    state.position.batch = 1;
    state.callbacks.plateau.best = Some(f64::NAN);
    state.callbacks.stopping.weights = Some((0, state.weights.clone()));
    state.callbacks.whole = Some(state.weights.clone());
    (state, fresh)
}

#[test]
fn a_state_comes_back_from_its_bytes_to_the_last_bit() {
    let (state, fresh) = full();
    for state in [&state, &fresh] {
        let bytes = state.encode();
        let decoded = State::decode(&bytes, &fresh).expect("a state");
        assert!(decoded.encode() == bytes);
        assert_eq!((&decoded.weights, &decoded.memory), (&state.weights, &state.memory));
    }
}

#[test]
fn bytes_that_are_no_state_are_told_apart_and_never_a_panic() {
    let (state, fresh) = full();
    let bytes = state.encode();
    let found = |bytes: &[u8]| State::decode(bytes, &fresh).expect_err("no state");
    assert_eq!(found(b""), StateError::Foreign);
    assert_eq!(
        found(b"pipeline training state 1\n0123456789012345678901234567890123456789"),
        StateError::Foreign
    );
    assert_eq!(found(&bytes[..bytes.len() - 1]), StateError::Short);
    let mut damaged = bytes.clone();
    damaged[1000] ^= 4;
    assert_eq!(found(&damaged), StateError::Damaged);
    // Bodies with a right digest, cut short or with a length that promises too much.
    let body = 26 + 8 + 32;
    let sealed = |body: &[u8]| {
        let mut sealed = bytes[..26].to_vec();
        sealed.extend((body.len() as u64).to_le_bytes());
        sealed.extend(blake3::hash(body).as_bytes());
        sealed.extend(body);
        sealed
    };
    assert!(sealed(&bytes[body..]) == bytes);
    for length in (0..bytes.len() - body).step_by(97) {
        assert_eq!(found(&sealed(&bytes[body..][..length])), StateError::Other, "{length}");
    }
    let mut huge = bytes[body..].to_vec();
    huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(found(&sealed(&huge)), StateError::Other);
    let mut longer = bytes[body..].to_vec();
    longer.push(0);
    assert_eq!(found(&sealed(&longer)), StateError::Other);
}
