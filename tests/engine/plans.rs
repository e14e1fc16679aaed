//! Plans: what a mode word becomes, and what `pipeline plan` shows.

use super::{
    sandbox::{Sandbox, end},
    stages,
};
use contract::{
    Config,
    config::{Adam, Dataset, Optimizer, Quantization, Training},
};
use pipeline::plan::{Node, Plan, PlanError, Word, compile};
use proptest::prelude::*;

fn config() -> Config {
    let mut config = Config::default();
    config.general.model_path = Some("line.json".into());
    config.dataset = Some(Dataset { training_files_path: Some("points.txt".into()), ..Dataset::default() });
    let training = serde_json::json!({"batch_size": 2, "epochs": 4, "optimizer": {"Adam": {}}});
    config.training = serde_json::from_value::<Training>(training).ok();
    assert_eq!(
        config.training.as_ref().and_then(|t| t.optimizer.as_ref()),
        Some(&Optimizer::Adam(Adam::default()))
    );
    let quantization = serde_json::json!({
        "quantizer": "TFlite_converter",
        "quantization_type": "PTQ",
        "quantization_input_type": "int8",
        "quantization_output_type": "int8",
    });
    config.quantization = serde_json::from_value::<Quantization>(quantization).ok();
    assert!(config.quantization.is_some());
    config
}

fn plan(mode: &str) -> Result<Plan, PlanError> {
    let registry = stages::registry();
    let word = Word::parse(mode, &registry)?;
    let stages = word.stages(&registry)?;
    Ok(compile(&word, &stages, &config()).expect("a configuration with everything in it"))
}

/// `evaluate-2: model<-quantize, points<-training set`, one line a stage.
fn bindings(mode: &str) -> Vec<String> {
    let plan = plan(mode).expect("a plan");
    let line = |(index, stage): (_, &pipeline::plan::StageNode)| {
        let bound = plan.bindings(index).into_iter();
        let bound: Vec<_> = bound.map(|b| format!("{}<-{}", b.edge.port, plan.name(b.producer))).collect();
        format!("{}: {}", stage.name, bound.join(", "))
    };
    plan.stages().map(line).collect()
}

#[test]
fn a_stage_works_on_the_newest_model_before_it() {
    assert_eq!(
        bindings("chain_tqe"),
        [
            "train: points<-training set",
            "quantize: model<-train",
            "evaluate: model<-quantize, points<-training set, reference<-train"
        ]
    );
}

#[test]
fn a_chain_without_training_starts_from_the_model_file_and_its_int8_model_is_compared_with_it() {
    assert_eq!(
        bindings("chain_eqe"),
        [
            "evaluate-1: model<-model_path, points<-training set",
            "quantize: model<-model_path",
            "evaluate-2: model<-quantize, points<-training set, reference<-model_path"
        ]
    );
    let sources = plan("chain_eqe").expect("a plan").sources().count();
    assert_eq!(sources, 2, "the model file and the points, each once");
}

#[test]
fn each_single_mode_is_its_stage() {
    assert_eq!(bindings("training"), ["train: points<-training set"]);
    assert_eq!(bindings("quantization"), ["quantize: model<-model_path"]);
    assert_eq!(bindings("evaluation"), ["evaluate: model<-model_path, points<-training set"]);
}

#[test]
fn words_that_are_no_plan_say_why() {
    let refused = |mode| plan(mode).expect_err("no plan");
    assert!(matches!(refused("chain_"), PlanError::EmptyChain { .. }));
    assert!(matches!(refused("chain_txe"), PlanError::UnknownLetter { letter: 'x', .. }));
    assert!(matches!(refused("chain_qte"), PlanError::TrainNotFirst { .. }));
    assert!(matches!(refused("chain_tt"), PlanError::TrainNotFirst { .. }));
    assert!(matches!(refused("chain_tqeb"), PlanError::NotBuilt { stage: "benchmark", .. }));
    assert!(matches!(refused("chain_tqp"), PlanError::NotYet { stage: "predict", .. }));
    assert!(matches!(refused("deployment"), PlanError::NotYet { stage: "deploy", .. }));
    let PlanError::UnknownMode { help, .. } = refused("trainning") else { panic!("not an unknown mode") };
    assert!(help.starts_with("did you mean `training`?"), "{help}");
    let without = contract::Registry::new();
    let word = Word::parse("chain_tqe", &without).expect("a word");
    assert!(matches!(word.stages(&without), Err(PlanError::NotBuilt { stage: "train", .. })));
}

