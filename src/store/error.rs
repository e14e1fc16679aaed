//! Errors of the store.

use super::Digest;
use contract::{Issue, IssueKind};
use miette::Diagnostic;
use std::{
    io::{self, ErrorKind},
    path::PathBuf,
};
use thiserror::Error;

/// What can go wrong with the store and with the digests of inputs.
#[derive(Debug, Error, Diagnostic)]
pub enum StoreError {
    /// The store cannot be written to.
    #[error("cannot {action} `{}`: it is read-only or belongs to somebody else", path.display())]
    #[diagnostic(
        code(store::read_only),
        help(
            "make the folder writable, or name another store with the environment variable PIPELINE_CACHE_DIR"
        )
    )]
    ReadOnly {
        /// What was being done: `write the object`.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk, or the user's share of it, is used up.
    #[error("cannot {action} `{}`: the disk is full", path.display())]
    #[diagnostic(
        code(store::full),
        help(
            "free some space, or name a store on another disk with the environment variable PIPELINE_CACHE_DIR; \
             finished stages are kept, so the same command goes on where it stopped"
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
    #[diagnostic(code(store::io))]
    Io {
        /// What was being done.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No place for the store is known.
    #[error("no place for the store: none of PIPELINE_CACHE_DIR, XDG_CACHE_HOME and HOME is set")]
    #[diagnostic(code(store::no_home), help("set PIPELINE_CACHE_DIR to a folder for cached results"))]
    NoHome,
    /// The store was made by a program with another layout.
    #[error("the store `{}` has format `{found}`, this program reads format `{expected}`", path.display())]
    #[diagnostic(
        code(store::format),
        help(
            "name another folder with PIPELINE_CACHE_DIR, or delete this one: it holds only what can be made again"
        )
    )]
    Format {
        /// The store.
        path: PathBuf,
        /// Its format file's text.
        found: String,
        /// The format this program writes.
        expected: u32,
    },
    /// An object's bytes are not those of its name. It has been removed.
    #[error("the stored object {digest} is corrupt (`{}`); it has been removed", path.display())]
    #[diagnostic(code(store::corrupt), help("run the same command again: what made it is run once more"))]
    Corrupt {
        /// The digest it should have.
        digest: Digest,
        /// Where it lay.
        path: PathBuf,
    },
    /// An object that should be there is not, or is short.
    #[error("the stored object {digest} is gone (`{}`)", path.display())]
    #[diagnostic(
        code(store::missing_object),
        help("run the same command again: what made it is run once more")
    )]
    Missing {
        /// Its digest.
        digest: Digest,
        /// Where it should lie.
        path: PathBuf,
    },
    /// A stage's output folder holds something that cannot be stored.
    #[error("the stage's output `{}` {what}", path.display())]
    #[diagnostic(
        code(store::bad_output),
        help("a stage may write regular files with UTF-8 names into its output folder, nothing else")
    )]
    BadOutput {
        /// The entry.
        path: PathBuf,
        /// Why not: `is a symbolic link`.
        what: &'static str,
    },
    /// A stage's outputs and its ports disagree.
    #[error("the output `{port}` of the stage {what}")]
    #[diagnostic(code(store::bad_port), help("this is a mistake in the stage"))]
    BadPort {
        /// The port.
        port: String,
        /// What is wrong with it.
        what: String,
    },
    /// Two processes would clear the store at once.
    #[error("another process is clearing this store")]
    #[diagnostic(
        code(store::clearing),
        help("nothing is wrong: when it is done, the store is within its bounds")
    )]
    Clearing,
    /// The bound that the environment sets is none.
    #[error("PIPELINE_CACHE_SIZE is `{value}`, which is no size")]
    #[diagnostic(code(store::bad_bound), help("{legal}"))]
    BadBound {
        /// What it says.
        value: String,
        /// What it may say.
        legal: String,
    },
    /// Work is about to be published under a lock of other work.
    #[error("the key has the fingerprint {key}, the lock that is held is of {lock}")]
    #[diagnostic(code(store::wrong_lock), help("this is a mistake in the engine"))]
    WrongLock {
        /// Fingerprint of the key.
        key: Digest,
        /// Fingerprint of the lock.
        lock: Digest,
    },
    /// A file from outside that must be there is not.
    #[error("{label}: there is no file `{}` (`{key}`)", path.display())]
    #[diagnostic(
        code(store::input_missing),
        help("check the path; relative ones start at the working directory")
    )]
    InputMissing {
        /// What it is: `model_path`.
        label: String,
        /// The configuration key that names it.
        key: String,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A file from outside that cannot be read.
    #[error("{label}: cannot read `{}` (`{key}`)", path.display())]
    #[diagnostic(code(store::input_unreadable), help("a regular file that you may read is needed there"))]
    InputUnreadable {
        /// What it belongs to: `training set`.
        label: String,
        /// The configuration key that names it.
        key: String,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that is elsewhere cannot be had.
    #[error("{label}: cannot fetch {address} (`{key}`): {why}")]
    #[diagnostic(code(store::not_fetched), help("{help}"))]
    NotFetched {
        /// What it is: `model_path`.
        label: String,
        /// The configuration key that names it.
        key: String,
        /// Where it is, without secrets.
        address: String,
        /// What is in the way.
        why: String,
        /// What to do instead.
        help: String,
    },
    /// A file from outside kept changing while it was read.
    #[error("{label}: `{}` changed each time it was read (`{key}`)", path.display())]
    #[diagnostic(code(store::input_changing), help("wait until whatever writes it is done, then run again"))]
    InputChanging {
        /// What it belongs to.
        label: String,
        /// The configuration key that names it.
        key: String,
        /// The file.
        path: PathBuf,
    },
    /// Something that cannot be part of a key.
    #[error("no key can be made: {what}")]
    #[diagnostic(code(store::not_canonical))]
    NotCanonical {
        /// What it is: a number that is not finite, a map whose keys are no strings.
        what: String,
    },
    /// A text that is no digest.
    #[error("`{0}` is not a digest: 64 hexadecimal digits are needed")]
    #[diagnostic(code(store::bad_digest))]
    BadDigest(String),
}

impl StoreError {
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

    /// What could not be fetched, as something wrong with the key that names it.
    #[must_use]
    pub fn issue(&self) -> Option<Issue> {
        let Self::NotFetched { key, address, why, help, .. } = self else { return None };
        let message = format!("cannot fetch {address}: {why}");
        Some(Issue::new(IssueKind::Path, key, message).with_help(help))
    }

    /// Whether a stored result turned out to be damaged, so that the work must be done again: a corrupt or a missing
    /// object. The damage itself is out of the way by then.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::Missing { .. })
    }
}
