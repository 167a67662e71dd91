//! Arguments that Discord has option types for: texts, numbers, people, channels, roles, files.
//!
//! One line a type: the values are ready, and only have to be of the right variant.

use plugin_protocol::{ArgumentKind, ArgumentValue, Attachment, CodeBlock, Emoji, MessageLink};

use super::{Argument, Shape, WrongArgument};
use crate::{Channel, Member, Result, Role, User};

/// 2^53 - 1: between its negative and itself, a double tells every whole number from its neighbours, which is all that
/// Discord accepts.
pub(super) const DISCORD_LIMIT: f64 = 9_007_199_254_740_991.0;

macro_rules! integers {
    ($($name:ident: $wants:literal,)*) => {$(
        impl Argument for $name {
            #[allow(clippy::cast_lossless, reason = "small and large integers alike")]
            const SHAPE: Shape = Shape::number(
                ArgumentKind::Integer,
                if $name::MIN as f64 > -DISCORD_LIMIT { $name::MIN as f64 } else { -DISCORD_LIMIT },
                if ($name::MAX as f64) < DISCORD_LIMIT { $name::MAX as f64 } else { DISCORD_LIMIT },
            );

            fn read(value: Option<ArgumentValue>) -> Result<Self, WrongArgument> {
                match value {
                    Some(ArgumentValue::Integer(number)) => number.try_into().ok(),
                    _ => None,
                }
                .ok_or(WrongArgument::wants($wants))
            }
        }
    )*};
}

integers! {
    i8: "a whole number between -128 and 127",
    u8: "a whole number between 0 and 255",
    i16: "a whole number between -32768 and 32767",
    u16: "a whole number between 0 and 65535",
    i32: "a whole number between -2147483648 and 2147483647",
    u32: "a whole number between 0 and 4294967295",
    i64: "a whole number",
    u64: "a whole number, not negative",
    isize: "a whole number",
    usize: "a whole number, not negative",
}

impl Argument for f64 {
    const SHAPE: Shape = Shape::of(ArgumentKind::Number);

    fn read(value: Option<ArgumentValue>) -> Result<Self, WrongArgument> {
        match value {
            Some(ArgumentValue::Number(number)) => Ok(number),
            Some(ArgumentValue::Integer(number)) => Ok(number as Self),
            _ => Err(WrongArgument::wants("a number")),
        }
    }
}

impl Argument for f32 {
    const SHAPE: Shape = Shape::of(ArgumentKind::Number);

    fn read(value: Option<ArgumentValue>) -> Result<Self, WrongArgument> {
        f64::read(value).map(|number| number as Self)
    }
}

macro_rules! values {
    ($($name:ty, $kind:ident: $wants:literal,)*) => {$(
        impl Argument for $name {
            const SHAPE: Shape = Shape::of(ArgumentKind::$kind);

            fn read(value: Option<ArgumentValue>) -> Result<Self, WrongArgument> {
                match value {
                    Some(ArgumentValue::$kind(value)) => Ok(value),
                    _ => Err(WrongArgument::wants($wants)),
                }
            }
        }
    )*};
}

values! {
    String, String: "a text",
    bool, Boolean: "yes or no",
    Member, Member: "a member of this server",
    Channel, Channel: "a channel of this server",
    Role, Role: "a role of this server",
    Attachment, Attachment: "an attached file",
    MessageLink, Message: "a message",
    Emoji, Emoji: "an emoji",
    CodeBlock, CodeBlock: "code",
}

impl Argument for User {
    const SHAPE: Shape = Shape::of(ArgumentKind::User);

    fn read(value: Option<ArgumentValue>) -> Result<Self, WrongArgument> {
        match value {
            Some(ArgumentValue::User(user)) => Ok(user),
            Some(ArgumentValue::Member(member)) => Ok(member.user),
            _ => Err(WrongArgument::wants("a user")),
        }
    }
}
