//! Parameters of a statement from anything that serde can write: what is at the top says how they are bound, what is
//! within says the values.
//!
//! What SQLite has no type for becomes JSON, and ids become integers, though they are texts elsewhere.

use std::fmt;

use plugin_protocol::{SNOWFLAKE, SqlValue};
use serde::{
    Serialize, Serializer,
    ser::{self, Impossible},
};

/// How many parameters there are, and their names if they have some.
#[derive(Debug, Default)]
pub(super) struct Bound {
    pub(super) count: u32,
    pub(super) names: Vec<String>,
}

/// Appends the values of `parameters` to `values`.
pub(super) fn bind(parameters: &impl Serialize, values: &mut Vec<u8>) -> Result<Bound, Unbindable> {
    let mut bound = Bound::default();
    let top = Top {
        bound: &mut bound,
        values,
    };
    parameters.serialize(top)?;
    Ok(bound)
}

/// Why a value is no parameter.
#[derive(Debug)]
pub(super) enum Unbindable {
    /// It consists of several: it becomes JSON.
    Compound,
    Because(String),
}

impl fmt::Display for Unbindable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compound => f.write_str("a value with parts is no parameter by itself"),
            Self::Because(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Unbindable {}

impl ser::Error for Unbindable {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::Because(text.to_string())
    }
}

/// Whether a newtype of this name is one of Discord's ids: this crate's or twilight's.
pub(super) fn is_snowflake(name: &str) -> bool {
    name == SNOWFLAKE || name == "Id"
}

struct Top<'a> {
    bound: &'a mut Bound,
    values: &'a mut Vec<u8>,
}

impl Top<'_> {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unbindable> {
        self.bound.count += 1;
        push(value, self.values)
    }

    fn push_named<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Unbindable> {
        self.bound
            .names
            .push(name.trim_start_matches([':', '@', '$']).to_owned());
        self.push(value)
    }
}

fn push<T: Serialize + ?Sized>(value: &T, values: &mut Vec<u8>) -> Result<(), Unbindable> {
    let before = values.len();
    match value.serialize(One { values, is_id: false }) {
        Err(Unbindable::Compound) => {
            values.truncate(before);
            let json = serde_json::to_string(value).map_err(|error| Unbindable::Because(error.to_string()))?;
            SqlValue::Text(&json).write(values);
            Ok(())
        }
        written => written,
    }
}

macro_rules! single {
    ($($method:ident($kind:ty),)*) => {$(
        fn $method(mut self, value: $kind) -> Result<(), Unbindable> {
            self.push(&value)
        }
    )*};
}

impl<'a> Serializer for Top<'a> {
    type Ok = ();
    type Error = Unbindable;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Impossible<(), Unbindable>;
    type SerializeMap = Named<'a>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Impossible<(), Unbindable>;

