//! Digests of what comes into a plan from outside.
//!
//! Content counts, the place does not: a moved data set is the same data set. What was hashed is remembered with the
//! file's stamp, so that the engine can tell after a stage whether an input changed while the stage read it.

use super::{Digest, StoreError, folder, os::Stamp};
use contract::{ImageEntry, Source, SourceContent};
use rayon::prelude::*;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

/// The content of a [`Source`], and what its files looked like when it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceDigest {
    /// Digest of the content.
    pub digest: Digest,
    /// Each file that was looked at.
    files: BTreeMap<PathBuf, Reading>,
    /// The folder all of whose files these are.
    folder: Option<PathBuf>,
}

impl SourceDigest {
    /// The first file that is no longer what was hashed: changed, gone, or there now where it was absent. Of one whose
    /// stamp is another (it was touched, or replaced by a copy) the bytes decide.
    #[must_use]
    pub fn changed(&self) -> Option<PathBuf> {
        let differs = |path: &Path, (digest, stamp): &Reading| match Stamp::of(path) {
            Ok(now) if now == *stamp => false,
            Ok(Some(now)) if now.is_file() => {
                Digest::of_file(path).map_or(true, |(found, _)| Some(found) != *digest)
            }
            _ => true,
        };
        let changed = self.files.iter().find(|(path, reading)| differs(path, reading));
        changed.map(|(path, _)| path.clone()).or_else(|| self.appeared())
    }

    /// The content digest of a file of the source; none of one that was absent.
    pub(super) fn content(&self, path: &Path) -> Option<Digest> {
        self.files.get(path).and_then(|(digest, _)| *digest)
    }

    /// The files that were there, with their content digests.
    pub(super) fn contents(&self) -> impl Iterator<Item = (&Path, Digest)> {
        self.files.iter().filter_map(|(path, (digest, _))| Some((path.as_path(), (*digest)?)))
    }

    /// A file that is in the folder now and was not, or what is in the way of looking.
    fn appeared(&self) -> Option<PathBuf> {
        match folder::files_below(self.folder.as_ref()?) {
            Ok(files) => files.into_values().find(|path| !self.files.contains_key(path)),
            Err((path, _)) => Some(path),
        }
    }
}

/// Digests a source. All its files are read, several at a time.
///
/// - A file: its bytes together with its extension in lower case, because the extension tells the format.
/// - A folder: the paths of all its files relative to it, with their bytes. Symbolic links are followed.
/// - Images: for each in order its id, the digest of the picture or that it is absent, and the same for the mask.
/// - Generated: the generator's name and parameters.
///
/// # Errors
/// A single file or a folder that is absent, anything that cannot be read, and a file that changes each time it is read. In
/// a folder also what is no regular file, links that go in circles, and names that are not UTF-8. An absent image or mask is
/// no error: its absence is part of the digest.
pub fn digest_source(source: &Source) -> Result<SourceDigest, StoreError> {
    match &source.content {
        SourceContent::File(path) => digest_single(source, path),
        SourceContent::Folder(path) => digest_folder(source, path),
        SourceContent::Images(entries) => digest_images(source, entries),
        SourceContent::Generated { generator, parameters } => Ok(SourceDigest {
            digest: Digest::of_value(&("generated", generator, parameters))?,
            files: BTreeMap::new(),
            folder: None,
        }),
    }
}

/// The digest of a single file as an input: its content together with the extension of its name.
pub(super) fn file_digest(content: Digest, name: &Path) -> Result<Digest, StoreError> {
    let extension = name.extension().map(|text| text.to_string_lossy().to_lowercase());
    Digest::of_value(&("file", extension, content))
}

fn digest_single(source: &Source, path: &Path) -> Result<SourceDigest, StoreError> {
    let (content, stamp) = read(source, path)?;
    let content = content.ok_or_else(|| missing(source, path))?;
    Ok(SourceDigest {
        digest: file_digest(content, path)?,
        files: BTreeMap::from([(path.to_owned(), (Some(content), stamp))]),
        folder: None,
    })
}

