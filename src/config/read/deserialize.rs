//! The serde side of a [`Reader`].

use super::{reader::Reader, refusal::Refusal, untyped::Untyped};
use crate::config::{
    error::{Code, ConfigError},
    node::{Content, Kind, Node, Scalar},
    suggest,
    text::Place,
};
use contract::config::{ANY_LETTER_CASE, IN_ORDER, ONE_OR_MANY, ONE_OR_PAIR, PAIR};
use serde::de::{self, Deserializer, IntoDeserializer, Visitor, value::StrDeserializer};

/// What the names of an enumeration are, where the mapping that holds them is in file order.
const NAMES: &[(&str, &str)] = &[("Augmentation", "augmentation function"), ("Callback", "callback")];

/// Callbacks that are always on and cannot be named.
const BUILT_IN_CALLBACKS: &[&str] = &["CSVLogger", "ModelCheckpoint", "TensorBoard"];

impl<'de> IntoDeserializer<'de, Refusal> for Reader<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Methods for numbers: a range, and the visitor's method.
macro_rules! whole_numbers {
    ($($method:ident: $type:ty => $visit:ident as $wide:ty,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            let number = self.whole_number(<$type>::MIN.into(), <$type>::MAX.into())?;
            let number = <$wide>::try_from(number).map_err(<Refusal as de::Error>::custom)?;
            visitor.$visit(number).map_err(|refusal: Refusal| self.placed(refusal))
        })*
    };
}

/// Methods that are the same as another.
macro_rules! same_as {
    ($($method:ident = $other:ident,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            self.$other(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Refusal;

    whole_numbers! {
        deserialize_i8: i8 => visit_i64 as i64,
        deserialize_i16: i16 => visit_i64 as i64,
        deserialize_i32: i32 => visit_i64 as i64,
        deserialize_i64: i64 => visit_i64 as i64,
        deserialize_u8: u8 => visit_u64 as u64,
        deserialize_u16: u16 => visit_u64 as u64,
        deserialize_u32: u32 => visit_u64 as u64,
        deserialize_u64: u64 => visit_u64 as u64,
    }

    same_as! {
        deserialize_f32 = deserialize_f64,
        deserialize_char = deserialize_string,
        deserialize_str = deserialize_string,
        deserialize_bytes = deserialize_string,
        deserialize_byte_buf = deserialize_string,
        deserialize_identifier = deserialize_string,
        deserialize_unit = deserialize_any,
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_bool(self.truth_value()?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_f64(self.number()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_str(self.text()?).map_err(|refusal: Refusal| self.placed(refusal))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let is_filled = match self.node.content {
            Content::Hole => self.report.borrow().asked.is_some(),
            _ => !self.node.is_absent(),
        };
        if is_filled { visitor.visit_some(self) } else { visitor.visit_none() }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match name {
            ONE_OR_PAIR | PAIR if self.node.is_hole() => return visitor.visit_unit(),
            IN_ORDER => return self.visit_all(&self.one_by_one()?, visitor),
            ONE_OR_PAIR => {
                let what = "a number, or a pair of numbers such as (0.5, 1.5)";
                return self.visit_items(&self.ends(what, true)?, visitor);
            }
            PAIR => {
                return self.visit_items(&self.ends("a pair of numbers such as (0.5, 1.5)", false)?, visitor);
            }
            ONE_OR_MANY => {}
            _ => return visitor.visit_newtype_struct(self),
        }
        match &self.node.content {
            Content::Hole => visitor.visit_unit(),
            Content::Map(_) => self.deserialize_map(visitor),
            Content::List(_) => self.deserialize_seq(visitor),
            Content::Scalar(scalar) => {
                visitor.visit_str(&scalar.text).map_err(|refusal: Refusal| self.placed(refusal))
            }
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.visit_items(&self.items("a list such as [a, b]")?, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Refusal> {
        if self.node.is_hole() {
            return self.visit_items(&vec![self.node.clone(); len], visitor);
        }
        let example =
            ["128"; 2].into_iter().take(len.saturating_sub(1)).chain(["3"]).collect::<Vec<_>>().join(", ");
        let what = format!("{len} values such as ({example})");
        let items = self.items(&what)?;
        if items.len() != len {
            return Err(self.must_be(&what, &format!("{} values", items.len())));
        }
        self.visit_items(&items, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_tuple(len, visitor)
    }

    /// A mapping that is not typed: its keys are the user's.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let entries = match &self.node.content {
            Content::Map(entries) => entries.as_slice(),
            Content::Scalar(scalar) if scalar.is_empty() || scalar.is_none() => &[],
            Content::Hole => &[],
            _ => return Err(self.must_be("a mapping of keys", "not a mapping")),
        };
        let entries = entries.iter().map(|entry| (entry.key.as_str(), self.entry(entry))).collect();
        self.visit_entries(entries, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.visit_entries(self.fields(name, fields)?, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let variant = self.variant(name, variants)?;
        visitor.visit_enum(variant).map_err(|refusal: Refusal| self.placed(refusal))
    }

    /// A value that is not typed yet: what a YAML 1.2 reader makes of it, and of text without quotes that is a Python
    /// literal or arithmetic the value of that.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let scalar = match &self.node.content {
            Content::Hole => return visitor.visit_unit(),
            Content::Map(_) => return self.deserialize_map(visitor),
            Content::List(_) => return self.deserialize_seq(visitor),
            Content::Scalar(scalar) => scalar,
        };
        match &scalar.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(value) => visitor.visit_bool(*value),
            Kind::Text => match Untyped::of(scalar) {
                Some(value) => value.deserialize_any(visitor),
                None => visitor.visit_str(&scalar.text),
            },
            Kind::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), ..) => visitor.visit_u64(value),
                (_, Some(value), _) => visitor.visit_i64(value),
                (.., Some(value)) if value.is_finite() => visitor.visit_f64(value),
                _ => visitor.visit_str(&scalar.text),
            },
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }
}

impl<'a> Reader<'a> {
    /// A name, or a mapping from one name to arguments.
    fn variant(&self, name: &str, variants: &'static [&'static str]) -> Result<Variant<'a>, Refusal> {
        let find = |found: &str| {
            variants.iter().copied().find(|variant| {
                *variant == found || ANY_LETTER_CASE.contains(&name) && variant.eq_ignore_ascii_case(found)
            })
        };
        let what = format!("one of {}", suggest::list(variants));
        let (found, place, arguments) = match &self.node.content {
            Content::Scalar(scalar) => (scalar.text.trim(), self.place(), None),
            Content::Map(entries) => match entries.as_slice() {
                [entry] => (entry.key.as_str(), entry.place.as_ref(), Some(self.entry(entry))),
                [first, second, ..] => {
                    let message = format!("`{}` must name one thing, found {}", self.path, entries.len());
                    let error = ConfigError::new(Code::InvalidValue, message)
                        .at(second.place.as_ref().or(self.place()), "a second name")
                        .help(format!(
                            "keep one of them; on the command line, `~{}` removes the first",
                            self.path.key(&first.key)
                        ));
                    return Err(Refusal::new(&self.path, error));
                }
                [] => return Err(self.must_be(&what, "no name")),
            },
            Content::Hole => {
                let variant = self.variant_of_hole(name, variants);
                (variant, None, Some(self.below(variant)))
            }
            Content::List(_) => return Err(self.must_be(&what, "not a name")),
        };
        match find(found) {
            Some(variant) => Ok(Variant { name: variant, arguments, whole: self.clone() }),
            None if arguments.is_some() && NAMES.iter().any(|(names, _)| *names == name) => {
                Err(self.unknown_name(name, found, place, variants))
            }
            None => {
                let found = self.node.scalar().map_or_else(|| found.to_owned(), Scalar::brief);
                let message = format!("`{}` cannot be `{found}`", self.path);
                let error = ConfigError::new(Code::InvalidValue, message)
                    .at(place, "not a legal name")
                    .help(suggest::help(&found, "legal names", variants));
                Err(Refusal::new(&self.path, error))
            }
        }
    }
}

impl Reader<'_> {
    /// The first, but where it is asked for the keys of all: there, things with names have each name in turn.
    fn variant_of_hole(&self, name: &str, variants: &'static [&'static str]) -> &'static str {
        let mut turn = 0;
        if let Some(asked) = &mut self.report.borrow_mut().asked
            && NAMES.iter().any(|(names, _)| *names == name)
        {
            asked.turns = asked.turns.max(variants.len());
            turn = asked.turn;
        }
        variants.get(turn).or(variants.first()).copied().unwrap_or("")
    }

    /// A name that is not legal in a mapping whose order counts.
    fn unknown_name(
        &self,
        names: &str,
        found: &str,
        place: Option<&Place>,
        variants: &'static [&'static str],
    ) -> Refusal {
        let what = NAMES.iter().find(|(name, _)| *name == names).map_or("name", |(_, what)| *what);
        let key = self.path.key(found);
        let error = if names == "Callback" && BUILT_IN_CALLBACKS.contains(&found) {
            ConfigError::new(Code::Conflict, format!("the callback `{found}` is built in and always on"))
                .at(place, "remove it")
        } else {
            ConfigError::new(Code::UnknownKey, format!("there is no {what} `{found}`"))
                .at(place, format!("not a{} {what}", if what.starts_with('a') { "n" } else { "" }))
                .help(suggest::help(found, &format!("{what}s"), variants))
        };
        Refusal::new(&key, error)
    }
}

