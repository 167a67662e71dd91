//! Messages as bots send and edit them: the body checked, files matched with their descriptions, mentions read
//! (<https://discord.com/developers/docs/resources/message#create-message>).

use serde_json::{Value, json};

use super::{
    Fields,
    attachment::{attachments, point_at_files},
    component::components,
    embed::embeds,
};
use crate::{
    rest::{
        Upload,
        errors::{self, Faults, Refusal},
    },
    world::{
        AllowedMentions, Draft, Overwrite, Revision,
        message::{COMPONENTS_V2, EPHEMERAL, SUPPRESS_EMBEDS, VOICE},
    },
};

const CONTENT: usize = 2000;
/// Keys of new messages that discord.js sends with every message; Discord passes over them where they mean nothing.
const NONCE: &str = "nonce";
const ENFORCE_NONCE: &str = "enforce_nonce";
const SUPPRESS_NOTIFICATIONS: u64 = 1 << 12;

/// Where a message is sent, which decides the keys and flags that it may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// A channel.
    Channel,
    /// The answer to an interaction.
    Interaction,
    /// A later message of an interaction.
    FollowUp,
    /// A message of a webhook.
    Webhook,
}

impl Place {
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Channel => &[
                "content",
                "nonce",
                "tts",
                "embeds",
                "allowed_mentions",
                "message_reference",
                "components",
                "sticker_ids",
                "attachments",
                "flags",
                "enforce_nonce",
                "poll",
                "shared_client_theme",
            ],
            Self::Interaction => &[
                "tts",
                "content",
                "embeds",
                "allowed_mentions",
                "flags",
                "components",
                "attachments",
                "poll",
                NONCE,
                ENFORCE_NONCE,
            ],
            Self::FollowUp | Self::Webhook => &[
                "tts",
                "content",
                "embeds",
                "allowed_mentions",
                "flags",
                "components",
                "attachments",
                "poll",
                NONCE,
                ENFORCE_NONCE,
                "username",
                "avatar_url",
                "thread_name",
                "applied_tags",
                // Eris sends it in the body beside the query.
                "wait",
            ],
        }
    }
}

/// Reads a new message. `path` is where it stands in the body (`data` in callbacks).
pub(crate) fn draft(
    body: &Value,
    path: &str,
    files: &[Upload],
    place: Place,
    url: &dyn Fn(u64, &str) -> String,
) -> Result<Draft, Refusal> {
    let mut faults = Faults::default();
    let fields = Fields::new(body, path, place.keys(), &mut faults);
    let faults = &mut faults;
    let asked = fields
        .integer("flags", 0..=i64::from(u32::MAX), faults)
        .unwrap_or(0)
        .unsigned_abs();
    let kept = SUPPRESS_EMBEDS
        | SUPPRESS_NOTIFICATIONS
        | COMPONENTS_V2
        | match place {
            Place::Channel => VOICE,
            Place::Interaction | Place::FollowUp => EPHEMERAL | VOICE,
            Place::Webhook => 0,
        };
    let flags = asked & kept;
    let is_v2 = flags & COMPONENTS_V2 != 0;
    let content = fields
        .text("content", 0..=CONTENT, faults)
        .unwrap_or_default()
        .to_owned();
    let read_embeds = fields
        .list("embeds", 0..=10, faults)
        .map(|list| embeds(list, &fields.at("embeds"), faults))
        .unwrap_or_default();
    let read_components = fields
        .list("components", 0..=40, faults)
        .map(|list| components(list, &fields.at("components"), is_v2, faults))
        .unwrap_or_default();
    let stickers = fields.ids("sticker_ids", 3, faults).unwrap_or_default();
    let poll = fields
        .get("poll")
        .map(|poll| super::poll::poll(poll, &fields.at("poll"), faults));
    if is_v2 {
        for (key, there) in [
            ("content", !content.is_empty()),
            ("embeds", !read_embeds.is_empty()),
            ("sticker_ids", !stickers.is_empty()),
            ("poll", poll.is_some()),
        ] {
            if there {
                faults.add(
                    &fields.at(key),
                    "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                    &format!("The '{key}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"),
                );
            }
        }
    }
    if let Some(nonce) = fields.get("nonce") {
        let is_right =
            nonce.is_i64() || nonce.is_u64() || nonce.as_str().is_some_and(|text| text.chars().count() <= 25);
        if !is_right {
            faults.add(
                &fields.at("nonce"),
                "NONCE_TYPE_TOO_LONG",
                "Must be 25 or fewer in length.",
            );
        }
    }
    fields.flag("enforce_nonce", faults);
    fields.text("username", 1..=80, faults);
    let tts = fields.flag("tts", faults).unwrap_or(false);
    let mut forward = None;
    let reference = fields.get("message_reference").and_then(|reference| {
        let known = ["type", "message_id", "channel_id", "guild_id", "fail_if_not_exists"];
        let reference = Fields::new(reference, &fields.at("message_reference"), &known, faults);
        let is_forward = reference.integer("type", 0..=1, faults) == Some(1);
        let channel = reference.id("channel_id", faults);
        reference.id("guild_id", faults);
        reference.flag("fail_if_not_exists", faults);
        reference.required("message_id", faults);
        let message = reference.id("message_id", faults);
        if is_forward {
            reference.required("channel_id", faults);
            forward = channel.zip(message);
            return None;
        }
        message
    });
    let mut allowed_mentions = allowed(&fields, faults);
    if place != Place::Channel && fields.get("allowed_mentions").is_none() {
        allowed_mentions = users_only();
    }
    let attachments = attachments(&fields, files, &[], url, faults).unwrap_or_default();
    std::mem::take(faults).result()?;
    let shows_nothing = forward.is_none()
        && content.is_empty()
        && read_embeds.is_empty()
        && read_components.is_empty()
        && attachments.is_empty()
        && stickers.is_empty()
        && poll.is_none();
    if shows_nothing {
        return Err(errors::EMPTY_MESSAGE.into());
    }
    let mut draft = Draft {
        content,
        embeds: read_embeds,
        components: read_components,
        attachments,
        stickers: stickers.iter().map(|id| json!(id.to_string())).collect(),
        poll,
        flags,
        tts,
        nonce: fields.get("nonce").cloned(),
        reference,
        forward,
        allowed_mentions,
        ..Draft::default()
    };
    if draft.flags & VOICE != 0 {
        check_voice(&draft)?;
    }
    point_at_files(&mut draft.embeds, &draft.attachments);
    point_at_files(&mut draft.components, &draft.attachments);
    Ok(draft)
}

