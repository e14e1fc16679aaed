//! Calls to the operating system that the standard library does not wrap, or not for every platform.

use super::StoreError;
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::{
    fs::Metadata,
    io::{self, ErrorKind},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};
use tempfile::NamedTempFile;

/// What tells one state of a file from another without reading it: device, inode, size, and the nanosecond times of the
/// last change of content and of metadata. A file that was edited, replaced or restored differs in at least one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) size: u64,
    pub(super) mode: u32,
    /// Seconds since 1970 and nanoseconds.
    pub(super) modified: (i64, u32),
    /// The same.
    pub(super) changed: (i64, u32),
}

impl Stamp {
    /// The stamp of the file a path leads to, symbolic links followed; nothing when there is none.
    pub(crate) fn of(path: &Path) -> io::Result<Option<Self>> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(Self::from(&metadata))),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether it is a regular file.
    pub(crate) fn is_file(&self) -> bool {
        rustix::fs::FileType::from_raw_mode(self.mode).is_file()
    }

    /// Whether both are of one file with one content. Permissions do not count; their change shows in the times anyway.
    pub(super) fn is_same_file_state(&self, other: &Self) -> bool {
        Self { mode: other.mode, ..*self } == *other
    }

    /// When content or metadata changed last, in nanoseconds since 1970.
    pub(super) fn latest(&self) -> i128 {
        let [modified, changed] = [self.modified, self.changed]
            .map(|(seconds, rest)| i128::from(seconds) * 1_000_000_000 + i128::from(rest));
        modified.max(changed)
    }
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        // A file system never gives a second or more of nanoseconds.
        let nanoseconds = |count: i64| u32::try_from(count).unwrap_or_default();
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            mode: metadata.mode(),
            modified: (metadata.mtime(), nanoseconds(metadata.mtime_nsec())),
            changed: (metadata.ctime(), nanoseconds(metadata.ctime_nsec())),
        }
    }
}

/// The stamp of a file that is open.
pub(super) fn stamp(file: &std::fs::File) -> io::Result<Stamp> {
    Ok(Stamp::from(&file.metadata()?))
}

/// Whether reading failed for a reason that lies with this process and says nothing of the file.
pub(crate) fn is_denied(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::INTR];
    let errno = Errno::from_io_error(error);
    error.kind() == ErrorKind::PermissionDenied || errno.is_some_and(|errno| exhausted.contains(&errno))
}

/// Removes whatever lies at `path`; nothing there is as good.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    removed.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// Removes a folder where a file belongs, which no rename would replace.
pub(crate) fn make_way(path: &Path) -> io::Result<()> {
    if path.is_dir() { remove(path) } else { Ok(()) }
}

/// A new file with a name of its own, and these permissions but for the bits that the user's mask takes away.
pub(crate) fn temporary(folder: &Path, mode: u32) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(mode)).tempfile_in(folder)
}

/// One beside `path`, whose folder is made, to become `path` when it is whole.
pub(crate) fn temporary_beside(path: &Path, mode: u32) -> io::Result<NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".restoring-").permissions(std::fs::Permissions::from_mode(mode));
    match builder.tempfile_in(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            builder.tempfile_in(folder)
        }
        made => made,
    }
}

/// Waits until a file or folder is on the disk, as far as the system can tell.
pub(crate) fn sync(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

/// Sets a file's permission bits.
pub(crate) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

/// Bytes that an ordinary user can still write to the file system that holds `path`, or would hold it once it exists.
///
/// # Errors
/// When the file system cannot be asked.
pub fn free_space(path: &Path) -> Result<u64, StoreError> {
    let failed = |error| StoreError::io("ask for the free space of", path, error);
    let absolute = std::path::absolute(path).map_err(failed)?;
    let existing = absolute.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let stat = rustix::fs::statvfs(existing).map_err(|errno| failed(errno.into()))?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_free_space_of_a_folder_that_does_not_exist_yet_is_that_of_its_parent() {
        let folder = tempfile::tempdir().unwrap();
        let nested = folder.path().join("not/there/yet");
        assert!(free_space(&nested).unwrap() > 0);
    }

    #[test]
    fn a_rewritten_file_has_another_stamp_and_an_absent_one_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert_eq!(Stamp::of(&path).unwrap(), None);
        fs::write(&path, "one").unwrap();
        let before = Stamp::of(&path).unwrap();
        assert_eq!(Stamp::of(&path).unwrap(), before);
        let replacement = folder.path().join("other");
        fs::write(&replacement, "two").unwrap();
        fs::rename(&replacement, &path).unwrap();
        assert_ne!(Stamp::of(&path).unwrap(), before);
    }
}
