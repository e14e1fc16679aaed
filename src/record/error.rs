//! Errors of the run folder.

use crate::store::StoreError;
use miette::Diagnostic;
use std::{
    io::{self, ErrorKind},
    path::PathBuf,
};
use thiserror::Error;

/// What can go wrong with the run folder.
#[derive(Debug, Error, Diagnostic)]
pub enum RecordError {
    /// The run folder cannot be written to.
    #[error("cannot {action} `{}`: it is read-only or belongs to somebody else", path.display())]
    #[diagnostic(
        code(record::read_only),
        help("make the folder writable, or put the run folder elsewhere with hydra.run.dir=FOLDER")
    )]
    ReadOnly {
        /// What was being done.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk, or the user's share of it, is used up.
    #[error("cannot {action} `{}`: the disk is full", path.display())]
    #[diagnostic(
        code(record::full),
        help(
            "free some space, or put the run folder on another disk with hydra.run.dir=FOLDER; finished stages are in \
             the store, so the same command goes on where it stopped"
        )
    )]
    Full {
        /// What was being done.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another failure of the file system.
    #[error("cannot {action} `{}`", path.display())]
    #[diagnostic(code(record::io))]
    Io {
        /// What was being done.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder of the configuration that cannot be one.
    #[error("`{key}: {value}` {problem}")]
    #[diagnostic(code(record::bad_folder), help("{help}"))]
    BadFolder {
        /// The configuration key.
        key: &'static str,
        /// Its value.
        value: String,
        /// Why not.
        problem: &'static str,
        /// What to do about it.
        help: &'static str,
    },
    /// Two files of a stage would get one place in the run folder.
    #[error("two files of `{node}`, `{first}` and `{second}`, would both become `{place}` in the run folder")]
    #[diagnostic(
        code(record::clash),
        help(
            "give general.saved_models_dir, general.logs_dir and quantization.export_dir names of their own"
        )
    )]
    Clash {
        /// The node of the plan.
        node: String,
        /// One file, below the stage's output folder.
        first: String,
        /// The other.
        second: String,
        /// Their place below the run folder.
        place: String,
    },
    /// A path of a stage's file that leads out of its folder.
    #[error("the file `{path}` of `{node}` has no place in a run folder: its path leads out of it")]
    #[diagnostic(code(record::bad_artifact), help("this is a mistake in the stage"))]
    BadArtifact {
        /// The node of the plan.
        node: String,
        /// The path.
        path: String,
    },
    /// Text that cannot be written.
    #[error("cannot write `{}`: {what}", path.display())]
    #[diagnostic(code(record::not_writable))]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// What the serialiser said.
        what: String,
    },
    /// A file that holds something else than it should.
    #[error("cannot read `{}`: {what}", path.display())]
    #[diagnostic(code(record::not_readable))]
    NotReadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// No run where one was looked for.
    #[error("there is no run in `{}`", folder.display())]
    #[diagnostic(
        code(record::no_runs),
        help("`pipeline run FILE` makes one; runs of another folder are shown with --dir FOLDER")
    )]
    NoRuns {
        /// Where.
        folder: PathBuf,
    },
    /// A name that no run has.
    #[error("no run in `{}` is called `{wanted}`", folder.display())]
    #[diagnostic(code(record::unknown_run), help("{help}"))]
    UnknownRun {
        /// The name.
        wanted: String,
        /// Where runs were looked for.
        folder: PathBuf,
        /// What there is.
        help: String,
    },
    /// The beginning of several names.
    #[error("several runs have names that begin with `{wanted}`")]
    #[diagnostic(code(record::ambiguous_run), help("write more of the name, or the path:\n{candidates}"))]
    AmbiguousRun {
        /// The beginning.
        wanted: String,
        /// Their paths, a line each.
        candidates: String,
    },
    /// A run that cannot be gone on with, since that is being done.
    #[error("`{}` is running: {engine} works on it since {since}", path.display())]
    #[diagnostic(
        code(record::running),
        help(
            "wait for its end, or stop it with Ctrl-C where it runs; `pipeline show {}` says how far it is", path.display()
        )
    )]
    Running {
        /// Its folder.
        path: PathBuf,
        /// The process, and its machine where that is another one.
        engine: String,
        /// When it was started or resumed.
        since: String,
    },
    /// A run folder without the configuration to go on with.
    #[error("`{}` has no .hydra/config.yaml any more, by which the run would go on", path.display())]
    #[diagnostic(
        code(record::no_configuration),
        help("run the file that it was started with again, `{file}`: what is finished is in the store")
    )]
    NoConfiguration {
        /// The run's folder.
        path: PathBuf,
        /// The file that it was read from.
        file: String,
    },
    /// The working directory of a run that cannot be entered.
    #[error("the working directory of `{run}`, `{}`, cannot be entered", directory.display())]
    #[diagnostic(
        code(record::no_directory),
        help(
            "relative paths of the run's configuration go by it; say where it is now:\n{resume} --directory DIR"
        )
    )]
    NoDirectory {
        /// The directory.
        directory: PathBuf,
        /// The run's folder.
        run: String,
        /// The command that goes on with it.
        resume: String,
        /// What the system said.
        source: io::Error,
    },
    /// A folder named on the command line that is none.
    #[error("`{}` {problem}", path.display())]
    #[diagnostic(
        code(record::no_folder),
        help(
            "name a folder of runs, such as ./experiments_outputs, or a configuration file (.yaml, .yml, .yaml.j2)"
        )
    )]
    NoFolder {
        /// The path.
        path: PathBuf,
        /// What it is instead.
        problem: &'static str,
    },
    /// A stage that a plan or a run does not have.
    #[error("there is no stage `{wanted}`")]
    #[diagnostic(code(record::unknown_stage), help("{help}"))]
    UnknownStage {
        /// The name.
        wanted: String,
        /// What there is.
        help: String,
    },
    /// A change to a run that is over.
    #[error("`{change}` changes a configuration, and a run has its own already")]
    #[diagnostic(
        code(record::not_changeable),
        help("name the configuration file instead of the run: `pipeline explain FILE {change}`")
    )]
    NotChangeable {
        /// The change.
        change: String,
    },
    /// A result cannot be taken out of the store.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
}

impl RecordError {
    /// A failure of the file system, sorted by what the user can do about it.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { action, path, source }
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full { action, path, source },
            _ => Self::Io { action, path, source },
        }
    }
}
