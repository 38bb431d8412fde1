//! One value, as whoever reads it wants it.

use serde::de::value::StrDeserializer;
use serde::de::{self, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::nested::{Items, Keys};
use crate::config::file::{Node, Value};
use crate::config::wrong::Wrong;

/// One value, read as the type that is asked for: `1.10` is a text where a text is wanted and a number where not.
pub(super) struct Typing<'n, 't> {
    pub(super) node: &'n Node<'t>,
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
