//! What takes longer than a change should wait for: `cargo test --release --test main soak -- --ignored --nocapture`,
//! each for `PIPELINE_SOAK_SECONDS` (600).

mod language;
mod mutate;

use std::time::Duration;

/// How long each test goes on.
fn patience() -> Duration {
    let seconds = std::env::var("PIPELINE_SOAK_SECONDS").ok().map(|text| text.parse().expect("seconds"));
    Duration::from_secs(seconds.unwrap_or(600))
}
