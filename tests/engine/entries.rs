//! `operation_mode: stages`: what entries become, and own programs through the real binary.

use super::{
    sandbox::{Ended, Sandbox, end},
    stages,
};
use contract::{
    Config,
    config::{Inputs, StageEntry, Stages, Words},
};
use pipeline::plan::{Link, Node, Plan, compile_stages};
use proptest::prelude::*;

/// Entries that read `out` of others, or only wait for them.
fn entries(reads: &[Vec<usize>], needs: &[Vec<usize>]) -> Stages {
    let name = |index: usize| format!("s{index}");
    let entry = |index: usize| StageEntry {
        command: Some(Words::Shell("cat {inputs} > {outputs.out}".to_owned())),
        inputs: Inputs(
            reads[index]
                .iter()
                .enumerate()
                .map(|(i, other)| (i.to_string(), format!("s{other}/out")))
                .collect(),
        ),
        outputs: vec!["out".to_owned()],
        needs: needs[index].iter().copied().map(name).collect(),
        ..StageEntry::default()
    };
    (0..reads.len()).map(|index| (name(index), entry(index))).collect()
}

fn compiled(stages: &Stages) -> Result<Plan, Vec<contract::Issue>> {
    let config = Config::default();
    compile_stages(stages, &stages::registry(), &|_| &config)
}

/// Whether some way along these edges leads back to where it started.
fn has_circle(edges: &[Vec<usize>]) -> bool {
    let mut done = vec![false; edges.len()];
    loop {
        let ready =
            (0..edges.len()).find(|&node| !done[node] && edges[node].iter().all(|&other| done[other]));
        match ready {
            Some(node) => done[node] = true,
            None => return done.contains(&false),
        }
    }
}

proptest! {
    #[test]
    fn entries_are_a_complete_acyclic_plan_unless_they_go_in_circles(
        pairs in prop::collection::vec((0..8usize, 0..8usize, any::<bool>()), 0..14)
    ) {
        let (mut reads, mut needs) = (vec![Vec::new(); 8], vec![Vec::new(); 8]);
        for (from, to, reads_it) in pairs {
            // Mostly forwards, so that most have no circle.
            let list = if reads_it { &mut reads[from.max(to)] } else { &mut needs[from] };
            let other = if reads_it { from.min(to) } else { to };
            if !list.contains(&other) {
                list.push(other);
            }
        }
        let edges: Vec<Vec<usize>> = reads.iter().zip(&needs).map(|(a, b)| [a.clone(), b.clone()].concat()).collect();
        let plan = compiled(&entries(&reads, &needs));
        prop_assert_eq!(plan.is_err(), has_circle(&edges));
        let Ok(plan) = plan else { return Ok(()) };
        prop_assert_eq!(plan.stages().count(), 8);
        for (index, stage) in plan.stages() {
            let number: usize = stage.name[1..].parse().expect("a number");
            prop_assert!(plan.upstream(index).iter().all(|&other| other < index));
            let mut waits: Vec<String> = plan.upstream(index).iter().map(|&other| plan.name(other).to_owned()).collect();
            let mut wanted: Vec<String> = edges[number].iter().map(|other| format!("s{other}")).collect();
            for list in [&mut waits, &mut wanted] {
                list.sort();
                list.dedup();
            }
            prop_assert_eq!(waits, wanted);
            let read: Vec<String> = plan.bindings(index).into_iter()
                .filter(|binding| matches!(plan.graph[binding.producer], Node::Stage(_)))
                .map(|binding| plan.name(binding.producer).to_owned()).collect();
            let wanted: Vec<String> = reads[number].iter().map(|other| format!("s{other}")).collect();
            prop_assert_eq!(read, wanted);
        }
        let orders = plan.graph.edge_weights().filter(|link| **link == Link::Order).count();
        let only_needed = |number: usize| needs[number].iter().filter(|other| !reads[number].contains(other)).count();
        prop_assert_eq!(orders, (0..8).map(only_needed).sum::<usize>());
    }
}

fn written(text: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("own.yaml", text);
    sandbox
}

fn run(sandbox: &Sandbox, changes: &[&str]) -> Ended {
    end(sandbox.start(&[&["run", "own.yaml", "--new-folder", "hydra.run.dir=runs/run"], changes].concat()))
}

fn mistakes(stages: &str) -> String {
    let sandbox = written(&format!("operation_mode: stages\nstages:\n{stages}"));
    let ended = run(&sandbox, &[]);
    assert_eq!(ended.code, Some(10), "{ended:?}");
    assert_eq!(sandbox.runs(), Vec::<String>::new());
    ended.stderr.replace(&sandbox.path("").display().to_string(), "FOLDER/")
}

#[test]
fn every_mistake_in_entries_is_told_with_its_place() {
    insta::assert_snapshot!(
        "entries_mistakes",
        mistakes(
            "  a: {uses: comand, command: ls}\n  b: {command: 'ls {outputs.c}', outputs: [d], needs: [a, x, b]}\n  \
             logs: {command: ls}\n  2c: {command: ls}\n  my.stage: {command: ls}\n  d: {outputs: [../x]}\n"
        )
    );
    insta::assert_snapshot!(
        "entries_references",
        mistakes(
            "  make: {command: 'date > {outputs.date.txt}', outputs: [date.txt]}\n  a: {command: 'cat {inputs}', inputs: \
             [make/dat.txt]}\n  b: {command: 'cat {inputs}', inputs: [mak/date.txt, no/such/file]}\n  fit: {uses: \
             quantize, command: ls, inputs: {mdel: make/date.txt}}\n"
        )
    );
    insta::assert_snapshot!(
        "entries_circle",
        mistakes(
            "  a: {command: 'cat {inputs}', inputs: [c/out], outputs: [out]}\n  b: {command: ls, needs: [a]}\n  c: \
             {command: ls, needs: [b], outputs: [out]}\n"
        )
    );
    insta::assert_snapshot!(
        "entries_limits",
        mistakes(
            "  a: {command: ls, timeout: 5 weeks, resources: {memory: lots, cores: -1}, retries: 1.5}\n"
        )
    );
}

