//! Answers to interactions: the callback, and the webhook of its token
//! (<https://discord.com/developers/docs/interactions/receiving-and-responding>).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Answer, Call, Outcome, Route,
    errors::{self, Refusal},
    snowflake,
    validate::{self, Fields, Place, checked},
};
use crate::world::{
    Draft, Interaction, Modal, State, Stored, World,
    message::{EPHEMERAL, LOADING},
};

/// What this file serves.
pub(super) const ROUTES: &[Route] = &[Route::post(
    "/interactions/{interaction_id}/{interaction_token}/callback",
    |world, call, path| callback(world, call, path[0], path[1]),
)
.query(&["with_response"])];

const PONG: i64 = 1;
const MESSAGE: i64 = 4;
const DEFERRED_MESSAGE: i64 = 5;
const DEFERRED_UPDATE: i64 = 6;
const UPDATE: i64 = 7;
const AUTOCOMPLETE: i64 = 8;
const MODAL: i64 = 9;

/// The first answer.
pub(crate) fn callback(world: &mut World, call: &Call, id: &str, token: &str) -> Outcome {
    let id = snowflake("interaction_id", id)?;
    let wants_response = call.flag("with_response")?;
    let interaction = world.interactions.get(id).filter(|one| one.token == token).cloned();
    let interaction = interaction.ok_or_else(|| Refusal::from(errors::UNKNOWN_INTERACTION))?;
    match interaction.state {
        State::Waiting => {}
        State::Failed => return Err(errors::UNKNOWN_INTERACTION.into()),
        _ => return Err(errors::ALREADY_ACKNOWLEDGED.into()),
    }
    let kind = checked(|faults| {
        let fields = Fields::body(&call.body, &["type", "data"], faults);
        fields.required("type", faults);
        fields.integer("type", 1..=12, faults).unwrap_or(0)
    })?;
    fits(&interaction, kind)?;
    let data = &call.body["data"];
    let message = match kind {
        MESSAGE => Some(first_message(world, call, &interaction, data)?),
        DEFERRED_MESSAGE => {
            // Libraries send the message's other keys along; Discord passes over them.
            let known = [
                "flags",
                "content",
                "embeds",
                "components",
                "allowed_mentions",
                "tts",
                "attachments",
                "poll",
            ];
            let flags = checked(|faults| {
                Fields::new(data, "data", &known, faults).integer("flags", 0..=i64::from(u32::MAX), faults)
            })?;
            let flags = flags.unwrap_or(0).unsigned_abs() & EPHEMERAL;
            let draft = Draft {
                flags: flags | LOADING,
                ..Draft::default()
            };
            world.answer(id, draft, State::Deferred { ephemeral: flags != 0 })
        }
        DEFERRED_UPDATE => {
            world.settle(id, |interaction| interaction.state = State::DeferredUpdate);
            interaction
                .on_message
                .and_then(|on| world.message(interaction.channel_id, on).cloned())
        }
        UPDATE => {
            let on = interaction.on_message.unwrap_or(0);
            let message = revise(world, call, &interaction, on, data, "data")?;
            world.settle(id, |interaction| interaction.state = State::Answered);
            Some(message)
        }
        AUTOCOMPLETE => {
            let choices = validate::choices(data, interaction.focused)?;
            world.settle(id, |interaction| {
                interaction.choices = Some(choices);
                interaction.state = State::Autocomplete;
            });
            None
        }
        MODAL => {
            let modal = validate::modal(data)?;
            world.settle(id, |interaction| {
                interaction.modal = Some(Modal(modal));
                interaction.state = State::Modal;
            });
            None
        }
        _ => None,
    };
    if wants_response {
        return Ok(Answer::ok(&with_response(&interaction, kind, message.as_deref())));
    }
    Ok(Answer::empty())
}

