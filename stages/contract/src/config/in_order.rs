//! Things with names and arguments whose order in the file counts.

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};
use std::{fmt, marker::PhantomData};

/// The name under which a deserializer is asked for a mapping whose order counts: it shows each entry as a mapping of its
/// own.
pub const IN_ORDER: &str = "InOrder";

/// A thing with a name and arguments: an enum with a variant for each name.
pub trait Named: DeserializeOwned {
    /// Reads it from JSON. That is compiled once, with the type, and not again in each crate that reads a configuration.
    ///
    /// # Errors
    /// When it is no such thing.
    fn from_json(thing: Value) -> serde_json::Result<Self>;
}

/// Things with names and arguments, in the order of the file. `T` is an enum with a variant for each name; in the file a
/// mapping holds them, and a name without a value is one without arguments. JSON mappings have no order to rely on, so
/// it is written as a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct InOrder<T>(pub Vec<T>);

impl<T> Default for InOrder<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> InOrder<T> {
    /// The things in order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }
}

impl<'a, T> IntoIterator for &'a InOrder<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'de, T: Named> Deserialize<'de> for InOrder<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(IN_ORDER, Entries(PhantomData))
    }
}

struct Entries<T>(PhantomData<T>);

impl<'de, T: Named> Visitor<'de> for Entries<T> {
    type Value = InOrder<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping from names to arguments")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<InOrder<T>, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_unit<E: Error>(self) -> Result<InOrder<T>, E> {
        Ok(InOrder::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<InOrder<T>, A::Error> {
        let mut things = Vec::new();
        while let Some(thing) = entries.next_element()? {
            things.push(thing);
        }
        Ok(InOrder(things))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<InOrder<T>, A::Error> {
        let mut things = Vec::new();
        while let Some((name, arguments)) = entries.next_entry::<String, Value>()? {
            let arguments = if arguments.is_null() { Value::Object(Map::new()) } else { arguments };
            let thing = Value::Object(Map::from_iter([(name, arguments)]));
            things.push(T::from_json(thing).map_err(A::Error::custom)?);
        }
        Ok(InOrder(things))
    }
}
