//! Digests of what comes into a plan from outside.
//!
//! Content counts, the place does not: a moved data set is the same data set. What was hashed is remembered with the
//! file's stamp: for later commands by the [`StatCache`], and so that the engine can tell after a stage whether an input
//! changed while the stage read it.

use super::{
    Digest, StatCache, StoreError, clock::Clock, folder, os::Stamp, reading::Reading, stat_cache::Shelf,
};
use crate::several;
use contract::{ImageEntry, Source, SourceContent};
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
    /// By which to tell whether files have settled, where some had not.
    clock: Option<Clock>,
}

impl SourceDigest {
    /// Of files, with what was read of each.
    fn new(digest: Digest, paths: Vec<PathBuf>, readings: Vec<Reading>, cache: &StatCache) -> Self {
        let clock = readings.iter().any(Reading::is_unsettled).then(|| cache.clock());
        Self { digest, files: paths.into_iter().zip(readings).collect(), folder: None, clock }
    }

    /// The first file that is no longer what was hashed: changed, gone, or there now where it was absent. Of one whose
    /// stamp is another (it was touched, or replaced by a copy) the bytes decide.
    #[must_use]
    pub fn changed(&self) -> Option<PathBuf> {
        let files: Vec<(&PathBuf, &Reading)> = self.files.iter().collect();
        let held =
            several::answers(&files, MANY, |(path, reading)| reading.still_holds(path, self.clock.as_ref()));
        let changed = files.iter().zip(held).find(|(_, holds)| !holds);
        changed.map(|((path, _), _)| (*path).clone()).or_else(|| self.appeared())
    }

    /// The folder all of whose files these are, if it is one.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// What each file looked like, if that tells whether it has changed since; and of a file that was absent nothing.
    pub(super) fn stamps(&self) -> impl Iterator<Item = (&Path, Option<Option<Stamp>>)> {
        self.files.iter().map(|(path, reading)| (path.as_path(), reading.settled_stamp()))
    }

    /// The content digest of a file of the source; none of one that was absent.
    pub(super) fn content(&self, path: &Path) -> Option<Digest> {
        self.files.get(path).and_then(|reading| reading.digest)
    }

    /// The files that were there, with their content digests.
    pub(super) fn contents(&self) -> impl Iterator<Item = (&Path, Digest)> {
        self.files.iter().filter_map(|(path, reading)| Some((path.as_path(), reading.digest?)))
    }

    /// A file that is in the folder now and was not, or what is in the way of looking.
    fn appeared(&self) -> Option<PathBuf> {
        match folder::files_below(self.folder.as_ref()?) {
            Ok(files) => files.into_values().find(|path| !self.files.contains_key(path)),
            Err((path, _)) => Some(path),
        }
    }
}

/// Digests a source, all of whose files are read.
///
/// # Errors
/// As [`StatCache::source`].
pub fn digest_source(source: &Source) -> Result<SourceDigest, StoreError> {
    StatCache::empty().source(source)
}

impl StatCache {
    /// Digests a source. Files that are not known are read, several at a time.
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
    pub fn source(&self, source: &Source) -> Result<SourceDigest, StoreError> {
        match &source.content {
            SourceContent::File(path) => digest_single(source, path, self),
            SourceContent::Folder(path) => digest_folder(source, path, self),
            SourceContent::Images(entries) => digest_images(source, entries, self),
            // What was not fetched is not there.
            SourceContent::Remote { address, .. } => Err(missing(source, Path::new(&address.to_string()))),
            SourceContent::Generated { generator, parameters } => Ok(SourceDigest {
                digest: Digest::of_value(&("generated", generator, parameters))?,
                files: BTreeMap::new(),
                folder: None,
                clock: None,
            }),
        }
    }
}

/// The digest of a single file as an input: its content together with the extension of its name.
pub(super) fn file_digest(content: Digest, name: &Path) -> Result<Digest, StoreError> {
    let extension = name.extension().map(|text| text.to_string_lossy().to_lowercase());
    Digest::of_value(&("file", extension, content))
}

fn digest_single(source: &Source, path: &Path, cache: &StatCache) -> Result<SourceDigest, StoreError> {
    let reading = Reader { source, cache, shelf: &cache.shelf(None) }.read(path)?;
    let content = reading.digest.ok_or_else(|| missing(source, path))?;
    Ok(SourceDigest::new(file_digest(content, path)?, vec![path.to_owned()], vec![reading], cache))
}

