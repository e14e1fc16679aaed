//! The guard: a process that lives only to kill the stages of an engine that was killed.
//!
//! The engine holds the write end of the guard's standard input and nobody else does, so whatever ends the engine, the
//! guard reads end-of-file. One line each: `+PGID` a process group to watch, `-PGID` no longer. All that is in a pipe is
//! read before its end, so no line needs an answer. At end-of-file the guard sends SIGKILL to every group it still watches.
//! It sits in a process group of its own and lets SIGINT, SIGTERM and SIGHUP pass, so that Ctrl-C or a closing terminal does
//! not take it first.

use super::program;
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    collections::BTreeSet,
    io::{self, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, Command, ExitCode, Stdio},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
};

/// The verb under which the binary is a guard.
pub const VERB: &str = "__guard";

/// The engine's hold on its guard, which is started with the first group to watch.
#[derive(Default)]
pub struct Guard(Mutex<Watch>);

#[derive(Default)]
struct Watch {
    process: Option<GuardProcess>,
    groups: BTreeSet<i32>,
}

struct GuardProcess {
    child: Child,
    /// Closed first of all when this is dropped.
    stdin: Option<ChildStdin>,
}

impl Guard {
    /// Puts a process group under guard.
    ///
    /// # Errors
    /// When there is no guard and none can be started.
    pub fn protect(&self, group: Pid) -> io::Result<()> {
        let group = group.as_raw_nonzero().get();
        let mut watch = self.watch();
        watch.groups.insert(group);
        watch.tell(&format!("+{group}\n"))
    }

    /// Ends the watch over a group. Call it before the group's leader is reaped: afterwards the number may be another's.
    ///
    /// # Errors
    /// When there is no guard and none can be started.
    pub fn release(&self, group: Pid) -> io::Result<()> {
        let group = group.as_raw_nonzero().get();
        let mut watch = self.watch();
        watch.groups.remove(&group);
        watch.tell(&format!("-{group}\n"))
    }

    /// Starts a new guard where the old one died, with all groups; says whether it had to.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn revive(&self) -> io::Result<bool> {
        let mut watch = self.watch();
        let died = match &mut watch.process {
            Some(process) => process.child.try_wait()?.is_some(),
            None => false,
        };
        if died {
            watch.replace()?;
        }
        Ok(died)
    }

    fn watch(&self) -> std::sync::MutexGuard<'_, Watch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    fn tell(&mut self, line: &str) -> io::Result<()> {
        match self.process.as_mut().map(|process| process.tell(line)) {
            Some(Ok(())) => Ok(()),
            // None yet, or dead. The new one gets the set of groups, in which this change is already made.
            None | Some(Err(_)) => self.replace(),
        }
    }

    fn replace(&mut self) -> io::Result<()> {
        let mut process = GuardProcess::start()?;
        for group in &self.groups {
            process.tell(&format!("+{group}\n"))?;
        }
        let old = self.process.replace(process);
        // It may be alive and deaf; what the new one watches now it must not kill when it is let go.
        old.map_or(Ok(()), |mut old| old.child.kill())
    }
}

impl GuardProcess {
    fn start() -> io::Result<Self> {
        let mut child = Command::new(program()?)
            .arg(VERB)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()?;
        let stdin = child.stdin.take();
        Ok(Self { child, stdin })
    }

    fn tell(&mut self, line: &str) -> io::Result<()> {
        let stdin = self.stdin.as_mut().ok_or_else(|| io::Error::other("the guard process was let go"))?;
        stdin.write_all(line.as_bytes())
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
    // Who kills the engine by its name must not take the guard first.
    rustix::thread::set_name(c"stage guard").ok();
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
            _ => {}
        }
    }
    for group in groups.into_iter().filter_map(Pid::from_raw) {
        // Gone already is as good.
        kill_process_group(group, Signal::KILL).ok();
    }
    ExitCode::SUCCESS
}
