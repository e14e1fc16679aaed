//! What a source consists of, kept under the digest of its content, so that it can be said later what has changed in it.
//!
//! `sources/DIGEST.json` is written once, when a run starts with a source of that content. It certifies itself: what is
//! read must have the digest of its name. A single file has none, since its digest says all.

use super::{Digest, SourceDigest, Store, StoreError};
use contract::{Source, SourceContent};
use fs_err as fs;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, path::Path};

/// The parts of a source, without their places.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceListing {
    /// All files of a folder by their paths below it.
    Folder(BTreeMap<String, Digest>),
    /// Images in their order.
    Images(Vec<ImageListing>),
    /// What the program makes itself.
    Generated(String, Map<String, Value>),
}

/// An image of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageListing {
    /// Its name in the list of ids.
    pub id: String,
    /// The picture.
    pub image: FileState,
    /// Its label mask.
    pub mask: FileState,
}

/// A file of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// The stage does not read it.
    NotAsked,
    /// It is listed and not there.
    Absent,
    /// It has this content.
    Content(Digest),
}

impl SourceListing {
    /// The parts of a source that was digested; none of a single file.
    #[must_use]
    pub fn of(source: &Source, digested: &SourceDigest) -> Option<Self> {
        let state = |path: &Path| digested.content(path).map_or(FileState::Absent, FileState::Content);
        Some(match &source.content {
            SourceContent::File(_) | SourceContent::Remote { .. } => return None,
            SourceContent::Folder(root) => {
                let below = |path: &Path| Some(path.strip_prefix(root).ok()?.to_str()?.to_owned());
                let files = digested.contents().filter_map(|(path, digest)| Some((below(path)?, digest)));
                Self::Folder(files.collect())
            }
            SourceContent::Images(entries) => {
                let listed = entries.iter().map(|entry| ImageListing {
                    id: entry.id.clone(),
                    image: state(&entry.image),
                    mask: entry.mask.as_deref().map_or(FileState::NotAsked, state),
                });
                Self::Images(listed.collect())
            }
            SourceContent::Generated { generator, parameters } => {
                Self::Generated(generator.clone(), parameters.clone())
            }
        })
    }

    /// The digest of a source of these parts, which is that of [`super::digest_source`].
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn digest(&self) -> Result<Digest, StoreError> {
        match self {
            Self::Folder(files) => Digest::of_value(&("folder", files)),
            Self::Images(images) => Digest::of_value(&("images", images)),
            Self::Generated(generator, parameters) => Digest::of_value(&("generated", generator, parameters)),
        }
    }
}

impl Store {
    /// Keeps what a source consists of, unless that is kept already.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn keep_listing(&self, source: &Source, digested: &SourceDigest) -> Result<(), StoreError> {
        let path = self.named("sources", &digested.digest, ".json");
        if matches!(source.content, SourceContent::File(_)) || path.exists() {
            return Ok(());
        }
        let Some(listing) = SourceListing::of(source, digested) else { return Ok(()) };
        let not_json = |error: serde_json::Error| StoreError::NotCanonical { what: error.to_string() };
        self.replace(&path, &serde_json::to_vec(&listing).map_err(not_json)?, || (), || ())
    }

    /// What the source of this content consists of, if that was kept and is sound.
    #[must_use]
    pub fn listing(&self, digest: &Digest) -> Option<SourceListing> {
        let text = fs::read(self.named("sources", digest, ".json")).ok()?;
        let listing: SourceListing = serde_json::from_slice(&text).ok()?;
        (listing.digest().ok()? == *digest).then_some(listing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::digest_source;
    use contract::{ArtifactKind, ImageEntry};

    fn source(content: SourceContent) -> Source {
        Source {
            kind: ArtifactKind::ImageSet,
            label: "training set".to_owned(),
            key: "dataset.training_path".to_owned(),
            content,
            findings: Vec::new(),
        }
    }

    #[test]
    fn a_listing_has_the_digest_of_its_source_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(Some(folder.path().join("store"))).unwrap();
        let data = folder.path().join("data");
        fs::create_dir_all(data.join("deep")).unwrap();
        for name in ["a.png", "deep/b.png"] {
            fs::write(data.join(name), name).unwrap();
        }
        let entry = |id: &str, mask: Option<&str>| ImageEntry {
            id: id.to_owned(),
            image: data.join(format!("{id}.png")),
            mask: mask.map(|name| data.join(name)),
        };
        let images =
            vec![entry("a", Some("deep/b.png")), entry("absent", Some("absent.png")), entry("a", None)];
        let parameters = serde_json::json!({"seed": 7}).as_object().cloned().unwrap();
        for content in [
            SourceContent::Folder(data.clone()),
            SourceContent::Images(images),
            SourceContent::Generated { generator: "shapes".to_owned(), parameters },
        ] {
            let source = source(content);
            let digested = digest_source(&source).unwrap();
            assert_eq!(store.listing(&digested.digest), None);
            store.keep_listing(&source, &digested).unwrap();
            let listing = SourceListing::of(&source, &digested).unwrap();
            assert_eq!(listing.digest().unwrap(), digested.digest);
            assert_eq!(store.listing(&digested.digest), Some(listing));
        }
    }

    #[test]
    fn a_listing_that_was_edited_is_none_and_a_single_file_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(Some(folder.path().join("store"))).unwrap();
        fs::write(folder.path().join("a.txt"), "a").unwrap();
        let file = source(SourceContent::File(folder.path().join("a.txt")));
        let digested = digest_source(&file).unwrap();
        store.keep_listing(&file, &digested).unwrap();
        assert_eq!(store.listing(&digested.digest), None);

        let shapes = SourceContent::Generated { generator: "shapes".to_owned(), parameters: Map::new() };
        let digested = digest_source(&source(shapes.clone())).unwrap();
        store.keep_listing(&source(shapes), &digested).unwrap();
        let path = store.root().join(format!("sources/{}.json", digested.digest));
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("shapes", "squares")).unwrap();
        assert_eq!(store.listing(&digested.digest), None);
    }
}
