//! JSON documents of the store, sealed with a checksum: a document that a disk garbled is no document.
//!
//! `{"checksum":"...","document":...}`: the checksum is of the bytes of the document as they stand there, so that checking
//! it costs no more than hashing.

use super::{Digest, StoreError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

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

/// A document back from its text, or why it is none.
pub(super) fn unseal<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    let sealed: Sealed<'_> = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if sealed.checksum != Digest::of(sealed.document.get().as_bytes()) {
        return Err("its checksum is wrong".to_owned());
    }
    serde_json::from_str(sealed.document.get()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

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
}
