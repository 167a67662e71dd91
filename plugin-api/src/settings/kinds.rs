//! Which Rust types a setting may have, and how each is kept as JSON.
//!
//! The host has checked what people set; reading is total all the same, since versions of a plugin follow one another.

use std::time::Duration;

use plugin_protocol::ArgumentKind;
use serde_json::Value;

use crate::{Argument, ChannelId, Colour, Emoji, RoleId, Shape, UserId};

/// A type that a setting may have.
///
/// It is implemented for `String`, `bool`, integers and floats, [`ChannelId`], [`RoleId`], [`UserId`], [`Duration`],
/// [`Colour`], [`Emoji`], enums with `#[derive(Choice)]`, `Option` of those (nothing, unless set), and `Vec` of those (up
/// to 25).
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the type of a setting",
    label = "no setting can have this type",
    note = "see the documentation of `plugin_api::Setting` for the types there are; of channels, roles and users it is the id"
)]
pub trait Setting: Sized + 'static {
    /// What the host is told of it.
    const SHAPE: Shape;

    /// Reads a value that is kept; `None` if it doesn't fit.
    fn read(value: &Value) -> Option<Self>;

    /// The value as it is kept.
    fn write(&self) -> Value;
}

macro_rules! integers {
    ($($name:ident)*) => {$(
        impl Setting for $name {
            const SHAPE: Shape = <Self as Argument>::SHAPE;

            fn read(value: &Value) -> Option<Self> {
                value.as_i64().and_then(|number| number.try_into().ok())
            }

            fn write(&self) -> Value {
                (*self).into()
            }
        }
    )*};
}

integers! { i8 u8 i16 u16 i32 u32 i64 u64 isize usize }

/// Those that serde keeps as it should be.
macro_rules! plain {
    ($($name:ty: $shape:expr,)*) => {$(
        impl Setting for $name {
            const SHAPE: Shape = $shape;

            fn read(value: &Value) -> Option<Self> {
                serde_json::from_value(value.clone()).ok()
            }

            fn write(&self) -> Value {
                serde_json::to_value(self).unwrap_or_default()
            }
        }
    )*};
}

plain! {
    String: <Self as Argument>::SHAPE,
    bool: <Self as Argument>::SHAPE,
    f32: <Self as Argument>::SHAPE,
    f64: <Self as Argument>::SHAPE,
    Emoji: <Self as Argument>::SHAPE,
    ChannelId: Shape::of(ArgumentKind::Channel),
    RoleId: Shape::of(ArgumentKind::Role),
    UserId: Shape::of(ArgumentKind::User),
}

impl Setting for Duration {
    const SHAPE: Shape = <Self as Argument>::SHAPE;

    fn read(value: &Value) -> Option<Self> {
        value.as_u64().map(Self::from_millis)
    }

    fn write(&self) -> Value {
        u64::try_from(self.as_millis()).unwrap_or(u64::MAX).into()
    }
}

impl Setting for Colour {
    const SHAPE: Shape = <Self as Argument>::SHAPE;

    fn read(value: &Value) -> Option<Self> {
        value.as_u64().and_then(|colour| colour.try_into().ok()).map(Self)
    }

    fn write(&self) -> Value {
        self.0.into()
    }
}

impl<T: Setting> Setting for Option<T> {
    const SHAPE: Shape = T::SHAPE.optional();

    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::read(value).map(Some),
        }
    }

    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::write)
    }
}

impl<T: Setting> Setting for Vec<T> {
    const SHAPE: Shape = T::SHAPE.variadic();

    fn read(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(T::read).collect()
    }

    fn write(&self) -> Value {
        self.iter().map(T::write).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde_json::json;

    use super::*;

    #[allow(clippy::needless_pass_by_value, reason = "a table of values")]
    fn kept<T: Setting + Debug + PartialEq>(value: T, json: Value, others: &[Value]) {
        assert_eq!(value.write(), json);
        assert_eq!(T::read(&json), Some(value));
        for other in others {
            assert_eq!(T::read(other), None, "{other}");
        }
    }

    #[test]
    fn values_are_kept_as_json_and_others_do_not_fit() {
        kept(7_u8, json!(7), &[json!(256), json!(-1), json!("7"), Value::Null]);
        kept(-3_i64, json!(-3), &[json!(1.5)]);
        kept(0.5_f64, json!(0.5), &[json!("0.5")]);
        kept(true, json!(true), &[json!(1)]);
        kept("hi".to_owned(), json!("hi"), &[json!(1), Value::Null]);
        let channel = ChannelId::new(1_100_000_000_000_000_001);
        kept(channel, json!("1100000000000000001"), &[json!("general"), json!(true)]);
        kept(None::<RoleId>, Value::Null, &[json!([])]);
        kept(Duration::from_millis(1500), json!(1500), &[json!(-1)]);
        kept(Colour(0xff_ffff), json!(0xff_ffff), &[json!(u64::MAX)]);
        kept(vec![1_u8, 2], json!([1, 2]), &[json!([1, "2"]), json!(1)]);
    }
}
