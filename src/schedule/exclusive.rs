//! The lock of stages that measure time: one of them at a time on a machine, whatever run and store it belongs to.
//!
//! It is a kernel lock on `pipeline-exclusive-UID.lock` in the system's folder for temporary files (`$TMPDIR`, else
//! `/tmp`), so it is shared by all runs of a user who agree on that folder, and the kernel drops it when its holder dies.
//! The file stays: deleting it while another process opens it would let two hold "the" lock.

use crate::store::Holder;
use contract::StageError;
use fs_err::{File, OpenOptions};
use std::{fs::TryLockError, os::unix::fs::MetadataExt, path::PathBuf};

/// Proof that no other stage that measures time works on this machine. Dropping it releases the lock.
#[derive(Debug)]
pub(super) struct MachineLock {
    file: File,
}

impl MachineLock {
    /// Takes the lock; nothing when another run holds it. Never waits.
    pub(super) fn take() -> Result<Option<Self>, StageError> {
        let path = path();
        let failed = |error: std::io::Error| {
            StageError::failed(
                "engine::machine_lock",
                format!(
                    "cannot lock `{}`, by which stages that measure time work one at a time: {error}",
                    path.display()
                ),
            )
            .with_help("make the file yours and writable, or name another folder with TMPDIR")
        };
        loop {
            let file =
                OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
            match file.file().try_lock() {
                // Who tidies up that folder took it away meanwhile: it locks nobody out any more.
                Ok(()) if file.metadata().map_err(failed)?.nlink() == 0 => {}
                Ok(()) => return Ok(Some(Self { file })),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }

    /// Says for what it is held, to those who wait.
    pub(super) fn sign(&self, holder: &Holder) {
        holder.write(self.file.file());
    }

    /// For what the lock, which somebody holds, is held, as far as is known.
    pub(super) fn holder() -> Option<Holder> {
        Holder::read(&path())
    }
}

fn path() -> PathBuf {
    let user = rustix::process::getuid().as_raw();
    std::env::temp_dir().join(format!("pipeline-exclusive-{user}.lock"))
}
