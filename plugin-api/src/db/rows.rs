//! Rows as anything that serde can read: by the names of the columns, by their order, or the one value there is.
//!
//! The other half of `parameters`: what was bound as JSON or as an id is read as what it was.

use plugin_protocol::{SqlValue, SqlValues};
use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::{Error as Misfit, SeqDeserializer, StrDeserializer, U64Deserializer},
    },
    forward_to_deserialize_any,
};

use super::parameters::is_snowflake;
use crate::{Error, Result};

/// The next row of `values`.
pub(super) fn read<T: DeserializeOwned>(columns: &[String], values: &mut SqlValues<'_>) -> Result<T> {
    let mut row = Vec::with_capacity(columns.len());
    for _ in columns {
        row.push(values.read()?);
    }
    T::deserialize(Row { columns, row: &row }).map_err(|error| Error::new(format!("a row does not fit: {error}")))
}

#[derive(Clone, Copy)]
struct Row<'a, 'de> {
    columns: &'a [String],
    row: &'a [SqlValue<'de>],
}

impl<'de> Row<'_, 'de> {
    /// The one value that there is.
    fn only(self) -> Result<One<'de>, Misfit> {
        match self.row {
            [value] => Ok(One(*value)),
            row => Err(de::Error::custom(format!(
                "it has {} columns, and a single value was asked for",
                row.len()
            ))),
        }
    }
}

macro_rules! single {
    ($($method:ident,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            self.only()?.$method(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Row<'_, 'de> {
    type Error = Misfit;

    single! {
        deserialize_bool, deserialize_i8, deserialize_i16, deserialize_i32, deserialize_i64, deserialize_i128,
        deserialize_u8, deserialize_u16, deserialize_u32, deserialize_u64, deserialize_u128, deserialize_f32,
        deserialize_f64, deserialize_char, deserialize_str, deserialize_string, deserialize_bytes,
        deserialize_byte_buf, deserialize_option, deserialize_identifier,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        if is_snowflake(name) {
            return self.only()?.deserialize_newtype_struct(name, visitor);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_seq(Columns { row: self, at: 0 })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Misfit> {
        if length != self.row.len() {
            let text = format!("it has {} columns, and {length} were asked for", self.row.len());
            return Err(de::Error::custom(text));
        }
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_map(Columns { row: self, at: 0 })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.only()?.deserialize_enum(name, variants, visitor)
    }
}

/// The values of a row, one after the other.
struct Columns<'a, 'de> {
    row: Row<'a, 'de>,
    at: usize,
}

impl<'de> Columns<'_, 'de> {
    fn value<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Misfit> {
        let (value, column) = (self.row.row[self.at], &self.row.columns[self.at]);
        self.at += 1;
        seed.deserialize(One(value))
            .map_err(|error| de::Error::custom(format!("column `{column}`: {error}")))
    }
}

impl<'de> SeqAccess<'de> for Columns<'_, 'de> {
    type Error = Misfit;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Misfit> {
        if self.at == self.row.row.len() {
            return Ok(None);
        }
        self.value(seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.row.row.len() - self.at)
    }
}

impl<'de> MapAccess<'de> for Columns<'_, 'de> {
    type Error = Misfit;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Misfit> {
        let Some(column) = self.row.columns.get(self.at) else {
            return Ok(None);
        };
        seed.deserialize(StrDeserializer::new(column)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Misfit> {
        self.value(seed)
    }
}

/// One value.
struct One<'de>(SqlValue<'de>);

impl<'de> Deserializer<'de> for One<'de> {
    type Error = Misfit;

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf identifier ignored_any
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            SqlValue::Null => visitor.visit_unit(),
            SqlValue::Integer(number) => visitor.visit_i64(number),
            SqlValue::Real(number) => visitor.visit_f64(number),
            SqlValue::Text(text) => visitor.visit_borrowed_str(text),
            SqlValue::Blob(bytes) => visitor.visit_borrowed_bytes(bytes),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            SqlValue::Integer(number @ 0..=1) => visitor.visit_bool(number == 1),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            SqlValue::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_any(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            // The id's 64 bits, as they are.
            SqlValue::Integer(number) if is_snowflake(name) => {
                visitor.visit_newtype_struct(U64Deserializer::<Misfit>::new(number.cast_unsigned()))
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if let SqlValue::Blob(bytes) = self.0 {
            return visitor.visit_seq(SeqDeserializer::<_, Misfit>::new(bytes.iter().copied()));
        }
        if let SqlValue::Text(text) = self.0 {
            let mut json = serde_json::Deserializer::from_str(text);
            return json.deserialize_seq(visitor).map_err(de::Error::custom);
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if let SqlValue::Text(text) = self.0 {
            let mut json = serde_json::Deserializer::from_str(text);
            return json.deserialize_map(visitor).map_err(de::Error::custom);
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self.0 {
            SqlValue::Text(text) if variants.contains(&text) => visitor.visit_enum(text.into_deserializer()),
            SqlValue::Text(text) => {
                let mut json = serde_json::Deserializer::from_str(text);
                json.deserialize_enum(name, variants, visitor)
                    .map_err(de::Error::custom)
            }
            _ => self.deserialize_any(visitor),
        }
    }
}
