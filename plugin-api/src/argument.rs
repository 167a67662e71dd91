//! Arguments of commands: which Rust types they may have, what the host is told of them, how they are read.
//!
//! The host has parsed, looked up and checked every value before it gets here, the same by both doors; what remains is
//! to put it into the type of the handler's parameter.

use std::{collections::BTreeMap, fmt};

use plugin_protocol::{ArgumentKind, ArgumentValue};

use crate::{Channel, Member, Result, Role, User};

/// A type that an argument of a command may have.
///
/// It is implemented for `String`, `bool`, integers, floats, [`User`], [`Member`], [`Channel`], [`Role`], and for
/// `Option` of those, which makes the argument optional. Whole numbers are limited to what the type holds, and by Discord
/// to 2^53 either way
/// (<https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-option-type>).
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the type of a command's argument",
    label = "no argument can have this type",
    note = "arguments are String, bool, integers, floats, User, Member, Channel, Role, or an Option of one of those"
)]
pub trait Argument: Sized {
    /// What it is, for the host.
    const KIND: ArgumentKind;
    /// Whether the command can't run without it.
    const REQUIRED: bool = true;
    /// The least value of a number.
    const MIN: Option<f64> = None;
    /// The greatest value of a number.
    const MAX: Option<f64> = None;

    /// Reads what was given; `None` if nothing was.
    fn read(value: Option<ArgumentValue>) -> Result<Self, WrongArgument>;
}

/// A value that doesn't fit the handler's parameter, which the host should have refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongArgument {
    argument: &'static str,
    wants: &'static str,
}

impl WrongArgument {
    /// The parameter wants this: "a whole number between 0 and 255".
    #[must_use]
    pub const fn wants(wants: &'static str) -> Self {
        Self { argument: "", wants }
    }
}

impl fmt::Display for WrongArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the argument `{}` must be {}", self.argument, self.wants)
    }
}

impl std::error::Error for WrongArgument {}

/// The arguments of one invocation.
#[derive(Debug, Default)]
pub struct Arguments(BTreeMap<String, ArgumentValue>);

impl Arguments {
    pub(crate) fn new(values: BTreeMap<String, ArgumentValue>) -> Self {
        Self(values)
    }

    /// Takes one out, for generated code.
    pub fn take<T: Argument>(&mut self, name: &'static str) -> Result<T, WrongArgument> {
        T::read(self.0.remove(name)).map_err(|wrong| WrongArgument {
            argument: name,
            ..wrong
        })
    }
}

/// A `#[min]` or `#[max]` of an argument of type `T`, for generated code: what is wrong with it is an error of the
/// compiler.
#[track_caller]
#[must_use]
pub const fn check_limit<T: Argument>(limit: f64) -> f64 {
    match T::KIND {
        ArgumentKind::Integer => assert!(limit % 1.0 == 0.0, "the limit of a whole number is a whole number"),
        ArgumentKind::Number => {}
        _ => panic!("only numbers have `#[min]` and `#[max]`"),
    }
    if let Some(min) = T::MIN {
        assert!(limit >= min, "the limit is less than the argument's type can be");
    }
    if let Some(max) = T::MAX {
        assert!(limit <= max, "the limit is more than the argument's type can be");
    }
    limit
}

/// 2^53: between its negative and itself, a double holds every whole number, which is all that Discord accepts.
const DISCORD_LIMIT: f64 = 9_007_199_254_740_992.0;