/// Whether a callback of this type can answer this interaction.
fn fits(interaction: &Interaction, kind: i64) -> Result<(), Refusal> {
    let has_message = interaction.on_message.is_some() && matches!(interaction.kind, 3 | 5);
    let fits = match kind {
        PONG => interaction.kind == 1,
        MESSAGE | DEFERRED_MESSAGE => matches!(interaction.kind, 2 | 3 | 5),
        DEFERRED_UPDATE | UPDATE => has_message,
        AUTOCOMPLETE => interaction.kind == 4,
        MODAL => matches!(interaction.kind, 2 | 3),
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let text = format!(
        "A callback of type {kind} can't answer an interaction of type {}.",
        interaction.kind
    );
    Err(Refusal::at("type", "INTERACTION_CALLBACK_TYPE_INVALID", &text))
}

fn first_message(
    world: &mut World,
    call: &Call,
    interaction: &Interaction,
    data: &Value,
) -> Result<Arc<Stored>, Refusal> {
    if data.is_null() && call.files.is_empty() {
        return Err(Refusal::at("data", "BASE_TYPE_REQUIRED", "This field is required"));
    }
    let url = world.attachment_urls(call, interaction.channel_id);
    let draft = validate::draft(data, "data", &call.files, Place::Interaction, &url)?;
    world.keep_files(call, &draft.attachments);
    world
        .answer(interaction.id, draft, State::Answered)
        .ok_or_else(|| errors::UNKNOWN_INTERACTION.into())
}

fn with_response(interaction: &Interaction, kind: i64, message: Option<&Stored>) -> Value {
    let mut about = json!({ "id": interaction.id.to_string(), "type": interaction.kind, "channel_id": interaction.channel_id.to_string() });
    if let Some(guild) = interaction.guild_id {
        about["guild_id"] = json!(guild.to_string());
    }
    let mut answer = json!({});
    if let Some(message) = message {
        about["response_message_id"] = json!(message.id.to_string());
        about["response_message_loading"] = json!(message.is_loading());
        about["response_message_ephemeral"] = json!(message.ephemeral_to.is_some());
        // Discord's specification has a resource for what shows something at once.
        if matches!(kind, MESSAGE | UPDATE) {
            answer["resource"] = json!({ "type": kind, "message": message.value });
        }
    }
    answer["interaction"] = about;
    answer
}

/// The interaction of a webhook's token: 404 before its first answer, 401 after 15 minutes.
fn by_token(world: &World, application: &str, token: &str) -> Result<Interaction, Refusal> {
    let application = snowflake("webhook_id", application)?;
    let interaction = world
        .interactions
        .by_token(token)
        .filter(|_| application == world.bot_id)
        .cloned();
    let interaction = interaction.ok_or_else(|| Refusal::from(errors::UNKNOWN_WEBHOOK))?;
    if interaction.token_has_expired(world.time.now()) {
        return Err(errors::INVALID_WEBHOOK_TOKEN.into());
    }
    match interaction.state {
        State::Waiting | State::Failed => Err(errors::UNKNOWN_WEBHOOK.into()),
        _ => Ok(interaction),
    }
}

pub(crate) fn follow_up(world: &mut World, call: &Call, application: &str, token: &str) -> Outcome {
    let interaction = by_token(world, application, token)?;
    let url = world.attachment_urls(call, interaction.channel_id);
    let draft = validate::draft(&call.body, "", &call.files, Place::FollowUp, &url)?;
    world.keep_files(call, &draft.attachments);
    let message = world.follow_up(interaction.id, draft);
    message
        .map(|message| super::messages::json(&message))
        .ok_or_else(|| errors::UNKNOWN_MESSAGE.into())
}

/// The message that a path names: `@original`, or one of the interaction's messages.
fn named(world: &World, interaction: &Interaction, id: &str) -> Result<Arc<Stored>, Refusal> {
    let id = match id {
        "@original" => World::original(interaction),
        id => Some(snowflake("message_id", id)?),
    };
    let message = id.and_then(|id| world.message(interaction.channel_id, id));
    let own = message
        .filter(|message| message.interaction == Some(interaction.id) || Some(message.id) == interaction.on_message);
    own.map(Arc::clone).ok_or_else(|| errors::UNKNOWN_MESSAGE.into())
}

pub(crate) fn get(world: &World, application: &str, token: &str, id: &str) -> Outcome {
    let interaction = by_token(world, application, token)?;
    named(world, &interaction, id).map(|message| super::messages::json(&message))
}

pub(crate) fn edit(world: &mut World, call: &Call, application: &str, token: &str, id: &str) -> Outcome {
    let interaction = by_token(world, application, token)?;
    let message = named(world, &interaction, id)?;
    let message = revise(world, call, &interaction, message.id, &call.body, "")?;
    Ok(super::messages::json(&message))
}

fn revise(
    world: &mut World,
    call: &Call,
    interaction: &Interaction,
    id: u64,
    body: &Value,
    path: &str,
) -> Result<Arc<Stored>, Refusal> {
    let unknown = || Refusal::from(errors::UNKNOWN_MESSAGE);
    let before = world
        .message(interaction.channel_id, id)
        .map(Arc::clone)
        .ok_or_else(unknown)?;
    let url = world.attachment_urls(call, interaction.channel_id);
    let revision = validate::revision(body, path, &call.files, &before.value, &url)?;
    world.keep_files(call, revision.attachments.as_deref().unwrap_or_default());
    world.revise_answer(interaction.id, id, revision).ok_or_else(unknown)
}

pub(crate) fn delete(world: &mut World, application: &str, token: &str, id: &str) -> Outcome {
    let interaction = by_token(world, application, token)?;
    let message = named(world, &interaction, id)?;
    world.delete(interaction.channel_id, &[message.id], false);
    if interaction.answer == Some(message.id) && matches!(interaction.state, State::Deferred { .. }) {
        // What is written next has no place to arrive in: it is a message of its own.
        world.settle(interaction.id, |interaction| {
            interaction.state = State::Answered;
            interaction.answer = None;
        });
    }
    Ok(Answer::empty())
}
