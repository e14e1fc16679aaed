//! A stage at work in a process of its own, seen from inside: `pipeline __stage`.

use super::machine;
use contract::{
    CancelToken, Registry, StageContext, StageError,
    protocol::{self, CANCEL, Reply, Request},
};
use std::{
    io::{self, Write},
    process::ExitCode,
    thread,
};

/// Reads one request from standard input, does the work and reports on standard output.
pub fn work(registry: &Registry) -> ExitCode {
    let reply = read_request().and_then(|request| perform(registry, &request));
    let (reply, code) = match reply {
        Ok(outputs) => (Reply::Done(outputs), ExitCode::SUCCESS),
        Err(error) => (Reply::Failed(error), ExitCode::FAILURE),
    };
    say(&reply);
    code
}

fn read_request() -> Result<Request, StageError> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let request: Request = serde_json::from_str(&line).map_err(|error| {
        StageError::failed("protocol::request", format!("this is no request of a pipeline engine: {error}"))
    })?;
    if request.protocol != protocol::VERSION {
        return Err(StageError::failed(
            "protocol::version",
            format!("the engine speaks protocol {}, this program {}", request.protocol, protocol::VERSION),
        ));
    }
    Ok(request)
}

fn perform(registry: &Registry, request: &Request) -> Result<contract::Outputs, StageError> {
    let stage = registry.get(&request.stage).ok_or_else(|| {
        StageError::failed("protocol::stage", format!("this program has no stage `{}`", request.stage))
    })?;
    let cancel = CancelToken::default();
    watch_engine(cancel.clone())?;
    rayon::ThreadPoolBuilder::new()
        .num_threads(request.runtime.threads)
        .build_global()
        .map_err(|error| StageError::failed("stage::threads", format!("cannot start threads: {error}")))?;
    let context = StageContext::new(
        request.inputs.clone(),
        (request.out.clone(), request.partial.clone(), request.live.clone()),
        request.runtime.clone(),
        cancel,
        |event| say(&Reply::Event(event)),
    )
    .with_memory(machine::available_memory());
    stage.run(&request.settings, &context)
}

/// Listens to the engine: `cancel` sets the token, and its silence for ever ends this process at once.
fn watch_engine(cancel: CancelToken) -> io::Result<()> {
    let watch = move || {
        for line in io::stdin().lines() {
            match line {
                Ok(line) if line == CANCEL => cancel.cancel(),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        die();
    };
    thread::Builder::new().name("engine watch".to_owned()).spawn(watch).map(drop)
}

/// Ends this process and what it started, without a destructor: whoever reads its output is gone.
fn die() -> ! {
    // As leader of a group of its own, as the engine starts it, it takes the whole group along.
    if rustix::process::getpgrp() == rustix::process::getpid() {
        rustix::process::kill_current_process_group(rustix::process::Signal::KILL).ok();
    }
    std::process::exit(1)
}

fn say(reply: &Reply) {
    let said = serde_json::to_string(reply).map_err(io::Error::from).and_then(|line| {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{line}")?;
        stdout.flush()
    });
    if said.is_err() {
        die();
    }
}
