//! Work that is killed, done twice at once, or short of disk: what is left alive, and whether the next run gives the bytes
//! of an undisturbed one. Here in few repetitions, in the soak suite in many.

use super::sandbox::{Sandbox, end, id};
use contract::Random;
use rustix::process::{Signal, kill_process, kill_process_group};
use std::{
    collections::BTreeMap,
    os::unix::process::CommandExt,
    process::Child,
    thread,
    time::{Duration, Instant},
};

/// Two stages between one and one. Each counts its starts, leaves processes behind, and writes its output in two halves.
const STAGES: &str = "\
operation_mode: stages
stages:
  first: {command: 'sh stage.sh first {outputs.first.txt} - {inputs.0}', inputs: [points.txt], outputs: [first.txt], environment: [PIPELINE_CACHE_DIR]}
  left: {command: 'sh stage.sh left {outputs.left.txt} {params.note} {inputs.0}', inputs: [first/first.txt], outputs: [left.txt], params: {note: 1}, environment: [PIPELINE_CACHE_DIR]}
  right: {command: 'sh stage.sh right {outputs.right.txt} - {inputs.0}', inputs: [first/first.txt], outputs: [right.txt], environment: [PIPELINE_CACHE_DIR]}
  last: {command: 'sh stage.sh last {outputs.last.txt} - {inputs}', inputs: [left/left.txt, right/right.txt], outputs: [last.txt], environment: [PIPELINE_CACHE_DIR]}
";

const STAGE: &str = "\
name=$1 out=$2 note=$3
shift 3
echo $$ >> counted-$name
sh -c 'sleep 600 & sleep 601' &
echo \"$name $note\" > $out
sleep 0.03
cat \"$@\" >> $out
";

/// A command that does all of the work, and how often each body then runs.
pub(crate) struct Work {
    pub(crate) arguments: &'static [&'static str],
    pub(crate) executions: &'static [(&'static str, usize)],
}

/// One run.
pub(crate) const CHAIN: Work = Work {
    arguments: &["run", "own.yaml", "hydra.run.dir=runs/run"],
    executions: &[("first", 1), ("left", 1), ("right", 1), ("last", 1)],
};

/// Three variants that share the first stage and one of the two between.
pub(crate) const SWEEP: Work = Work {
    arguments: &["sweep", "own.yaml", "stages.left.params.note=1,2,3", "hydra.sweep.dir=runs/run"],
    executions: &[("first", 1), ("left", 3), ("right", 1), ("last", 3)],
};

/// What dies.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kill {
    /// The engine's process.
    Engine,
    /// Its process group: the guard and the stages have groups of their own.
    Group,
}

impl Work {
    pub(crate) fn sandbox() -> Sandbox {
        let sandbox = Sandbox::new();
        sandbox.write("own.yaml", STAGES);
        sandbox.write("stage.sh", STAGE);
        sandbox
    }

    fn start(&self, sandbox: &Sandbox) -> Child {
        sandbox.command(self.arguments).process_group(0).spawn().expect("the engine starts")
    }

    fn must_do(&self, sandbox: &Sandbox) {
        let ended = end(self.start(sandbox));
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }

    /// What a run's folder has of the stages' outputs.
    fn outputs(sandbox: &Sandbox, run: &str) -> BTreeMap<String, Vec<u8>> {
        sandbox.files(run).into_iter().filter(|(path, _)| path.ends_with(".txt")).collect()
    }

    /// How often each body has run.
    fn executed(&self, sandbox: &Sandbox) -> Vec<(&'static str, usize)> {
        let count = |name: &str| {
            let text = fs_err::read_to_string(sandbox.path(&format!("counted-{name}")));
            text.map_or(0, |text| text.lines().count())
        };
        self.executions.iter().map(|(name, _)| (*name, count(name))).collect()
    }

    /// Fails unless one folder has all outputs and no folder has a wrong one, that of a killed run neither.
    fn must_have(sandbox: &Sandbox, expected: &BTreeMap<String, Vec<u8>>, place: &str) {
        let found: Vec<_> = sandbox.runs().iter().map(|run| Self::outputs(sandbox, run)).collect();
        assert!(found.contains(expected), "{place}: no folder has all of {:?}", expected.keys());
        for (path, bytes) in found.iter().flatten() {
            assert_eq!(expected.get(path), Some(bytes), "{place}: {path}");
        }
    }

    /// Outputs and duration of a run that nobody disturbs.
    fn undisturbed(&self) -> (BTreeMap<String, Vec<u8>>, Duration) {
        let sandbox = Self::sandbox();
        let start = Instant::now();
        self.must_do(&sandbox);
        let took = start.elapsed();
        assert_eq!(self.executed(&sandbox), self.executions);
        let outputs = Self::outputs(&sandbox, &sandbox.last_run());
        assert!(outputs.len() >= self.executions.len(), "{:?}", outputs.keys());
        (outputs, took)
    }

