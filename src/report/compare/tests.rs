//! Comparisons of runs that were written by hand.

use super::{Choice, CompareError, Comparison, Page, Row, Subject, together};
use crate::record::{self, Outcome, RunFolder, RunRecord, SweepRecord, VariantError, VariantRecord};
use contract::{Event, EventKind};
use indexmap::IndexMap;
use serde_json::Value;
use std::path::Path;

/// A folder of runs.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, name: &str, yaml: &str, outcome: Outcome, events: &[(&str, EventKind)]) {
        let folder = RunFolder::create(self.path().join(name).to_str().unwrap()).unwrap();
        let mut record = RunRecord::start(folder.id(), "chain_tqe", "chain.yaml");
        // What the configuration takes from the clock differs and is no difference.
        let second = name.bytes().map(usize::from).sum::<usize>() % 50;
        record.started = format!("2026-11-22T21:00:{second:02}Z");
        let yaml = yaml.replace("NOW", &format!("2026_11_22_21_00_{second:02}"));
        record.outcome = outcome;
        folder.save(&record).unwrap();
        folder.write_config(&yaml).unwrap();
        let mut log = String::new();
        for (seq, (stage, kind)) in events.iter().enumerate() {
            let event = Event {
                seq: seq as u64,
                at: record.started.clone(),
                stage: Some((*stage).to_owned()),
                attempt: 1,
                cached: false,
                kind: kind.clone(),
            };
            log += &(serde_json::to_string(&event).unwrap() + "\n");
        }
        fs_err::write(folder.path().join("events.jsonl"), log).unwrap();
    }

    fn rows(&self) -> Vec<Row> {
        let mut runs = record::runs(self.path()).unwrap();
        runs.sort_by(|a, b| a.id.cmp(&b.id));
        together(Row::of_runs(&runs))
    }

    fn compared(&self, choice: &Choice) -> Result<Comparison, CompareError> {
        Comparison::new(Subject::Runs, self.rows(), choice)
    }

    fn text(&self, columns: Option<usize>, choice: &Choice) -> String {
        self.compared(choice).unwrap().text(Page { columns, bold: false })
    }

    /// Without the folder that is another each time.
    fn hidden(&self, text: &str) -> String {
        text.replace(self.path().to_str().unwrap(), "outputs")
    }
}

fn yaml(alpha: f64, epochs: u32, name: &str) -> String {
    format!(
        "general:\n  project_name: shapes\n  logs_dir: logs/NOW\ndataset:\n  name: camvid\n  \
         token: ${{oc.env:TOKEN}}\n  training_path: /data/segmentation/{name}/images\ntraining:\n  model:\n    name: \
         mobilenet\n    alpha: {alpha}\n  epochs: {epochs}\nhydra:\n  run:\n    dir: out/{name}\n"
    )
}

fn number(stage: &'static str, name: &str, value: f64) -> (&'static str, EventKind) {
    (stage, EventKind::Metric { name: name.to_owned(), step: None, value })
}

fn measured(miou: f64, flash: f64) -> Vec<(&'static str, EventKind)> {
    let loss =
        |step, value| ("train", EventKind::Metric { name: "val_loss".to_owned(), step: Some(step), value });
    vec![
        loss(0, 2.0),
        loss(1, 1.0 / miou),
        number("train", "best_val_loss", 1.0 / miou),
        number("quantize", "quantized_model_kib", flash),
        number("quantize", "calibration_images", 80.0),
        number("score", "slope", miou),
        number("evaluate", "quantized_miou_validation_set", miou),
    ]
}

/// Four runs: two that are done, one that failed, one that was stopped.
fn four() -> Place {
    let place = Place::new();
    place.run("a", &yaml(0.35, 20, "a"), Outcome::Done, &measured(53.44, 820.265_625));
    place.run("b", &yaml(0.5, 20, "b"), Outcome::Done, &measured(55.125, 1500.5));
    let mut failed = measured(54.0, 800.0)[..3].to_vec();
    failed.push((
        "quantize",
        EventKind::StageFailed {
            code: "quantize::range".to_owned(),
            message: "layer `conv` has no finite range\nand more".to_owned(),
            help: None,
        },
    ));
    place.run("c", &yaml(0.75, 40, "c"), Outcome::Failed, &failed);
    place.run("d", &yaml(1.0, 40, "d"), Outcome::Cancelled, &[]);
    place
}

