//! A stage at work in a process of its own, seen from the engine.

use super::{Cancellation, Guard, program};
use crate::store::failpoint;
use contract::{
    EventKind, Outputs, StageError,
    protocol::{CANCEL, Reply, Request},
};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

/// The verb under which the binary runs one stage.
pub const VERB: &str = "__stage";

/// From the polite request to SIGTERM: time for a checkpoint.
const GRACE: Duration = Duration::from_secs(10);
/// From SIGTERM to SIGKILL.
const TERM_GRACE: Duration = Duration::from_secs(2);
/// From the last word of a stage to the end of its process.
const EXIT_GRACE: Duration = Duration::from_secs(5);
/// How often the engine looks at the process itself.
const POLL: Duration = Duration::from_millis(20);
/// How many lines of what a dead stage wrote are shown.
const LAST_WORDS: usize = 12;
/// How many are kept: a panic's message stands before its backtrace.
const KEPT_WORDS: usize = 400;

/// What a stage's process says while it works.
pub(super) enum Said {
    /// An event for the stream.
    Event(EventKind),
    /// A line of free text for the log.
    Text(String),
}

/// Runs a stage in a process of its own until it ends, however it ends. Nothing of its process group is left alive.
///
/// # Errors
/// What the stage says of its failure; `stage::died` when it ended without a word; [`StageError::Cancelled`] when the user
/// stopped it.
pub(super) fn run(
    request: &Request,
    guard: &Guard,
    cancellation: &Cancellation,
    said: &mut dyn FnMut(Said),
) -> Result<Outputs, StageError> {
    let mut process = Process::spawn(request, guard)?;
    let ended = process.converse(cancellation, said);
    let status = process.bury(guard);
    match ended {
        Ended::Reply(Reply::Done(outputs)) => Ok(outputs),
        Ended::Reply(Reply::Failed(error)) => Err(error),
        Ended::Killed => Err(StageError::Cancelled),
        Ended::Reply(Reply::Event(_)) | Ended::Silent => {
            Err(died(&request.stage, status?, &process.last_words))
        }
    }
}

struct Process {
    child: Child,
    group: Pid,
    stdin: ChildStdin,
    lines: Receiver<Line>,
    last_words: VecDeque<String>,
}

enum Line {
    Out(String),
    Err(String),
}

enum Ended {
    /// With its last reply.
    Reply(Reply),
    /// Without one.
    Silent,
    /// By us, since it did not stop when asked.
    Killed,
}

impl Process {
    fn spawn(request: &Request, guard: &Guard) -> Result<Self, StageError> {
        let request_line = serde_json::to_string(request).map_err(io::Error::from)?;
        let mut child = Command::new(program()?)
            .arg(VERB)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                StageError::failed(
                    "stage::spawn",
                    format!("cannot start a process for `{}`: {error}", request.stage),
                )
            })?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(StageError::failed("stage::spawn", "the stage's process has no pipes"));
        };
        let group = i32::try_from(child.id())
            .ok()
            .and_then(Pid::from_raw)
            .ok_or_else(|| StageError::failed("stage::spawn", "the stage's process has no id"))?;
        // Until it has its request, the child does nothing but wait for it, and leaves when the pipe closes; so it is safe
        // to put it under guard only now, and it must not get the request before.
        if let Err(error) = guard.protect(group) {
            child.kill().ok();
            child.wait().ok();
            // No guard to come may watch a number that another process will get.
            guard.release(group).ok();
            return Err(StageError::failed(
                "engine::no_guard",
                format!(
                    "the guard process died and cannot be started again ({error}), so no stage can be run safely"
                ),
            ));
        }
        let (sender, lines) = mpsc::channel();
        let mut process = Self { child, group, stdin, lines, last_words: VecDeque::new() };
        let heard = read_lines(stdout, sender.clone(), Line::Out)
            .and_then(|()| read_lines(stderr, sender, Line::Err));
        if let Err(error) = heard {
            process.bury(guard).ok();
            return Err(error.into());
        }
        process.ask(&request_line);
        failpoint::hit("engine::after_spawn");
        Ok(process)
    }

    fn ask(&mut self, request: &str) {
        // A child that died before it read its request is found dead by `converse`, which has more to say about it.
        writeln!(self.stdin, "{request}").and_then(|()| self.stdin.flush()).ok();
    }

    /// Listens until the process has ended; asks, then forces it to stop when the user wants that.
    fn converse(&mut self, cancellation: &Cancellation, said: &mut dyn FnMut(Said)) -> Ended {
        let mut last_reply = None;
        let mut replied = None;
        let mut stopping = Stopping::default();
        let mut looked = Instant::now();
        loop {
            match self.lines.recv_timeout(POLL) {
                Ok(line) => {
                    if let Some(reply) = self.hear(line, said) {
                        last_reply = Some(reply);
                        replied = Some(Instant::now());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                // Both pipes are closed: it is about to end, or hides.
                Err(RecvTimeoutError::Disconnected) => thread::sleep(POLL),
            }
            if looked.elapsed() < POLL {
                continue;
            }
            looked = Instant::now();
            if self.has_exited() || replied.is_some_and(|at| at.elapsed() > EXIT_GRACE) {
                break;
            }
            if last_reply.is_none() {
                stopping.press(self, cancellation);
            }
        }
        // Whatever the stage started and left behind holds the pipes open; it ends here.
        self.signal(Signal::KILL);
        let deadline = Instant::now() + TERM_GRACE;
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            if let Some(reply) = self.hear(line, said) {
                last_reply = Some(reply);
            }
        }
        match last_reply {
            Some(reply) => Ended::Reply(reply),
            None if stopping.forced() => Ended::Killed,
            None => Ended::Silent,
        }
    }

    /// Passes a line on; gives back the last word of a stage.
    fn hear(&mut self, line: Line, said: &mut dyn FnMut(Said)) -> Option<Reply> {
        match line {
            Line::Out(line) => match serde_json::from_str(&line) {
                Ok(Reply::Event(event)) => said(Said::Event(event)),
                Ok(reply) => return Some(reply),
                // A library that prints: worth a line in the log, no reason to fail.
                Err(_) => said(Said::Text(line)),
            },
            Line::Err(line) => {
                if self.last_words.len() == KEPT_WORDS {
                    self.last_words.pop_front();
                }
                self.last_words.push_back(line.clone());
                said(Said::Text(line));
            }
        }
        None
    }

    fn has_exited(&self) -> bool {
        // Without reaping, so that the group's number stays ours until the guard has let go of it.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(self.group), options), Ok(None))
    }

    fn signal(&self, signal: Signal) {
        // Gone already is as good.
        kill_process_group(self.group, signal).ok();
    }

    /// Ends the process and the watch over it. What the stage made counts even where no guard answers any more: the engine
    /// looks after that itself.
    fn bury(&mut self, guard: &Guard) -> io::Result<ExitStatus> {
        self.signal(Signal::KILL);
        if let Err(error) = guard.release(self.group) {
            tracing::warn!(%error, "the guard process does not let go of a stage that has ended");
        }
        self.child.wait()
    }
}

