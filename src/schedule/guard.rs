//! The guard: a process that lives only to kill the stages of an engine that was killed.
//!
//! The engine holds the write end of the guard's standard input and nobody else does, so whatever ends the engine, the
//! guard reads end-of-file. One line each: `+PGID` a process group to watch, `-PGID` no longer; each is answered by `ok`.
//! At end-of-file the guard sends SIGKILL to every group it still watches. It sits in a process group of its own and lets
//! SIGINT, SIGTERM and SIGHUP pass, so that Ctrl-C or a closing terminal does not take it first.

use super::program;
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    collections::BTreeSet,
    io::{self, BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
};

/// The verb under which the binary is a guard.
pub const VERB: &str = "__guard";

/// The engine's hold on its guard.
pub struct Guard(Mutex<Watch>);

struct Watch {
    process: GuardProcess,
    groups: BTreeSet<i32>,
}

struct GuardProcess {
    child: Child,
    /// Closed first of all when this is dropped.
    stdin: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl Guard {
    /// Starts the guard.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start() -> io::Result<Self> {
        Ok(Self(Mutex::new(Watch { process: GuardProcess::start()?, groups: BTreeSet::new() })))
    }

    /// Puts a process group under guard. When this returns, the guard has it.
    ///
    /// # Errors
    /// When neither the guard nor a new one in its place answers.
    pub fn protect(&self, group: Pid) -> io::Result<()> {
        let group = group.as_raw_nonzero().get();
        let mut watch = self.watch();
        watch.groups.insert(group);
        watch.tell(&format!("+{group}"))
    }

    /// Ends the watch over a group. Call it before the group's leader is reaped: afterwards the number may be another's.
    ///
    /// # Errors
    /// When neither the guard nor a new one in its place answers.
    pub fn release(&self, group: Pid) -> io::Result<()> {
        let group = group.as_raw_nonzero().get();
        let mut watch = self.watch();
        watch.groups.remove(&group);
        watch.tell(&format!("-{group}"))
    }

    /// Starts a new guard where the old one died, with all groups; says whether it had to.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn revive(&self) -> io::Result<bool> {
        let mut watch = self.watch();
        if watch.process.child.try_wait()?.is_none() {
            return Ok(false);
        }
        watch.replace()?;
        Ok(true)
    }

    fn watch(&self) -> std::sync::MutexGuard<'_, Watch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    fn tell(&mut self, line: &str) -> io::Result<()> {
        match self.process.tell(line) {
            Ok(()) => Ok(()),
            // Dead. The new one gets the set of groups, in which this change is already made.
            Err(_) => self.replace(),
        }
    }

    fn replace(&mut self) -> io::Result<()> {
        let mut process = GuardProcess::start()?;
        for group in &self.groups {
            process.tell(&format!("+{group}"))?;
        }
        let mut old = std::mem::replace(&mut self.process, process);
        // It may be alive and mute; what the new one watches now it must not kill when it is let go.
        old.child.kill()
    }
}

impl GuardProcess {
    fn start() -> io::Result<Self> {
        let mut child = Command::new(program()?)
            .arg(VERB)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the guard process has no pipes"));
        };
        Ok(Self { child, stdin: Some(stdin), replies: BufReader::new(stdout) })
    }

    fn tell(&mut self, line: &str) -> io::Result<()> {
        let stdin = self.stdin.as_mut().ok_or_else(|| io::Error::other("the guard process was let go"))?;
        writeln!(stdin, "{line}")?;
        let mut reply = String::new();
        self.replies.read_line(&mut reply)?;
        if reply == "ok\n" { Ok(()) } else { Err(io::Error::other("the guard process does not answer")) }
    }
}

impl Drop for GuardProcess {
    fn drop(&mut self) {
        // It reads end-of-file, kills what it still watches (after a run nothing, after a panic of the engine everything),
        // and ends.
        self.stdin.take();
        self.child.wait().ok();
    }
}

/// The guard's whole life.
pub fn watch() -> ExitCode {
    let ignored = Arc::new(AtomicBool::new(false));
    for signal in [
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGTERM,
        signal_hook::consts::SIGHUP,
        signal_hook::consts::SIGPIPE,
    ] {
        // A handler that does nothing but set a flag is how a signal is let pass without unsafe code.
        if let Err(error) = signal_hook::flag::register(signal, Arc::clone(&ignored)) {
            eprintln!("the guard process cannot let signal {signal} pass: {error}");
            return ExitCode::FAILURE;
        }
    }
    let mut groups: BTreeSet<i32> = BTreeSet::new();
    for line in io::stdin().lines() {
        let Ok(line) = line else { break };
        match line.split_at_checked(1) {
            Some(("+", group)) => groups.extend(group.parse::<i32>().ok()),
            Some(("-", group)) => {
                group.parse::<i32>().ok().map(|group| groups.remove(&group));
            }
            _ => continue,
        }
        let mut stdout = io::stdout().lock();
        if writeln!(stdout, "ok").and_then(|()| stdout.flush()).is_err() {
            break;
        }
    }
    for group in groups.into_iter().filter_map(Pid::from_raw) {
        // Gone already is as good.
        kill_process_group(group, Signal::KILL).ok();
    }
    ExitCode::SUCCESS
}
