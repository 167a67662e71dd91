//! Embeds, with their limits (<https://discord.com/developers/docs/resources/message#embed-object>).
//!
//! They are checked when the message is sent and never while it is built, so that building can't fail.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use twilight_model::util::Timestamp;

use super::body::limit;
use crate::{Error, Result};

const MAX_FIELDS: usize = 25;

/// A framed part of a message. Limits are checked when it is sent.
///
/// ```
/// use plugin_api::embed;
///
/// let card = embed("Weather").colour(0x58_65f2).inline_field("Today", "Sun").inline_field("Tomorrow", "Rain");
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Embed {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    footer: Option<Footer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<Author>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail: Option<Picture>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<Picture>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Footer {
    text: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Author {
    name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Picture {
    url: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Field {
    name: String,
    value: String,
    inline: bool,
}

/// Begins an embed with a title, up to 256 characters.
#[must_use]
pub fn embed(title: impl Into<String>) -> Embed {
    Embed {
        title: Some(title.into()),
        ..Embed::default()
    }
}

impl Embed {
    /// The text below the title, up to 4,096 characters.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Where the title leads.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// The colour of the edge, `0xRRGGBB`.
    #[must_use]
    #[doc(alias = "color")]
    pub fn colour(mut self, rgb: u32) -> Self {
        self.color = Some(rgb & 0xff_ffff);
        self
    }

    /// Adds a field on lines of its own: name up to 256 characters, value up to 1,024, 25 in all.
    #[must_use]
    pub fn field(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(name.into(), value.into(), false)
    }

    /// Adds a field that stands beside others, where there is room.
    #[must_use]
    pub fn inline_field(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(name.into(), value.into(), true)
    }

    fn with(mut self, name: String, value: String, inline: bool) -> Self {
        self.fields.push(Field { name, value, inline });
        self
    }

    /// The small text below, up to 2,048 characters.
    #[must_use]
    pub fn footer(mut self, text: impl Into<String>) -> Self {
        self.footer = Some(Footer { text: text.into() });
        self
    }

    /// The small text above the title, up to 256 characters.
    #[must_use]
    pub fn author(mut self, name: impl Into<String>) -> Self {
        self.author = Some(Author { name: name.into() });
        self
    }

    /// A small picture on the right, by its address.
    #[must_use]
    pub fn thumbnail(mut self, url: impl Into<String>) -> Self {
        self.thumbnail = Some(Picture { url: url.into() });
        self
    }

    /// A large picture below, by its address.
    #[must_use]
    pub fn image(mut self, url: impl Into<String>) -> Self {
        self.image = Some(Picture { url: url.into() });
        self
    }

    /// A time in the footer, shown in each reader's own zone. Times outside of the years 1970 to 9999 are left out.
    #[must_use]
    pub fn timestamp(mut self, time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).ok();
        let micros = since.and_then(|since| i64::try_from(since.as_micros()).ok());
        let timestamp = micros.and_then(|micros| Timestamp::from_micros(micros).ok());
        self.timestamp = timestamp.map(|timestamp| timestamp.iso_8601().to_string());
        self
    }

    /// Checks Discord's limits; returns how many characters count towards those of the whole message.
    pub(super) fn check(&self) -> Result<usize> {
        if self.fields.len() > MAX_FIELDS {
            return Err(Error::new(format!(
                "an embed has {} fields, Discord takes {MAX_FIELDS}",
                self.fields.len()
            )));
        }
        let mut sum = 0;
        let optional = [
            ("the title of an embed", self.title.as_deref(), 256),
            ("the description of an embed", self.description.as_deref(), 4096),
            (
                "the footer of an embed",
                self.footer.as_ref().map(|footer| footer.text.as_str()),
                2048,
            ),
            (
                "the author of an embed",
                self.author.as_ref().map(|author| author.name.as_str()),
                256,
            ),
        ];
        for (what, text, most) in optional {
            sum += text.map_or(Ok(0), |text| limit(what, text, most))?;
        }
        for Field { name, value, .. } in &self.fields {
            for (what, text, most) in [("name", name, 256), ("value", value, 1024)] {
                if text.trim().is_empty() {
                    return Err(Error::new(format!("the {what} of a field of an embed is empty")));
                }
                sum += limit(&format!("the {what} of a field of an embed"), text, most)?;
            }
        }
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_set_is_written_in_discords_words() {
        let time = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let embed = embed("T")
            .colour(0xff_0000)
            .field("a", "b")
            .inline_field("c", "d")
            .footer("f")
            .timestamp(time);
        let json = serde_json::to_value(&embed).expect("an embed is JSON");
        assert_eq!(
            json,
            serde_json::json!({
                "title": "T",
                "color": 0xff_0000,
                "footer": {"text": "f"},
                "timestamp": "2023-11-14T22:13:20.000000+00:00",
                "fields": [
                    {"name": "a", "value": "b", "inline": false},
                    {"name": "c", "value": "d", "inline": true},
                ],
            })
        );
    }

    #[test]
    fn limits_are_checked() {
        assert_eq!(embed("ab").field("c", "d").check().expect("small"), 4);
        for (embed, text) in [
            (
                embed("x".repeat(257)),
                "the title of an embed has 257 characters, Discord takes 256",
            ),
            (embed("").field("a", " "), "the value of a field of an embed is empty"),
            (
                (0..26).fold(Embed::default(), |embed, _| embed.field("a", "b")),
                "an embed has 26 fields, Discord takes 25",
            ),
        ] {
            assert_eq!(embed.check().expect_err(text).to_string(), text);
        }
    }
}
