//! Secrets in texts: the bot's token and the values handed to plugins by `${NAME}`, wherever they appear, and whatever
//! looks like a token of Discord's or stands in the place of one in an address. Pure.
//!
//! Applied to texts before they are escaped, since escaping changes what a secret looks like. A text without secrets
//! costs two searches and is not copied.

use std::{
    borrow::Cow,
    fmt,
    ops::Range,
    sync::{Arc, LazyLock},
};

use aho_corasick::{AhoCorasick, MatchKind};
use arc_swap::ArcSwap;
use memchr::{memchr_iter, memmem};
use serde_json::Value;

/// What stands where a secret stood.
pub const COVER: &str = "<secret>";
/// Shorter values are no secrets: covering them would make logs unreadable, and they could be guessed anyway.
pub const SHORTEST: usize = 6;

/// What must not be shown. Clones share it; Debug shows none of it.
#[derive(Clone)]
pub struct Secrets(Arc<ArcSwap<Known>>);

struct Known {
    values: Vec<String>,
    search: Option<AhoCorasick>,
}

impl Default for Secrets {
    /// None are known; what looks like a token is covered all the same.
    fn default() -> Self {
        Self::new(std::iter::empty::<String>())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    /// These values, in each of the forms in which they may come: as they are, and as Rust, JSON and addresses write
    /// them. Those with fewer than 6 bytes are left out.
    pub fn new<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(Known::new(
            values.into_iter().map(Into::into).collect(),
        ))))
    }

    /// Further values are secret from now on. What was secret stays so: it may still be in use.
    pub fn learn<T: Into<String>>(&self, values: impl IntoIterator<Item = T>) {
        let new: Vec<String> = values.into_iter().map(Into::into).collect();
        self.0.rcu(|known| {
            let mut all = known.values.clone();
            all.extend(new.iter().cloned());
            Arc::new(Known::new(all))
        });
    }

    /// A text with every secret covered.
    #[must_use]
    pub fn cover<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let known = self.0.load();
        let mut text = Cow::Borrowed(text);
        if let Some(search) = &known.search {
            let found: Vec<_> = search.find_iter(&*text).map(|found| found.range()).collect();
            replace(&mut text, &found);
        }
        let found = tokens(&text);
        replace(&mut text, &found);
        let found = in_addresses(&text);
        replace(&mut text, &found);
        text
    }

    /// Covers the secrets in a text.
    pub fn cover_text(&self, text: &mut String) {
        if let Cow::Owned(covered) = self.cover(text) {
            *text = covered;
        }
    }

    /// Covers the secrets in all texts of a value, and in the numbers that are one.
    pub fn cover_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.cover_text(text),
            Value::Number(number) => {
                let text = number.to_string();
                if text.len() >= SHORTEST
                    && let Cow::Owned(covered) = self.cover(&text)
                {
                    *value = covered.into();
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|item| self.cover_value(item)),
            Value::Object(object) => {
                let covered = object.keys().any(|name| matches!(self.cover(name), Cow::Owned(_)));
                if covered {
                    let before = std::mem::take(object);
                    *object = before
                        .into_iter()
                        .map(|(name, value)| (self.cover(&name).into_owned(), value))
                        .collect();
                }
                object.values_mut().for_each(|value| self.cover_value(value));
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
}

impl Known {
    fn new(mut values: Vec<String>) -> Self {
        values.retain(|value| value.len() >= SHORTEST);
        values.sort_unstable();
        values.dedup();
        let mut forms: Vec<String> = values.iter().flat_map(|value| forms(value)).collect();
        forms.sort_unstable();
        forms.dedup();
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&forms)
            .ok()
            .filter(|_| !forms.is_empty());
        Self { values, search }
    }
}

/// The forms in which a value may come.
fn forms(value: &str) -> [String; 4] {
    let inner = |quoted: String| {
        quoted
            .get(1..quoted.len().saturating_sub(1))
            .unwrap_or_default()
            .to_owned()
    };
    let address = value.bytes().fold(String::new(), |mut address, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            address.push(char::from(byte));
        } else {
            let _ = fmt::Write::write_fmt(&mut address, format_args!("%{byte:02X}"));
        }
        address
    });
    [
        value.to_owned(),
        inner(format!("{value:?}")),
        inner(Value::from(value).to_string()),
        address,
    ]
}