macro_rules! integers {
    ($($name:ident: $wants:literal,)*) => {$(
        impl Argument for $name {
            const KIND: ArgumentKind = ArgumentKind::Integer;
            #[allow(clippy::cast_lossless, reason = "small and large integers alike")]
            const MIN: Option<f64> = Some(if $name::MIN as f64 > -DISCORD_LIMIT { $name::MIN as f64 } else { -DISCORD_LIMIT });
            #[allow(clippy::cast_lossless, reason = "small and large integers alike")]
            const MAX: Option<f64> = Some(if ($name::MAX as f64) < DISCORD_LIMIT { $name::MAX as f64 } else { DISCORD_LIMIT });

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
    const KIND: ArgumentKind = ArgumentKind::Number;

    fn read(value: Option<ArgumentValue>) -> Result<Self, WrongArgument> {
        match value {
            Some(ArgumentValue::Number(number)) => Ok(number),
            Some(ArgumentValue::Integer(number)) => Ok(number as Self),
            _ => Err(WrongArgument::wants("a number")),
        }
    }
}

impl Argument for f32 {
    const KIND: ArgumentKind = ArgumentKind::Number;

    fn read(value: Option<ArgumentValue>) -> Result<Self, WrongArgument> {
        f64::read(value).map(|number| number as Self)
    }
}

macro_rules! values {
    ($($name:ty, $kind:ident: $wants:literal,)*) => {$(
        impl Argument for $name {
            const KIND: ArgumentKind = ArgumentKind::$kind;

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
}

impl Argument for User {
    const KIND: ArgumentKind = ArgumentKind::User;

    fn read(value: Option<ArgumentValue>) -> Result<Self, WrongArgument> {
        match value {
            Some(ArgumentValue::User(user)) => Ok(user),
            Some(ArgumentValue::Member(member)) => Ok(member.user),
            _ => Err(WrongArgument::wants("a user")),
        }
    }
}

impl<T: Argument> Argument for Option<T> {
    const KIND: ArgumentKind = T::KIND;
    const REQUIRED: bool = false;
    const MIN: Option<f64> = T::MIN;
    const MAX: Option<f64> = T::MAX;

    fn read(value: Option<ArgumentValue>) -> Result<Self, WrongArgument> {
        value.map(|value| T::read(Some(value))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use plugin_protocol::UserId;

    use super::*;

    fn user() -> User {
        let id = UserId::new(1).expect("not 0");
        User {
            id,
            username: "alice".into(),
            global_name: None,
            avatar: None,
            bot: false,
        }
    }

    fn read<T: Argument>(value: impl Into<Option<ArgumentValue>>) -> Result<T, String> {
        let mut arguments = Arguments::new(value.into().map(|value| ("x".to_owned(), value)).into_iter().collect());
        arguments.take("x").map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn values_are_read_into_the_types_of_parameters() {
        assert_eq!(
            read::<String>(ArgumentValue::String("a b".into())),
            Ok("a b".to_owned())
        );
        assert_eq!(read::<i64>(ArgumentValue::Integer(-5)), Ok(-5));
        assert_eq!(read::<u8>(ArgumentValue::Integer(255)), Ok(255));
        assert_eq!(read::<f64>(ArgumentValue::Number(0.5)), Ok(0.5));
        assert_eq!(read::<f32>(ArgumentValue::Integer(2)), Ok(2.0));
        assert_eq!(read::<bool>(ArgumentValue::Boolean(true)), Ok(true));
        assert_eq!(read::<User>(ArgumentValue::User(user())), Ok(user()));
        assert_eq!(read::<Option<i64>>(ArgumentValue::Integer(3)), Ok(Some(3)));
        assert_eq!(read::<Option<i64>>(None), Ok(None));
    }

    #[test]
    fn values_that_do_not_fit_are_refused_with_what_is_wanted() {
        let says = |text: &str| Err(format!("the argument `x` must be {text}"));
        assert_eq!(
            read::<u8>(ArgumentValue::Integer(256)).map(|_| ()),
            says("a whole number between 0 and 255")
        );
        assert_eq!(
            read::<u64>(ArgumentValue::Integer(-1)).map(|_| ()),
            says("a whole number, not negative")
        );
        assert_eq!(read::<String>(None).map(|_| ()), says("a text"));
        assert_eq!(
            read::<Option<bool>>(ArgumentValue::Integer(1)).map(|_| ()),
            says("yes or no")
        );
        assert_eq!(
            read::<Member>(ArgumentValue::User(user())).map(|_| ()),
            says("a member of this server")
        );
    }

    #[test]
    fn limits_are_such_as_their_type_can_be() {
        assert_eq!(Some(check_limit::<Option<u8>>(255.0)), Some(255.0));
        assert_eq!(Some(check_limit::<f64>(0.5)), Some(0.5));
        let wrong = |check: fn() -> f64| std::panic::catch_unwind(check).is_err();
        assert!(wrong(|| check_limit::<u8>(256.0)) && wrong(|| check_limit::<u8>(-1.0)));
        assert!(wrong(|| check_limit::<i64>(0.5)) && wrong(|| check_limit::<i64>(1e16)));
        assert!(wrong(|| check_limit::<String>(1.0)));
    }

    #[test]
    fn limits_are_the_types_and_discords() {
        assert_eq!(
            (u8::MIN, <u8 as Argument>::MIN, <u8 as Argument>::MAX),
            (0, Some(0.0), Some(255.0))
        );
        assert_eq!(<i64 as Argument>::MAX, Some(DISCORD_LIMIT));
        assert_eq!(<i64 as Argument>::MIN, Some(-DISCORD_LIMIT));
        assert_eq!(<Option<i32> as Argument>::MAX, Some(2_147_483_647.0));
        assert_eq!(<f64 as Argument>::MAX, None);
    }
}
