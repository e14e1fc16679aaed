//! Objects: file contents under their digest.

use super::{
    Attempt, Digest, Store, StoreError, digest, failpoint,
    os::{self, Stamp},
    usage,
};
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
        match self.inspect(digest)? {
            None => Ok(()),
            Some(problem) => {
                tracing::debug!(%digest, problem, "removed a corrupt object from the store");
                Err(StoreError::Corrupt { digest: *digest, path: self.object_path(digest) })
            }
        }
    }

    /// Reads an object. If it was corrupt, it has been removed; why.
    ///
    /// Reading may take long, and others who found it corrupt too may put a good one in its place meanwhile: that one is
    /// read in its turn.
    pub(super) fn inspect(&self, digest: &Digest) -> Result<Option<String>, StoreError> {
        let path = self.object_path(digest);
        let failed = |error| StoreError::Io { action: "read the object", path: path.clone(), source: error };
        let missing = || StoreError::Missing { digest: *digest, path: path.clone() };
        for _ in 0..READINGS {
            let seen = Stamp::of(&path).map_err(failed)?;
            let problem = match Digest::of_file(&path) {
                Ok((found, _)) if found == *digest => return Ok(None),
                Ok(_) => "its bytes are not those that were stored".to_owned(),
                Err(error) if error.kind() == ErrorKind::NotFound => return Err(missing()),
                Err(error) if os::is_denied(&error) => return Err(failed(error)),
                // One that the disk does not give back is as corrupt: made again, it lies elsewhere.
                Err(error) => format!("it cannot be read: {error}"),
            };
            if self.remove_as_seen(&path, seen)? {
                return Ok(Some(problem));
            }
        }
        Err(failed(io::Error::other("each time it was read, another was put in its place")))
    }

    /// Removes an object unless it is another than the one that was seen. Whether it was removed.
    fn remove_as_seen(&self, path: &Path, seen: Option<Stamp>) -> Result<bool, StoreError> {
        // Nobody else who removes objects comes in between.
        let _alone = self.alone()?;
        if Stamp::of(path).map_err(|error| StoreError::io("look at the object", path, error))? != seen {
            return Ok(false);
        }
        failpoint::hit("cache::verify_before");
        os::remove(path).map_err(|error| StoreError::io("remove the corrupt object", path, error))?;
        failpoint::hit("cache::verify_after");
        Ok(true)
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
        for _ in 0..READINGS {
            let Ok(mut object) = File::open(&path) else {
                self.verify(digest)?;
                continue;
            };
            let mut copy = os::temporary_beside(dest, 0o644).map_err(failed)?;
            let copied = clone_or_copy(&mut object, &mut copy, size);
            if copied.as_ref().is_ok_and(|found| *found == (*digest, size)) {
                failpoint::hit("store::restore_before_rename");
                copy.persist(dest).map_err(|e| failed(e.error))?;
                failpoint::hit("store::restore_after_rename");
                return Ok(());
            }
            self.verify(digest)?;
            // The object is sound. Either what was copied has been replaced meanwhile, or writing failed.
            copied.map_err(failed)?;
        }
        // It has the digest, but not the size.
        Err(StoreError::Missing { digest: *digest, path })
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

/// How often an object is read that others replace meanwhile.
const READINGS: usize = 4;
