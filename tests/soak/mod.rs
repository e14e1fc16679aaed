//! What takes longer than a change should wait for: `cargo test --release --test main soak -- --ignored --nocapture`,
//! each for `PIPELINE_SOAK_SECONDS` (600).

mod disturbed;
mod language;
mod mutate;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long each test goes on.
fn patience() -> Duration {
    let seconds = std::env::var("PIPELINE_SOAK_SECONDS").ok().map(|text| text.parse().expect("seconds"));
    Duration::from_secs(seconds.unwrap_or(600))
}

/// What draws begin with: of `PIPELINE_SOAK_SEED`, else of the time; each test prints it.
fn seed() -> u64 {
    match std::env::var("PIPELINE_SOAK_SEED") {
        Ok(text) => text.parse().expect("a number"),
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs()),
    }
}
