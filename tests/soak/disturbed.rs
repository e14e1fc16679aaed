//! Kills at many moments, many runs at once, and full disks of many sizes.

use super::{patience, seed};
use crate::engine::{
    disturbed::{CHAIN, SWEEP},
    full_disk::{on_a_disk, tells_of_the_disk},
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

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

#[test]
#[ignore = "fills 80 disks"]
fn a_disk_of_any_size_is_filled_without_harm() {
    let mut ended = BTreeMap::new();
    for folder in ["cache", "runs"] {
        for kib in (40..8000).step_by(200) {
            let Some((code, message)) = on_a_disk(kib, folder) else { return };
            assert!(code == 0 || tells_of_the_disk(&message), "{kib} KiB at {folder}: {code} {message}");
            *ended.entry((folder, code)).or_insert(0) += 1;
        }
    }
    eprintln!("how many runs ended with which code: {ended:?}");
}