fn replace(text: &mut Cow<'_, str>, found: &[Range<usize>]) {
    if found.is_empty() {
        return;
    }
    let mut covered = String::with_capacity(text.len());
    let mut at = 0;
    for range in found {
        covered.push_str(&text[at..range.start]);
        covered.push_str(COVER);
        at = range.end;
    }
    covered.push_str(&text[at..]);
    *text = Cow::Owned(covered);
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Where something stands that looks like a bot's token: an id in base64, 5 to 7 characters, 25 or more, with dots
/// between them (<https://discord.com/developers/docs/reference#authentication>).
fn tokens(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found: Vec<Range<usize>> = Vec::new();
    for dot in memchr_iter(b'.', bytes) {
        let (before, behind) = (&bytes[..dot], &bytes[dot + 1..]);
        let middle = behind.iter().take(8).take_while(|byte| is_word(**byte)).count();
        if !(5..=7).contains(&middle) || behind.get(middle) != Some(&b'.') {
            continue;
        }
        let first = before.iter().rev().take_while(|byte| is_word(**byte)).count();
        let last = behind[middle + 1..].iter().take_while(|byte| is_word(**byte)).count();
        if first >= 18 && last >= 25 {
            let range = dot - first..dot + 1 + middle + 1 + last;
            if found.last().is_none_or(|last| last.end <= range.start) {
                found.push(range);
            }
        }
    }
    found
}

/// Where tokens stand in addresses of webhooks and interactions: `/webhooks/ID/TOKEN`, `/interactions/ID/TOKEN`.
fn in_addresses(text: &str) -> Vec<Range<usize>> {
    static PLACES: LazyLock<[memmem::Finder<'static>; 2]> =
        LazyLock::new(|| ["webhooks/", "interactions/"].map(memmem::Finder::new));
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    for place in PLACES.iter() {
        for at in place.find_iter(bytes) {
            let id = at + place.needle().len();
            let digits = bytes[id..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 || bytes.get(id + digits) != Some(&b'/') {
                continue;
            }
            let start = id + digits + 1;
            let length = bytes[start..]
                .iter()
                .take_while(|byte| is_word(**byte) || matches!(byte, b'.' | b'%' | b'='))
                .count();
            if length >= 16 {
                found.push(start..start + length);
            }
        }
    }
    found.sort_unstable_by_key(|range| range.start);
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOKEN: &str = "MTc1OTI4ODQ3Mjk5MTE3MDYz.Gabcde.abcdefghijklmnopqrstuvwxyz0123456789AB";

    #[test]
    fn what_looks_like_a_token_is_covered_and_what_does_not_stays() {
        let secrets = Secrets::default();
        for (text, covered) in [
            (format!("Bot {TOKEN}!"), "Bot <secret>!"),
            (format!("{TOKEN} and {TOKEN}"), "<secret> and <secret>"),
            (
                "https://discord.com/api/webhooks/1100000000000000001/Zm9v_bar-0123456789abcdefABCDEF?wait=true"
                    .to_owned(),
                "https://discord.com/api/webhooks/1100000000000000001/<secret>?wait=true",
            ),
            (
                "/interactions/11/aW50ZXJhY3Rpb246MTEx/callback".to_owned(),
                "/interactions/11/<secret>/callback",
            ),
        ] {
            assert_eq!(secrets.cover(&text), covered);
        }
        for text in [
            "plugins.levels.rate is 0.5, see host/src/plugins/life/transaction.rs:235",
            "/webhooks/11/messages",
            "/channels/1100000000000000001/webhooks",
            "a.b.c.d.e www.example.com 127.0.0.1:7800 1.2.3-beta.4",
            "MTc1OTI4ODQ3Mjk5MTE3MDYz.Gabcde",
            "",
        ] {
            assert!(
                matches!(secrets.cover(text), Cow::Borrowed(same) if same == text),
                "{text}"
            );
        }
    }

    #[test]
    fn values_are_covered_in_every_form_and_short_ones_are_none() {
        let secrets = Secrets::new(["on", "p\"ss\nw\u{f6}rd/1"]);
        assert_eq!(secrets.cover("on and on"), "on and on");
        let value = "p\"ss\nw\u{f6}rd/1";
        for text in [
            value.to_owned(),
            format!("{value:?}"),
            Value::from(value).to_string(),
            "p%22ss%0Aw%C3%B6rd%2F1".to_owned(),
        ] {
            assert!(secrets.cover(&text).contains(COVER), "{text}");
        }
        secrets.learn(["hunter2"]);
        let mut value = serde_json::json!({"hunter2": ["a hunter2", {"deep": value}], "n": 1});
        secrets.cover_value(&mut value);
        let text = value.to_string();
        assert!(!text.contains("hunter") && !text.contains("ss"), "{text}");
        assert_eq!(text.matches(COVER).count(), 3);
        secrets.learn(["1234567"]);
        let mut value = serde_json::json!([1_234_567, 7]);
        secrets.cover_value(&mut value);
        assert_eq!(value, serde_json::json!([COVER, 7]));
    }

    proptest! {
        #[test]
        fn no_secret_passes(
            values in prop::collection::vec("[ -~\u{e4}\n\t\"]{6,20}", 1..4),
            parts in prop::collection::vec(".{0,12}", 1..6),
        ) {
            let secrets = Secrets::new(values.clone());
            let mut text = String::new();
            for (at, part) in parts.iter().enumerate() {
                text.push_str(part);
                text.push_str(&values[at % values.len()]);
            }
            let covered = secrets.cover(&text);
            for value in values.iter().filter(|value| !COVER.contains(value.as_str())) {
                prop_assert!(!covered.contains(value.as_str()), "{value:?} is in {covered:?}");
            }
            let written = serde_json::to_string(&text).unwrap();
            let covered = secrets.cover(&written).into_owned();
            prop_assert!(covered.contains(COVER), "{covered:?}");
        }

        #[test]
        fn no_token_passes(
            before in "[^A-Za-z0-9_.-]?", first in "[A-Za-z0-9_-]{18,28}", middle in "[A-Za-z0-9_-]{5,7}",
            last in "[A-Za-z0-9_-]{25,40}", behind in "[ \"',;)]?.{0,8}",
        ) {
            let token = format!("{first}.{middle}.{last}");
            let text = format!("{before}{token}{behind}");
            let covered = Secrets::default().cover(&text).into_owned();
            prop_assert!(!covered.contains(&last) && !covered.contains(&first), "{covered:?}");
        }

        #[test]
        fn texts_without_dots_and_addresses_are_not_copied(text in "[^./]{0,80}") {
            prop_assert!(matches!(Secrets::default().cover(&text), Cow::Borrowed(_)));
        }
    }
}
