//! Types of the author's own as arguments: read from a text, in the plugin.
//!
//! For the host they are texts: by slash Discord shows a text option.

use plugin_protocol::{ArgumentKind, ArgumentValue};

use super::{Argument, Shape, WrongArgument};
use crate::Result;

/// A type of your own as the type of an argument.
///
/// Since the host takes it for a text, an `Option` of it does not leave its word to the next argument as an optional number
/// does, and within `#[derive(OneOf)]` it takes every word: put it last.
///
/// ```
/// use plugin_api::prelude::*;
///
/// /// A number in base 16.
/// struct Hex(u32);
///
/// impl ParseArgument for Hex {
///     const WANTS: &'static str = "a hexadecimal number such as `ff`";
///
///     fn parse(text: &str) -> Result<Self> {
///         let number = u32::from_str_radix(text, 16)?;
///         if number > 0xff_ffff {
///             return refuse("That number is too large for me: at most `ffffff`.");
///         }
///         Ok(Self(number))
///     }
/// }
///
/// /// Say a number in base 10.
/// #[command]
/// async fn decimal(ctx: Ctx, number: Hex) -> Result {
///     ctx.reply(number.0.to_string()).await
/// }
/// # mod linked { plugin_api::plugin!(linked; commands: [super::decimal]); }
/// # fn main() {}
/// ```
pub trait ParseArgument: Sized {
    /// What it wants, as the object of a sentence: "a hexadecimal number such as `ff`".
    const WANTS: &'static str;

    /// Reads the text.
    ///
    /// # Errors
    ///
    /// The text is none of these: the asker is told what is wanted, or, of a [`refuse`](crate::refuse), its text.
    fn parse(text: &str) -> Result<Self>;
}

impl<T: ParseArgument> Argument for T {
    const SHAPE: Shape = Shape {
        wants: Some(T::WANTS),
        ..Shape::of(ArgumentKind::String)
    };

    fn read(value: Option<ArgumentValue>) -> Result<Self, WrongArgument> {
        let Some(ArgumentValue::String(text)) = value else {
            return Err(WrongArgument::wants(T::WANTS));
        };
        T::parse(&text).map_err(|error| WrongArgument {
            text: error.refusal().map(str::to_owned),
            given: Some(text),
            ..WrongArgument::wants(T::WANTS)
        })
    }
}
