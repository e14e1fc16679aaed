//! Objects: file contents under their digest.

use super::{Attempt, Digest, Store, StoreError, digest, failpoint, os, usage};
use fs_err::{self as fs, File};
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

impl Store {
    /// Where an object lies, or would lie. Its name says nothing of its format: it is the first two digits of the digest,
    /// then the others.
    #[must_use]
    pub fn object_path(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        let (folder, rest) = name.split_at(2);
        self.root().join("objects").join(folder).join(rest)
    }

    /// Whether an object of that size is there. Its bytes are not looked at.
    #[must_use]
    pub fn has_object(&self, digest: &Digest, size: u64) -> bool {
        fs::symlink_metadata(self.object_path(digest)).is_ok_and(|m| m.is_file() && m.len() == size)
    }

    /// Reads an object and compares its digest; a corrupt one is removed.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::Corrupt`], or that it cannot be read.
    pub fn verify(&self, digest: &Digest) -> Result<(), StoreError> {
        let path = self.object_path(digest);
        match Digest::of_file(&path) {
            Ok((found, _)) if found == *digest => Ok(()),
            Ok(_) => Err(self.discard(digest)),
            Err(error) => Err(self.cannot_read(digest, path, error)),
        }
    }

    /// Copies an object to `dest`, replacing what is there; its folder is made. The digest is taken of what arrives, which
    /// gets its name only when it is right. The copy is the user's own (mode 0644): it shares at most blocks with the object
    /// (a reflink), never the file.
    ///
    /// # Errors
    /// [`StoreError::Missing`]; [`StoreError::Corrupt`], and the object is removed, so that it is made again; or that
    /// `dest` cannot be written.
    pub fn restore(&self, digest: &Digest, size: u64, dest: &Path) -> Result<(), StoreError> {
        let failed = |error| StoreError::io("write", dest, error);
        let path = self.object_path(digest);
        let mut object = File::open(&path).map_err(|e| self.cannot_read(digest, path, e))?;
        let mut copy = os::temporary_beside(dest, 0o644).map_err(failed)?;
        let found =
            clone_or_copy(&mut object, &mut copy, size).map_err(|error| match self.verify(digest) {
                Ok(()) => failed(error),
                Err(unreadable) => unreadable,
            })?;
        if found != (*digest, size) {
            return Err(self.discard(digest));
        }
        failpoint::hit("store::restore_before_rename");
        copy.persist(dest).map_err(|e| failed(e.error))?;
        failpoint::hit("store::restore_after_rename");
        Ok(())
    }

    /// Stores the bytes of a file. The bytes are copied, never linked: whoever still holds the file open cannot reach the
    /// object.
    pub(super) fn add_object(&self, file: &Path, attempt: &Attempt) -> Result<(Digest, u64), StoreError> {
        let mut source = File::open(file).map_err(|error| StoreError::Io {
            action: "read",
            path: file.to_owned(),
            source: error,
        })?;
        let failed = |error| StoreError::io("store", file, error);
        let mut copy = os::temporary(attempt.folder(), 0o444).map_err(failed)?;
        let (digest, size) = digest::copy(&mut source, &mut copy).map_err(failed)?;
        // An object that is there already is read before it is relied upon: the work that made these bytes may have taken
        // hours, and would be lost if that object turned out to be corrupt later.
        // It is in use from here on, and as young as this use, so that nobody clears it away before its manifest is there.
        self.use_now(&digest)?;
        let path = self.object_path(&digest);
        if self.has_object(&digest, size) && usage::touch(&path).is_ok() && self.verify(&digest).is_ok() {
            return Ok((digest, size));
        }
        let failed = |error| StoreError::io("write the object", &path, error);
        // It was written before it was taken into use; see `gc` for why it must not look like that.
        usage::touch(copy.path()).map_err(failed)?;
        failpoint::hit("store::object_before_rename");
        let named = match copy.persist(&path) {
            // The first object of its folder, or a folder in its place.
            Err(again) => {
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder).map_err(failed)?;
                }
                os::make_way(&path).map_err(failed)?;
                again.file.persist(&path)
            }
            named => named,
        };
        named.map_err(|e| failed(e.error))?;
        failpoint::hit("store::object_after_rename");
        self.count_added(size);
        Ok((digest, size))
    }

    /// Removes a corrupt object and makes the error that tells of it.
    fn discard(&self, digest: &Digest) -> StoreError {
        let path = self.object_path(digest);
        match os::remove(&path) {
            Err(error) => StoreError::io("remove the corrupt object", path, error),
            Ok(()) => {
                tracing::debug!(%digest, "removed a corrupt object from the store");
                StoreError::Corrupt { digest: *digest, path }
            }
        }
    }

    /// An object that the disk does not give back is as corrupt as one with other bytes: made again, it lies elsewhere.
    fn cannot_read(&self, digest: &Digest, path: PathBuf, error: io::Error) -> StoreError {
        match error.kind() {
            ErrorKind::NotFound => StoreError::Missing { digest: *digest, path },
            _ if os::is_denied(&error) => StoreError::Io { action: "read the object", path, source: error },
            _ => {
                tracing::warn!(%digest, %error, "an object cannot be read");
                self.discard(digest)
            }
        }
    }
}

/// Shares the blocks where the file system can, else copies; gives digest and size of what arrived.
fn clone_or_copy(object: &mut File, copy: &mut NamedTempFile, size: u64) -> io::Result<(Digest, u64)> {
    // Of a small file a copy costs less than the question.
    if size >= WORTH_SHARING && reflink_copy::reflink_file(object.file(), copy.as_file()).is_ok() {
        return Digest::of_file(copy.path());
    }
    digest::copy(object, copy)
}

/// Bytes from which on a file's blocks are shared where that is possible.
const WORTH_SHARING: u64 = 256 * 1024;
