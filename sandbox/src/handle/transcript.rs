//! A conversation as stable text: the same in each run, so that it can be compared and kept as a snapshot.
//!
//! Ids become names or `<id>`, times `<time>`. What a failed expectation prints to be searched is in `conversation`.

use std::{fmt::Write, sync::Arc};

use serde_json::Value;

use super::Sandbox;
use crate::world::{Channel, Stored, World};

impl Sandbox {
    /// All that was said and is still there, channel by channel, as text without ids and times. Channels in which nothing
    /// was said are left out.
    #[must_use]
    pub fn transcript(&self) -> String {
        self.transcript_after(0)
    }

    /// The same, from behind message `after` on.
    #[must_use]
    pub fn transcript_after(&self, after: u64) -> String {
        self.with(|world| {
            let mut text = String::new();
            for channel in ordered(world) {
                of_channel(world, channel, after, &mut text);
            }
            text
        })
    }

    /// Leaves a message out of transcripts: what a test says for its set-up alone.
    pub fn leave_out(&self, message_id: u64) {
        self.with(|world| world.left_out.insert(message_id));
    }

    /// The same, of direct messages only those of these people.
    #[must_use]
    pub(crate) fn transcript_among(&self, after: u64, people: &[&str]) -> String {
        self.with(|world| {
            let mut text = String::new();
            for channel in ordered(world) {
                let is_meant = channel
                    .recipient
                    .is_none_or(|person| people.contains(&name(world, person).as_str()));
                if is_meant {
                    of_channel(world, channel, after, &mut text);
                }
            }
            text
        })
    }

    /// The same of one channel, from behind message `after` on; 0 for all of it.
    #[must_use]
    pub fn transcript_of(&self, channel_id: u64, after: u64) -> String {
        self.with(|world| {
            let mut text = String::new();
            if let Some(channel) = world.channels.get(&channel_id) {
                of_channel(world, channel, after, &mut text);
            }
            text
        })
    }
}

/// Servers' channels first, as people see them, then direct ones by name.
fn ordered(world: &World) -> Vec<&Channel> {
    let mut channels: Vec<&Channel> = world.channels.values().collect();
    channels.sort_by_key(|channel| {
        let name = channel.recipient.and_then(|person| world.users.get(&person));
        let name = name.map_or_else(String::new, |user| user.username.clone());
        (channel.recipient.is_some(), name, channel.position, channel.id)
    });
    channels
}