fn digest_folder(source: &Source, root: &Path) -> Result<SourceDigest, StoreError> {
    let found = folder::files_below(root).map_err(|(path, error)| match error.kind() {
        io::ErrorKind::NotFound if path == root => missing(source, root),
        _ => unreadable(source, &path, error),
    })?;
    // A file that went away since then is missing in what was found.
    let read_one = |(name, path): (String, PathBuf)| {
        let (content, stamp) = read(source, &path)?;
        Ok((name, path.clone(), content.ok_or_else(|| changing(source, &path))?, stamp))
    };
    let read_all: Result<Vec<_>, StoreError> = found.into_par_iter().map(read_one).collect();
    let read_all = read_all?;
    let contents: BTreeMap<&str, Digest> =
        read_all.iter().map(|(name, _, content, _)| (name.as_str(), *content)).collect();
    Ok(SourceDigest {
        digest: Digest::of_value(&("folder", contents))?,
        files: read_all.into_iter().map(|(_, path, content, stamp)| (path, (Some(content), stamp))).collect(),
        folder: Some(root.to_owned()),
    })
}

/// What the digest of an image set is made of, an entry each. The enum keeps "absent" and "not asked for" apart.
#[derive(Serialize)]
struct ImageKey<'a> {
    id: &'a str,
    image: FileKey,
    mask: FileKey,
}

#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum FileKey {
    NotAsked,
    Absent,
    Content(Digest),
}

fn digest_images(source: &Source, entries: &[ImageEntry]) -> Result<SourceDigest, StoreError> {
    let mut paths: Vec<&Path> = entries
        .iter()
        .flat_map(|entry| std::iter::once(entry.image.as_path()).chain(entry.mask.as_deref()))
        .collect();
    // A file that is listed twice is read once, and a file has one stamp.
    paths.sort_unstable();
    paths.dedup();
    let read_all: Result<BTreeMap<&Path, Reading>, StoreError> =
        paths.into_par_iter().map(|path| Ok((path, read(source, path)?))).collect();
    let read_all = read_all?;

    let file_key = |path: &Path| match read_all.get(path) {
        Some((Some(digest), _)) => FileKey::Content(*digest),
        _ => FileKey::Absent,
    };
    let keys: Vec<ImageKey<'_>> = entries
        .iter()
        .map(|entry| ImageKey {
            id: &entry.id,
            image: file_key(&entry.image),
            mask: entry.mask.as_deref().map_or(FileKey::NotAsked, file_key),
        })
        .collect();
    Ok(SourceDigest {
        digest: Digest::of_value(&("images", keys))?,
        files: read_all.into_iter().map(|(path, reading)| (path.to_owned(), reading)).collect(),
        folder: None,
    })
}

/// Content digest and stamp of a file; none of one that is absent.
type Reading = (Option<Digest>, Option<Stamp>);

/// How often a file that changes under the reader is read again before that is an error.
const TRIES: usize = 3;

/// The content digest of a file and its stamp; nothing for one that is absent. The stamp is taken before and after
/// reading and must be the same, else the digest might be of bytes that never were the file's content.
fn read(source: &Source, path: &Path) -> Result<Reading, StoreError> {
    let unreadable = |error: io::Error| unreadable(source, path, error);
    for _ in 0..TRIES {
        let Some(before) = Stamp::of(path).map_err(unreadable)? else {
            return Ok((None, None));
        };
        if !before.is_file() {
            return Err(unreadable(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")));
        }
        let digest = match Digest::of_file(path) {
            Ok((digest, _)) => digest,
            // It went away in between: look again.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(unreadable(error)),
        };
        if Stamp::of(path).map_err(unreadable)? == Some(before) {
            return Ok((Some(digest), Some(before)));
        }
    }
    Err(changing(source, path))
}

fn missing(source: &Source, path: &Path) -> StoreError {
    StoreError::InputMissing { label: source.label.clone(), key: source.key.clone(), path: absolute(path) }
}

fn changing(source: &Source, path: &Path) -> StoreError {
    StoreError::InputChanging { label: source.label.clone(), key: source.key.clone(), path: absolute(path) }
}

fn unreadable(source: &Source, path: &Path, error: io::Error) -> StoreError {
    StoreError::InputUnreadable {
        label: source.label.clone(),
        key: source.key.clone(),
        path: absolute(path),
        source: error,
    }
}

/// Error messages print where a relative path was looked for.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
