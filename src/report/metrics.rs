//! The last value of every number that a run measured.

use super::{
    cells::{plain, width},
    table,
};
use contract::{Event, EventKind};
use indexmap::IndexMap;

/// Metrics by node of the plan, in the order they came.
#[derive(Debug, Default)]
pub(super) struct Metrics(IndexMap<String, Node>);

#[derive(Debug, Default)]
struct Node {
    /// The nodes whose results it works on.
    after: Vec<String>,
    values: IndexMap<String, f64>,
}

impl Metrics {
    /// The metrics of nodes: their names, the nodes they work on, their values.
    pub(super) fn of(nodes: impl IntoIterator<Item = (String, Vec<String>, IndexMap<String, f64>)>) -> Self {
        Self(nodes.into_iter().map(|(name, after, values)| (name, Node { after, values })).collect())
    }

    /// Notes a metric that is not part of a series.
    pub(super) fn hear(&mut self, event: &Event) {
        let Some(stage) = &event.stage else { return };
        match &event.kind {
            EventKind::StagePlanned { after } => {
                self.0.entry(stage.clone()).or_default().after.clone_from(after);
            }
            EventKind::Metric { name, step: None, value } => {
                self.0.entry(stage.clone()).or_default().values.insert(name.clone(), *value);
            }
            _ => {}
        }
    }

    /// A table, empty without metrics. Where something was measured of several models, their numbers stand side by side
    /// under the stage that measured them; else it is a plain list.
    pub(super) fn table(&self) -> String {
        let blocks = self.blocks();
        if blocks.iter().all(|block| block.columns.len() < 2) { self.list() } else { matrix(&blocks) }
    }

    fn list(&self) -> String {
        let rows: Vec<[String; 3]> = self
            .0
            .iter()
            .flat_map(|(stage, node)| {
                node.values.iter().map(|(name, value)| [stage.clone(), name.clone(), number(*value)])
            })
            .collect();
        if rows.is_empty() { String::new() } else { table(["stage", "metric", "value"], &rows, &[2]) }
    }

    /// Nodes with metrics by their stage.
    fn blocks(&self) -> Vec<Block> {
        let mut stages: IndexMap<&str, Vec<(&str, &Node)>> = IndexMap::new();
        for (name, node) in self.0.iter().filter(|(_, node)| !node.values.is_empty()) {
            stages.entry(self.stage(name)).or_default().push((name, node));
        }
        stages.into_iter().map(|(stage, nodes)| Block::of(stage, &nodes)).collect()
    }

    /// The stage of a node: `estimate` of `estimate-1` where there is an `estimate-2`, else the node's own name.
    fn stage<'a>(&self, node: &'a str) -> &'a str {
        let Some((stage, _)) = numbered(node) else { return node };
        let same = |other: &&String| numbered(other).is_some_and(|(name, _)| name == stage);
        if self.0.keys().filter(same).count() > 1 { stage } else { node }
    }
}

/// `estimate` and `2` of `estimate-2`.
fn numbered(node: &str) -> Option<(&str, &str)> {
    node.rsplit_once('-').filter(|(_, number)| number.parse::<usize>().is_ok())
}

/// The metrics of a stage: a row for each name, a column for each model.
struct Block {
    title: String,
    columns: Vec<String>,
    rows: IndexMap<String, Vec<Option<f64>>>,
}

/// What evaluate puts before the names of metrics, in the order of columns. A name without it comes first.
const MODELS: [&str; 3] = ["", "float", "quantized"];

impl Block {
    fn of(stage: &str, nodes: &[(&str, &Node)]) -> Self {
        let by_model = nodes.iter().any(|(_, node)| compares_models(node));
        let mut columns: IndexMap<(usize, usize), IndexMap<&str, f64>> = IndexMap::new();
        let mut rows: IndexMap<String, Vec<Option<f64>>> = IndexMap::new();
        for (position, (_, node)) in nodes.iter().enumerate() {
            for (name, value) in &node.values {
                let (model, name) = if by_model { split(name) } else { (0, name.as_str()) };
                columns.entry((position, model)).or_default().insert(name, *value);
                rows.entry(name.to_owned()).or_default();
            }
        }
        columns.sort_keys();
        // The float model that a later node compares its own with may have had a column already.
        let told = |at: &(usize, usize), values: &IndexMap<&str, f64>| {
            let earlier = columns.iter().filter(|(other, _)| other.0 < at.0 && other.1 == at.1);
            earlier.into_iter().any(|(_, known)| {
                values
                    .iter()
                    .all(|(name, value)| known.get(name).is_some_and(|k| k.to_bits() == value.to_bits()))
            })
        };
        let shown: Vec<_> = columns.iter().filter(|(at, values)| at.1 == 0 || !told(at, values)).collect();
        for (name, cells) in &mut rows {
            cells.extend(shown.iter().map(|(_, values)| values.get(name.as_str()).copied()));
        }
        let heading = |(position, model): &(usize, usize)| {
            let (name, node) = nodes[*position];
            let number = match numbered(name) {
                Some((_, number)) if nodes.len() > 1 => number,
                _ => "",
            };
            // In the order of the plan: the last is the newest model, those before it are compared with it.
            match (*model, node.after.last()) {
                (0, Some(after)) if !number.is_empty() => format!("{number} ({after})"),
                (model, _) => format!("{number} {}", MODELS[model]).trim().to_owned(),
            }
        };
        let columns = shown.iter().map(|(at, _)| plain(&heading(at))).collect();
        Self { title: plain(stage), columns, rows }
    }
}