proptest! {
    #[test]
    fn every_word_is_an_acyclic_plan_with_every_port_bound_or_an_error(letters in "[tqebpdx]{0,9}") {
        let mode = format!("chain_{letters}");
        let legal = !letters.is_empty()
            && letters.chars().all(|letter| "tqe".contains(letter))
            && !letters.chars().skip(1).any(|letter| letter == 't');
        let plan = plan(&mode);
        prop_assert_eq!(plan.is_ok(), legal);
        let Ok(plan) = plan else { return Ok(()) };
        prop_assert_eq!(plan.stages().count(), letters.len());
        prop_assert!(petgraph::algo::toposort(&plan.graph, None).is_ok());
        let mut names: Vec<&str> = plan.stages().map(|(_, stage)| stage.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        prop_assert_eq!(names.len(), letters.len());
        for (index, stage) in plan.stages() {
            let bindings = plan.bindings(index);
            for port in &stage.inputs {
                let bound: Vec<_> = bindings.iter().filter(|binding| binding.edge.port == port.name).collect();
                prop_assert!(bound.len() == 1 || (port.optional && bound.is_empty()));
                for binding in bound {
                    prop_assert!(port.accepts.contains(&binding.edge.kind));
                    prop_assert!(binding.producer < index);
                    if let Node::Stage(producer) = &plan.graph[binding.producer] {
                        let output = producer.outputs.iter().find(|o| Some(o.name.as_ref()) == binding.edge.output.as_deref());
                        prop_assert_eq!(output.map(|output| output.kind), Some(binding.edge.kind));
                    }
                }
            }
        }
    }
}

/// What `plan` says, without the day.
fn shown(sandbox: &Sandbox, changes: &[&str]) -> String {
    let ended = end(sandbox.start(&[&["plan", "chain.yaml"], changes].concat()));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let line = |line: &str| match line.split_once("made on") {
        Some((before, _)) => format!("{before}made on ..."),
        None => line.to_owned(),
    };
    ended.stdout.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_plan_shows_what_would_run_and_runs_nothing() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(shown(&sandbox, &[]), @r"
    chain_tqe: 3 stages, 0 stored, 1 to run, 2 depending on others

    stage     status                 inputs                                                   why
    train     run                    points: training set                                     no stored result for these settings and inputs
    quantize  after train            model: train                                             its inputs are not made yet
    evaluate  after train, quantize  model: quantize, points: training set, reference: train  its inputs are not made yet
    ");
    assert_eq!(sandbox.runs(), Vec::<String>::new());
    sandbox.must_run(&[]);
    insta::assert_snapshot!(shown(&sandbox, &["quantization.granularity=per_tensor"]), @r"
    chain_tqe: 3 stages, 1 stored, 1 to run, 1 depending on others

    stage     status          inputs                                                   why
    train     hit             points: training set                                     made on ...
    quantize  run             model: train                                             no stored result for these settings and inputs
    evaluate  after quantize  model: quantize, points: training set, reference: train  its inputs are not made yet
    ");
    insta::assert_snapshot!(shown(&sandbox, &[]), @r"
    chain_tqe: 3 stages, 3 stored, 0 to run, 0 depending on others

    stage     status  inputs                                                   why
    train     hit     points: training set                                     made on ...
    quantize  hit     model: train                                             made on ...
    evaluate  hit     model: quantize, points: training set, reference: train  made on ...
    ");
    assert_eq!(sandbox.runs(), ["run"]);
}
