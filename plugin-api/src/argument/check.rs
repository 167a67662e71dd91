//! What attributes of an argument ask of its type: errors of the compiler, where they stand.
//!
//! `const` functions for generated code; what needs no type is checked by the macro.

use plugin_protocol::ArgumentKind;

use super::Shape;
use crate::definition::ArgumentDef;

/// A `#[min]` or `#[max]` of an argument of this shape, for generated code: what is wrong with it is an error of the
/// compiler.
#[track_caller]
#[must_use]
pub const fn check_limit(shape: Shape, limit: f64) -> f64 {
    match shape.kind {
        ArgumentKind::Integer => assert!(limit % 1.0 == 0.0, "the limit of a whole number is a whole number"),
        ArgumentKind::Number => {}
        _ => panic!("only numbers have `#[min]` and `#[max]`"),
    }
    if let Some(min) = shape.min {
        assert!(limit >= min, "the limit is less than the argument's type can be");
    }
    if let Some(max) = shape.max {
        assert!(limit <= max, "the limit is more than the argument's type can be");
    }
    limit
}

/// A `#[min_length]` or `#[max_length]` of an argument of this shape, for generated code.
#[track_caller]
#[must_use]
pub const fn check_text_limit(shape: Shape, limit: u16) -> u16 {
    assert!(
        matches!(shape.kind, ArgumentKind::String) && shape.choices.is_empty() && !shape.variadic,
        "only a text has `#[min_length]` and `#[max_length]`"
    );
    limit
}

/// An argument as a whole, for generated code.
#[track_caller]
#[must_use]
pub const fn check_argument(slash: bool, limits_channels: bool, argument: ArgumentDef) -> ArgumentDef {
    let shape = argument.shape;
    if limits_channels {
        assert!(
            matches!(shape.kind, ArgumentKind::Channel),
            "only a Channel has `#[channel_types]`"
        );
    }
    if slash {
        assert!(
            !(shape.variadic && matches!(shape.kind, ArgumentKind::Attachment)),
            "a slash command has no list of files: make it `#[command(prefix)]`, or name several arguments"
        );
    }
    if argument.rest {
        assert!(
            matches!(
                shape.kind,
                ArgumentKind::String | ArgumentKind::CodeBlock | ArgumentKind::Duration | ArgumentKind::Date
            ) && shape.choices.is_empty(),
            "only a String, a length of time, a date, code or a type of your own can be `#[rest]`"
        );
    }
    if argument.flag {
        assert!(
            !matches!(shape.kind, ArgumentKind::Attachment | ArgumentKind::CodeBlock),
            "a file or code can be no `#[flag]`"
        );
    }
    if argument.autocomplete {
        assert!(
            matches!(
                shape.kind,
                ArgumentKind::String | ArgumentKind::Integer | ArgumentKind::Number
            ) && shape.choices.is_empty(),
            "Discord asks for suggestions for texts and numbers only, and not where there are choices"
        );
    }
    argument
}
