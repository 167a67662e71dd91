//! A call of the state machine as a REST request.
//!
//! Pure. The only place that knows the routes of interactions' answers.

use plugin_protocol::{Argument, ArgumentKind, ChannelId, Choice, Door, MessageId, Permissions};
use serde_json::{Value, json};

use super::{Origin, Request, body::Body, state::Call};

/// The types of an interaction's callback.
mod callback {
    pub(super) const ANSWER: u8 = 4;
    pub(super) const DEFER: u8 = 5;
    pub(super) const DEFER_UPDATE: u8 = 6;
    pub(super) const UPDATE: u8 = 7;
    pub(super) const SUGGEST: u8 = 8;
    pub(super) const MODAL: u8 = 9;
}

/// The request of a call; the body is what the plugin sent, with the host's rules applied. Calls without a message
/// ignore it. `None` for a call that the origin can't make: an interaction's without an interaction.
#[must_use]
pub fn request(origin: &Origin, call: Call, mut body: Body<'_>) -> Option<Request> {
    let channel = origin.channel_id;
    if call == Call::OpenModal {
        let interaction = origin.interaction.as_ref()?;
        return Some(Request {
            method: "POST",
            path: format!(
                "/interactions/{}/{}/callback",
                interaction.id,
                interaction.token.as_str()
            ),
            body: body.to_callback(callback::MODAL),
            files: Vec::new(),
        });
    }
    body.limit_mentions(origin.door == Door::Prefix && matches!(call, Call::Send | Call::NoteInChannel));
    // Only where a message is made can it become ephemeral.
    body.set_ephemeral(matches!(
        call,
        Call::Answer { ephemeral: true } | Call::FollowUp { ephemeral: true } | Call::NoteToAsker
    ));
    let callback = |body: Vec<u8>| {
        let interaction = origin.interaction.as_ref()?;
        let path = format!(
            "/interactions/{}/{}/callback",
            interaction.id,
            interaction.token.as_str()
        );
        Some(Request {
            method: "POST",
            path,
            body,
            files: Vec::new(),
        })
    };
    let webhook = |method, below: &str, body| {
        let interaction = origin.interaction.as_ref()?;
        let (application, token) = (interaction.application_id, interaction.token.as_str());
        let path = format!("/webhooks/{application}/{token}{below}");
        Some(Request {
            method,
            path,
            body,
            files: Vec::new(),
        })
    };
    let message = |method, below: &str, body| {
        let path = format!("/channels/{channel}{below}");
        Some(Request {
            method,
            path,
            body,
            files: Vec::new(),
        })
    };
    match call {
        Call::Send | Call::NoteInChannel => {
            if let (Door::Prefix, Some(id)) = (origin.door, origin.message_id) {
                body.refer_to(id);
            }
            if origin.lacks(Permissions::EMBED_LINKS) {
                body.embeds_as_text();
            }
            message("POST", "/messages", body.to_json())
        }
        Call::EditMessage(id) => {
            if origin.lacks(Permissions::EMBED_LINKS) {
                body.embeds_as_text();
            }
            message("PATCH", &format!("/messages/{id}"), body.to_json())
        }
        Call::DeleteMessage(id) => message("DELETE", &format!("/messages/{id}"), Vec::new()),
        Call::Typing => message("POST", "/typing", Vec::new()),
        Call::Answer { .. } => callback(body.to_callback(callback::ANSWER)),
        Call::Defer { ephemeral } => {
            let data = if ephemeral { r#","data":{"flags":64}"# } else { "" };
            callback(format!(r#"{{"type":{}{data}}}"#, callback::DEFER).into_bytes())
        }
        Call::DeferUpdate => callback(format!(r#"{{"type":{}}}"#, callback::DEFER_UPDATE).into_bytes()),
        Call::Update => callback(body.to_callback(callback::UPDATE)),
        Call::EditOriginal | Call::NoteInOriginal => webhook("PATCH", "/messages/@original", body.to_json()),
        Call::DeleteOriginal => webhook("DELETE", "/messages/@original", Vec::new()),
        Call::FollowUp { .. } | Call::NoteToAsker => webhook("POST", "", body.to_json()),
        Call::EditFollowUp(id) => webhook("PATCH", &format!("/messages/{id}"), body.to_json()),
        Call::OpenModal => None,
        Call::DeleteFollowUp(id) => webhook("DELETE", &format!("/messages/{id}"), Vec::new()),
    }
}

/// What is done in the place of a message in a channel in which the bot may not write: a mark at the message that asked, if
/// it may do that. `None` if the channel can be written to; a list, since there may be nothing that can be done.
#[must_use]
pub fn instead_of_writing(origin: &Origin, call: Call) -> Option<Vec<Request>> {
    /// A speaker that is switched off.
    const MUTED: &str = "%F0%9F%94%87";
    if !matches!(call, Call::Send | Call::NoteInChannel | Call::Typing) || !origin.lacks(Permissions::SEND_MESSAGES) {
        return None;
    }
    let may_react = !origin.lacks(Permissions::ADD_REACTIONS.with(Permissions::READ_MESSAGE_HISTORY));
    let asked = origin.message_id.filter(|_| may_react && call == Call::Send);
    let reaction = asked.map(|id| Request {
        method: "PUT",
        path: format!("/channels/{}/messages/{id}/reactions/{MUTED}/@me", origin.channel_id),
        body: Vec::new(),
        files: Vec::new(),
    });
    Some(reaction.into_iter().collect())
}

/// Deletes a message of the bot's own.
#[must_use]
pub fn deletion(channel: ChannelId, message: MessageId) -> Request {
    Request {
        method: "DELETE",
        path: format!("/channels/{channel}/messages/{message}"),
        body: Vec::new(),
        files: Vec::new(),
    }
}

/// Discord's limit of choices, and of the characters of their names and values.
const MOST_CHOICES: usize = 25;
const LONGEST_CHOICE: usize = 100;

/// The answer to an argument that is being typed. What Discord would refuse, and with it all the others, is left out; long
/// names are cut. `None` without an interaction.
#[must_use]
pub fn suggestions(origin: &Origin, argument: &Argument, choices: Vec<Choice>) -> Option<Request> {
    let interaction = origin.interaction.as_ref()?;
    let value = |text: &str| match argument.kind {
        ArgumentKind::Integer => text.parse::<i64>().ok().map(Value::from),
        ArgumentKind::Number => text
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .map(Value::from),
        _ => (1..=LONGEST_CHOICE)
            .contains(&text.chars().count())
            .then(|| Value::from(text)),
    };
    let choices = choices.iter().filter_map(|choice| {
        let value = value(&choice.value)?;
        let is_long = choice.name.chars().count() > LONGEST_CHOICE;
        let name: String = if is_long {
            choice.name.chars().take(LONGEST_CHOICE - 1).chain(['…']).collect()
        } else {
            choice.name.clone()
        };
        (!name.trim().is_empty()).then(|| json!({ "name": name, "value": value }))
    });
    let choices: Vec<_> = choices.take(MOST_CHOICES).collect();
    let body = json!({ "type": callback::SUGGEST, "data": { "choices": choices } });
    Some(Request {
        method: "POST",
        path: format!(
            "/interactions/{}/{}/callback",
            interaction.id,
            interaction.token.as_str()
        ),
        body: body.to_string().into_bytes(),
        files: Vec::new(),
    })
}

/// Whether a call carries a message, so that it needs a body.
#[must_use]
pub fn carries_message(call: Call) -> bool {
    !matches!(
        call,
        Call::DeleteMessage(_)
            | Call::Typing
            | Call::Defer { .. }
            | Call::DeferUpdate
            | Call::DeleteOriginal
            | Call::DeleteFollowUp(_)
    )
}