fn digest_folder(source: &Source, root: &Path, cache: &StatCache) -> Result<SourceDigest, StoreError> {
    let found = folder::files_below(root).map_err(|(path, error)| match error.kind() {
        io::ErrorKind::NotFound if path == root => missing(source, root),
        _ => unreadable(source, &path, error),
    })?;
    let paths: Vec<&Path> = found.values().map(PathBuf::as_path).collect();
    let readings = Reader { source, cache, shelf: &cache.shelf(Some(root)) }.read_all(&paths)?;
    let mut contents: BTreeMap<&str, Digest> = BTreeMap::new();
    for ((name, path), reading) in found.iter().zip(&readings) {
        // A file that went away since then is missing in what was found.
        contents.insert(name, reading.digest.ok_or_else(|| changing(source, path))?);
    }
    let digest = Digest::of_value(&("folder", contents))?;
    let paths = found.into_values().collect();
    Ok(SourceDigest { folder: Some(root.to_owned()), ..SourceDigest::new(digest, paths, readings, cache) })
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

fn digest_images(
    source: &Source,
    entries: &[ImageEntry],
    cache: &StatCache,
) -> Result<SourceDigest, StoreError> {
    let mut paths: Vec<&Path> = entries
        .iter()
        .flat_map(|entry| std::iter::once(entry.image.as_path()).chain(entry.mask.as_deref()))
        .collect();
    // A file that is listed twice is read once, and a file has one stamp.
    paths.sort_unstable();
    paths.dedup();
    let folder = common_folder(&paths);
    let readings = Reader { source, cache, shelf: &cache.shelf(folder) }.read_all(&paths)?;

    let reading = |path: &Path| readings.get(paths.binary_search(&path).ok()?);
    let file_key = |path: &Path| match reading(path) {
        Some(Reading { digest: Some(digest), .. }) => FileKey::Content(*digest),
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
    let digest = Digest::of_value(&("images", keys))?;
    let paths = paths.into_iter().map(Path::to_owned).collect();
    Ok(SourceDigest::new(digest, paths, readings, cache))
}

/// The innermost folder that holds all of some sorted paths.
fn common_folder<'a>(paths: &[&'a Path]) -> Option<&'a Path> {
    // Between the first and the last there is nothing that has less in common with them than they with each other.
    let (first, last) = (paths.first()?.parent()?, paths.last()?);
    first.ancestors().find(|folder| last.starts_with(folder))
}

/// Reads files of a source.
struct Reader<'a> {
    source: &'a Source,
    cache: &'a StatCache,
    shelf: &'a Shelf,
}

/// How often a file that changes under the reader is read again before that is an error.
const TRIES: usize = 3;

impl Reader<'_> {
    /// What all files hold, in their order.
    fn read_all(&self, paths: &[&Path]) -> Result<Vec<Reading>, StoreError> {
        let known: Vec<Option<Reading>> =
            several::answers(paths, MANY, |path| self.recall(path)).into_iter().collect::<Result<_, _>>()?;
        let unknown: Vec<&Path> =
            paths.iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(path, _)| *path).collect();
        let mut read = several::try_answers(&unknown, 1, |path| self.read(path))?.into_iter();
        // There is one of these for each that was not known.
        Ok(known.into_iter().filter_map(|known| known.or_else(|| read.next())).collect())
    }

    /// What is known of a file by its stamp; nothing where it must be read.
    fn recall(&self, path: &Path) -> Result<Option<Reading>, StoreError> {
        let Some(stamp) = self.stamp(path)? else { return Ok(Some(Reading::absent())) };
        let known = self.shelf.recall(&stamp);
        Ok(known.map(|(digest, settled)| Reading::of(digest, stamp, settled)))
    }

    /// What a file holds. The stamp is taken before and after reading and must be the same, else the digest might be of
    /// bytes that never were the file's content.
    fn read(&self, path: &Path) -> Result<Reading, StoreError> {
        let unreadable = |error: io::Error| unreadable(self.source, path, error);
        for _ in 0..TRIES {
            let Some(before) = self.stamp(path)? else { return Ok(Reading::absent()) };
            if let Some((digest, settled)) = self.shelf.recall(&before) {
                return Ok(Reading::of(digest, before, settled));
            }
            let settled = self.cache.clock().is_settled(&before);
            let digest = match Digest::of_file(path) {
                Ok((digest, _)) => digest,
                // It went away in between: look again.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(unreadable(error)),
            };
            if Stamp::of(path).map_err(unreadable)? == Some(before) {
                self.shelf.learn(before, digest, settled);
                return Ok(Reading::of(digest, before, settled));
            }
        }
        Err(changing(self.source, path))
    }

    /// The stamp of a regular file; nothing where there is none.
    fn stamp(&self, path: &Path) -> Result<Option<Stamp>, StoreError> {
        let unreadable = |error: io::Error| unreadable(self.source, path, error);
        match Stamp::of(path).map_err(unreadable)? {
            Some(stamp) if !stamp.is_file() => {
                Err(unreadable(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")))
            }
            stamp => Ok(stamp),
        }
    }
}

/// At so many files a thread looks at least.
const MANY: usize = 128;

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