#[test]
fn a_file_without_entries_has_nothing_to_run() {
    let sandbox = written("operation_mode: stages\n");
    let ended = run(&sandbox, &[]);
    assert_eq!(ended.code, Some(10));
    insta::assert_snapshot!("entries_none", ended.stderr);
}

#[test]
fn params_of_a_stage_of_this_program_are_changes_to_its_configuration() {
    let sandbox = Sandbox::new();
    let text = fs_err::read_to_string(sandbox.path("chain.yaml")).expect("the configuration");
    let entries = "stages:\n  short: {uses: train, params: {training.epochs: 2}}\n  long: {uses: train}\n  \
                   round: {uses: quantize, needs: [short]}\n";
    sandbox.write("own.yaml", &(text.replace("chain_tqe", "stages") + entries));
    let ended = run(&sandbox, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let losses = |stage: &str| {
        let of_stage = |event: &contract::Event| event.stage.as_deref() == Some(stage);
        let loss =
            |event: &contract::Event| matches!(event.kind, contract::EventKind::Metric { step: Some(_), .. });
        sandbox.events("run").iter().filter(|event| of_stage(event) && loss(event)).count()
    };
    assert_eq!((losses("short"), losses("long")), (2, 4));
    // A chain with the same settings finds the same work.
    let again = sandbox.must_run(&["operation_mode=chain_tq", "training.epochs=2"]);
    assert_eq!(sandbox.executed(&sandbox.last_run()), Vec::<String>::new(), "{again:?}");
    sandbox.write(
        "own.yaml",
        &(text.replace("chain_tqe", "stages") + &entries.replace("epochs: 2", "epohcs: two")),
    );
    insta::assert_snapshot!("entries_params", run(&sandbox, &[]).stderr);
}

const OWN: &str = "\
operation_mode: stages
stages:
  double:
    command: sh double.sh {inputs.number} {outputs.number.txt}
    inputs: {number: number.txt}
    outputs: [number.txt]
  say:
    command: [cp, '{inputs.0}', '{outputs.said/number.txt}']
    inputs: [double/number.txt]
    outputs: [said/number.txt]
";

#[test]
fn own_programs_run_once_for_the_same_content_and_again_for_a_changed_script() {
    let sandbox = written(OWN);
    sandbox.write("number.txt", "21\n");
    sandbox.write("double.sh", "echo $(($(cat $1) * 2)) > $2\n");
    let ended = run(&sandbox, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(sandbox.executed("run"), ["double", "say"]);
    let read = |run: &str, path: &str| String::from_utf8_lossy(&sandbox.files(run)[path]).into_owned();
    assert_eq!(read("run", "double/number.txt"), "42\n");
    assert_eq!(read("run", "say/said/number.txt"), "42\n");

    // The same content elsewhere is the same input.
    sandbox.write("moved.txt", "21\n");
    assert_eq!(run(&sandbox, &["stages.double.inputs.number=moved.txt"]).code, Some(0));
    assert_eq!(sandbox.executed(&sandbox.last_run()), Vec::<String>::new());

    // Another script, the same result: what reads the result is not run again.
    sandbox.write("double.sh", "# a remark\necho $(($(cat $1) * 2)) > $2\n");
    assert_eq!(run(&sandbox, &[]).code, Some(0));
    assert_eq!(sandbox.executed(&sandbox.last_run()), ["double"]);

    sandbox.write("double.sh", "echo $(($(cat $1) * 3)) > $2\n");
    assert_eq!(run(&sandbox, &[]).code, Some(0));
    assert_eq!(sandbox.executed(&sandbox.last_run()), ["double", "say"]);
    assert_eq!(read(&sandbox.last_run(), "say/said/number.txt"), "63\n");
}

#[test]
fn only_listed_variables_reach_a_program_and_only_they_are_in_its_key() {
    let text = "operation_mode: stages\nstages:\n  env: {command: 'env > {outputs.env.txt}', outputs: [env.txt], environment: [SEEN]}\n";
    let mut sandbox = written(text).with("SEEN", "yes").with("UNSEEN", "a secret");
    assert_eq!(run(&sandbox, &[]).code, Some(0));
    let variables = String::from_utf8_lossy(&sandbox.files("run")["env/env.txt"]).into_owned();
    assert!(variables.contains("SEEN=yes\n") && !variables.contains("UNSEEN"), "{variables}");
    sandbox = sandbox.with("UNSEEN", "another");
    assert_eq!(run(&sandbox, &[]).code, Some(0));
    assert_eq!(sandbox.executed(&sandbox.last_run()), Vec::<String>::new());
    sandbox = sandbox.with("SEEN", "no");
    assert_eq!(run(&sandbox, &[]).code, Some(0));
    assert_eq!(sandbox.executed(&sandbox.last_run()), ["env"]);
}
