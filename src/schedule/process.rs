//! A process that works for a stage: in a group of its own, under guard before it does anything, heard line by line, and
//! with nothing of its group left when it is done.

use super::{
    Guard,
    pipe::Pipe,
    stopping::{Manners, Stopping},
};
use crate::store::failpoint;
use contract::{EventKind, StageError};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid},
};
use std::{
    collections::VecDeque,
    io::{self, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// From the last word of a process to its end.
const EXIT_GRACE: Duration = Duration::from_secs(5);
/// How long the silence of something that hides from the end of its group, and holds the pipes, is listened to.
const DRAIN: Duration = Duration::from_secs(1);
/// What a process can have left in its pipes (the kernel's limit of an ordinary user's pipe is 1 MiB); more comes from
/// something that it left behind.
const MOST_IN_PIPES: u64 = 2 << 20;
/// How often the engine looks whether the process must stop.
const POLL: Duration = Duration::from_millis(20);
/// How many lines of what a dead process wrote are shown.
const LAST_WORDS: usize = 12;
/// How many are kept: a panic's message stands before its backtrace.
const KEPT_WORDS: usize = 400;

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
    stdout: Pipe,
    stderr: Pipe,
    /// Becomes readable when the process ends; none where the kernel has no such thing.
    end: Option<OwnedFd>,
    last_words: VecDeque<String>,
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
        let heard = Pipe::new(stdout.into()).and_then(|stdout| Ok((stdout, Pipe::new(stderr.into())?)));
        let guarded = guard.protect(group).map_err(|error| {
            StageError::failed(
                "engine::no_guard",
                format!(
                    "the guard process died and cannot be started again ({error}), so no stage can be run safely"
                ),
            )
        });
        match (heard, guarded) {
            (Ok((stdout, stderr)), Ok(())) => Ok(Self {
                child,
                group,
                stdin: Some(stdin),
                stdout,
                stderr,
                end: end_of(group),
                last_words: VecDeque::new(),
            }),
            (heard, guarded) => {
                child.kill().ok();
                // No guard to come may watch a number that another process will get.
                guard.release(group).ok();
                child.wait().ok();
                guarded?;
                Err(heard.err().unwrap_or_else(|| io::Error::other("no pipes")).into())
            }
        }
    }

    /// Gives the process the line that it waits for.
    pub(super) fn start(&mut self, line: &str) {
        self.tell(line);
        failpoint::hit("engine::after_spawn");
    }

    /// Writes a line to its standard input. One that reads no more is found dead, or dealt with by signals.
    pub(super) fn tell(&mut self, line: &str) {
        let Some(stdin) = &mut self.stdin else { return };
        stdin.write_all(format!("{line}\n").as_bytes()).ok();
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
        while !self.listen(POLL, hear, said, &mut last_word) {
            match last_word {
                None => stopping.press::<M>(self),
                Some(at) if at.elapsed() > EXIT_GRACE => break,
                Some(_) => {}
            }
        }
        // Whatever it started and left behind holds the pipes open; it ends here.
        self.signal(Signal::KILL);
        self.end = None;
        let (mut quiet, mut heard) = (Instant::now(), self.bytes());
        let most = heard + MOST_IN_PIPES;
        // What it had said is heard, however slowly: only silence is timed.
        while (self.stdout.end().is_some() || self.stderr.end().is_some())
            && quiet.elapsed() < DRAIN
            && heard < most
        {
            self.listen(POLL, hear, said, &mut last_word);
            if self.bytes() > heard {
                (quiet, heard) = (Instant::now(), self.bytes());
            }
        }
    }

    /// Waits until there is something to hear, and passes it on. Says whether the process has ended; something that it
    /// started may go on talking.
    fn listen(
        &mut self,
        patience: Duration,
        hear: &mut Hear<'_>,
        said: &mut dyn FnMut(Said),
        last_word: &mut Option<Instant>,
    ) -> bool {
        let ends = [self.stdout.end(), self.stderr.end(), self.end.as_ref()];
        let mut waited: Vec<PollFd<'_>> =
            ends.iter().flatten().map(|end| PollFd::from_borrowed_fd(end.as_fd(), PollFlags::IN)).collect();
        let patience = Timespec { tv_sec: 0, tv_nsec: i64::from(patience.subsec_nanos()) };
        // What is not ready is read in vain, which does no harm: so an interruption need not be told apart.
        poll(&mut waited, Some(&patience)).ok();
        for line in self.stdout.read() {
            if hear(line, said) {
                last_word.get_or_insert_with(Instant::now);
            }
        }
        for line in self.stderr.read() {
            if self.last_words.len() == KEPT_WORDS {
                self.last_words.pop_front();
            }
            self.last_words.push_back(line.clone());
            said(Said::Text(line));
        }
        self.has_ended()
    }

    /// Bytes heard so far.
    fn bytes(&self) -> u64 {
        self.stdout.bytes() + self.stderr.bytes()
    }

    /// Whether the process has ended, or cannot be waited for. It is not reaped, so that its number stays ours until the guard has let go of it.
    fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        !matches!(waitid(WaitId::Pid(self.group), options), Ok(None) | Err(rustix::io::Errno::INTR))
    }

    /// Sends a signal to its group; one that is gone already is as good.
    pub(super) fn signal(&self, signal: Signal) {
        kill_process_group(self.group, signal).ok();
    }

    /// Ends the process and the watch over it. What the stage made counts even where no guard answers any more: the engine
    /// looks after that itself.
    pub(super) fn bury(&mut self, guard: &Guard) -> io::Result<ExitStatus> {
        self.signal(Signal::KILL);
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(waitid(WaitId::Pid(self.group), options), Err(rustix::io::Errno::INTR)) {}
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
}

/// Something that becomes readable when a process ends.
fn end_of(process: Pid) -> Option<OwnedFd> {
    rustix::process::pidfd_open(process, rustix::process::PidfdFlags::empty()).ok()
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
