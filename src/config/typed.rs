//! The bridge to the kinds: reads the keys that belong to a kind of issuer or target into that kind's own struct.
//!
//! Every kind describes its keys as a serde struct in its own file, and the kinds are the variants of one enum. This
//! is a serde deserializer over the tree of [`file`](super::file): an error keeps its place, which serde's own
//! buffering for tagged enums would lose, and is said in the voice of the other messages.

mod nested;
mod value;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::complaint::{Complaints, Mark};
use super::file::{Entry, Node};
use super::wrong::Wrong;
use nested::Keys;
use value::Typing;

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