/// A variant that was found, with its arguments.
struct Variant<'a> {
    name: &'static str,
    arguments: Option<Reader<'a>>,
    whole: Reader<'a>,
}

impl<'de, 'a> de::EnumAccess<'de> for Variant<'a> {
    type Error = Refusal;
    type Variant = Self;

    fn variant_seed<V: de::DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Refusal> {
        let name: StrDeserializer<'_, Refusal> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_> {
    type Error = Refusal;

    fn unit_variant(self) -> Result<(), Refusal> {
        match self.arguments {
            Some(arguments) if !arguments.node.is_absent() && !arguments.node.is_hole() => {
                Err(arguments.must_be(&format!("empty: `{}` takes no arguments", self.name), "arguments"))
            }
            _ => Ok(()),
        }
    }

    /// A name alone is a name without arguments.
    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Refusal> {
        let empty = Node { place: self.whole.node.place.clone(), content: Content::Map(Vec::new()) };
        match self.arguments {
            Some(arguments) => seed.deserialize(arguments),
            None => seed.deserialize(Reader { node: &empty, ..self.whole }),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Refusal> {
        match self.arguments {
            Some(arguments) => arguments.deserialize_tuple(len, visitor),
            None => Err(self.whole.must_be(&format!("`{}` with arguments", self.name), "no arguments")),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match self.arguments {
            Some(arguments) => arguments.deserialize_struct(self.name, fields, visitor),
            None => Err(self.whole.must_be(&format!("`{}` with arguments", self.name), "no arguments")),
        }
    }
}