/// Whether some number was measured of both a float and a quantized model.
fn compares_models(node: &Node) -> bool {
    let both = |name: &String| {
        let rest = name.strip_prefix("float_");
        rest.is_some_and(|rest| node.values.contains_key(&format!("quantized_{rest}")))
    };
    node.values.keys().any(both)
}

/// A metric's model, a position in [`MODELS`], and its name without it.
fn split(name: &str) -> (usize, &str) {
    let prefixed = |(position, model): (usize, &&str)| {
        let rest = name.strip_prefix(*model)?.strip_prefix('_')?;
        Some((position, rest))
    };
    MODELS.iter().enumerate().skip(1).find_map(prefixed).unwrap_or((0, name))
}

/// Blocks below each other, with their columns aligned.
fn matrix(blocks: &[Block]) -> String {
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for block in blocks {
        lines.push((block.title.clone(), block.columns.clone()));
        for (name, values) in &block.rows {
            let cells = values.iter().map(|value| value.map(number).unwrap_or_default());
            lines.push((format!("  {}", plain(name).replace('\n', " ")), cells.collect()));
        }
    }
    let names = lines.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let columns = blocks.iter().map(|block| block.columns.len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            lines.iter().filter_map(|(_, cells)| cells.get(column)).map(|cell| width(cell)).max().unwrap_or(0)
        })
        .collect();
    let blanks = |count: usize| " ".repeat(count);
    let mut text = String::new();
    for (name, cells) in &lines {
        let mut line = name.clone() + &blanks(names - width(name));
        for (cell, columns) in cells.iter().zip(&widths) {
            line += &blanks(2 + columns - width(cell));
            line += cell;
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// Whole numbers as such, others with four places.
pub(crate) fn number(value: f64) -> String {
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

    fn planned(stage: &str, after: &[&str]) -> Event {
        let after = after.iter().map(|&name| name.to_owned()).collect();
        Event {
            stage: Some(stage.to_owned()),
            kind: EventKind::StagePlanned { after },
            ..metric("", None, 0.0)
        }
    }

    fn of(stage: &str, name: &str, value: f64) -> Event {
        Event { stage: Some(stage.to_owned()), ..metric(name, None, value) }
    }

    fn heard(events: impl IntoIterator<Item = Event>) -> String {
        let mut metrics = Metrics::default();
        events.into_iter().for_each(|event| metrics.hear(&event));
        metrics.table()
    }

    #[test]
    fn float_and_int8_stand_side_by_side() {
        let text = heard([
            planned("train", &[]),
            planned("estimate-1", &["train"]),
            planned("measure-1", &["train"]),
            planned("quantize", &["train"]),
            planned("evaluate", &["quantize", "train"]),
            planned("estimate-2", &["quantize"]),
            planned("measure-2", &["quantize"]),
            of("train", "val_loss", 0.212_34),
            of("estimate-1", "RAM Activations KiB", 540.0),
            of("estimate-1", "Flash weights KiB", 2_617.976_562_5),
            of("quantize", "quantized_model_kib", 856.4),
            of("measure-1", "host inference_time ms", 4.25),
            of("estimate-2", "RAM Activations KiB", 135.0),
            of("estimate-2", "Flash weights KiB", 712.363_281_25),
            of("evaluate", "quantized_miou_validation_set", 88.1),
            of("evaluate", "float_parameters", 670_203.0),
            of("evaluate", "float_miou_validation_set", 89.25),
            of("evaluate", "quantized_agreement_validation_set", 99.1),
            of("measure-2", "host inference_time ms", 6.5),
        ]);
        insta::assert_snapshot!("float_against_int8", text);
    }

    #[test]
    fn a_float_model_that_two_nodes_measured_alike_has_one_column() {
        let text = heard([
            planned("evaluate-1", &[]),
            planned("quantize", &[]),
            planned("evaluate-2", &["quantize"]),
            of("evaluate-1", "float_miou_validation_set", 89.25),
            of("quantize", "calibration_images", 20.0),
            of("evaluate-2", "quantized_miou_validation_set", 88.1),
            of("evaluate-2", "float_miou_validation_set", 89.25),
        ]);
        insta::assert_snapshot!("two_evaluations", text);
    }

    #[test]
    fn a_name_with_a_number_of_its_own_stays_whole() {
        let text = heard([of("resnet-50", "a", 1.0), of("mobilenet-2", "a", 2.0)]);
        assert_eq!(
            text,
            "stage        metric  value\nresnet-50    a           1\nmobilenet-2  a           2\n"
        );
    }
}
