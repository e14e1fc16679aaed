//! JSON documents of the store, sealed with a checksum: a document that a disk garbled is no document.

use super::{Digest, StoreError};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The field that holds the digest of all the others' canonical JSON.
const SEAL: &str = "checksum";

/// The text of a document. It is an object; its fields may be anything that JSON can say.
///
/// # Errors
/// When it cannot be written as JSON.
pub(super) fn seal<T: Serialize>(document: &T) -> Result<String, StoreError> {
    let not_json = |what: serde_json::Error| StoreError::NotCanonical { what: what.to_string() };
    let mut value = serde_json::to_value(document).map_err(not_json)?;
    let checksum = Digest::of_value(&value)?;
    match &mut value {
        Value::Object(fields) => fields.insert(SEAL.to_owned(), checksum.to_string().into()),
        other => {
            return Err(StoreError::NotCanonical { what: format!("a document is an object, not {other}") });
        }
    };
    serde_json::to_string_pretty(&value).map_err(not_json)
}

/// A document back from its text, or why it is none.
pub(super) fn unseal<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    let mut value: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let seal = value.as_object_mut().and_then(|fields| fields.shift_remove(SEAL));
    let checksum = Digest::of_value(&value).map_err(|error| error.to_string())?;
    if seal != Some(checksum.to_string().into()) {
        return Err("its checksum is wrong".to_owned());
    }
    T::deserialize(value).map_err(|error| error.to_string())
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
        for (from, to) in [("2.5", "2.6"), ("text", "test"), ("\"a\"", "\"c\""), (SEAL, "check")] {
            assert!(unseal::<Value>(text.replace(from, to).as_bytes()).is_err(), "{from} -> {to}");
        }
        assert!(unseal::<Value>(&text.as_bytes()[..text.len() / 2]).is_err());
        assert!(unseal::<Value>(b"[]").is_err());
    }
}
