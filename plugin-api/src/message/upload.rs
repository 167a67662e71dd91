//! Files that go along with a message, and texts that are too long for one.
//!
//! Discord's limits of names and descriptions are checked here; how large a file may be depends on the server, so that
//! Discord has the last word.

use std::fmt;

use serde_json::{Value, json};

use super::body::limit;
use crate::{Error, Result};

/// How many files a message has at most.
const MOST: usize = 10;
/// How large a file can be wherever it goes, in bytes: servers with the highest boost take 100 MiB.
const LARGEST: usize = 100 << 20;

/// A file to go along with a message.
///
/// ```
/// use plugin_api::{Upload, prelude::*};
///
/// /// Show how the dice fell.
/// #[command]
/// async fn statistics(ctx: Ctx) -> Result {
///     let table = "throw,eyes\n1,6\n2,1\n";
///     ctx.reply("Here it is.").file(Upload::new("dice.csv", table).description("Throws and eyes")).await
/// }
/// # mod linked { plugin_api::plugin!(linked; commands: [super::statistics]); }
/// # fn main() {}
/// ```
#[derive(Clone)]
#[must_use = "a file is sent when it is added to a message"]
pub struct Upload {
    name: String,
    content: Vec<u8>,
    description: Option<String>,
    spoiler: bool,
}

impl Upload {
    /// A file of this name with these bytes or this text: up to 10 MiB, more in boosted servers. In the message's embeds
    /// it is `attachment://NAME`.
    pub fn new(name: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            content: content.into(),
            description: None,
            spoiler: false,
        }
    }

    /// What it shows, for those who can't see it: up to 1,024 characters.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Blurred until somebody clicks on it.
    pub fn spoiler(mut self) -> Self {
        self.spoiler = true;
        self
    }

    /// The name as Discord is told.
    pub(super) fn filename(&self) -> String {
        let mark = if self.spoiler && !self.name.starts_with("SPOILER_") {
            "SPOILER_"
        } else {
            ""
        };
        format!("{mark}{}", self.name)
    }

    pub(super) fn into_content(self) -> Vec<u8> {
        self.content
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("name", &self.name)
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

/// What the message's body says of its files.
pub(super) fn attachments(files: &[Upload]) -> Result<Value> {
    if files.len() > MOST {
        return Err(Error::new(format!(
            "a message has {} files, Discord takes {MOST}",
            files.len()
        )));
    }
    let mut all = Vec::with_capacity(files.len());
    for (number, file) in files.iter().enumerate() {
        if file.name.is_empty() || limit("the name of a file", &file.name, 250)? == 0 {
            return Err(Error::new("a file needs a name"));
        }
        if file.content.len() > LARGEST {
            return Err(Error::new(format!(
                "the file `{}` has {} MiB, Discord takes 10, and at most 100 in boosted servers",
                file.name,
                file.content.len() >> 20
            )));
        }
        let mut one = json!({ "id": number, "filename": file.filename() });
        if let Some(text) = &file.description {
            limit("the description of a file", text, 1024)?;
            one["description"] = text.as_str().into();
        }
        all.push(one);
    }
    Ok(Value::Array(all))
}

/// Splits a text into parts of at most so many characters: between paragraphs, lines or words where that is possible. A
/// block of code that is split is ended and begun again.
pub(super) fn split(text: &str, most: usize) -> Vec<String> {
    const FENCE: &str = "```";
    let mut parts = Vec::new();
    let mut rest = text;
    // How an open block of code begins, with its language.
    let mut open: Option<String> = None;
    while !rest.is_empty() {
        let begin = open.as_deref().map_or(String::new(), |fence| format!("{fence}\n"));
        // Room for ending a block.
        let room = most - begin.chars().count() - FENCE.len() - 1;
        let whole = begin.chars().count() + rest.chars().count() <= most;
        let end = if whole { rest.len() } else { break_at(rest, room) };
        let (part, behind) = rest.split_at(end);
        for line in part.lines().filter(|line| line.trim_start().starts_with(FENCE)) {
            let is_closed_at_once = line.trim().len() > FENCE.len() && line.trim().ends_with(FENCE);
            open = match open {
                _ if is_closed_at_once => open,
                Some(_) => None,
                // A language of a reasonable length: what is longer is no language.
                None => Some(line.trim().chars().take(30).collect()),
            };
        }
        let mut part = format!("{begin}{}", part.trim_end_matches('\n'));
        rest = if behind.is_empty() {
            ""
        } else {
            behind.strip_prefix(['\n', ' ']).unwrap_or(behind)
        };
        if open.is_some() && !rest.is_empty() {
            part.push_str("\n```");
        }
        if !part.trim().is_empty() {
            parts.push(part);
        }
    }
    parts
}

/// Where a text of at most so many characters ends: before a blank line, a line or a word in its second half, else where
/// the room ends.
fn break_at(text: &str, room: usize) -> usize {
    let end = text.char_indices().nth(room).map_or(text.len(), |(at, _)| at);
    let head = &text[..end];
    let half = head.len() / 2;
    ["\n\n", "\n", " "]
        .iter()
        .filter_map(|mark| head.rfind(mark))
        .find(|&at| at > half)
        .unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_split_where_they_breathe() {
        assert_eq!(split("short", 50), ["short"]);
        let lines = "one two three four five\n".repeat(10);
        let parts = split(&lines, 100);
        assert!(
            parts
                .iter()
                .all(|part| part.chars().count() <= 100 && part.ends_with("five")),
            "{parts:?}"
        );
        assert_eq!(parts.join("\n"), lines.trim_end());
        let unbroken = "ä".repeat(250);
        let parts = split(&unbroken, 100);
        assert_eq!(parts.concat(), unbroken);
    }

    #[test]
    fn a_block_of_code_is_ended_and_begun_again() {
        let code = format!("before\n```rust\n{}```\nafter", "let a = 1;\n".repeat(30));
        let parts = split(&code, 120);
        assert!(parts.len() > 2);
        for part in &parts {
            assert!(part.chars().count() <= 120, "{part}");
            assert_eq!(part.matches("```").count() % 2, 0, "{part}");
        }
        assert!(parts[1].starts_with("```rust\nlet a"), "{}", parts[1]);
    }
}