    /// Kills the engine `count` times at moments drawn from `seed`, each time in a world of its own, and does the work again.
    pub(crate) fn survives_kills(&self, seed: u64, count: usize) {
        let (expected, took) = self.undisturbed();
        let mut random = Random::new(seed, "moments", 0, 0);
        let window = u32::try_from(took.as_micros() * 11 / 10).expect("a short run");
        let (mut slowest, mut redone, mut resumed) = (Duration::ZERO, 0, 0);
        for at in 0..count {
            let moment = Duration::from_micros(random.below(window).into());
            let kill = if at % 2 == 0 { Kill::Engine } else { Kill::Group };
            let place = format!("seed {seed}, kill {at} ({kill:?}) after {moment:?}");
            let sandbox = Self::sandbox();
            let mut engine = self.start(&sandbox);
            thread::sleep(moment);
            match kill {
                Kill::Engine => kill_process(id(&engine), Signal::KILL),
                Kill::Group => kill_process_group(id(&engine), Signal::KILL),
            }
            .expect("an engine to kill");
            engine.wait().expect("a killed engine");
            let killed = Instant::now();
            sandbox.must_be_quiet();
            slowest = slowest.max(killed.elapsed());
            // Half of them go on in their folder, as far as they came to have one, the others in a new one.
            if at % 4 < 2 || !Self::resume(&sandbox, &place) {
                self.must_do(&sandbox);
            } else {
                resumed += 1;
                assert_eq!(sandbox.runs().len(), 1, "{place}");
            }
            Self::must_have(&sandbox, &expected, &place);
            for ((name, found), (_, once)) in self.executed(&sandbox).into_iter().zip(self.executions) {
                assert!((*once..=once + JOBS).contains(&found), "{place}: `{name}` ran {found} times");
                redone += found - once;
            }
            sandbox.must_be_quiet();
        }
        eprintln!(
            "seed {seed}: {count} kills within {took:?}; all processes were gone after {slowest:?}; {resumed} were \
             resumed; {redone} stages were done again"
        );
    }

    /// Goes on with what was killed. Whether there was something that is not done.
    fn resume(sandbox: &Sandbox, place: &str) -> bool {
        let ended = end(sandbox.start(&["resume", "--dir", "runs"]));
        let nothing = ["there is no run", "does not exist", "is done", "are done"];
        match ended.code {
            Some(2) if nothing.iter().any(|words| ended.stderr.contains(words)) => false,
            _ => {
                assert_eq!(ended.code, Some(0), "{place}: {ended:?}");
                true
            }
        }
    }

    /// Starts the work `count` times at once.
    pub(crate) fn is_shared_by(&self, count: usize, apart: Duration) {
        let (expected, _) = self.undisturbed();
        let sandbox = Self::sandbox();
        let engines: Vec<Child> = (0..count)
            .map(|_| {
                let engine = self.start(&sandbox);
                thread::sleep(apart);
                engine
            })
            .collect();
        for engine in engines {
            let ended = end(engine);
            assert_eq!(ended.code, Some(0), "{ended:?}");
        }
        assert_eq!(self.executed(&sandbox), self.executions, "{count} at once, {apart:?} apart");
        let runs = sandbox.runs();
        assert!(!runs.is_empty());
        for run in runs {
            assert_eq!(Self::outputs(&sandbox, &run), expected, "{run} of {count} at once, {apart:?} apart");
        }
        sandbox.must_be_quiet();
    }

    /// Kills one of two that do the work at the same time: the other one takes it over.
    pub(crate) fn outlives_a_partner(&self, seed: u64, count: usize) {
        let (expected, took) = self.undisturbed();
        let mut random = Random::new(seed, "partners", 0, 0);
        let window = u32::try_from(took.as_micros()).expect("a short run");
        for at in 0..count {
            let moment = Duration::from_micros(random.below(window).into());
            let sandbox = Self::sandbox();
            let mut first = self.start(&sandbox);
            let second = self.start(&sandbox);
            thread::sleep(moment);
            first.kill().expect("an engine to kill");
            first.wait().expect("a killed engine");
            let ended = end(second);
            let place = format!("seed {seed}, kill {at} after {moment:?}");
            assert_eq!(ended.code, Some(0), "{place}: {ended:?}");
            Self::must_have(&sandbox, &expected, &place);
            sandbox.must_be_quiet();
        }
    }
}

/// The most stages that can be under way when an engine dies.
const JOBS: usize = 4;

#[test]
fn own_programs_killed_at_random_moments_leave_nothing_alive_and_the_same_bytes_after_the_next_run() {
    CHAIN.survives_kills(20_261_122, 8);
    SWEEP.survives_kills(20_261_122, 4);
}

#[test]
fn runs_at_once_do_each_stage_once_and_all_have_the_files() {
    CHAIN.is_shared_by(2, Duration::ZERO);
    CHAIN.is_shared_by(4, Duration::from_millis(10));
    SWEEP.is_shared_by(2, Duration::ZERO);
}

#[test]
fn a_run_takes_over_from_another_one_that_is_killed() {
    CHAIN.outlives_a_partner(7, 3);
}
