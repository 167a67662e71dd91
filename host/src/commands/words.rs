//! The words of a command's text, with quotes as users of discord.py know them.
//!
//! Pure. A quote counts only where a word begins; inside of quotes a backslash keeps a quote as it is. A quote that is
//! never closed is an error, but for the apostrophe: `'two words'` is one word, while `'tis` is what it says.

use std::{borrow::Cow, fmt};

/// What opens a quote and what closes it: the pairs that discord.py knows, and the apostrophe.
const QUOTES: [(char, char); 18] = [
    ('"', '"'),
    (APOSTROPHE, APOSTROPHE),
    ('‘', '’'),
    ('‚', '‛'),
    ('“', '”'),
    ('„', '‟'),
    ('⹂', '⹂'),
    ('「', '」'),
    ('『', '』'),
    ('〝', '〞'),
    ('﹁', '﹂'),
    ('﹃', '﹄'),
    ('＂', '＂'),
    ('｢', '｣'),
    ('«', '»'),
    ('‹', '›'),
    ('《', '》'),
    ('〈', '〉'),
];

const APOSTROPHE: char = '\'';

/// The words of a text, one after the other.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    rest: &'a str,
}

/// A quote that does not end as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuoteError {
    /// The text ends within quotes.
    Unclosed {
        /// What opened them.
        open: char,
        /// What would close them.
        close: char,
    },
    /// Something other than a space follows the closing quote.
    TextBehind {
        /// What closed them.
        close: char,
    },
}

impl fmt::Display for QuoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed { open, close } => write!(
                f,
                "The quote {open} is never closed. Close it with {close}, or write \\{open} for the character itself."
            ),
            Self::TextBehind { close } => write!(f, "There must be a space behind the closing quote {close}."),
        }
    }
}

impl std::error::Error for QuoteError {}

impl<'a> Words<'a> {
    /// The words of this text.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { rest: text.trim() }
    }

    /// What has not been taken yet, as it was written, without spaces around it.
    #[must_use]
    pub fn rest(&self) -> &'a str {
        self.rest
    }

    /// Takes the next word; `None` at the end.
    ///
    /// # Errors
    ///
    /// The word is quoted and the quote does not end as it should; nothing is taken then.
    pub fn take(&mut self) -> Result<Option<Cow<'a, str>>, QuoteError> {
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        if let Some(&(open, close)) = QUOTES.iter().find(|(open, _)| *open == first) {
            match quoted(self.rest, open, close) {
                Ok((word, rest)) => {
                    self.rest = rest.trim_start();
                    return Ok(Some(word));
                }
                Err(_) if open == APOSTROPHE => {}
                Err(error) => return Err(error),
            }
        }
        let end = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
        let word = &self.rest[..end];
        self.rest = self.rest[end..].trim_start();
        Ok(Some(unescaped(word)))
    }
}

/// A text written so that [`Words`] takes it as one word. Text with spaces whose last character is a backslash can't be
/// written: inside of quotes, that one would keep the closing quote.
#[must_use]
pub fn as_word(text: &str) -> Cow<'_, str> {
    let is_quote = |c: char| QUOTES.iter().any(|&(open, close)| c == open || c == close);
    if text.is_empty() || text.contains(char::is_whitespace) {
        return format!("\"{}\"", text.replace('"', "\\\"")).into();
    }
    if !text.starts_with(is_quote) && unescaped(text) == text {
        return text.into();
    }
    let mut written = String::with_capacity(text.len() + 2);
    for character in text.chars() {
        if is_quote(character) {
            written.push('\\');
        }
        written.push(character);
    }
    written.into()
}

/// The word that begins with a quote, and what is behind its end.
fn quoted(text: &str, open: char, close: char) -> Result<(Cow<'_, str>, &str), QuoteError> {
    let inner = &text[open.len_utf8()..];
    let mut word = Cow::Borrowed("");
    // Where the part that can be taken as it is begins.
    let mut from = 0;
    let mut characters = inner.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character == '\\'
            && let Some(&(next_at, next)) = characters.peek()
            && (next == open || next == close)
        {
            word += &inner[from..at];
            from = next_at;
            characters.next();
        } else if character == close {
            let behind = &inner[at + close.len_utf8()..];
            if behind.is_empty() || behind.starts_with(char::is_whitespace) {
                word += &inner[from..at];
                return Ok((word, behind));
            }
            // An apostrophe inside of a quoted word is one: 'it's fine'.
            if close != APOSTROPHE {
                return Err(QuoteError::TextBehind { close });
            }
        }
    }
    Err(QuoteError::Unclosed { open, close })
}

