//! What stands in a map or a list, one after the other.

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::Typing;
use crate::config::file::{Entry, Node};
use crate::config::wrong::Wrong;

/// Keys one after the other.
pub(super) struct Keys<'n, 't, I> {
    entries: I,
    entry: Option<&'n Entry<'t>>,
}

impl<I> Keys<'_, '_, I> {
    pub(super) fn of(entries: I) -> Self {
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

/// Items one after the other.
pub(super) struct Items<'n, 't>(pub(super) std::slice::Iter<'n, Node<'t>>);

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
