//! Files from elsewhere: copies of what http and https addresses name.
//!
//! `downloads/KEY/DIGEST/NAME` is a copy under its own name, where the key is that of the address, and `about.json` beside it
//! says what it is. Each command asks the server whether it still has the newest of them; where it cannot be asked, that
//! serves. A copy never changes, since a run may be reading it, and is believed while it has its digest.

use super::{Digest, Store, StoreError, document, os, usage};
use contract::{Address, Finding, Source, SourceContent};
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    fs::File,
    io::{self, Read, Seek},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use tempfile::NamedTempFile;

/// Code of the finding that a copy is used since its server could not be asked.
pub const OLD_DOWNLOAD: &str = "store::old_download";

/// Code of the finding that something was fetched.
pub const FETCHED: &str = "store::fetched";

/// How long a server may take to be reached, or to send the next bytes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The same where there is a copy.
const SHORT_PATIENCE: Duration = Duration::from_secs(5);

/// The folder of copies.
pub(super) const FOLDER: &str = "downloads";

/// What is known of a copy.
const ABOUT: &str = "about.json";

/// Who is told of bytes as they come: how many there are, and how many there will be if the server says so.
pub type Progress<'a> = &'a mut dyn FnMut(&Address, u64, Option<u64>);

/// What is known of a copy.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct About {
    /// Where it is from, without secrets.
    address: String,
    name: String,
    digest: Digest,
    /// When it came.
    fetched: String,
    said: Said,
}

/// What the server said of it, by which the server knows later whether it has another one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Said {
    etag: Option<String>,
    last_modified: Option<String>,
}

impl Store {
    /// Makes a source that is elsewhere one that is here. What there is to say of that is added to its findings.
    ///
    /// # Errors
    /// [`StoreError::NotFetched`] where it cannot be had and there is no copy; a store or a place that cannot be written.
    pub fn fetch(&self, source: &mut Source, progress: Progress<'_>) -> Result<(), StoreError> {
        let SourceContent::Remote { address, place } = source.content.clone() else { return Ok(()) };
        let (path, finding) = match &place {
            Some(place) => self.fetch_to(place, &address, source, progress)?,
            None => self.fetch_copy(&address, source, progress)?,
        };
        source.findings.extend(finding);
        source.content = SourceContent::File(path);
        Ok(())
    }

    /// Whether a file is a copy that another command may find to be no longer what its server has.
    #[must_use]
    pub fn is_download(&self, path: &Path) -> bool {
        path.starts_with(self.root().join(FOLDER))
    }

    /// Fetches a file to a place that is the user's, where the next command finds it.
    fn fetch_to(
        &self,
        place: &Path,
        address: &Address,
        source: &Source,
        progress: Progress<'_>,
    ) -> Result<(PathBuf, Option<Finding>), StoreError> {
        let mut fetched = self.temporary()?;
        get_whole(address, &Said::default(), PATIENCE, &mut fetched, progress)
            .and_then(|_| put(fetched, place).map_err(Obstacle::Place))
            .map(|bytes| (place.to_owned(), Some(came(source, address, bytes, place))))
            .map_err(|obstacle| not_fetched(source, address, Some(place), &obstacle))
    }

    /// Fetches a file into the store, unless its copy there still is the newest or the server cannot be asked.
    fn fetch_copy(
        &self,
        address: &Address,
        source: &Source,
        progress: Progress<'_>,
    ) -> Result<(PathBuf, Option<Finding>), StoreError> {
        let folder = self.named(FOLDER, &Digest::of(address.as_str().as_bytes()), "");
        let known = self.newest_copy(&folder)?;
        let (said, patience) = match &known {
            Some((_, about)) => (about.said.clone(), SHORT_PATIENCE),
            None => (Said::default(), PATIENCE),
        };
        let mut file = self.temporary()?;
        match (get_whole(address, &said, patience, &mut file, progress), known) {
            (Ok(None), Some((path, _))) => Ok((path, None)),
            (Ok(None), None) => {
                let why = "the server says that a copy is still the newest, and there is none".to_owned();
                Err(not_fetched(source, address, None, &Obstacle::Refused(why)))
            }
            (Ok(Some(said)), _) => self.keep_copy(&folder, address, file, said, source),
            (Err(Obstacle::Place(error)), _) => Err(StoreError::io("write", file.path(), error)),
            (Err(why), Some((path, about))) => {
                let message = format!(
                    "{}: cannot ask for {address}: {why}; the copy that came at {} is used",
                    source.label, about.fetched
                );
                Ok((path, Some(Finding::warning(OLD_DOWNLOAD, message))))
            }
            (Err(why), None) => Err(not_fetched(source, address, None, &why)),
        }
    }

