//! A user's own program at work for a stage.
//!
//! The engine starts it itself, with no process of ours in between: `sh` waits for one line, which comes once its group is
//! under guard, then becomes the program (or reads the user's line) with an empty standard input. What it prints is told by
//! [`SaidLine`]; its outputs are the files of their names below `$PIPELINE_OUT` when it ends with exit code 0.

use super::{
    Guard,
    process::{Process, Said, signal_name},
    said_line::SaidLine,
    stopping::{Cause, Manners, Stopping},
    timeout,
};
use crate::record::LAST_WORDS;
use contract::{CommandLine, EventKind, OutputPort, Outputs, Program, StageError, protocol::Request};
use std::{
    collections::{BTreeMap, VecDeque},
    ffi::OsString,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, ExitStatus},
    time::Duration,
};

/// Waits for a line, be it an empty one (a shell reads byte by byte), and for none when the engine is gone; from there on
/// there is nothing to read.
const GATE: &str = "read -r _ || exit 125; exec </dev/null; ";
/// How many malformed events are told.
const WARNINGS: usize = 10;
/// How many lines of standard output are shown of a program that wrote nothing to standard error.
const LAST_LINES: usize = 12;
/// How many files are listed where an output is missing.
const LISTED: usize = 12;

/// A program knows nothing but signals.
struct BySignal;

impl Manners for BySignal {
    fn grace(_: Cause) -> Duration {
        Duration::ZERO
    }

    fn ask(_: &mut Process) {}
}

/// What is started, and where its files are.
pub(super) struct External<'a> {
    /// The node's name.
    pub(super) name: &'a str,
    pub(super) program: &'a Program,
    pub(super) request: &'a Request,
    /// A file that holds the request as JSON.
    pub(super) request_file: &'a Path,
    pub(super) outputs: &'a [OutputPort],
}

