//! A process that works for a stage: in a group of its own, under guard before it does anything, heard line by line, and
//! with nothing of its group left when it is done.

use super::{
    Guard,
    stopping::{Manners, Stopping},
};
use crate::store::failpoint;
use contract::{EventKind, StageError};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// From the last word of a process to its end.
const EXIT_GRACE: Duration = Duration::from_secs(5);
/// How long something that hides from the end of its group, and holds the pipes, is listened to.
const DRAIN: Duration = Duration::from_secs(1);
/// How often the engine looks whether the process must stop.
const POLL: Duration = Duration::from_millis(20);
/// How many lines of what a dead process wrote are shown.
const LAST_WORDS: usize = 12;
/// How many are kept: a panic's message stands before its backtrace.
const KEPT_WORDS: usize = 400;
/// A longer line is cut into several, so that no program can fill the engine's memory.
const LONGEST_LINE: u64 = 1 << 20;
/// Lines that wait to be heard; a process that talks faster than it is heard waits.
const BACKLOG: usize = 256;

/// What a process says while it works.
pub(super) enum Said {
    /// An event for the stream.
    Event(EventKind),
    /// A line of free text for the log.
    Text(String),
}

/// Takes a line of standard output, tells what it means, and says whether it was the last word.
pub(super) type Hear<'a> = dyn FnMut(String, &mut dyn FnMut(Said)) -> bool + 'a;

/// A process under guard.
pub(super) struct Process {
    child: Child,
    group: Pid,
    stdin: Option<ChildStdin>,
    heard: Receiver<Heard>,
    watch: Option<JoinHandle<()>>,
    last_words: VecDeque<String>,
}

enum Heard {
    Out(String),
    Err(String),
    /// It has ended; something that it started may go on talking.
    Ended,
}

