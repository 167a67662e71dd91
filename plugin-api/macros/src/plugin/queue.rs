//! Two keys of `plugin!` about what a plugin takes: how much of its events waits, and whose allocator it has.
//!
//! Sizes are written as people do, `"8 MiB"`, and checked where they stand.

use syn::{
    Error, Ident, LitStr, Result, Token,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream},
    token,
};

/// The smallest queue, in bytes: as in `plugin-protocol`.
const LEAST: u64 = 1 << 10;
/// The largest queue, in bytes: as in `plugin-protocol`.
const MOST: u64 = 256 << 20;

/// How much of the plugin's events waits: `("8 MiB", drop_oldest)`, or the size alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventQueue {
    pub(super) bytes: u64,
    pub(super) drops_newest: bool,
}

impl Parse for EventQueue {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !input.peek(token::Paren) {
            return Ok(Self {
                bytes: size(&input.parse()?)?,
                drops_newest: false,
            });
        }
        let both;
        parenthesized!(both in input);
        let bytes = size(&both.parse()?)?;
        both.parse::<Token![,]>()?;
        let policy = both.call(Ident::parse_any)?;
        let drops_newest = match policy.to_string().as_str() {
            "drop_oldest" => false,
            "drop_newest" => true,
            other => {
                let text = format!("`{other}` is no policy of a queue: `drop_oldest` and `drop_newest` are");
                return Err(Error::new(policy.span(), text));
            }
        };
        both.parse::<Option<Token![,]>>()?;
        Ok(Self { bytes, drops_newest })
    }
}

/// `allocator: own` of a plugin that sets its own global allocator, or wants none of its memory counted.
pub(super) fn own_allocator(input: ParseStream<'_>) -> Result<bool> {
    let whose: Ident = input.parse()?;
    match whose.to_string().as_str() {
        "own" => Ok(true),
        "counted" => Ok(false),
        _ => {
            let text = "a plugin's allocator is `counted`, the system's with a count, or its `own`";
            Err(Error::new(whose.span(), text))
        }
    }
}

fn size(text: &LitStr) -> Result<u64> {
    let written = text.value();
    let split = written
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(written.len());
    let (number, unit) = written.split_at(split);
    let unit = match unit.trim() {
        "B" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        _ => None,
    };
    let bytes = number
        .parse::<u64>()
        .ok()
        .zip(unit)
        .and_then(|(number, unit)| number.checked_mul(unit));
    match bytes {
        Some(bytes) if (LEAST..=MOST).contains(&bytes) => Ok(bytes),
        Some(_) => Err(Error::new(text.span(), "a queue has 1 KiB to 256 MiB")),
        None => Err(Error::new(text.span(), "a size is written \"64 KiB\" or \"8 MiB\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_are_a_size_and_a_policy() {
        let read = |text| syn::parse_str::<EventQueue>(text).map_err(|error| error.to_string());
        let queue = |bytes, drops_newest| Ok(EventQueue { bytes, drops_newest });
        assert_eq!(read("\"8 MiB\""), queue(8 << 20, false));
        assert_eq!(read("(\"64 KiB\", drop_newest)"), queue(64 << 10, true));
        assert_eq!(read("(\"2048 B\", drop_oldest,)"), queue(2048, false));
        for (text, expected) in [
            ("(\"8 MiB\", drop_some)", "no policy"),
            ("\"8 MB\"", "is written"),
            ("\"1 B\"", "1 KiB to 256 MiB"),
            ("\"999999999999999999 MiB\"", "is written"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
