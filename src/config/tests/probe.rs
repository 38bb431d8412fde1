//! What a type asks of serde, found out by asking it: which keys a struct knows, which words an enum, and what kind of
//! value each key takes. The schema is made from this, so that a key which a kind learns is in it by itself.

mod sample;

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value, json};

use sample::Filled;

/// The JSON Schema of what serde reads into one variant of an enum whose variants each hold a struct.
pub(super) fn schema_of_variant<T: DeserializeOwned>(variant: &'static str) -> Value {
    explore::<T>(&mut vec![Step::Variant(variant)])
}

/// One step further in.
#[derive(Clone, Copy)]
enum Step {
    Key(&'static str),
    Item,
    Value,
    Variant(&'static str),
}

/// What is wanted at the end of a path.
#[derive(Clone, Copy)]
enum Asked {
    Text,
    Bool,
    Count,
    Whole,
    Number,
    List,
    Map,
    Keys(&'static [&'static str]),
    Words(&'static [&'static str]),
    Anything,
}

fn explore<T: DeserializeOwned>(path: &mut Vec<Step>) -> Value {
    match asked::<T>(path) {
        Asked::Text => json!({ "$ref": "#/definitions/text" }),
        Asked::Bool => json!({ "type": "boolean" }),
        Asked::Count => json!({ "type": "integer", "minimum": 0 }),
        Asked::Whole => json!({ "type": "integer" }),
        Asked::Number => json!({ "type": "number" }),
        Asked::List => json!({ "type": "array", "items": further::<T>(path, Step::Item) }),
        Asked::Map => {
            json!({ "type": "object", "additionalProperties": further::<T>(path, Step::Value) })
        }
        Asked::Words(words) => json!({ "enum": words }),
        Asked::Anything => json!({}),
        Asked::Keys(keys) => {
            let properties: Map<String, Value> = keys
                .iter()
                .map(|key| ((*key).to_owned(), further::<T>(path, Step::Key(key))))
                .collect();
            json!({
                "type": "object", "properties": properties, "required": needed::<T>(path), "additionalProperties": false,
            })
        }
    }
}

fn further<T: DeserializeOwned>(path: &mut Vec<Step>, step: Step) -> Value {
    path.push(step);
    let found = explore::<T>(path);
    path.pop();
    found
}

fn asked<T: DeserializeOwned>(path: &[Step]) -> Asked {
    let asked = Cell::new(None);
    let probe = Probe {
        path,
        asked: &asked,
        filled: None,
    };
    drop(T::deserialize(probe));
    asked.get().unwrap_or(Asked::Anything)
}

/// The keys without which a struct cannot be read, as far as sample values get: serde names one at a time.
fn needed<T: DeserializeOwned>(path: &[Step]) -> Vec<&'static str> {
    let mut needed = Vec::new();
    loop {
        let (asked, filled) = (Cell::new(None), RefCell::new(needed.clone()));
        let probe = Probe {
            path,
            asked: &asked,
            filled: Some(&filled),
        };
        match T::deserialize(probe) {
            Err(Stop::Missing(key)) if !needed.contains(&key) => needed.push(key),
            _ => return needed,
        }
    }
}

/// Why the reading stopped.
#[derive(Debug)]
enum Stop {
    Here,
    Missing(&'static str),
}

impl fmt::Display for Stop {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self:?}")
    }
}

impl std::error::Error for Stop {}

impl de::Error for Stop {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Here
    }

    fn missing_field(key: &'static str) -> Self {
        Self::Missing(key)
    }
}

/// Follows the path; at its end it notes what is asked for, or reads the struct there with these keys only.
struct Probe<'p> {
    path: &'p [Step],
    asked: &'p Cell<Option<Asked>>,
    filled: Option<&'p RefCell<Vec<&'static str>>>,
}

impl<'p> Probe<'p> {
    fn note<T>(&self, asked: Asked) -> Result<T, Stop> {
        self.asked.set(Some(asked));
        Err(Stop::Here)
    }

    fn on(&self) -> Probe<'p> {
        Probe {
            path: &self.path[1..],
            asked: self.asked,
            filled: self.filled,
        }
    }
}

macro_rules! noted {
    ($($method:ident $asked:ident),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
            self.note(Asked::$asked)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Probe<'_> {
    type Error = Stop;

    noted! {
        deserialize_any Anything, deserialize_bool Bool, deserialize_str Text, deserialize_string Text,
        deserialize_u8 Count, deserialize_u16 Count, deserialize_u32 Count, deserialize_u64 Count,
        deserialize_i8 Whole, deserialize_i16 Whole, deserialize_i32 Whole, deserialize_i64 Whole,
        deserialize_f32 Number, deserialize_f64 Number,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.path.first() {
            Some(Step::Item) => visitor.visit_seq(Inside::of(self.on(), "")),
            _ => self.note(Asked::List),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.path.first() {
            Some(Step::Value) => visitor.visit_map(Inside::of(self.on(), "name")),
            _ => self.note(Asked::Map),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        keys: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        match (self.path.first(), self.filled) {
            (Some(Step::Key(key)), _) => visitor.visit_map(Inside::of(self.on(), key)),
            (_, Some(filled)) => visitor.visit_map(Filled(filled.take())),
            (_, None) => self.note(Asked::Keys(keys)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        match self.path.first() {
            Some(Step::Variant(word)) => visitor.visit_enum(Inside::of(self.on(), word)),
            _ => self.note(Asked::Words(words)),
        }
    }

    forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// One item, key or variant, and the probe that goes on in it.
struct Inside<'p> {
    key: &'static str,
    probe: Option<Probe<'p>>,
}

impl<'p> Inside<'p> {
    fn of(probe: Probe<'p>, key: &'static str) -> Self {
        Self {
            key,
            probe: Some(probe),
        }
    }

    fn named(&self) -> StrDeserializer<'static, Stop> {
        self.key.into_deserializer()
    }
}

impl<'de> SeqAccess<'de> for Inside<'_> {
    type Error = Stop;
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Stop> {
        let probe = self.probe.take().ok_or(Stop::Here)?;
        seed.deserialize(probe).map(Some)
    }
}

impl<'de> MapAccess<'de> for Inside<'_> {
    type Error = Stop;
    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Stop> {
        seed.deserialize(self.named()).map(Some)
    }
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Stop> {
        seed.deserialize(self.probe.take().ok_or(Stop::Here)?)
    }
}

impl<'de> EnumAccess<'de> for Inside<'_> {
    type Error = Stop;
    type Variant = Self;
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Stop> {
        Ok((seed.deserialize(self.named())?, self))
    }
}

impl<'de> VariantAccess<'de> for Inside<'_> {
    type Error = Stop;
    fn unit_variant(self) -> Result<(), Stop> {
        Ok(())
    }
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(mut self, seed: S) -> Result<S::Value, Stop> {
        seed.deserialize(self.probe.take().ok_or(Stop::Here)?)
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Stop> {
        Err(Stop::Here)
    }
    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Stop> {
        Err(Stop::Here)
    }
}
