//! A deserializer that satisfies every type, and the list of all legal keys that falls out of it.

use super::path::KeyPath;
use contract::config::{IN_ORDER, ONE_OR_MANY, ONE_OR_PAIR, PAIR};
use serde::de::{self, Deserializer, IntoDeserializer, Visitor, value::StrDeserializer};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

/// The legal keys of each mapping, by its path.
pub(super) type LegalKeys = BTreeMap<KeyPath, &'static [&'static str]>;

/// Names of fields that have another name, too.
const OTHER_SPELLINGS: &[&str] = &["delta_hue", "delta_saturation", "delta_value"];

/// The legal keys of every mapping of a type: it is deserialized from holes that note which fields they are asked for.
pub(super) fn legal_keys<T: de::DeserializeOwned>() -> LegalKeys {
    let notes = RefCell::new(LegalKeys::new());
    // Nothing can fail here; if a type refuses its holes, hints about its keys are all that is lost.
    let _ = T::deserialize(Hole { notes: Some((&notes, KeyPath::default())), variant: None });
    notes.into_inner()
}

/// A value that is not there: 0, an empty text, an empty list, the first variant.
#[derive(Clone, Default)]
pub(super) struct Hole<'a> {
    /// Where to note the fields that are asked for; then options are filled too.
    notes: Option<(&'a RefCell<LegalKeys>, KeyPath)>,
    /// Which variant to be as an enum instead of the first, and where to say how many there are.
    variant: Option<(usize, Rc<Cell<usize>>)>,
}

impl Hole<'_> {
    fn below(&self, key: &str) -> Self {
        Self { notes: self.notes.as_ref().map(|(notes, path)| (*notes, path.key(key))), variant: None }
    }
}

/// The error of a deserializer that has none of its own.
type Error = de::value::Error;

macro_rules! give {
    ($($method:ident => $visit:ident($($value:expr)?),)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit($($value)?)
        })*
    };
}

impl<'de> Deserializer<'de> for Hole<'_> {
    type Error = Error;

    give! {
        deserialize_any => visit_unit(),
        deserialize_bool => visit_bool(false),
        deserialize_i8 => visit_i64(0),
        deserialize_i16 => visit_i64(0),
        deserialize_i32 => visit_i64(0),
        deserialize_i64 => visit_i64(0),
        deserialize_u8 => visit_u64(0),
        deserialize_u16 => visit_u64(0),
        deserialize_u32 => visit_u64(0),
        deserialize_u64 => visit_u64(0),
        deserialize_f32 => visit_f64(0.0),
        deserialize_f64 => visit_f64(0.0),
        deserialize_char => visit_char(' '),
        deserialize_str => visit_str(""),
        deserialize_string => visit_str(""),
        deserialize_bytes => visit_bytes(&[]),
        deserialize_byte_buf => visit_bytes(&[]),
        deserialize_unit => visit_unit(),
        deserialize_identifier => visit_str(""),
        deserialize_ignored_any => visit_unit(),
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.notes.is_some() { visitor.visit_some(self) } else { visitor.visit_none() }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match name {
            IN_ORDER => visitor.visit_seq(EveryVariant { hole: self, next: 0, count: Rc::default() }),
            ONE_OR_PAIR | PAIR | ONE_OR_MANY => visitor.visit_unit(),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_tuple(0, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(de::value::SeqDeserializer::new(std::iter::repeat_n(Self::default(), len)))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let none: [(&str, Self); 0] = [];
        visitor.visit_map(de::value::MapDeserializer::new(none.into_iter()))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if let Some((notes, path)) = &self.notes {
            notes.borrow_mut().insert(path.clone(), fields);
        }
        // A field that is there in two spellings would be there twice.
        let fields = fields.iter().filter(|field| !OTHER_SPELLINGS.contains(field));
        let entries = fields.map(|field| (*field, self.below(field)));
        visitor.visit_map(de::value::MapDeserializer::new(entries))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let wanted = match &self.variant {
            Some((wanted, count)) => {
                count.set(variants.len());
                *wanted
            }
            None => 0,
        };
        let name = variants.get(wanted).copied().unwrap_or("");
        visitor.visit_enum(HoleVariant { hole: self.below(name), name })
    }
}

impl<'de> IntoDeserializer<'de, Error> for Hole<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// A hole for each variant of an enum, so that the keys of all are noted.
struct EveryVariant<'a> {
    hole: Hole<'a>,
    next: usize,
    /// How many there are; known after the first.
    count: Rc<Cell<usize>>,
}

impl<'de> de::SeqAccess<'de> for EveryVariant<'_> {
    type Error = Error;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.hole.notes.is_none() || self.next > 0 && self.next >= self.count.get() {
            return Ok(None);
        }
        let variant = Some((self.next, Rc::clone(&self.count)));
        self.next += 1;
        seed.deserialize(Hole { variant, ..self.hole.clone() }).map(Some)
    }
}

struct HoleVariant<'a> {
    hole: Hole<'a>,
    name: &'static str,
}

impl<'de, 'a> de::EnumAccess<'de> for HoleVariant<'a> {
    type Error = Error;
    type Variant = Hole<'a>;

    fn variant_seed<V: de::DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Hole<'a>), Error> {
        let name: StrDeserializer<'_, Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self.hole))
    }
}

impl<'de> de::VariantAccess<'de> for Hole<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_struct("", fields, visitor)
    }
}