/// A word without quotes: a backslash before a quote goes, every other one stays.
fn unescaped(word: &str) -> Cow<'_, str> {
    if !word.contains('\\') {
        return Cow::Borrowed(word);
    }
    let is_quote = |c: char| QUOTES.iter().any(|&(open, close)| c == open || c == close);
    let mut plain = String::with_capacity(word.len());
    let mut characters = word.chars().peekable();
    while let Some(character) = characters.next() {
        match characters.peek() {
            Some(&next) if character == '\\' && is_quote(next) => {
                plain.push(next);
                characters.next();
            }
            _ => plain.push(character),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str) -> Result<Vec<String>, QuoteError> {
        let mut words = Words::new(text);
        let mut all = Vec::new();
        while let Some(word) = words.take()? {
            all.push(word.into_owned());
        }
        Ok(all)
    }

    #[test]
    fn words_and_quotes() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("  \n ", &[]),
            (" a  b\nc ", &["a", "b", "c"]),
            ("\"a b\" c", &["a b", "c"]),
            ("'a b' c", &["a b", "c"]),
            ("“a b” «c d» 「e f」 „g‟", &["a b", "c d", "e f", "g"]),
            ("\"\" a", &["", "a"]),
            ("\"a \\\" b\" c", &["a \" b", "c"]),
            ("\"a \\ b\"", &["a \\ b"]),
            ("\"a\\\\n\"", &["a\\\\n"]),
            ("a\"b c\"", &["a\"b", "c\""]),
            ("\\\"a b\\\"", &["\"a", "b\""]),
            ("a\\b \\", &["a\\b", "\\"]),
            ("'tis the day", &["'tis", "the", "day"]),
            ("it's 'it's fine' ok", &["it's", "it's fine", "ok"]),
            ("“a \" b”", &["a \" b"]),
        ];
        for (text, expected) in cases {
            assert_eq!(all(text).as_deref().unwrap(), *expected, "{text:?}");
        }
    }

    #[test]
    fn quotes_that_do_not_end_are_named() {
        let unclosed = QuoteError::Unclosed {
            open: '“', close: '”'
        };
        assert_eq!(all("a “b c"), Err(unclosed));
        assert_eq!(all("\"a\\\""), Err(QuoteError::Unclosed { open: '"', close: '"' }));
        assert_eq!(all("\"a\"b"), Err(QuoteError::TextBehind { close: '"' }));
        insta::assert_snapshot!(unclosed, @"The quote “ is never closed. Close it with ”, or write \\“ for the character itself.");
        insta::assert_snapshot!(QuoteError::TextBehind { close: '"' }, @"There must be a space behind the closing quote \".");
    }

    #[test]
    fn the_rest_is_as_it_was_written() {
        let mut words = Words::new("\"a b\"   c  \"d\\\" ");
        assert_eq!(words.take(), Ok(Some("a b".into())));
        assert_eq!(words.rest(), "c  \"d\\\"");
        assert_eq!(words.take(), Ok(Some("c".into())));
        assert!(words.take().is_err());
        assert_eq!(words.rest(), "\"d\\\"", "an error takes nothing");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn any_text_ends(text in "\\PC{0,60}") {
            let _ = all(&text);
        }

        #[test]
        fn words_without_quotes_are_whitespace_separated(text in "[a-z0-9 \\n\\\\é]{0,40}") {
            let expected: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            prop_assert_eq!(all(&text).unwrap(), expected);
        }

        #[test]
        fn texts_as_words_come_back(texts in prop::collection::vec("[a-z \"'\\\\“”«\n]{0,8}|\\PC{0,8}", 0..5)) {
            let texts: Vec<_> = texts.iter().map(|text| if text.contains(char::is_whitespace) {
                text.trim_end_matches('\\').to_owned()
            } else {
                text.clone()
            }).collect();
            let written: Vec<_> = texts.iter().map(|text| as_word(text)).collect();
            prop_assert_eq!(all(&written.join(" ")).unwrap(), texts);
        }

        #[test]
        fn a_quoted_and_escaped_text_comes_back(text in "[a-z \"']{0,20}", pair in 0..QUOTES.len()) {
            let (open, close) = QUOTES[pair];
            prop_assume!(!text.contains(APOSTROPHE) || open != APOSTROPHE);
            let escaped = text.replace(open, &format!("\\{open}"));
            let quoted = format!("{open}{escaped}{close} z");
            prop_assert_eq!(all(&quoted).unwrap(), [text, "z".to_owned()]);
        }
    }
}
