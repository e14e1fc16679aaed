//! JSON documents of the store, sealed with a checksum: a document that a disk garbled is no document.
//!
//! `{"checksum":"...","document":...}`: the checksum is of the bytes of the document as they stand there, so that checking
//! it costs no more than hashing.

use super::{Digest, StoreError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};
use std::collections::BTreeSet;
use thiserror::Error;

#[derive(Serialize, Deserialize)]
struct Sealed<'a> {
    checksum: Digest,
    #[serde(borrow)]
    document: &'a RawValue,
}

/// The text of a document.
///
/// # Errors
/// When it cannot be written as JSON.
pub(super) fn seal<T: Serialize>(document: &T) -> Result<String, StoreError> {
    let not_json = |what: serde_json::Error| StoreError::NotCanonical { what: what.to_string() };
    let document = serde_json::value::to_raw_value(document).map_err(not_json)?;
    let sealed = Sealed { checksum: Digest::of(document.get().as_bytes()), document: &document };
    serde_json::to_string(&sealed).map_err(not_json)
}

/// Why a text is no document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Illegible {
    /// It is not what was written.
    #[error("{0}")]
    Damaged(String),
    /// It is what was written, but this program does not understand it: another version of it wrote that.
    #[error("{0}")]
    Foreign(String),
}

/// A document back from its text, or why it is none.
pub(super) fn unseal<T: DeserializeOwned>(text: &[u8]) -> Result<T, Illegible> {
    serde_json::from_str(open(text)?).map_err(|error| Illegible::Foreign(error.to_string()))
}

/// All digests that are named anywhere in a document, understood or not.
pub(super) fn digests(text: &[u8]) -> BTreeSet<Digest> {
    let mut found = BTreeSet::new();
    let document = open(text).ok().and_then(|document| serde_json::from_str(document).ok());
    let mut values: Vec<Value> = document.into_iter().collect();
    while let Some(value) = values.pop() {
        match value {
            Value::String(text) => found.extend(text.parse::<Digest>()),
            Value::Array(items) => values.extend(items),
            Value::Object(fields) => values.extend(fields.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
    found
}

/// What is sealed, if the seal is whole.
fn open(text: &[u8]) -> Result<&str, Illegible> {
    let damaged = |error: serde_json::Error| Illegible::Damaged(error.to_string());
    let sealed: Sealed<'_> = serde_json::from_slice(text).map_err(damaged)?;
    if sealed.checksum != Digest::of(sealed.document.get().as_bytes()) {
        return Err(Illegible::Damaged("its checksum is wrong".to_owned()));
    }
    Ok(sealed.document.get())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_sealed_document_reads_back_and_any_edit_breaks_the_seal() {
        let document = json!({"b": [1, 2.5, null], "a": "text"});
        let text = seal(&document).unwrap();
        assert_eq!(unseal::<Value>(text.as_bytes()).unwrap(), document);
        for (from, to) in [("2.5", "2.6"), ("text", "test"), ("\"a\"", "\"c\""), ("document", "documend")] {
            assert!(unseal::<Value>(text.replace(from, to).as_bytes()).is_err(), "{from} -> {to}");
        }
        assert!(unseal::<Value>(&text.as_bytes()[..text.len() / 2]).is_err());
        assert!(unseal::<Value>(b"[]").is_err());
    }

    #[test]
    fn what_another_version_wrote_is_told_from_damage_and_its_digests_are_found() {
        let digest = Digest::of(b"file");
        let text = seal(&json!({"files": [{"digest": digest}, "word"]})).unwrap();
        assert!(matches!(unseal::<u32>(text.as_bytes()), Err(Illegible::Foreign(_))));
        assert_eq!(digests(text.as_bytes()), BTreeSet::from([digest]));
        let garbled = text.replace("word", "work");
        assert!(matches!(unseal::<u32>(garbled.as_bytes()), Err(Illegible::Damaged(_))));
        assert!(digests(garbled.as_bytes()).is_empty());
    }
}