    fn keep_copy(
        &self,
        folder: &Path,
        address: &Address,
        file: NamedTempFile,
        said: Said,
        source: &Source,
    ) -> Result<(PathBuf, Option<Finding>), StoreError> {
        let failed = |error| StoreError::io("write", folder, error);
        let (digest, bytes) = Digest::of_file(file.path()).map_err(failed)?;
        // Who clears must not take it away as one that nobody asked for for long.
        self.use_now(&digest)?;
        let name = address.file_name().unwrap_or("file").to_owned();
        let folder = folder.join(digest.to_string());
        let path = folder.join(&name);
        fs::create_dir_all(&folder).map_err(failed)?;
        if Digest::of_file(&path).is_ok_and(|(known, _)| known == digest) {
            usage::touch(&path).map_err(failed)?;
        } else {
            os::make_way(&path).and_then(|()| file.persist(&path).map_err(|e| e.error)).map_err(failed)?;
            self.count_added(bytes);
        }
        let fetched = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let about = About { address: address.to_string(), name, digest, fetched, said };
        self.replace(&folder.join(ABOUT), document::seal(&about)?.as_bytes(), || (), || ())?;
        let finding = came(source, address, bytes, &path);
        Ok((path, Some(finding)))
    }

    /// The copy that came last of those that are what came.
    fn newest_copy(&self, folder: &Path) -> Result<Option<(PathBuf, About)>, StoreError> {
        let Ok(entries) = fs::read_dir(folder) else { return Ok(None) };
        let mut copies: Vec<(SystemTime, PathBuf)> = entries
            .flatten()
            .filter_map(|entry| {
                let came = fs::metadata(entry.path().join(ABOUT)).and_then(|about| about.modified()).ok()?;
                Some((came, entry.path()))
            })
            .collect();
        copies.sort();
        for (_, folder) in copies.into_iter().rev() {
            let text = fs::read(folder.join(ABOUT)).unwrap_or_default();
            let Ok(about) = document::unseal::<About>(&text) else { continue };
            self.use_now(&about.digest)?;
            let path = folder.join(&about.name);
            if Digest::of_file(&path).is_ok_and(|(digest, _)| digest == about.digest) {
                usage::note(&path);
                return Ok(Some((path, about)));
            }
        }
        Ok(None)
    }

    fn temporary(&self) -> Result<NamedTempFile, StoreError> {
        let folder = self.root().join("tmp");
        os::temporary(&folder, 0o644).map_err(|error| StoreError::io("write to", folder, error))
    }
}

/// What is in the way of a file. The messages go on from "cannot fetch ...: ".
enum Obstacle {
    /// The server cannot be asked.
    Unreachable(String),
    /// It does not give the file, or gives another one.
    Refused(String),
    /// The file cannot be written here.
    Place(io::Error),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) | Self::Refused(why) => f.write_str(why),
            Self::Place(error) => write!(f, "it cannot be written ({error})"),
        }
    }
}

/// Gets a file that is what its name says, unless the server still has that of which it said `known`: then there is
/// nothing.
fn get_whole(
    address: &Address,
    known: &Said,
    patience: Duration,
    file: &mut NamedTempFile,
    progress: Progress<'_>,
) -> Result<Option<Said>, Obstacle> {
    let got = get(address, known, patience, file.as_file_mut(), progress)?;
    if got.is_some() {
        is_what_its_name_says(file, Path::new(address.file_name().unwrap_or_default()))?;
    }
    Ok(got)
}

