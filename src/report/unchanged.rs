//! A run of which nothing is to be done, for people.

use super::metrics::Metrics;
use contract::Event;

/// What a finished run measured, and where its results are.
#[must_use]
pub fn unchanged(results: usize, folder: &str, events: &[Event]) -> String {
    let mut metrics = Metrics::default();
    events.iter().for_each(|event| metrics.hear(event));
    let mut text = metrics.table();
    if !text.is_empty() {
        text.push('\n');
    }
    let what = match results {
        1 => "its result is stored".to_owned(),
        count => format!("all {count} results are stored"),
    };
    text.push_str(&format!("nothing to do: {what}; results are in {folder}\n"));
    text
}
