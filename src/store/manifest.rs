//! Action manifests: what a piece of work made.

use super::StoreError;
use super::{
    Digest, KeyDocument, Store,
    document::{self, Illegible},
    os, usage,
};
use contract::{ArtifactKind, EventKind};
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, io::ErrorKind};

/// Version of the manifest's format.
pub(super) const FORMAT: u32 = 1;

/// The result of a piece of work, `actions/FINGERPRINT.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format.
    pub format: u32,
    /// What the work depends on; its digest is the fingerprint.
    pub key: KeyDocument,
    /// The recipe of the node that was run.
    pub recipe: Digest,
    /// The stage's outputs by port.
    pub outputs: BTreeMap<String, OutputRecord>,
    /// All files of the stage, those of the outputs among them, sorted by path.
    pub files: Vec<FileRecord>,
    /// What a hit tells again: metrics, figures, notes, warnings.
    pub events: Vec<EventKind>,
    /// Seconds of wall clock the work took.
    pub seconds: f64,
    /// When it was published, RFC 3339, UTC.
    pub created: String,
}

/// An output of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputRecord {
    /// What it is.
    pub kind: ArtifactKind,
    /// Its path below the stage's output folder, `/` between the parts.
    pub path: String,
    /// Content digest.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
}

/// A file of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its path below the stage's output folder, `/` between the parts.
    pub path: String,
    /// Content digest.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
}

/// What the store knows of a piece of work.
#[derive(Debug, Clone, PartialEq)]
pub enum Stored {
    /// Its result, whole.
    Result(Box<Manifest>),
    /// Nothing.
    Nothing,
    /// A result that cannot be used, and why, in one line.
    Damaged(String),
}

impl Stored {
    /// The result, if there is a sound one.
    #[must_use]
    pub fn manifest(self) -> Option<Manifest> {
        match self {
            Self::Result(manifest) => Some(*manifest),
            Self::Nothing | Self::Damaged(_) => None,
        }
    }
}

impl Manifest {
    /// Why it cannot be the result of a fingerprint.
    pub(super) fn misfit(&self, fingerprint: &Digest) -> Option<String> {
        if self.format != FORMAT {
            return Some(format!("its format is {}, not {FORMAT}", self.format));
        }
        let fits = self.key.fingerprint().ok() == Some(*fingerprint);
        (!fits).then(|| "its key is that of other work".to_owned())
    }
}

impl Store {
    /// The result of a fingerprint, if the store has all of it: every object is there with its size. A manifest that
    /// cannot be read, has another format, or lacks an object, is damaged: the work must be done again. Bytes are checked
    /// when they are copied out.
    ///
    /// # Errors
    /// When this process may not read the store or has no means left to.
    pub fn lookup(&self, fingerprint: &Digest) -> Result<Stored, StoreError> {
        self.use_if_held(fingerprint)?;
        let path = self.named("actions", fingerprint, ".json");
        let document = match fs::read(&path) {
            Ok(text) => document::unseal::<Manifest>(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Stored::Nothing),
            Err(error) if os::is_denied(&error) => {
                return Err(StoreError::Io { action: "read the manifest", path, source: error });
            }
            Err(error) => Err(Illegible::Damaged(error.to_string())),
        };
        let damage = match document {
            Ok(manifest) => match self.lacks(&manifest, fingerprint) {
                None => {
                    usage::note(&path);
                    return Ok(Stored::Result(Box::new(manifest)));
                }
                Some(damage) => damage,
            },
            Err(illegible) => illegible.to_string(),
        };
        let path = path.display();
        Ok(Stored::Damaged(format!(
            "the stored result `{path}` cannot be used and will be made again: {damage}"
        )))
    }

    /// Why a manifest cannot be used.
    fn lacks(&self, manifest: &Manifest, fingerprint: &Digest) -> Option<String> {
        if let Some(misfit) = manifest.misfit(fingerprint) {
            return Some(misfit);
        }
        let gone = manifest.files.iter().find(|file| !self.has_object(&file.digest, file.size))?;
        Some(format!("the object {} of `{}` is gone or has another size", gone.digest, gone.path))
    }
}