impl Process {
    /// Starts `command`, which must do nothing before it reads a line from standard input, and must end when there is
    /// none: it comes under guard only after it was started. [`Process::tell`] it the line.
    ///
    /// # Errors
    /// When it cannot be started, or not be guarded.
    pub(super) fn spawn(mut command: Command, name: &str, guard: &Guard) -> Result<Self, StageError> {
        let failed = |what: String| StageError::failed("stage::spawn", what);
        let mut child = command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(format!("cannot start a process for `{name}`: {error}")))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(failed(format!("the process of `{name}` has no pipes")));
        };
        let group = i32::try_from(child.id())
            .ok()
            .and_then(Pid::from_raw)
            .ok_or_else(|| failed(format!("the process of `{name}` has no id")))?;
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
        let (sender, heard) = mpsc::sync_channel(BACKLOG);
        let mut process =
            Self { child, group, stdin: Some(stdin), heard, watch: None, last_words: VecDeque::new() };
        let watched = read_lines(stdout, sender.clone(), Heard::Out)
            .and_then(|()| read_lines(stderr, sender.clone(), Heard::Err))
            .and_then(|()| watch_for_end(group, sender));
        match watched {
            Ok(watch) => process.watch = Some(watch),
            Err(error) => {
                process.bury(guard).ok();
                return Err(error.into());
            }
        }
        Ok(process)
    }

    /// Gives the process the line that it waits for.
    pub(super) fn start(&mut self, line: &str) {
        self.tell(line);
        failpoint::hit("engine::after_spawn");
    }

    /// Writes a line to its standard input. One that reads no more is found dead, or dealt with by signals.
    pub(super) fn tell(&mut self, line: &str) {
        let Some(stdin) = &mut self.stdin else { return };
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).ok();
    }

    /// Listens until the process has ended, and presses it to stop when that is wanted. `hear` gets each line of standard
    /// output and says whether it was the last word, after which the process has a little time to end by itself; lines of
    /// standard error go to `said`. When this returns, what the process left behind in its group has been ended too.
    pub(super) fn attend<M: Manners>(
        &mut self,
        stopping: &mut Stopping<'_>,
        hear: &mut Hear<'_>,
        said: &mut dyn FnMut(Said),
    ) {
        let mut last_word = None;
        loop {
            match self.heard.recv_timeout(POLL) {
                Ok(Heard::Ended) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(heard) => {
                    if self.pass_on(heard, hear, said) {
                        last_word.get_or_insert_with(Instant::now);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            match last_word {
                None => stopping.press::<M>(self),
                Some(at) if at.elapsed() > EXIT_GRACE => break,
                Some(_) => {}
            }
        }
        // Whatever it started and left behind holds the pipes open; it ends here.
        self.signal(Signal::KILL);
        let deadline = Instant::now() + DRAIN;
        while let Some(left) = deadline.checked_duration_since(Instant::now())
            && let Ok(heard) = self.heard.recv_timeout(left)
        {
            self.pass_on(heard, hear, said);
        }
    }

    /// Sends a signal to its group; one that is gone already is as good.
    pub(super) fn signal(&self, signal: Signal) {
        kill_process_group(self.group, signal).ok();
    }

    /// Ends the process and the watch over it. What the stage made counts even where no guard answers any more: the engine
    /// looks after that itself.
    pub(super) fn bury(&mut self, guard: &Guard) -> io::Result<ExitStatus> {
        self.signal(Signal::KILL);
        if let Some(watch) = self.watch.take() {
            // It looks at the number of the process, which must not go to another one before. While somebody talks, it may
            // wait to be heard itself.
            while !watch.is_finished()
                && !matches!(self.heard.recv_timeout(POLL), Err(RecvTimeoutError::Disconnected))
            {}
            watch.join().ok();
        }
        if let Err(error) = guard.release(self.group) {
            tracing::warn!(%error, "the guard process does not let go of a stage that has ended");
        }
        self.child.wait()
    }

    /// The end of what it wrote to standard error: from a panic's message on where there is one.
    pub(super) fn last_words(&self) -> impl Iterator<Item = &str> {
        let is_panic = |line: &String| line.starts_with("thread '") && line.contains("panicked at");
        let panic = self.last_words.iter().rposition(is_panic);
        let from = panic.unwrap_or(self.last_words.len().saturating_sub(LAST_WORDS));
        self.last_words.iter().skip(from).take(LAST_WORDS).map(String::as_str)
    }

    fn pass_on(&mut self, heard: Heard, hear: &mut Hear<'_>, said: &mut dyn FnMut(Said)) -> bool {
        match heard {
            Heard::Out(line) => hear(line, said),
            Heard::Err(line) => {
                if self.last_words.len() == KEPT_WORDS {
                    self.last_words.pop_front();
                }
                self.last_words.push_back(line.clone());
                said(Said::Text(line));
                false
            }
            Heard::Ended => false,
        }
    }
}

/// Sends what comes out of a pipe line by line, as text whatever bytes there are, until it closes.
fn read_lines(
    pipe: impl Read + Send + 'static,
    lines: SyncSender<Heard>,
    wrap: fn(String) -> Heard,
) -> io::Result<()> {
    let read = move || {
        let mut pipe = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while (&mut pipe).take(LONGEST_LINE).read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
            let line = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
            if lines.send(wrap(line)).is_err() {
                break;
            }
            bytes.clear();
        }
    };
    thread::Builder::new().name("stage output".to_owned()).spawn(read).map(drop)
}

/// Waits for the end of a process without reaping it, so that its number stays ours until the guard has let go of it.
fn watch_for_end(process: Pid, ended: SyncSender<Heard>) -> io::Result<JoinHandle<()>> {
    let wait = move || {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(waitid(WaitId::Pid(process), options), Err(rustix::io::Errno::INTR)) {}
        ended.send(Heard::Ended).ok();
    };
    thread::Builder::new().name("stage end".to_owned()).spawn(wait)
}

/// What a number of a signal is called: `9 (SIGKILL)`.
pub(super) fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        10 => "SIGUSR1",
        11 => "SIGSEGV",
        12 => "SIGUSR2",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return signal.to_string(),
    };
    format!("{signal} ({name})")
}
