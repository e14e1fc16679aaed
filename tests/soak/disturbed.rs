//! Kills at many moments, and many runs at once.

use super::{patience, seed};
use crate::engine::disturbed::{CHAIN, SWEEP};
use std::time::{Duration, Instant};

/// How often the engine is killed.
const KILLS: usize = 50;

#[test]
#[ignore = "kills 50 engines"]
fn a_chain_survives_kills_at_any_moment() {
    CHAIN.survives_kills(seed(), KILLS);
}

#[test]
#[ignore = "kills 50 engines"]
fn a_sweep_survives_kills_at_any_moment() {
    SWEEP.survives_kills(seed(), KILLS);
}

#[test]
#[ignore = "kills 50 engines"]
fn whoever_waits_takes_over_from_a_killed_one() {
    CHAIN.outlives_a_partner(seed(), KILLS / 2);
    SWEEP.outlives_a_partner(seed(), KILLS / 2);
}

#[test]
#[ignore = "goes on for PIPELINE_SOAK_SECONDS"]
fn runs_at_once_never_do_a_stage_twice() {
    let (started, mut rounds) = (Instant::now(), 0);
    while started.elapsed() < patience() {
        for work in [&CHAIN, &SWEEP] {
            for count in [2, 4] {
                work.is_shared_by(count, Duration::from_millis(rounds % 7 * 10));
            }
        }
        rounds += 1;
    }
    eprintln!("{rounds} rounds of two and four at once");
}
