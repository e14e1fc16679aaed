//! Runs beside each other.

use super::sandbox::{Ended, Sandbox, end};
use serde_json::Value;

fn said(sandbox: &Sandbox, arguments: &[&str]) -> Ended {
    end(sandbox.start(&[&["compare"], arguments].concat()))
}

fn printed(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let ended = said(sandbox, arguments);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout
}

/// Two runs that are done and one that failed.
fn three() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.must_run(&["training.epochs=2"]);
    sandbox.must_run(&["training.epochs=40", "quantization.granularity=per_tensor"]);
    let sandbox = sandbox.with("TINY_TROUBLE", "quantize:fail");
    assert_eq!(sandbox.run(&["training.epochs=60"]).code, Some(12));
    sandbox
}

#[test]
fn runs_are_compared_in_what_differs_and_failed_ones_stay_with_their_error() {
    let sandbox = three().with("COLUMNS", "110");
    insta::assert_snapshot!("compared", printed(&sandbox, &["runs"]));
    let best =
        printed(&sandbox, &["chain.yaml", "--sort", "squared_error", "--limit", "1", "--format", "csv"]);
    assert_eq!(best.lines().count(), 2, "{best}");
    assert!(best.contains("run-2,runs/run-2,done,,"), "{best}");

    let object: Value =
        serde_json::from_str(&printed(&sandbox, &["runs", "--format", "json"])).expect("JSON");
    assert_eq!(object["runs"][0]["error"]["code"], "tiny::asked");
    assert_eq!(object["runs"][1]["parameters"]["training.epochs"], 40);
    assert_eq!(object["runs"][1]["series"]["train.loss"]["steps"], 40);
    let two = printed(
        &sandbox,
        &["run-2", "runs/run", "--dir", "runs", "--params", "epochs", "--metrics", "squared"],
    );
    let header = two.lines().find(|line| line.starts_with("run ")).unwrap_or_default();
    assert_eq!(header.split_whitespace().collect::<Vec<_>>(), ["run", "epochs", "squared_error"], "{two}");
}

#[test]
fn the_newest_sweep_is_what_is_compared_and_it_is_named_like_a_run() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&["hydra.run.dir=runs/single"]);
    let swept =
        end(sandbox.start(&["sweep", "chain.yaml", "training.epochs=2,20", "hydra.run.dir=runs/swept"]));
    assert_eq!(swept.code, Some(0), "{swept:?}");
    let text = printed(&sandbox, &["--dir", "runs"]);
    assert!(text.starts_with("sweep swept of training.epochs: 2 runs of chain_tqe\n"), "{text}");
    let start = |line: &str| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let rows: Vec<String> = text.lines().skip(3).take(3).map(start).collect();
    assert_eq!(rows, ["run epochs", "0 2", "1 20"], "{text}");
    assert_eq!(printed(&sandbox, &["swe", "--dir", "runs"]), text);
    let mixed = printed(&sandbox, &["swept", "single", "--dir", "runs", "--format", "csv"]);
    let names: Vec<&str> = mixed.lines().filter_map(|line| line.split(',').next()).collect();
    assert_eq!(names, ["run", "0", "1", "single"], "{mixed}");
}

#[test]
fn runs_are_drawn_against_each_other_and_only_as_svg() {
    let sandbox = three();
    let plot = ["runs", "--plot", "epochs:min,squared_error"];
    let drawn = said(&sandbox, &[&plot[..], &["-o", "front.svg"]].concat());
    assert_eq!((drawn.code, drawn.stderr.as_str()), (Some(0), "the picture is in front.svg\n"));
    let svg = fs_err::read_to_string(sandbox.path("front.svg")).expect("a picture");
    for words in
        ["squared_error against epochs", "not drawn, without these numbers: 1 failed", "Pareto front"]
    {
        assert!(svg.contains(words), "{words}: {svg}");
    }
    let refused = said(&sandbox, &[&plot[..], &["-o", "front.png"]].concat());
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""));
    assert!(
        refused.stderr.contains("only SVG is made") && refused.stderr.contains("rsvg-convert"),
        "{refused:?}"
    );
    assert_eq!(said(&sandbox, &["runs", "--plot", "epochs"]).code, Some(2));
    let nowhere = said(&sandbox, &[&plot[..], &["-o", "no/such/folder.svg"]].concat());
    assert!(nowhere.code != Some(0) && nowhere.stderr.contains("no/such/folder.svg"), "{nowhere:?}");
}

#[test]
fn what_is_not_there_to_be_compared_is_a_usage_error_with_the_nearest_name() {
    let sandbox = Sandbox::new();
    let refused = |arguments: &[&str], words: &str| {
        let ended = said(&sandbox, arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
    };
    refused(&[], "there is no run in `experiments_outputs`");
    sandbox.must_run(&[]);
    refused(&["runs", "--sort", "squared_eror"], "did you mean `squared_error`?");
    refused(&["nothing", "--dir", "runs"], "no run in `runs` is called `nothing`");
    refused(&["runs", "--metrics", "epochs"], "no metric of these runs is called `epochs`");
}
