//! Canonical JSON: one text for one value.
//!
//! No blanks; object keys sorted by the bytes of their escaped form; integers in decimal; floats in the shortest form that reads
//! back as the same double, always with a point or an exponent, -0 as 0. A single-precision number is widened first.
//! Numbers that are not finite are refused: JSON has no word for them, and `null` would make a key that lies.

use super::StoreError;
use serde::{Serialize, Serializer, ser};
use std::{
    fmt::{self, Write},
    ops::Range,
};

/// The canonical JSON of a value.
///
/// # Errors
/// [`StoreError::NotCanonical`] for a number that is not finite, an integer beyond 64 bits, and a map whose keys are
/// neither strings nor integers, or in which a key stands twice.
pub fn canonical_json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    let mut text = String::with_capacity(1024);
    match value.serialize(Canonical(&mut text)) {
        Ok(()) => Ok(text),
        Err(Refused(what)) => Err(StoreError::NotCanonical { what }),
    }
}

/// Appends a value to a text.
struct Canonical<'a>(&'a mut String);

#[derive(Debug)]
struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

type Written = Result<(), Refused>;

impl<'a> Canonical<'a> {
    fn show(self, value: impl fmt::Display) -> Written {
        write!(self.0, "{value}").map_err(ser::Error::custom)
    }

    fn quote(self, text: &str) -> Written {
        let plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
        if text.bytes().all(plain) {
            self.0.push('"');
            self.0.push_str(text);
            self.0.push('"');
        } else {
            self.0.push_str(&serde_json::to_string(text).map_err(<Refused as ser::Error>::custom)?);
        }
        Ok(())
    }

    /// Opens the list or object of a variant, `{"variant":inner}`, the form serde_json gives an enum.
    fn tag(self, variant: &str) -> Result<&'a mut String, Refused> {
        let Self(out) = self;
        out.push('{');
        Canonical(out).quote(variant)?;
        out.push(':');
        Ok(out)
    }
}

