//! Files from elsewhere: copies of what http and https addresses name.
//!
//! `downloads/KEY/NAME` is a copy under its own name, where the key is that of the address, and `downloads/KEY/about.json`
//! says what it is. Each command asks the server whether it still has the same file; where it cannot be asked, the copy
//! serves. A copy is believed while it has the digest that it had when it came.

use super::{Digest, Store, StoreError, document, os, usage};
use contract::{Address, Finding, Source, SourceContent};
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// Code of the finding that a copy is used since its server could not be asked.
pub const OLD_DOWNLOAD: &str = "store::old_download";

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
        let failed = |error| StoreError::io("write", place, error);
        let mut fetched = os::temporary(&self.root().join("tmp"), 0o644).map_err(failed)?;
        get(address, &Said::default(), fetched.as_file_mut(), progress)
            .map_err(|why| not_fetched(source, address, Some(place), why))?;
        // It may be on another disk, and its folder is made only for something to put there.
        let mut file = os::temporary_beside(place, 0o644).map_err(failed)?;
        let bytes = io::copy(&mut fetched.reopen().map_err(failed)?, &mut file).map_err(failed)?;
        // Nobody will check the digest of what lies there.
        file.as_file().sync_all().map_err(failed)?;
        file.persist(place).map_err(|error| failed(error.error))?;
        Ok((place.to_owned(), Some(came(source, address, bytes, place))))
    }

    /// Fetches a file into the store, unless its copy there still is the newest or the server cannot be asked.
    fn fetch_copy(
        &self,
        address: &Address,
        source: &Source,
        progress: Progress<'_>,
    ) -> Result<(PathBuf, Option<Finding>), StoreError> {
        let folder = self.named(FOLDER, &Digest::of(address.as_str().as_bytes()), "");
        let known = copy(&folder);
        let said = known.as_ref().map(|(_, about)| about.said.clone()).unwrap_or_default();
        let failed = |error| StoreError::io("write", &folder, error);
        let mut file = os::temporary(&self.root().join("tmp"), 0o644).map_err(failed)?;
        match (get(address, &said, file.as_file_mut(), progress), known) {
            (Ok(None), Some((path, _))) => {
                usage::note(&path);
                Ok((path, None))
            }
            (Ok(None), None) => {
                let why = "the server says that a copy is still the newest, and there is none".to_owned();
                Err(not_fetched(source, address, None, why))
            }
            (Ok(Some(said)), _) => self.keep_copy(&folder, address, file, said, source),
            (Err(why), Some((path, about))) => {
                usage::note(&path);
                let message = format!(
                    "{}: cannot ask for {address}: {why}; the copy that came at {} is used",
                    source.label, about.fetched
                );
                Ok((path, Some(Finding::warning(OLD_DOWNLOAD, message))))
            }
            (Err(why), None) => Err(not_fetched(source, address, None, why)),
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
        let name = address.file_name().unwrap_or("file").to_owned();
        let path = folder.join(&name);
        fs::create_dir_all(folder).map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        let fetched = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let about = About { address: address.to_string(), name, digest, fetched, said };
        self.replace(&folder.join(ABOUT), document::seal(&about)?.as_bytes(), || (), || ())?;
        let finding = came(source, address, bytes, &path);
        Ok((path, Some(finding)))
    }
}

/// A copy with what is known of it, if it is what came.
fn copy(folder: &Path) -> Option<(PathBuf, About)> {
    let about: About = document::unseal(&fs::read(folder.join(ABOUT)).ok()?).ok()?;
    let path = folder.join(&about.name);
    let (digest, _) = Digest::of_file(&path).ok()?;
    (digest == about.digest).then_some((path, about))
}

fn came(source: &Source, address: &Address, bytes: u64, path: &Path) -> Finding {
    let message = format!("{}: fetched {address} ({bytes} bytes) to {}", source.label, path.display());
    Finding::note("store::fetched", message)
}

fn not_fetched(source: &Source, address: &Address, place: Option<&Path>, why: String) -> StoreError {
    StoreError::NotFetched {
        label: source.label.clone(),
        key: source.key.clone(),
        address: address.to_string(),
        why,
        help: match place {
            Some(place) => {
                format!("put the file at `{}` yourself, or run again with a network", place.display())
            }
            None => "get the file yourself and name where it is, or run again with a network".to_owned(),
        },
    }
}

/// Gets a file, unless the server still has that of which it said `known`: then there is nothing. Why not, in words.
#[cfg(feature = "download")]
fn get(
    address: &Address,
    known: &Said,
    file: &mut File,
    progress: Progress<'_>,
) -> Result<Option<Said>, String> {
    use download::{Answer, Validators, fetch};
    let Said { etag, last_modified } = known.clone();
    let mut told = |bytes, total| progress(address, bytes, total);
    let answer = fetch(address, &Validators { etag, last_modified }, file, &mut told);
    match answer.map_err(|error| error.to_string())? {
        Answer::Unchanged => Ok(None),
        Answer::Written(Validators { etag, last_modified }) => Ok(Some(Said { etag, last_modified })),
    }
}

#[cfg(not(feature = "download"))]
fn get(_: &Address, _: &Said, _: &mut File, _: Progress<'_>) -> Result<Option<Said>, String> {
    Err("this program was built without the feature `download`".to_owned())
}
