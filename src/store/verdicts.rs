//! Verdicts: what a preflight found, so that data checked once are not checked again.

use super::{Digest, Store, StoreError, document, failpoint, usage};
use contract::{Finding, Severity};
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;

/// Version of the verdict's format.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Verdict {
    format: u32,
    findings: Vec<Finding>,
}

impl Store {
    /// What the preflight of `digest` (stage, version, settings, inputs) found when it found no error: its warnings and
    /// notes. Nothing when it is not known; a damaged verdict is not known.
    #[must_use]
    pub fn verdict(&self, digest: &Digest) -> Option<Vec<Finding>> {
        let path = self.named("verdicts", digest, ".json");
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(%error, "a saved verdict cannot be read; the check is done again");
                return None;
            }
        };
        match document::unseal::<Verdict>(&text) {
            Ok(verdict) if verdict.format == FORMAT => {
                usage::note(&path);
                Some(verdict.findings)
            }
            Ok(_) => None,
            Err(damage) => {
                tracing::warn!(verdict = %path.display(), %damage, "a saved verdict cannot be used; the check is done again");
                None
            }
        }
    }

    /// Remembers a preflight. One with an error is not remembered: its cause may lie outside of what the digest covers.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn save_verdict(&self, digest: &Digest, findings: &[Finding]) -> Result<(), StoreError> {
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            return Ok(());
        }
        let verdict = Verdict { format: FORMAT, findings: findings.to_vec() };
        self.replace(
            &self.named("verdicts", digest, ".json"),
            document::seal(&verdict)?.as_bytes(),
            || failpoint::hit("store::verdict_before_rename"),
            || (),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_verdict_is_remembered_with_its_warnings_and_one_with_errors_is_not() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Some(root.path().to_owned())).unwrap();
        let (clean, unclean) = (Digest::of(b"clean"), Digest::of(b"unclean"));
        let warning = Finding::warning("data::missing", "2 images are missing").with_help("add them");
        store.save_verdict(&clean, std::slice::from_ref(&warning)).unwrap();
        store.save_verdict(&unclean, &[warning.clone(), Finding::error("data::rgb_mask", "RGB")]).unwrap();
        assert_eq!(store.verdict(&clean), Some(vec![warning]));
        assert_eq!(store.verdict(&unclean), None);
    }

    #[test]
    fn a_garbled_verdict_is_not_believed() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Some(root.path().to_owned())).unwrap();
        let digest = Digest::of(b"work");
        store.save_verdict(&digest, &[Finding::warning("data::missing", "2 images are missing")]).unwrap();
        let path = store.named("verdicts", &digest, ".json");
        fs::write(&path, fs::read_to_string(&path).unwrap().replace('2', "3")).unwrap();
        assert_eq!(store.verdict(&digest), None);
    }
}