#[test]
fn what_differs_is_a_table_and_what_does_not_is_a_line_however_wide_the_page_is() {
    let place = four();
    for columns in [None, Some(100), Some(72), Some(36)] {
        let name = format!("four_in_{}", columns.map_or("any".to_owned(), |columns| columns.to_string()));
        let text = place.text(columns, &Choice::default());
        let wide = |line: &&str| unicode_width::UnicodeWidthStr::width(*line) > columns.unwrap_or(usize::MAX);
        let table: Vec<&str> = text.lines().skip(1).filter(|line| !line.contains('[')).filter(wide).collect();
        assert_eq!(table, Vec::<&str>::new());
        insta::assert_snapshot!(name, text);
    }
    insta::assert_snapshot!("four_all", place.text(None, &Choice { all: true, ..Choice::default() }));
}

#[test]
fn many_runs_on_a_narrow_page_come_in_parts() {
    let place = Place::new();
    for number in 0..14u32 {
        let name = format!("{number:02}");
        let miou = 50.0 + f64::from(number % 5);
        place.run(
            &name,
            &yaml(0.35, number, &name),
            Outcome::Done,
            &measured(miou, 800.0 + f64::from(number)),
        );
    }
    insta::assert_snapshot!("parts", place.text(Some(40), &Choice { limit: Some(3), ..Choice::default() }));
    let all = place.text(Some(40), &Choice::default());
    assert!(all.lines().skip(1).all(|line| line.len() <= 40), "{all}");
}

#[test]
fn programs_get_all_digits_as_csv_and_everything_as_json() {
    let place = four();
    let comparison = place.compared(&Choice::default()).unwrap();
    insta::assert_snapshot!("csv", place.hidden(&comparison.csv()));
    insta::assert_snapshot!("json", place.hidden(&comparison.json()));
    insta::assert_snapshot!("markdown", comparison.markdown());
}

#[test]
fn runs_are_sorted_by_the_better_first_and_those_without_a_value_come_last() {
    let place = four();
    let order = |sort: &str, descending: Option<bool>| -> String {
        let choice = Choice { sort: Some(sort.to_owned()), descending, ..Choice::default() };
        let csv = place.compared(&choice).unwrap().csv();
        csv.lines().skip(1).map(|line| line.split(',').next().unwrap_or_default()).collect()
    };
    assert_eq!(order("quantized_miou", None), "bacd");
    assert_eq!(order("quantized_miou", Some(false)), "abcd");
    assert_eq!(order("best_val_loss", None), "bcad");
    assert_eq!(order("alpha", None), "abcd");
    assert_eq!(order("epochs", Some(true)), "cdab");
    assert_eq!(order("model_kib", None), "abcd");
}

#[test]
fn columns_are_chosen_by_the_ends_of_their_names_and_others_are_refused() {
    let place = four();
    let choice = |parameters: &str, metrics: &str| {
        let list = |text: &str| text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        place.compared(&Choice { parameters: list(parameters), metrics: list(metrics), ..Choice::default() })
    };
    let header = |parameters: &str, metrics: &str| {
        let csv = choice(parameters, metrics).unwrap().csv();
        csv.lines().next().unwrap_or_default().replace("run,folder,outcome,error,", "")
    };
    assert_eq!(
        header("project_name", "quantized_miou"),
        "general.project_name,evaluate.quantized_miou_validation_set"
    );
    assert_eq!(header("epochs", "val_loss.last"), "training.epochs,train.val_loss last");
    let refused = |parameters: &str, metrics: &str| {
        crate::report::diagnostic(&choice(parameters, metrics).unwrap_err(), false)
    };
    insta::assert_snapshot!("unknown_parameter", refused("epoch", ""));
    insta::assert_snapshot!("metric_as_parameter", refused("quantized_miou", ""));
}

