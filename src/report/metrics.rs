//! The last value of every number that a run measured.

use super::table;
use contract::{Event, EventKind};
use indexmap::IndexMap;

/// Metrics by stage and name, in the order they came.
#[derive(Debug, Default)]
pub(super) struct Metrics(IndexMap<(String, String), f64>);

impl Metrics {
    /// Notes a metric that is not part of a series.
    pub(super) fn hear(&mut self, event: &Event) {
        if let (Some(stage), EventKind::Metric { name, step: None, value }) = (&event.stage, &event.kind) {
            self.0.insert((stage.clone(), name.clone()), *value);
        }
    }

    /// A table, empty without metrics.
    pub(super) fn table(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let row =
            |((stage, name), value): (&(String, String), &f64)| [stage.clone(), name.clone(), number(*value)];
        let rows: Vec<[String; 3]> = self.0.iter().map(row).collect();
        table(["stage", "metric", "value"], &rows, &[2])
    }
}

/// Whole numbers as such, others with four places.
pub(super) fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 { format!("{value:.0}") } else { format!("{value:.4}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(name: &str, step: Option<u64>, value: f64) -> Event {
        let kind = EventKind::Metric { name: name.to_owned(), step, value };
        Event {
            seq: 0,
            at: String::new(),
            stage: Some("evaluate".to_owned()),
            attempt: 1,
            cached: false,
            kind,
        }
    }

    #[test]
    fn the_table_shows_the_last_single_values_and_no_series() {
        let mut metrics = Metrics::default();
        assert_eq!(metrics.table(), "");
        for event in [
            metric("miou", None, 0.1),
            metric("loss", Some(1), 2.0),
            metric("miou", None, 0.25),
            metric("parameters", None, 1200.0),
        ] {
            metrics.hear(&event);
        }
        let table =
            "stage     metric       value\nevaluate  miou        0.2500\nevaluate  parameters    1200\n";
        assert_eq!(metrics.table(), table);
    }
}
