//! Canonical JSON: one text for one value.
//!
//! No blanks; object keys sorted by the bytes of their escaped form; integers in decimal; floats in the shortest form that reads
//! back as the same double, always with a point or an exponent, -0 as 0. A single-precision number is widened first.
//! Numbers that are not finite are refused: JSON has no word for them, and `null` would make a key that lies.

use super::StoreError;
use serde::{Serialize, Serializer, ser};
use std::{collections::BTreeMap, fmt};

/// The canonical JSON of a value.
///
/// # Errors
/// [`StoreError::NotCanonical`] for a number that is not finite, an integer beyond 64 bits, and a map whose keys are
/// neither strings nor integers, or in which a key stands twice.
pub fn canonical_json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    value.serialize(Canonical).map_err(|Refused(what)| StoreError::NotCanonical { what })
}

/// Writes a value as text. Children are written first, so that the entries of an object can be sorted.
struct Canonical;

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

type Text = Result<String, Refused>;

fn quote(text: &str) -> Text {
    serde_json::to_string(text).map_err(ser::Error::custom)
}

/// `{"variant":inner}`, the form serde_json gives an enum.
fn tagged(variant: Option<&str>, inner: String) -> Text {
    match variant {
        Some(variant) => Ok(format!("{{{}:{inner}}}", quote(variant)?)),
        None => Ok(inner),
    }
}

impl Serializer for Canonical {
    type Ok = String;
    type Error = Refused;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Object;
    type SerializeStruct = Object;
    type SerializeStructVariant = Object;

    fn serialize_bool(self, value: bool) -> Text {
        Ok(value.to_string())
    }

    fn serialize_i8(self, value: i8) -> Text {
        Ok(value.to_string())
    }

    fn serialize_i16(self, value: i16) -> Text {
        Ok(value.to_string())
    }

    fn serialize_i32(self, value: i32) -> Text {
        Ok(value.to_string())
    }

    fn serialize_i64(self, value: i64) -> Text {
        Ok(value.to_string())
    }

    fn serialize_u8(self, value: u8) -> Text {
        Ok(value.to_string())
    }

    fn serialize_u16(self, value: u16) -> Text {
        Ok(value.to_string())
    }

    fn serialize_u32(self, value: u32) -> Text {
        Ok(value.to_string())
    }

    fn serialize_u64(self, value: u64) -> Text {
        Ok(value.to_string())
    }

    fn serialize_f32(self, value: f32) -> Text {
        self.serialize_f64(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Text {
        if !value.is_finite() {
            return Err(Refused(format!("{value} is not a finite number")));
        }
        // Adding 0 turns -0 into 0 and leaves every other number as it is.
        Ok(format!("{:?}", value + 0.0))
    }

    fn serialize_char(self, value: char) -> Text {
        quote(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Text {
        quote(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Text {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Text {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Text {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Text {
        Ok("null".to_owned())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Text {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Text {
        quote(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Text {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Text {
        tagged(Some(variant), value.serialize(self)?)
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<List, Refused> {
        Ok(List::default())
    }

    fn serialize_tuple(self, _length: usize) -> Result<List, Refused> {
        Ok(List::default())
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<List, Refused> {
        Ok(List::default())
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<List, Refused> {
        Ok(List { variant: Some(variant), items: Vec::new() })
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Object, Refused> {
        Ok(Object::default())
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Object, Refused> {
        Ok(Object::default())
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Object, Refused> {
        Ok(Object { variant: Some(variant), ..Object::default() })
    }
}

#[derive(Default)]
struct List {
    variant: Option<&'static str>,
    items: Vec<String>,
}

impl List {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.items.push(value.serialize(Canonical)?);
        Ok(())
    }

    fn finish(self) -> Text {
        tagged(self.variant, format!("[{}]", self.items.join(",")))
    }
}

#[derive(Default)]
struct Object {
    variant: Option<&'static str>,
    key: Option<String>,
    entries: BTreeMap<String, String>,
}

impl Object {
    fn insert<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), Refused> {
        let value = value.serialize(Canonical)?;
        if self.entries.contains_key(&key) {
            return Err(Refused(format!("the key {key} stands twice in one map")));
        }
        self.entries.insert(key, value);
        Ok(())
    }

    fn finish(self) -> Text {
        let entries: Vec<String> =
            self.entries.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
        tagged(self.variant, format!("{{{}}}", entries.join(",")))
    }
}

macro_rules! list {
    ($trait:ident, $push:ident) => {
        impl ser::$trait for List {
            type Ok = String;
            type Error = Refused;

            fn $push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                self.push(value)
            }

            fn end(self) -> Text {
                self.finish()
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
        impl ser::$trait for Object {
            type Ok = String;
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Refused> {
                self.insert(quote(key)?, value)
            }

            fn end(self) -> Text {
                self.finish()
            }
        }
    };
}

object!(SerializeStruct);
object!(SerializeStructVariant);

impl ser::SerializeMap for Object {
    type Ok = String;
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        let text = key.serialize(Canonical)?;
        self.key = Some(match text.as_bytes() {
            [b'"', ..] => text,
            _ if text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok() => quote(&text)?,
            _ => return Err(Refused(format!("{text} cannot be the key of a map"))),
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        let key = self.key.take().ok_or_else(|| Refused("a value without a key".to_owned()))?;
        self.insert(key, value)
    }

    fn end(self) -> Text {
        self.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

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