/// How model files begin: extension, where, and with what.
const SIGNATURES: [(&str, usize, &[u8]); 3] =
    [("h5", 0, b"\x89HDF\r\n\x1a\n"), ("keras", 0, b"PK\x03\x04"), ("tflite", 4, b"TFL3")];

/// Many servers and proxies answer with a page for people in place of a file.
fn is_what_its_name_says(file: &mut NamedTempFile, name: &Path) -> Result<(), Obstacle> {
    let extension = name.extension().map(|text| text.to_string_lossy().to_ascii_lowercase());
    let known = SIGNATURES.iter().find(|(known, ..)| extension.as_deref() == Some(known));
    let Some((extension, start, signature)) = known else { return Ok(()) };
    let mut head = Vec::new();
    let read = file.rewind().and_then(|()| file.by_ref().take(16).read_to_end(&mut head));
    read.map_err(Obstacle::Place)?;
    if head.get(*start..).is_some_and(|rest| rest.starts_with(signature)) {
        return Ok(());
    }
    Err(Obstacle::Refused(format!("what came is no .{extension} file, perhaps a page in its place")))
}

/// Puts a file where the user has it. How many bytes it has.
fn put(mut fetched: NamedTempFile, place: &Path) -> io::Result<u64> {
    // It may be on another disk, and its folder is made only for something to put there.
    let mut file = os::temporary_beside(place, 0o644)?;
    fetched.rewind()?;
    let bytes = io::copy(&mut fetched, &mut file)?;
    // Nobody will check the digest of what lies there.
    file.as_file().sync_all()?;
    file.persist(place).map_err(|error| error.error)?;
    Ok(bytes)
}

fn came(source: &Source, address: &Address, bytes: u64, path: &Path) -> Finding {
    let message = format!("{}: fetched {address} ({bytes} bytes) to {}", source.label, path.display());
    Finding::note(FETCHED, message)
}

fn not_fetched(source: &Source, address: &Address, place: Option<&Path>, why: &Obstacle) -> StoreError {
    let first = match why {
        Obstacle::Unreachable(_) => "run again with a network, or ",
        Obstacle::Refused(_) => "check the address, or ",
        Obstacle::Place(_) => "",
    };
    let by_hand = match place {
        Some(place) => format!("put the file at `{}` yourself", place.display()),
        None => "get the file yourself and name where it is".to_owned(),
    };
    StoreError::NotFetched {
        label: source.label.clone(),
        key: source.key.clone(),
        address: address.to_string(),
        why: why.to_string(),
        help: format!("{first}{by_hand}"),
    }
}

/// The same of whatever comes.
#[cfg(feature = "download")]
fn get(
    address: &Address,
    known: &Said,
    patience: Duration,
    file: &mut File,
    progress: Progress<'_>,
) -> Result<Option<Said>, Obstacle> {
    use download::{Answer, DownloadError, Validators, fetch};
    let Said { etag, last_modified } = known.clone();
    progress(address, 0, None);
    let mut told = |bytes, total| progress(address, bytes, total);
    match fetch(address, &Validators { etag, last_modified }, patience, file, &mut told) {
        Ok(Answer::Unchanged) => Ok(None),
        Ok(Answer::Written(Validators { etag, last_modified })) => Ok(Some(Said { etag, last_modified })),
        Err(DownloadError::Write(error)) => Err(Obstacle::Place(error)),
        Err(error @ DownloadError::Refused(_)) => Err(Obstacle::Refused(error.to_string())),
        Err(error) => Err(Obstacle::Unreachable(error.to_string())),
    }
}

#[cfg(not(feature = "download"))]
fn get(_: &Address, _: &Said, _: Duration, _: &mut File, _: Progress<'_>) -> Result<Option<Said>, Obstacle> {
    Err(Obstacle::Unreachable("this program was built without the feature `download`".to_owned()))
}
