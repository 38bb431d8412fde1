//! The bridge to the kinds: reads the keys that belong to a kind of issuer or target into that kind's own struct.
//!
//! Every kind describes its keys as a serde struct in its own file, and the kinds are the variants of one enum. This
//! is a serde deserializer over the tree of [`file`](super::file): an error keeps its place, which serde's own
//! buffering for tagged enums would lose, and is said in the voice of the other messages.

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::complaint::{Complaints, Mark};
use super::file::{Entry, Node, Value};
use super::wrong::Wrong;

/// What a kind is read from.
pub(super) struct Typed<'n, 't> {
    /// `openai`.
    pub(super) kind: &'n str,
    /// Where the map stands.
    pub(super) at: Mark,
    /// What the map describes, for messages.
    pub(super) of: &'n str,
    /// The keys that every kind takes, for the nearest word.
    pub(super) known: &'n [&'static str],
    /// The keys that are left for the kind.
    pub(super) entries: &'n [&'n Entry<'t>],
}

/// Reads an enum whose variant is the kind. Complains and returns `None` when it cannot be read.
pub(super) fn read_kind<T: DeserializeOwned>(
    from: &Typed<'_, '_>,
    complaints: &Complaints<'_>,
) -> Option<T> {
    T::deserialize(Kind { from })
        .map_err(|wrong| wrong.complain(from.of, from.at, from.known, complaints))
        .ok()
}

/// Reads one value into a struct.
pub(super) fn read_node<T: DeserializeOwned>(
    node: &Node<'_>,
    of: &str,
    complaints: &Complaints<'_>,
) -> Option<T> {
    T::deserialize(Typing { node })
        .map_err(|wrong| wrong.complain(of, node.at, &[], complaints))
        .ok()
}

/// Shows a map with a `kind` as serde's externally tagged form: the kind is the variant, the other keys its content.
struct Kind<'n, 't> {
    from: &'n Typed<'n, 't>,
}

impl<'de, 'n> de::Deserializer<'de> for Kind<'n, '_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_enum(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de, 'n, 't> EnumAccess<'de> for Kind<'n, 't> {
    type Error = Wrong;
    type Variant = Content<'n, 't>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Content<'n, 't>), Wrong> {
        let kind: StrDeserializer<'_, Wrong> = self.from.kind.into_deserializer();
        Ok((seed.deserialize(kind)?, Content { from: self.from }))
    }
}

struct Content<'n, 't> {
    from: &'n Typed<'n, 't>,
}

impl<'de, 'n> VariantAccess<'de> for Content<'n, '_> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        match self.from.entries.first() {
            None => Ok(()),
            Some(entry) => {
                let wrong: Wrong = de::Error::unknown_field(&entry.key, &[]);
                Err(wrong.at_key(entry.at))
            }
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Wrong> {
        seed.deserialize(Keys::of(self.from.entries.iter().copied()))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_map(Keys::of(self.from.entries.iter().copied()))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_map(Keys::of(self.from.entries.iter().copied()))
    }
}

/// Keys one after the other.
struct Keys<'n, 't, I> {
    entries: I,
    entry: Option<&'n Entry<'t>>,
}

impl<I> Keys<'_, '_, I> {
    fn of(entries: I) -> Self {
        Self {
            entries,
            entry: None,
        }
    }
}

impl<'de, 'n, 't: 'n, I: Iterator<Item = &'n Entry<'t>>> MapAccess<'de> for Keys<'n, 't, I> {
    type Error = Wrong;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Wrong> {
        self.entry = self.entries.next();
        let Some(entry) = self.entry else {
            return Ok(None);
        };
        let key: StrDeserializer<'_, Wrong> = (&*entry.key).into_deserializer();
        let read = seed.deserialize(key);
        read.map(Some).map_err(|wrong| wrong.at_key(entry.at))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Wrong> {
        let entry = self
            .entry
            .ok_or_else(|| <Wrong as de::Error>::custom("a value without its key"))?;
        seed.deserialize(Typing { node: &entry.node })
            .map_err(|wrong| wrong.at(&entry.node))
            .map_err(|wrong| wrong.under(&entry.key))
    }
}

impl<'de, 'n, 't: 'n, I: Iterator<Item = &'n Entry<'t>>> de::Deserializer<'de> for Keys<'n, 't, I> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_map(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// One value, read as the type that is asked for: `1.10` is a text where a text is wanted and a number where not.
struct Typing<'n, 't> {
    node: &'n Node<'t>,
}

impl<'de> Typing<'_, '_> {
    fn parsed<V: Visitor<'de>, N: std::str::FromStr>(
        self,
        visitor: V,
        visit: impl FnOnce(V, N) -> Result<V::Value, Wrong>,
    ) -> Result<V::Value, Wrong> {
        match &self.node.value {
            Value::Plain(text) => match text.parse() {
                Ok(parsed) => visit(visitor, parsed),
                Err(_) => Err(de::Error::invalid_type(Unexpected::Other("text"), &visitor)),
            },
            _ => Err(de::Error::invalid_type(Unexpected::Other("text"), &visitor)),
        }
        .map_err(|wrong: Wrong| wrong.at(self.node))
    }

    fn guessed<V: Visitor<'de>>(self, text: &str, visitor: V) -> Result<V::Value, Wrong> {
        if let Ok(truth) = text.parse::<bool>() {
            return visitor.visit_bool(truth);
        }
        if let Ok(number) = text.parse::<u64>() {
            return visitor.visit_u64(number);
        }
        match text.parse::<i64>() {
            Ok(number) => visitor.visit_i64(number),
            Err(_) => visitor.visit_str(text),
        }
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $number:ty),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            self.parsed(visitor, |visitor, number: $number| visitor.$visit(number))
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Typing<'_, '_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let node = self.node;
        match &node.value {
            _ if node.is_nothing() => visitor.visit_unit(),
            Value::Plain(text) => self.guessed(text, visitor),
            Value::Quoted(text) => visitor.visit_str(text),
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Map(entries) => visitor.visit_map(Keys::of(entries.iter())),
        }
        .map_err(|wrong| wrong.at(node))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let node = self.node;
        match node.text() {
            Some(text) => visitor
                .visit_str(text)
                .map_err(|wrong: Wrong| wrong.at(node)),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    parsed! {
        deserialize_bool visit_bool bool,
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_f32 visit_f32 f32,
        deserialize_f64 visit_f64 f64,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let node = self.node;
        visitor
            .visit_newtype_struct(self)
            .map_err(|wrong| wrong.at(node))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let node = self.node;
        match node.text() {
            Some(word) => {
                let word: StrDeserializer<'_, Wrong> = word.into_deserializer();
                visitor.visit_enum(word)
            }
            None => Err(de::Error::invalid_type(
                Unexpected::Other("no text"),
                &visitor,
            )),
        }
        .map_err(|wrong| wrong.at(node))
    }

    forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct seq tuple tuple_struct map struct ignored_any
    }
}

/// Items one after the other.
struct Items<'n, 't>(std::slice::Iter<'n, Node<'t>>);

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Wrong;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Wrong> {
        let Some(node) = self.0.next() else {
            return Ok(None);
        };
        let read = seed.deserialize(Typing { node });
        read.map(Some).map_err(|wrong| wrong.at(node))
    }
}