/// How far the engine has gone to stop a stage.
#[derive(Default)]
struct Stopping {
    asked: Option<Instant>,
    terminated: Option<Instant>,
}

impl Stopping {
    fn press(&mut self, process: &mut Process, cancellation: &Cancellation) {
        if !cancellation.asked() {
            return;
        }
        let asked = *self.asked.get_or_insert_with(|| {
            // A child that no longer reads is dealt with by the signals below.
            writeln!(process.stdin, "{CANCEL}").and_then(|()| process.stdin.flush()).ok();
            Instant::now()
        });
        match self.terminated {
            None if asked.elapsed() >= GRACE || cancellation.insisted() => {
                process.signal(Signal::TERM);
                self.terminated = Some(Instant::now());
            }
            Some(terminated) if terminated.elapsed() >= TERM_GRACE => process.signal(Signal::KILL),
            _ => {}
        }
    }

    fn forced(&self) -> bool {
        self.terminated.is_some()
    }
}

/// Sends what comes out of a pipe line by line, as text whatever bytes there are, until it closes.
fn read_lines(
    pipe: impl Read + Send + 'static,
    lines: Sender<Line>,
    wrap: fn(String) -> Line,
) -> io::Result<()> {
    let read = move || {
        let mut pipe = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while pipe.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
            let line = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
            if lines.send(wrap(line)).is_err() {
                break;
            }
            bytes.clear();
        }
    };
    thread::Builder::new().name("stage output".to_owned()).spawn(read).map(drop)
}

fn died(stage: &str, status: ExitStatus, last_words: &VecDeque<String>) -> StageError {
    let how = match (status.signal(), status.code()) {
        (Some(signal), _) => format!("was killed by signal {}", signal_name(signal)),
        (None, Some(code)) => format!("ended with exit code {code}"),
        (None, None) => "ended".to_owned(),
    };
    let mut message = format!("the process of `{stage}` {how} before its work was done");
    if !last_words.is_empty() {
        message.push_str("; the last it wrote:");
        let panic =
            last_words.iter().rposition(|line| line.starts_with("thread '") && line.contains("panicked at"));
        let from = panic.unwrap_or(last_words.len().saturating_sub(LAST_WORDS));
        for line in last_words.iter().skip(from).take(LAST_WORDS) {
            message.push_str("\n  ");
            message.push_str(line);
        }
    }
    let help = match status.signal() {
        Some(9) => {
            "SIGKILL mostly means that the system ran out of memory: look at `dmesg`, make the batch or the model \
             smaller, then run the same command again, which goes on from the last checkpoint"
        }
        _ => {
            "run the same command again: finished stages are kept, and training goes on from its last checkpoint"
        }
    };
    StageError::failed("stage::died", message).with_help(help)
}

fn signal_name(signal: i32) -> String {
    let name = match signal {
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        _ => return signal.to_string(),
    };
    format!("{signal} ({name})")
}