impl<'a> Serializer for Canonical<'a> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = List<'a>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Object<'a>;

    fn serialize_bool(self, value: bool) -> Written {
        self.show(value)
    }

    fn serialize_i8(self, value: i8) -> Written {
        self.show(value)
    }

    fn serialize_i16(self, value: i16) -> Written {
        self.show(value)
    }

    fn serialize_i32(self, value: i32) -> Written {
        self.show(value)
    }

    fn serialize_i64(self, value: i64) -> Written {
        self.show(value)
    }

    fn serialize_u8(self, value: u8) -> Written {
        self.show(value)
    }

    fn serialize_u16(self, value: u16) -> Written {
        self.show(value)
    }

    fn serialize_u32(self, value: u32) -> Written {
        self.show(value)
    }

    fn serialize_u64(self, value: u64) -> Written {
        self.show(value)
    }

    fn serialize_f32(self, value: f32) -> Written {
        self.serialize_f64(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Written {
        if !value.is_finite() {
            return Err(Refused(format!("{value} is not a finite number")));
        }
        // Adding 0 turns -0 into 0 and leaves every other number as it is.
        self.show(format_args!("{:?}", value + 0.0))
    }

    fn serialize_char(self, value: char) -> Written {
        self.quote(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Written {
        self.quote(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Written {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Written {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Written {
        self.show("null")
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Written {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Written {
        self.quote(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Written {
        let out = self.tag(variant)?;
        value.serialize(Canonical(out))?;
        out.push('}');
        Ok(())
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<List<'a>, Refused> {
        Ok(List::open(self.0, "]"))
    }

    fn serialize_tuple(self, _length: usize) -> Result<List<'a>, Refused> {
        Ok(List::open(self.0, "]"))
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<List<'a>, Refused> {
        Ok(List::open(self.0, "]"))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<List<'a>, Refused> {
        Ok(List::open(self.tag(variant)?, "]}"))
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Object<'a>, Refused> {
        Ok(Object::open(self.0, "}"))
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Object<'a>, Refused> {
        Ok(Object::open(self.0, "}"))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Object<'a>, Refused> {
        Ok(Object::open(self.tag(variant)?, "}}"))
    }
}

/// An open list.
struct List<'a> {
    out: &'a mut String,
    empty: bool,
    close: &'static str,
}

impl<'a> List<'a> {
    fn open(out: &'a mut String, close: &'static str) -> Self {
        out.push('[');
        Self { out, empty: true, close }
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        if !std::mem::take(&mut self.empty) {
            self.out.push(',');
        }
        value.serialize(Canonical(self.out))
    }

    fn finish(self) {
        self.out.push_str(self.close);
    }
}

/// An open object. Its entries are written as they come and put into order at the end.
struct Object<'a> {
    out: &'a mut String,
    /// Where its entries begin.
    start: usize,
    entries: Vec<Entry>,
    close: &'static str,
}

/// Where an entry stands in the text.
struct Entry {
    key: Range<usize>,
    end: usize,
}

impl<'a> Object<'a> {
    fn open(out: &'a mut String, close: &'static str) -> Self {
        out.push('{');
        Self { start: out.len(), out, entries: Vec::new(), close }
    }

    /// Begins an entry whose key `write` writes.
    fn key(&mut self, write: impl FnOnce(&mut String) -> Written) -> Written {
        if !self.entries.is_empty() {
            self.out.push(',');
        }
        let start = self.out.len();
        write(self.out)?;
        let end = self.out.len();
        self.entries.push(Entry { key: start..end, end });
        self.out.push(':');
        Ok(())
    }

    /// Ends the entry.
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        value.serialize(Canonical(self.out))?;
        let Some(entry) = self.entries.last_mut() else {
            return Err(Refused("a value without a key".to_owned()));
        };
        entry.end = self.out.len();
        Ok(())
    }

    fn finish(mut self) -> Written {
        let Self { out, start, entries, close } = &mut self;
        let key = |entry: &Entry| &out[entry.key.clone()];
        if !entries.is_sorted_by(|one, next| key(one) < key(next)) {
            entries.sort_by(|one, other| key(one).cmp(key(other)));
            if let Some([twice, _]) = entries.array_windows().find(|[one, next]| key(one) == key(next)) {
                return Err(Refused(format!("the key {} stands twice in one map", key(twice))));
            }
            let mut sorted = String::with_capacity(out.len() - *start);
            for entry in entries {
                if !sorted.is_empty() {
                    sorted.push(',');
                }
                sorted.push_str(&out[entry.key.start..entry.end]);
            }
            out.truncate(*start);
            out.push_str(&sorted);
        }
        out.push_str(close);
        Ok(())
    }
}

macro_rules! list {
    ($trait:ident, $push:ident) => {
        impl ser::$trait for List<'_> {
            type Ok = ();
            type Error = Refused;

            fn $push<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
                self.push(value)
            }

            fn end(self) -> Written {
                self.finish();
                Ok(())
            }
        }
    };
}

list!(SerializeSeq, serialize_element);
list!(SerializeTuple, serialize_element);
list!(SerializeTupleStruct, serialize_field);
list!(SerializeTupleVariant, serialize_field);

macro_rules! object {
    ($trait:ident) => {
        impl ser::$trait for Object<'_> {
            type Ok = ();
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Written {
                self.key(|out| Canonical(out).quote(key))?;
                self.value(value)
            }

            fn end(self) -> Written {
                self.finish()
            }
        }
    };
}

object!(SerializeStruct);
object!(SerializeStructVariant);

impl ser::SerializeMap for Object<'_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Written {
        self.key(|out| {
            let start = out.len();
            key.serialize(Canonical(out))?;
            let text = &out[start..];
            if text.starts_with('"') {
                return Ok(());
            }
            if text.parse::<i64>().is_err() && text.parse::<u64>().is_err() {
                return Err(Refused(format!("{text} cannot be the key of a map")));
            }
            out.insert(start, '"');
            out.push('"');
            Ok(())
        })
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        self.value(value)
    }

    fn end(self) -> Written {
        self.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    #[test]
    fn keys_are_sorted_at_every_depth_and_lists_keep_their_order() {
        let value = json!({"b": {"z": 1, "a": [3, 1, 2]}, "a": null, "é": true});
        assert_eq!(canonical_json(&value).unwrap(), r#"{"a":null,"b":{"a":[3,1,2],"z":1},"é":true}"#);
    }

    #[test]
    fn floats_are_written_in_the_shortest_form_and_minus_zero_is_zero() {
        let floats = [0.1 + 0.2, 1.0, -0.0, 1e-7, 1e300, 5e-324, 0.1];
        assert_eq!(canonical_json(&floats).unwrap(), "[0.30000000000000004,1.0,0.0,1e-7,1e300,5e-324,0.1]");
        assert_eq!(canonical_json(&(-0.0f64)).unwrap(), canonical_json(&0.0f64).unwrap());
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused() {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = canonical_json(&Some(vec![number])).unwrap_err();
            assert!(error.to_string().contains("is not a finite number"), "{error}");
        }
        assert!(canonical_json(&f32::NAN).is_err());
    }

    #[test]
    fn a_map_with_keys_that_are_no_strings_is_refused_and_integers_become_strings() {
        assert_eq!(canonical_json(&BTreeMap::from([(2, "b"), (10, "a")])).unwrap(), r#"{"10":"a","2":"b"}"#);
        assert!(canonical_json(&BTreeMap::from([(vec![1], 1)])).is_err());
    }

    #[test]
    fn enums_have_the_form_that_serde_json_gives_them() {
        #[derive(Serialize)]
        enum Shape {
            Unit,
            Newtype(f32),
            Tuple(u8, char),
            Struct { b: i64, a: Option<&'static str> },
        }
        let shapes =
            [Shape::Unit, Shape::Newtype(0.5), Shape::Tuple(1, '"'), Shape::Struct { b: -1, a: None }];
        assert_eq!(
            canonical_json(&shapes).unwrap(),
            r#"["Unit",{"Newtype":0.5},{"Tuple":[1,"\""]},{"Struct":{"a":null,"b":-1}}]"#
        );
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    fn reversed(value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(reversed).collect(),
            Value::Object(entries) => {
                Value::Object(entries.iter().rev().map(|(k, v)| (k.clone(), reversed(v))).collect())
            }
            other => other.clone(),
        }
    }

    proptest! {
        #[test]
        fn the_text_does_not_depend_on_the_order_of_keys_and_reads_back_as_the_same_value(value in any_json()) {
            let text = canonical_json(&value).unwrap();
            prop_assert_eq!(&canonical_json(&reversed(&value)).unwrap(), &text);
            let back: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&back, &value);
            prop_assert_eq!(canonical_json(&back).unwrap(), text);
        }
    }
}