/// Reads an edit of a message that has these flags and attachments now.
pub(crate) fn revision(
    body: &Value,
    path: &str,
    files: &[Upload],
    before: &Value,
    url: &dyn Fn(u64, &str) -> String,
) -> Result<Revision, Refusal> {
    let known = [
        "content",
        "embeds",
        "flags",
        "allowed_mentions",
        "components",
        "attachments",
        "sticker_ids",
        "poll",
        "tts",
        NONCE,
        ENFORCE_NONCE,
    ];
    let mut faults = Faults::default();
    let fields = Fields::new(body, path, &known, &mut faults);
    let faults = &mut faults;
    let flags = fields
        .integer("flags", 0..=i64::from(u32::MAX), faults)
        .map(i64::unsigned_abs);
    let was = before["flags"].as_u64().unwrap_or(0);
    let is_v2 = (was | flags.unwrap_or(0)) & COMPONENTS_V2 != 0;
    let cleared = |key: &str| fields.has(key) && fields.get(key).is_none();
    let content = match fields.text("content", 0..=CONTENT, faults) {
        Some(content) => Some(content.to_owned()),
        None => cleared("content").then(String::new),
    };
    let mut read_embeds = match fields.list("embeds", 0..=10, faults) {
        Some(list) => Some(embeds(list, &fields.at("embeds"), faults)),
        None => cleared("embeds").then(Vec::new),
    };
    let mut read_components = match fields.list("components", 0..=40, faults) {
        Some(list) => Some(components(list, &fields.at("components"), is_v2, faults)),
        None => cleared("components").then(Vec::new),
    };
    let poll = fields
        .get("poll")
        .map(|poll| super::poll::poll(poll, &fields.at("poll"), faults));
    if is_v2 {
        // What the message has and the edit doesn't take away counts, too.
        let stays = |key: &str| match &before[key] {
            Value::String(text) => !text.is_empty(),
            Value::Array(list) => !list.is_empty(),
            other => !other.is_null(),
        };
        for (key, there) in [
            (
                "content",
                content
                    .as_ref()
                    .map_or_else(|| stays("content"), |content| !content.is_empty()),
            ),
            (
                "embeds",
                read_embeds
                    .as_ref()
                    .map_or_else(|| stays("embeds"), |embeds| !embeds.is_empty()),
            ),
            ("poll", poll.is_some() || stays("poll")),
        ] {
            if there {
                faults.add(
                    &fields.at(key),
                    "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                    &format!("The '{key}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"),
                );
            }
        }
    }
    let allowed_mentions = fields
        .get("allowed_mentions")
        .is_some()
        .then(|| allowed(&fields, faults));
    let existing = before["attachments"].as_array().map_or(&[][..], Vec::as_slice);
    let attachments = attachments(&fields, files, existing, url, faults);
    std::mem::take(faults).result()?;
    let left = |new: Option<bool>, key: &str| {
        new.unwrap_or_else(|| before[key].as_array().is_some_and(|list| !list.is_empty()))
    };
    let shows_something = content.as_ref().map_or_else(
        || before["content"].as_str().is_some_and(|text| !text.is_empty()),
        |text| !text.is_empty(),
    ) || left(read_embeds.as_ref().map(|list| !list.is_empty()), "embeds")
        || left(read_components.as_ref().map(|list| !list.is_empty()), "components")
        || left(attachments.as_ref().map(|list| !list.is_empty()), "attachments")
        || left(None, "sticker_items")
        || poll.is_some()
        || before["poll"].is_object();
    if !shows_something {
        return Err(errors::EMPTY_MESSAGE.into());
    }
    if let Some(attachments) = &attachments {
        for list in [&mut read_embeds, &mut read_components].into_iter().flatten() {
            point_at_files(list, attachments);
        }
    }
    Ok(Revision {
        content,
        embeds: read_embeds,
        components: read_components,
        attachments,
        poll,
        flags,
        allowed_mentions,
        is_arrival: false,
    })
}

