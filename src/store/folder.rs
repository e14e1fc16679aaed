//! All files below a folder.

use fs_err as fs;
use std::{
    collections::BTreeMap,
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// What is in the way, and why.
type Obstacle = (PathBuf, io::Error);

/// The regular files below `root` by their paths relative to it, with `/` on every system. Symbolic links are followed.
///
/// # Errors
/// A folder that is not there or cannot be listed, anything else than files and folders, a link to nothing or back to a
/// folder that it is in, and a name that is not UTF-8.
pub(super) fn files_below(root: &Path) -> Result<BTreeMap<String, PathBuf>, Obstacle> {
    let mut found = BTreeMap::new();
    // Each folder with its relative path, and those around it by device and inode.
    let mut folders = vec![(root.to_owned(), String::new(), Vec::new())];
    while let Some((folder, prefix, mut around)) = folders.pop() {
        let failed = |error| (folder.clone(), error);
        let metadata = fs::metadata(&folder).map_err(failed)?;
        if !metadata.is_dir() {
            return Err(failed(invalid("it is not a folder")));
        }
        let identity = (metadata.dev(), metadata.ino());
        if around.contains(&identity) {
            return Err(failed(invalid("it is a symbolic link to a folder that it lies in")));
        }
        around.push(identity);
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                return Err((path, invalid("its name is not UTF-8")));
            };
            let name = format!("{prefix}{name}");
            // The listing itself mostly says what an entry is, but not where a link leads.
            let kind = match entry.file_type() {
                Ok(kind) if kind.is_symlink() => fs::metadata(&path).map(|metadata| metadata.file_type()),
                kind => kind,
            };
            match kind {
                Ok(kind) if kind.is_dir() => folders.push((path, format!("{name}/"), around.clone())),
                Ok(kind) if kind.is_file() => drop(found.insert(name, path)),
                Ok(_) => return Err((path, invalid("it is neither a file nor a folder"))),
                Err(error) => return Err((path, error)),
            }
        }
    }
    Ok(found)
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, what)
}
