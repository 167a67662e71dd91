//! Flags of a prefix command: `--silent`, `--days 7`, `--days=7`, anywhere between the other words.
//!
//! Pure. Only names that the command has are flags; whatever else begins with two dashes is a word like any other, and so
//! is everything behind a `--` that stands alone.

use std::borrow::Cow;

use plugin_protocol::{Argument, ArgumentKind};

use super::{
    arguments::{ArgumentError, ArgumentProblem},
    words::Words,
};

/// What was found: the other words, and the flags with their values.
#[derive(Clone, Debug, PartialEq)]
pub struct Flags<'t, 'a> {
    /// The text without the flags.
    pub rest: Cow<'t, str>,
    /// Each flag that was given, with its word; a switch without one means yes.
    pub given: Vec<(&'a Argument, Option<String>)>,
}

/// Takes the flags out of what follows a command's name.
///
/// # Errors
///
/// A flag that needs a value has none, or its quotes are wrong.
pub fn take<'t, 'a>(arguments: &'a [Argument], text: &'t str) -> Result<Flags<'t, 'a>, ArgumentError> {
    let mut flags = Flags {
        rest: Cow::Borrowed(text),
        given: Vec::new(),
    };
    if !text.contains("--") || !arguments.iter().any(|argument| argument.flag) {
        return Ok(flags);
    }
    let text = text.trim();
    let mut kept = String::new();
    let mut from = 0;
    let mut words = Words::new(text);
    let position = |words: &Words<'_>| text.len() - words.rest().len();
    while !words.rest().is_empty() {
        let at = position(&words);
        let word = words.rest().split(char::is_whitespace).next().unwrap_or_default();
        if word == "--" {
            kept.push_str(&text[from..at]);
            from = at + 2;
            break;
        }
        let Some((argument, value)) = flag(arguments, word) else {
            if words.take().is_err() {
                // Quotes that are wrong are told by whoever reads that word, if anybody does.
                words = Words::new(&words.rest()[word.len()..]);
            }
            continue;
        };
        words = Words::new(&words.rest()[word.len()..]);
        let value = match value {
            Some(value) => Some(unquoted(argument, value)?),
            None if argument.kind == ArgumentKind::Boolean => None,
            None => {
                let taken = words.take();
                let taken = taken.map_err(|error| ArgumentError::new(argument, ArgumentProblem::Quote(error)))?;
                let missing = || ArgumentError::new(argument, ArgumentProblem::Missing);
                Some(taken.ok_or_else(missing)?.into_owned())
            }
        };
        flags.given.push((argument, value));
        kept.push_str(&text[from..at]);
        from = position(&words);
    }
    kept.push_str(&text[from..]);
    flags.rest = Cow::Owned(kept);
    Ok(flags)
}

/// The flag that a word names, with what stands behind an equals sign.
fn flag<'a, 'w>(arguments: &'a [Argument], word: &'w str) -> Option<(&'a Argument, Option<&'w str>)> {
    let body = word.strip_prefix("--")?;
    let (name, value) = match body.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (body, None),
    };
    let name = name.to_lowercase().replace('-', "_");
    let argument = arguments
        .iter()
        .find(|argument| argument.flag && argument.name.replace('-', "_") == name)?;
    Some((argument, value))
}

fn unquoted(argument: &Argument, value: &str) -> Result<String, ArgumentError> {
    match Words::new(value).take() {
        Ok(word) => Ok(word.unwrap_or_default().into_owned()),
        Err(error) => Err(ArgumentError::new(argument, ArgumentProblem::Quote(error))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn arguments() -> Vec<Argument> {
        let named = |name: &str, kind, flag| Argument {
            name: name.to_owned(),
            kind,
            flag,
            ..Argument::default()
        };
        vec![
            named("silent", ArgumentKind::Boolean, true),
            named("dry_run", ArgumentKind::Boolean, true),
            named("days", ArgumentKind::Integer, true),
            named("why", ArgumentKind::String, true),
            named("reason", ArgumentKind::String, false),
        ]
    }

    fn taken(text: &str) -> Result<(String, String), String> {
        let arguments = arguments();
        let flags = take(&arguments, text).map_err(|error| error.to_string())?;
        let given = flags.given.iter().map(|(argument, value)| match value {
            Some(value) => format!("{}={value}", argument.name),
            None => argument.name.clone(),
        });
        Ok((
            flags.rest.split_whitespace().collect::<Vec<_>>().join(" "),
            given.collect::<Vec<_>>().join(" "),
        ))
    }

    #[test]
    fn flags_stand_anywhere() {
        let cases = [
            ("bob spam", ("bob spam", "")),
            ("--silent bob spam", ("bob spam", "silent")),
            ("bob --days 7 spam", ("bob spam", "days=7")),
            ("bob spam --days=7 --silent", ("bob spam", "days=7 silent")),
            ("bob --DRY-run", ("bob", "dry_run")),
            ("bob --silent=no", ("bob", "silent=no")),
            ("--why \"a b\" bob", ("bob", "why=a b")),
            ("bob --other --reason x", ("bob --other --reason x", "")),
            ("bob -- --silent", ("bob --silent", "")),
            ("\"--silent\" bob", ("\"--silent\" bob", "")),
            ("it's \"open --silent", ("it's \"open", "silent")),
            ("a--silent", ("a--silent", "")),
            ("--", ("", "")),
        ];
        for (text, (rest, given)) in cases {
            assert_eq!(taken(text), Ok((rest.to_owned(), given.to_owned())), "{text:?}");
        }
    }

    #[test]
    fn a_flag_without_its_value_is_missing() {
        assert!(taken("bob --days").unwrap_err().contains("`days` is missing"));
        assert!(taken("--why \"a").unwrap_err().contains("never closed"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn any_text_ends(text in "[ a\"'=-]{0,30}(--days ?)?[ \\PC]{0,30}") {
            let _ = taken(&text);
        }
    }
}
