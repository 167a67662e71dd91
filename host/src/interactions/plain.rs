//! A message without its embeds: the same content as text, for channels in which the bot may not embed.
//!
//! Pure. Discord takes such a message and silently leaves its embeds out, so that nothing, or an error, would be seen.

use std::fmt::Write as _;

use serde_json::Value;

/// What embeds say, as text.
#[must_use]
pub fn text_of(embeds: &Value) -> String {
    let mut text = String::new();
    for embed in embeds.as_array().into_iter().flatten() {
        if !text.is_empty() {
            text.push('\n');
        }
        let said = |value: &Value| {
            value
                .as_str()
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        if let Some(author) = said(&embed["author"]["name"]) {
            let _ = writeln!(text, "{author}");
        }
        match (said(&embed["title"]), said(&embed["url"])) {
            (Some(title), Some(url)) => {
                let _ = writeln!(text, "**{title}** <{url}>");
            }
            (Some(title), None) => {
                let _ = writeln!(text, "**{title}**");
            }
            _ => {}
        }
        if let Some(description) = said(&embed["description"]) {
            let _ = writeln!(text, "{description}");
        }
        for field in embed["fields"].as_array().into_iter().flatten() {
            let (name, value) = (said(&field["name"]), said(&field["value"]));
            let value = value.unwrap_or_default();
            let between = if value.contains('\n') { "\n" } else { " " };
            let _ = writeln!(text, "**{}:**{between}{value}", name.unwrap_or_default());
        }
        for picture in ["image", "thumbnail"] {
            if let Some(url) = said(&embed[picture]["url"]) {
                let _ = writeln!(text, "{url}");
            }
        }
        if let Some(footer) = said(&embed["footer"]["text"]) {
            let _ = writeln!(text, "-# {}", footer.replace('\n', " "));
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn embeds_say_the_same_as_text() {
        let embeds = json!([
            {
                "author": { "name": "The bot" }, "title": "Weather", "url": "https://example.org/w",
                "description": "Today and tomorrow.", "color": 3,
                "fields": [
                    { "name": "Today", "value": "Sun", "inline": true }, { "name": "Later", "value": "Rain\nSnow" }
                ],
                "image": { "url": "https://example.org/sun.png" }, "footer": { "text": "by\nsomebody" },
            },
            { "title": "Empty", "description": "  " },
            {},
        ]);
        assert_eq!(
            text_of(&embeds),
            "The bot\n**Weather** <https://example.org/w>\nToday and tomorrow.\n**Today:** Sun\n**Later:**\nRain\nSnow\n\
             https://example.org/sun.png\n-# by somebody\n\n**Empty**"
        );
        assert_eq!(text_of(&json!(null)), "");
    }
}