/// A recording is one audio file with its length and its form, and nothing else
/// (<https://discord.com/developers/docs/resources/message#message-reference-content-attribution-voice-messages>).
fn check_voice(draft: &Draft) -> Result<(), Refusal> {
    let has_more = !draft.content.is_empty()
        || !draft.embeds.is_empty()
        || !draft.components.is_empty()
        || !draft.stickers.is_empty()
        || draft.poll.is_some();
    let is_audio = |file: &Value| {
        file["content_type"]
            .as_str()
            .is_some_and(|kind| kind.starts_with("audio/"))
    };
    match draft.attachments.as_slice() {
        _ if has_more => Err(errors::VOICE_WITH_MORE.into()),
        [file] if !is_audio(file) => Err(errors::VOICE_WITHOUT_AUDIO.into()),
        [file] if file["waveform"].is_null() => Err(errors::VOICE_WITHOUT_DATA.into()),
        [_] => Ok(()),
        _ => Err(errors::VOICE_WITHOUT_AUDIO.into()),
    }
}

/// What answers to interactions and webhooks may ping, if they say nothing of it.
pub(crate) fn users_only() -> AllowedMentions {
    AllowedMentions {
        everyone: false,
        users: None,
        roles: Some(Vec::new()),
        replied_user: true,
    }
}

/// `allowed_mentions`: everything may be pinged if it is absent.
fn allowed(fields: &Fields<'_>, faults: &mut Faults) -> AllowedMentions {
    let Some(value) = fields.get("allowed_mentions") else {
        return AllowedMentions::default();
    };
    let allowed = Fields::new(
        value,
        &fields.at("allowed_mentions"),
        &["parse", "users", "roles", "replied_user"],
        faults,
    );
    let users = allowed.ids("users", 100, faults);
    let roles = allowed.ids("roles", 100, faults);
    let parse: Vec<&str> = allowed
        .list("parse", 0..=3, faults)
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for (at, word) in parse.iter().enumerate() {
        if !["users", "roles", "everyone"].contains(word) {
            faults.add(
                &format!("{}.{at}", allowed.at("parse")),
                "BASE_TYPE_CHOICES",
                "Value must be one of ('users', 'roles', 'everyone').",
            );
        }
    }
    for (word, list) in [("users", &users), ("roles", &roles)] {
        if parse.contains(&word) && list.as_ref().is_some_and(|list| !list.is_empty()) {
            faults.add(
                &allowed.at("parse"),
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                &format!("parse:[\"{word}\"] and {word}: [ids...] are mutually exclusive."),
            );
        }
    }
    AllowedMentions {
        everyone: parse.contains(&"everyone"),
        users: if parse.contains(&"users") {
            None
        } else {
            Some(users.unwrap_or_default())
        },
        roles: if parse.contains(&"roles") {
            None
        } else {
            Some(roles.unwrap_or_default())
        },
        replied_user: allowed.flag("replied_user", faults).unwrap_or(false),
    }
}

/// The permission overwrites of a channel's body.
pub(crate) fn overwrites(fields: &Fields<'_>, faults: &mut Faults) -> Option<Vec<Overwrite>> {
    let list = fields.list("permission_overwrites", 0..=1000, faults)?;
    let read = list.iter().enumerate().filter_map(|(at, one)| {
        let path = format!("{}.{at}", fields.at("permission_overwrites"));
        let one = Fields::new(one, &path, &["id", "type", "allow", "deny"], faults);
        one.required("id", faults);
        Some(Overwrite {
            id: one.id("id", faults)?,
            kind: one.integer("type", 0..=1, faults).unwrap_or(0).unsigned_abs(),
            allow: one.permissions("allow", faults).unwrap_or(0),
            deny: one.permissions("deny", faults).unwrap_or(0),
        })
    });
    Some(read.collect())
}