impl External<'_> {
    /// Runs the program until it ends, however it ends. Nothing of its process group is left alive.
    ///
    /// # Errors
    /// `command::failed` when it ended by a signal or with another exit code than 0; `command::missing_output` when it left
    /// an output out; `stage::timeout` when it took too long; [`StageError::Cancelled`] when the user stopped it.
    pub(super) fn run(
        &self,
        guard: &Guard,
        stopping: &mut Stopping<'_>,
        said: &mut dyn FnMut(Said),
    ) -> Result<Outputs, StageError> {
        let folders = self.outputs.iter().filter_map(|port| Path::new(port.name.as_ref()).parent());
        for folder in folders.filter(|folder| !folder.as_os_str().is_empty()) {
            fs_err::create_dir_all(self.request.out.join(folder))?;
        }
        let mut process = Process::spawn(self.command(), self.name, guard)?;
        process.start("");
        let mut printed = Printed::default();
        let mut hear = |line: String, said: &mut dyn FnMut(Said)| {
            printed.hear(line, self, said);
            false
        };
        process.attend::<BySignal>(stopping, &mut hear, said);
        let status = process.bury(guard);
        match stopping.forced() {
            Some(Cause::Timeout(limit)) => return Err(timeout(self.name, limit)),
            Some(Cause::Cancelled) => return Err(StageError::Cancelled),
            None => {}
        }
        let status = status?;
        match status.success() {
            true => self.outputs(&printed.elsewhere),
            false => Err(self.failed(status, &process, &printed)),
        }
    }

    fn command(&self) -> Command {
        let Request { out, partial, runtime, .. } = self.request;
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .args(gated(&self.program.command))
            .env_clear()
            .envs(&self.program.environment)
            .env("PIPELINE_REQUEST", self.request_file)
            .env("PIPELINE_OUT", out)
            .env("PIPELINE_PARTIAL", partial)
            .env("PIPELINE_THREADS", runtime.threads.to_string());
        command
    }

    /// Every output, where it is.
    fn outputs(&self, elsewhere: &BTreeMap<String, String>) -> Result<Outputs, StageError> {
        let place = |name: &str| elsewhere.get(name).cloned().unwrap_or_else(|| name.to_owned());
        let outputs: BTreeMap<String, String> =
            self.outputs.iter().map(|port| (port.name.clone().into_owned(), place(&port.name))).collect();
        let is_file = |path: &str| {
            fs_err::symlink_metadata(self.request.out.join(path)).is_ok_and(|found| found.is_file())
        };
        let missing: Vec<&str> = outputs.values().map(String::as_str).filter(|path| !is_file(path)).collect();
        if missing.is_empty() { Ok(Outputs(outputs)) } else { Err(self.missing(&missing)) }
    }

    fn missing(&self, missing: &[&str]) -> StageError {
        let word = if missing.len() == 1 { "output" } else { "outputs" };
        let missing = missing.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
        let there = listing(&self.request.out);
        let there = match there.as_slice() {
            [] => "wrote no file".to_owned(),
            some if some.len() > LISTED => {
                format!("wrote {} and {} more", some[..LISTED].join(", "), some.len() - LISTED)
            }
            all => format!("wrote {}", all.join(", ")),
        };
        let name = self.name;
        let message = format!("`{name}` ended without its {word} {missing}; below $PIPELINE_OUT it {there}");
        let help = format!(
            "write regular files of these names below the folder $PIPELINE_OUT, or correct `stages.{name}.outputs`"
        );
        StageError::failed("command::missing_output", message).with_help(help)
    }

    fn failed(&self, status: ExitStatus, process: &Process, printed: &Printed) -> StageError {
        let mut help = match status.code() {
            Some(127) => Some(format!(
                "exit code 127 says that a program was not found: write its whole path, or install it in PATH={}",
                self.search_path()
            )),
            Some(126) => Some(
                "exit code 126 says that a file is there and cannot be run: make it executable with `chmod +x`, or \
                 name the program that reads it, as in `python prepare.py`"
                    .to_owned(),
            ),
            _ => None,
        };
        // A shell tells the end of its last program by a signal this way.
        let inner = status.code().filter(|code| (129..=159).contains(code)).map(|code| code - 128);
        let how = match (status.signal(), inner, status.code()) {
            (Some(signal), _, _) => format!("was killed by signal {}", signal_name(signal)),
            (_, Some(signal), Some(code)) => {
                format!("ended with exit code {code}, as after signal {}", signal_name(signal))
            }
            (_, _, code) => format!("ended with exit code {}", code.unwrap_or_default()),
        };
        if status.signal().or(inner) == Some(9) {
            let text = "SIGKILL mostly means that the system ran out of memory: look at `dmesg`, and say what the \
                        program needs in `resources.memory`";
            help = Some(text.to_owned());
        }
        let mut message = format!("`{}` {how}", self.name);
        let errors: Vec<&str> = process.last_words().collect();
        let shown: Vec<&str> = match errors.is_empty() {
            true => printed.last_lines.iter().map(String::as_str).collect(),
            false => errors,
        };
        if !shown.is_empty() {
            message.push_str(LAST_WORDS);
            message.push_str("\n  ");
            message.push_str(&shown.join("\n  "));
        }
        let error = StageError::failed("command::failed", message);
        match help {
            Some(help) => error.with_help(help),
            None => error.with_help("all that it wrote is in the run folder's stm32ai_main.log"),
        }
    }

    fn search_path(&self) -> String {
        let path = self.program.environment.get(&OsString::from("PATH"));
        path.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// The arguments of `sh -c`. The user's line is on the gate's line, so that the shell counts its lines as the user does.
fn gated(command: &CommandLine) -> Vec<OsString> {
    let mut script = OsString::from(GATE);
    match command {
        CommandLine::Shell(line) => {
            script.push(line);
            vec![script]
        }
        CommandLine::Words(words) => {
            script.push("exec \"$@\"");
            [script, OsString::from("sh")].into_iter().chain(words.iter().cloned()).collect()
        }
    }
}

/// What a program printed, as far as it matters at its end.
#[derive(Default)]
struct Printed {
    /// Outputs that lie elsewhere than under their own name.
    elsewhere: BTreeMap<String, String>,
    warnings: usize,
    last_lines: VecDeque<String>,
}

impl Printed {
    fn hear(&mut self, line: String, external: &External<'_>, said: &mut dyn FnMut(Said)) {
        match SaidLine::read(&line, &external.request.out) {
            SaidLine::Event(event) => said(Said::Event(event)),
            SaidLine::Artifact { output, path } => {
                if external.outputs.iter().any(|port| port.name == output) {
                    self.elsewhere.insert(output, path);
                } else {
                    self.warn(
                        format!("it names an artifact for `{output}`, which is none of its outputs"),
                        said,
                    );
                }
            }
            SaidLine::Malformed(why) => {
                self.warn(why, said);
                said(Said::Text(line));
            }
            SaidLine::Text => {
                if self.last_lines.len() == LAST_LINES {
                    self.last_lines.pop_front();
                }
                self.last_lines.push_back(line.clone());
                said(Said::Text(line));
            }
        }
    }

    /// Warns of a line, of the first ones only: a program may print millions.
    fn warn(&mut self, message: String, said: &mut dyn FnMut(Said)) {
        self.warnings += 1;
        if self.warnings < WARNINGS {
            said(Said::Event(EventKind::transient_warning(message)));
        } else if self.warnings == WARNINGS {
            let message = format!("{message}; more lines like this are not told");
            said(Said::Event(EventKind::transient_warning(message)));
        }
    }
}

/// The files below a folder, for people.
fn listing(root: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs_err::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            match fs_err::symlink_metadata(&path) {
                Ok(found) if found.is_dir() => folders.push(path),
                _ => names.extend(path.strip_prefix(root).ok().map(|name| format!("`{}`", name.display()))),
            }
        }
    }
    names.sort();
    names
}