fn of_channel(world: &World, channel: &Channel, after: u64, text: &mut String) {
    let is_shown = |message: &&Arc<Stored>| !world.left_out.contains(&message.id);
    let mut messages = channel.history.after(after).filter(is_shown).peekable();
    if messages.peek().is_none() {
        return;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let _ = match channel.recipient {
        Some(person) => writeln!(text, "direct messages of {}", name(world, person)),
        None => writeln!(text, "#{}", channel.name),
    };
    for message in messages {
        of_message(world, message, text);
    }
}

fn name(world: &World, user: u64) -> String {
    world
        .users
        .get(&user)
        .map_or_else(|| "somebody".to_owned(), |user| user.username.clone())
}

fn of_message(world: &World, message: &Stored, text: &mut String) {
    let value = &message.value;
    let _ = write!(text, "  {}", name(world, message.author_id));
    if let Some(used) = value["interaction_metadata"]["name"].as_str() {
        let user = value["interaction_metadata"]["user"]["username"].as_str();
        let _ = write!(text, " (to {} of {})", used_name(value, used), user.unwrap_or_default());
    } else if let Some(to) = message.reference {
        let author = world.message(message.channel_id, to).map(|to| to.author_id);
        let author = author.map_or_else(|| "a deleted message".to_owned(), |author| name(world, author));
        let _ = write!(text, " (to {author})");
    }
    if let Some(only) = message.ephemeral_to {
        let _ = write!(text, " (only {} sees it)", name(world, only));
    }
    text.push(':');
    if message.is_loading() {
        text.push_str(" is thinking");
    }
    let content = stable(world, value["content"].as_str().unwrap_or_default());
    let mut lines = content.lines();
    if let Some(first) = lines.next() {
        let _ = write!(text, " {first}");
    }
    text.push('\n');
    for line in lines {
        let _ = writeln!(text, "    {line}");
    }
    for embed in list(&value["embeds"]) {
        of_embed(world, embed, text);
    }
    of_components(world, &value["components"], text);
    for file in list(&value["attachments"]) {
        let _ = writeln!(text, "    [file {}]", file["filename"].as_str().unwrap_or_default());
    }
    if let Some(question) = value["poll"]["question"]["text"].as_str() {
        let _ = writeln!(text, "    [poll {}]", stable(world, question));
    }
    let reactions: Vec<String> = list(&value["reactions"])
        .map(|one| format!("{} {}", one["emoji"]["name"].as_str().unwrap_or("?"), one["count"]))
        .collect();
    if !reactions.is_empty() {
        let _ = writeln!(text, "    [reactions {}]", reactions.join(", "));
    }
    if value["pinned"] == true {
        text.push_str("    [pinned]\n");
    }
}

/// A slash command with its slash, a menu's entry as it is.
fn used_name(value: &Value, name: &str) -> String {
    match value["interaction_metadata"]["command_type"].as_u64() {
        Some(2 | 3) => format!("\"{name}\""),
        _ => format!("/{name}"),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn of_embed(world: &World, embed: &Value, text: &mut String) {
    let part = |of: &Value| stable(world, of.as_str().unwrap_or_default());
    let line = |text: &mut String, what: &str, said: String| {
        for (number, part) in said.lines().enumerate() {
            let what = if number == 0 { what } else { "" };
            let _ = writeln!(text, "    | {what}{part}");
        }
    };
    line(text, "", part(&embed["author"]["name"]));
    line(text, "# ", part(&embed["title"]));
    line(text, "", part(&embed["description"]));
    for field in list(&embed["fields"]) {
        line(text, "", format!("{}: {}", part(&field["name"]), part(&field["value"])));
    }
    line(text, "- ", part(&embed["footer"]["text"]));
    for image in ["image", "thumbnail"] {
        if embed[image].is_object() {
            line(text, "", format!("[{image}]"));
        }
    }
}

fn of_components(world: &World, components: &Value, text: &mut String) {
    for component in list(components) {
        let word = |key: &str| stable(world, component[key].as_str().unwrap_or_default());
        let off = if component["disabled"] == true {
            ", disabled"
        } else {
            ""
        };
        match component["type"].as_u64() {
            Some(2) => {
                let emoji = component["emoji"]["name"].as_str().unwrap_or_default();
                let label = format!("{emoji} {}", word("label"));
                let _ = writeln!(text, "    [button {}{off}]", label.trim());
            }
            Some(3) => {
                let options: Vec<_> = list(&component["options"])
                    .map(|option| stable(world, option["label"].as_str().unwrap_or_default()))
                    .collect();
                let _ = writeln!(
                    text,
                    "    [select {}: {}{off}]",
                    word("placeholder"),
                    options.join(", ")
                );
            }
            Some(5..=8) => {
                let _ = writeln!(text, "    [select {}{off}]", word("placeholder"));
            }
            Some(10) => {
                for line in word("content").lines() {
                    let _ = writeln!(text, "    | {line}");
                }
            }
            Some(12) => {
                let _ = writeln!(text, "    [pictures {}]", list(&component["items"]).count());
            }
            _ => {}
        }
        of_components(world, &component["components"], text);
        if component["accessory"].is_object() {
            of_components(world, &Value::Array(vec![component["accessory"].clone()]), text);
        }
    }
}

/// A text with names for mentions, and without other ids and times.
pub(crate) fn stable(world: &World, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, from) = rest.split_at(at);
        out.push_str(&without_ids(before));
        let end = from.find('>').filter(|end| *end < 80);
        match end.and_then(|end| marked(world, &from[1..end]).map(|said| (said, end))) {
            Some((said, end)) => {
                out.push_str(&said);
                rest = &from[end + 1..];
            }
            None => {
                out.push('<');
                rest = &from[1..];
            }
        }
    }
    out.push_str(&without_ids(rest));
    out
}

/// What stands between `<` and `>`, if it names something.
fn marked(world: &World, inner: &str) -> Option<String> {
    let id = |text: &str| text.parse::<u64>().ok();
    if let Some(role) = inner.strip_prefix("@&") {
        let role = id(role)?;
        let found = world.guilds.values().find_map(|guild| guild.role(role));
        return Some(found.map_or_else(|| "@<id>".to_owned(), |role| format!("@{}", role.name)));
    }
    if let Some(user) = inner.strip_prefix('@') {
        return Some(format!("@{}", name(world, id(user.trim_start_matches('!'))?)));
    }
    if let Some(channel) = inner.strip_prefix('#') {
        let found = world.channels.get(&id(channel)?);
        return Some(found.map_or_else(|| "#<id>".to_owned(), |channel| format!("#{}", channel.name)));
    }
    if inner.starts_with("t:") {
        return Some("<time>".to_owned());
    }
    if let Some(command) = inner.strip_prefix('/') {
        return Some(format!("/{}", command.split(':').next()?));
    }
    None
}

/// Numbers as long as ids, left out.
fn without_ids(text: &str) -> String {
    ids_as(text, "<id>")
}

/// Numbers as long as ids, replaced.
pub(crate) fn ids_as(text: &str, with: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut digits = String::new();
    for letter in text.chars().chain(std::iter::once('\0')) {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        if (17..=20).contains(&digits.len()) {
            out.push_str(with);
        } else {
            out.push_str(&digits);
        }
        digits.clear();
        if letter != '\0' {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::without_ids;

    #[test]
    fn only_numbers_as_long_as_ids_are_left_out() {
        assert_eq!(without_ids("id 123456789012345678, 12345"), "id <id>, 12345");
        assert_eq!(without_ids("123456789012345678901"), "123456789012345678901");
    }
}