#[test]
fn variants_that_did_not_start_stand_in_the_table_with_the_values_they_will_have() {
    let place = Place::new();
    place.run("0", &yaml(0.35, 20, "x"), Outcome::Done, &measured(53.44, 820.25));
    place.run("1", &yaml(0.35, 40, "x"), Outcome::Done, &measured(54.44, 820.25));
    let variant = |folder: &str, epochs: u32, outcome: Outcome, error: Option<VariantError>| VariantRecord {
        folder: folder.to_owned(),
        overrides: Vec::new(),
        values: IndexMap::from([("training.epochs".to_owned(), Value::from(epochs))]),
        outcome,
        error,
    };
    let refused = VariantError {
        stage: "train".to_owned(),
        code: "train::memory".to_owned(),
        message: "there is no memory for that".to_owned(),
    };
    let sweep = SweepRecord {
        format: SweepRecord::FORMAT,
        id: "2026_11_22_21_00_00".to_owned(),
        file: "chain.yaml".to_owned(),
        operation_mode: "chain_tqe".to_owned(),
        directory: "/somewhere".into(),
        started: "2026-11-22T21:00:00Z".to_owned(),
        finished: None,
        outcome: Outcome::Running,
        keys: vec!["training.epochs".to_owned()],
        variants: vec![
            variant("0", 20, Outcome::Done, None),
            variant("1", 40, Outcome::Done, None),
            variant("2", 80, Outcome::Failed, Some(refused)),
            variant("3", 160, Outcome::Running, None),
        ],
    };
    let rows = Row::of_sweep(place.path(), &sweep);
    let subject = Subject::Sweep { id: sweep.id.clone(), keys: sweep.keys.clone() };
    let comparison = Comparison::new(subject, rows, &Choice::default()).unwrap();
    insta::assert_snapshot!("sweep", comparison.text(Page { columns: None, bold: false }));

    let svg = comparison.picture("epochs", "quantized_miou").unwrap();
    for words in [
        "<text x=\"88\" y=\"34\" font-size=\"18\" fill=\"#1f2933\" text-anchor=\"start\" font-weight=\"600\">quantized_miou \
         against epochs</text>",
        ">2 runs of sweep 2026_11_22_21_00_00</text>",
        ">not drawn, without these numbers: 1 failed, 1 not started</text>",
        "<title>1, epochs 40</title>",
    ] {
        assert!(svg.contains(words), "{words}: {svg}");
    }
    assert!(!svg.contains("Pareto"), "nobody knows whether more epochs are better: {svg}");
    let front = comparison.picture("epochs:min", "quantized_miou").unwrap();
    assert!(front.contains("Pareto front") && front.contains(">40</text>"), "{front}");
    let refusal = |x: &str, y: &str| crate::report::diagnostic(&comparison.picture(x, y).unwrap_err(), false);
    insta::assert_snapshot!("nothing_to_draw", refusal("project_name", "quantized_miou"));
}

#[test]
fn the_axis_of_a_metric_with_a_unit_has_it_in_brackets() {
    let place = four();
    let svg = place.compared(&Choice::default()).unwrap().picture("model_kib", "quantized_miou").unwrap();
    assert!(svg.contains(">quantized_model (KiB), lower is better<"), "{svg}");
    assert!(svg.contains(">quantized_miou, higher is better<"), "{svg}");
}

#[test]
fn what_cannot_be_read_of_a_run_is_told_and_the_run_stays() {
    let place = four();
    fs_err::write(place.path().join("a/.hydra/config.yaml"), "a: [").unwrap();
    fs_err::remove_file(place.path().join("b/.hydra/config.yaml")).unwrap();
    fs_err::write(place.path().join("c/run.json"), "{\"format\": 99}").unwrap();
    let comparison = place.compared(&Choice::default()).unwrap();
    let problems: Vec<String> = comparison.problems().map(|problem| place.hidden(&problem)).collect();
    insta::assert_snapshot!("problems", problems.join("\n"));
    assert_eq!(comparison.csv().lines().count(), 5);
}