    single! {
        serialize_bool(bool), serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64),
        serialize_i128(i128), serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64),
        serialize_u128(u128), serialize_f32(f32), serialize_f64(f64), serialize_char(char), serialize_str(&str),
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Unbindable> {
        self.bound.count += 1;
        SqlValue::Blob(bytes).write(self.values);
        Ok(())
    }

    fn serialize_none(mut self) -> Result<(), Unbindable> {
        self.push(&None::<()>)
    }

    fn serialize_some<T: Serialize + ?Sized>(mut self, value: &T) -> Result<(), Unbindable> {
        self.push(value)
    }

    fn serialize_unit(self) -> Result<(), Unbindable> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unbindable> {
        Ok(())
    }

    fn serialize_unit_variant(mut self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Unbindable> {
        self.push(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), Unbindable> {
        if is_snowflake(name) {
            self.bound.count += 1;
            return value.serialize(One {
                values: self.values,
                is_id: true,
            });
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unbindable> {
        Err(Unbindable::Compound)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, Unbindable> {
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Unbindable> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Unbindable> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unbindable> {
        Err(Unbindable::Compound)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Named<'a>, Unbindable> {
        Ok(Named {
            top: self,
            name: String::new(),
        })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Unbindable> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unbindable> {
        Err(Unbindable::Compound)
    }
}

macro_rules! positional {
    ($($kind:ident::$method:ident,)*) => {$(
        impl ser::$kind for Top<'_> {
            type Ok = ();
            type Error = Unbindable;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unbindable> {
                self.push(value)
            }

            fn end(self) -> Result<(), Unbindable> {
                Ok(())
            }
        }
    )*};
}

positional! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
}

impl ser::SerializeStruct for Top<'_> {
    type Ok = ();
    type Error = Unbindable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Unbindable> {
        self.push_named(key, value)
    }

    fn end(self) -> Result<(), Unbindable> {
        Ok(())
    }
}

/// The entries of a map, by name.
struct Named<'a> {
    top: Top<'a>,
    name: String,
}

impl ser::SerializeMap for Named<'_> {
    type Ok = ();
    type Error = Unbindable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unbindable> {
        let name = serde_json::to_value(key).map_err(|error| Unbindable::Because(error.to_string()))?;
        let text = "a map's keys are the parameters' names: they must be texts";
        let name = name.as_str().ok_or_else(|| Unbindable::Because(text.to_owned()))?;
        name.clone_into(&mut self.name);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unbindable> {
        let name = std::mem::take(&mut self.name);
        self.top.push_named(&name, value)
    }

    fn end(self) -> Result<(), Unbindable> {
        Ok(())
    }
}

/// One value; one with parts is [`Unbindable::Compound`].
struct One<'a> {
    values: &'a mut Vec<u8>,
    /// It is one of Discord's ids, whatever it looks like.
    is_id: bool,
}

impl One<'_> {
    fn integer<N: TryInto<i64> + fmt::Display + Copy>(self, number: N) -> Result<(), Unbindable> {
        let fits = number.try_into().map_err(|_| {
            Unbindable::Because(format!(
                "{number} is no integer of SQLite: those are between -2^63 and 2^63 - 1"
            ))
        })?;
        SqlValue::Integer(fits).write(self.values);
        Ok(())
    }

    /// An id's 64 bits, as they are.
    fn id(self, number: u64) {
        SqlValue::Integer(number.cast_signed()).write(self.values);
    }
}

macro_rules! integers {
    ($($method:ident($kind:ty),)*) => {$(
        fn $method(self, number: $kind) -> Result<(), Unbindable> {
            self.integer(number)
        }
    )*};
}

impl Serializer for One<'_> {
    type Ok = ();
    type Error = Unbindable;
    type SerializeSeq = Impossible<(), Unbindable>;
    type SerializeTuple = Impossible<(), Unbindable>;
    type SerializeTupleStruct = Impossible<(), Unbindable>;
    type SerializeTupleVariant = Impossible<(), Unbindable>;
    type SerializeMap = Impossible<(), Unbindable>;
    type SerializeStruct = Impossible<(), Unbindable>;
    type SerializeStructVariant = Impossible<(), Unbindable>;

    integers! {
        serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64), serialize_i128(i128),
        serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u128(u128),
    }

    fn serialize_u64(self, number: u64) -> Result<(), Unbindable> {
        if self.is_id {
            self.id(number);
            return Ok(());
        }
        self.integer(number)
    }

    fn serialize_bool(self, value: bool) -> Result<(), Unbindable> {
        self.integer(i64::from(value))
    }

    fn serialize_f32(self, number: f32) -> Result<(), Unbindable> {
        self.serialize_f64(f64::from(number))
    }

    fn serialize_f64(self, number: f64) -> Result<(), Unbindable> {
        SqlValue::Real(number).write(self.values);
        Ok(())
    }

    fn serialize_char(self, letter: char) -> Result<(), Unbindable> {
        self.serialize_str(letter.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<(), Unbindable> {
        match text.parse() {
            Ok(id) if self.is_id => self.id(id),
            _ => SqlValue::Text(text).write(self.values),
        }
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Unbindable> {
        SqlValue::Blob(bytes).write(self.values);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unbindable> {
        SqlValue::Null.write(self.values);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unbindable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unbindable> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unbindable> {
        self.serialize_none()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Unbindable> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), Unbindable> {
        value.serialize(Self {
            is_id: self.is_id || is_snowflake(name),
            ..self
        })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unbindable> {
        Err(Unbindable::Compound)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Unbindable> {
        Err(Unbindable::Compound)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unbindable> {
        Err(Unbindable::Compound)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Unbindable> {
        Err(Unbindable::Compound)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unbindable> {
        Err(Unbindable::Compound)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Unbindable> {
        Err(Unbindable::Compound)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Unbindable> {
        Err(Unbindable::Compound)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unbindable> {
        Err(Unbindable::Compound)
    }
}
