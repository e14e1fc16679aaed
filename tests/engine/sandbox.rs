//! A folder of its own for a test, with a configuration, points, and a store.

use contract::{Event, EventKind};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// What a test waits for at most: much more than is needed, since machines are busy.
const PATIENCE: Duration = Duration::from_secs(60);

const CONFIGURATION: &str = "\
general:
  global_seed: 7
operation_mode: chain_tqe
dataset:
  name: points
  training_files_path: points.txt
training:
  epochs: 4
  batch_size: 2
  optimizer:
    Adam: { learning_rate: 0.05 }
quantization:
  quantizer: TFlite_converter
  quantization_type: PTQ
  quantization_input_type: int8
  quantization_output_type: int8
hydra:
  run:
    dir: runs/run
";

/// A test's own world.
pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
    environment: BTreeMap<&'static str, String>,
}

/// How a command ended and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let sandbox = Self { folder, environment: BTreeMap::new() };
        sandbox.write("chain.yaml", CONFIGURATION);
        sandbox.write("points.txt", "0 1\n1 3\n2 5\n3 7.25\n");
        sandbox
    }

    /// The same world with an environment variable for all commands from now on.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.environment.insert(name, value.to_owned());
        self
    }

    pub(crate) fn without(mut self, name: &'static str) -> Self {
        self.environment.remove(name);
        self
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        fs_err::write(self.path(path), text).expect("a file in the sandbox");
    }

    /// `tiny_chain` with these arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.program(&tiny_chain(), arguments)
    }

    /// The real program with these arguments.
    pub(crate) fn pipeline(&self, arguments: &[&str]) -> Ended {
        end(self
            .program(Path::new(env!("CARGO_BIN_EXE_pipeline")), arguments)
            .spawn()
            .expect("pipeline starts"))
    }

    fn program(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("PIPELINE_CACHE_DIR", self.path("cache"))
            .env("NO_COLOR", "1")
            .env_remove("PIPELINE_FAILPOINT")
            .env_remove("PIPELINE_LOG")
            .env_remove("RUST_BACKTRACE")
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().expect("tiny_chain starts")
    }

    /// Runs a line of shell as [`Sandbox::command`] runs a program.
    pub(crate) fn shell(&self, line: &str) -> Ended {
        end(self.program(Path::new("/bin/sh"), &["-c", line]).spawn().expect("a shell"))
    }

    /// Runs `tiny_chain run chain.yaml` with these changes, into a new run folder whatever there is.
    pub(crate) fn run(&self, changes: &[&str]) -> Ended {
        end(self.start(&[&["run", "chain.yaml", "--new-folder"], changes].concat()))
    }

    /// The same as a user types it who wants nothing done that is done.
    pub(crate) fn run_again(&self, changes: &[&str]) -> Ended {
        end(self.start(&[&["run", "chain.yaml"], changes].concat()))
    }

    /// The same, and it must succeed.
    pub(crate) fn must_run(&self, changes: &[&str]) -> Ended {
        let ended = self.run(changes);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended
    }

    /// Names of the run folders, oldest first.
    pub(crate) fn runs(&self) -> Vec<String> {
        let Ok(entries) = fs_err::read_dir(self.path("runs")) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            // Another run's preflight tries the folder with one of these.
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort_by_key(|name| {
            name.rsplit_once('-').map_or(1, |(_, number)| number.parse::<u32>().expect("a number"))
        });
        names
    }

    pub(crate) fn last_run(&self) -> String {
        self.runs().pop().expect("a run")
    }

    /// The files of a run folder but those that tell of times, as bytes by their paths.
    pub(crate) fn results(&self, run: &str) -> BTreeMap<String, Vec<u8>> {
        let mut found = self.files(run);
        for own in [
            "run.json",
            "events.jsonl",
            "stm32ai_main.log",
            ".hydra/config.yaml",
            ".hydra/keys.json",
            ".hydra/overrides.yaml",
        ] {
            assert!(found.remove(own).is_some(), "{run} lacks {own}");
        }
        found
    }

    /// All files of a run folder.
    pub(crate) fn files(&self, run: &str) -> BTreeMap<String, Vec<u8>> {
        let root = self.path("runs").join(run);
        let mut found = BTreeMap::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs_err::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name =
                        path.strip_prefix(&root).expect("a path below").to_str().expect("a name").to_owned();
                    found.insert(name, fs_err::read(path).expect("a file"));
                }
            }
        }
        found
    }

    pub(crate) fn events(&self, run: &str) -> Vec<Event> {
        let text = fs_err::read_to_string(self.path("runs").join(run).join("events.jsonl")).expect("events");
        // A killed engine may leave half a line.
        let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        lines.map(|line| serde_json::from_str(line).expect("an event")).collect()
    }

    /// The stages that a run really ran, in order.
    pub(crate) fn executed(&self, run: &str) -> Vec<String> {
        let started = |event: Event| match event.kind {
            EventKind::StageStarted { .. } => event.stage,
            _ => None,
        };
        self.events(run).into_iter().filter_map(started).collect()
    }

    /// The warnings of a run, in order.
    pub(crate) fn warnings(&self, run: &str) -> Vec<String> {
        let warning = |event: Event| match event.kind {
            EventKind::Warning { message, .. } => Some(message),
            _ => None,
        };
        self.events(run).into_iter().filter_map(warning).collect()
    }

    pub(crate) fn log(&self, run: &str) -> String {
        fs_err::read_to_string(self.path("runs").join(run).join("stm32ai_main.log")).expect("a log")
    }

    /// Waits until the log of the latest run says something.
    pub(crate) fn wait_for(&self, words: &str) {
        wait_until(words, || {
            let run = self.runs().pop();
            run.is_some_and(|run| {
                let log = fs_err::read_to_string(self.path("runs").join(run).join("stm32ai_main.log"));
                log.is_ok_and(|log| log.contains(words))
            })
        });
    }

    /// The processes that work for this sandbox: those with its store in their environment, by their arguments.
    pub(crate) fn processes(&self) -> Vec<(Pid, String)> {
        let mark = format!("PIPELINE_CACHE_DIR={}", self.path("cache").display());
        let mut found = Vec::new();
        for entry in fs_err::read_dir("/proc").expect("/proc").flatten() {
            let id = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
            let Some(id) = id else { continue };
            let read = |file| fs_err::read(entry.path().join(file)).unwrap_or_default();
            // One that has ended and waits to be reaped has no environment any more.
            if read("environ").split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()) {
                found.push((
                    id,
                    String::from_utf8_lossy(&read("cmdline")).replace('\0', " ").trim().to_owned(),
                ));
            }
        }
        found
    }

    /// The process of this sandbox whose arguments contain `words`.
    pub(crate) fn process(&self, words: &str) -> Pid {
        let mut found = None;
        wait_until(words, || {
            found = self.processes().into_iter().find(|(_, arguments)| arguments.contains(words));
            found.is_some()
        });
        found.expect("waited for it").0
    }

    /// Fails unless all processes of this sandbox are gone within a second (given to the scheduler of a busy machine
    /// several times over).
    pub(crate) fn must_be_quiet(&self) {
        let start = Instant::now();
        while !self.processes().is_empty() {
            assert!(start.elapsed() < Duration::from_secs(5), "still alive: {:?}", self.processes());
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Waits for a child and collects what it said.
pub(crate) fn end(child: Child) -> Ended {
    let output = child.wait_with_output().expect("a child that ends");
    Ended {
        code: output.status.code(),
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A text for a snapshot: without the sandbox's path, numbers of processes, and times.
pub(crate) fn shown(sandbox: &Sandbox, text: &str) -> String {
    let path = sandbox.path("");
    let text = text.replace(path.to_str().expect("a path").trim_end_matches('/'), "SANDBOX");
    ["process ", "since ", "after ", "done in "].into_iter().fold(text, |text, before| {
        let mut parts = text.split(before);
        let mut masked = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let after = part.trim_start_matches(|c: char| c.is_ascii_digit() || "-:.TZ ".contains(c));
            masked.push_str(before);
            masked.push_str(if after.len() < part.len() { "# " } else { "" });
            masked.push_str(after);
        }
        masked
    })
}

pub(crate) fn id(child: &Child) -> Pid {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id")
}

pub(crate) fn send(process: Pid, signal: Signal) {
    kill_process(process, signal).expect("a process to signal");
}

pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Cargo builds examples into a folder beside the binaries, whenever it builds all of a package's tests.
fn tiny_chain() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_pipeline"));
    let program = binary.with_file_name("examples").join("tiny_chain");
    assert!(
        program.exists(),
        "{} is not built: run `cargo test` without --test, or `cargo build --example tiny_chain` first",
        program.display()
    );
    program
}
