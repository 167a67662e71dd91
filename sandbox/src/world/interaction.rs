//! Interactions: from a person's act to what the bot made of it. The rules of time and of answering once are here; how
//! a person's act is checked is in `invoke`, what the bot may send is in `rest`.
//!
//! <https://discord.com/developers/docs/interactions/receiving-and-responding>

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use super::{Draft, Revision, Stored, World, message, permissions};
use crate::{gateway::intents, page::Audience};

/// How long an interaction's token can be used.
const TOKEN_LIFE: Duration = Duration::from_secs(15 * 60);
/// Interactions remembered.
const KEPT: usize = 10_000;

/// Where an interaction stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    /// The bot has not answered yet.
    Waiting,
    /// "thinking ...": the answer comes as an edit of the original message.
    Deferred { ephemeral: bool },
    /// The component's message will be changed, or not; nothing is shown.
    DeferredUpdate,
    /// The answer is there.
    Answered,
    /// The bot opened a modal.
    Modal,
    /// The bot offered choices.
    Autocomplete,
    /// The bot did not answer in time.
    Failed,
}

impl State {
    /// The word that pages know it by.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Deferred { .. } | Self::DeferredUpdate => "deferred",
            Self::Answered => "answered",
            Self::Modal => "modal",
            Self::Autocomplete => "autocomplete",
            Self::Failed => "failed",
        }
    }
}

/// A modal that the bot opened.
#[derive(Clone, Debug)]
pub(crate) struct Modal(pub(crate) Value);

/// One interaction.
#[derive(Clone, Debug)]
pub(crate) struct Interaction {
    pub(crate) id: u64,
    pub(crate) token: String,
    /// Discord's interaction type: 2 command, 3 component, 4 autocomplete, 5 modal.
    pub(crate) kind: u64,
    pub(crate) user_id: u64,
    pub(crate) channel_id: u64,
    pub(crate) guild_id: Option<u64>,
    /// The command's full name, or the custom id.
    pub(crate) name: String,
    /// The type of the command used: 1 slash, 2 user, 3 message.
    pub(crate) command_kind: u64,
    pub(crate) created: Instant,
    pub(crate) state: State,
    /// The original answer.
    pub(crate) answer: Option<u64>,
    /// The message that the component is on.
    pub(crate) on_message: Option<u64>,
    /// What is told of the interaction that opened the modal.
    opener: Option<Value>,
    /// The person or message whose menu a command was used from.
    target: Option<u64>,
    /// The type of the option that is being typed.
    pub(crate) focused: Option<u64>,
    pub(crate) modal: Option<Modal>,
    pub(crate) choices: Option<Value>,
    /// Later messages of this interaction, in order.
    pub(crate) follow_ups: Vec<u64>,
}

impl Interaction {
    /// What its state is called on the page and in tests' texts.
    pub(crate) fn note(&self) -> Value {
        let mut note = json!({
            "id": self.id.to_string(),
            "state": self.state.word(),
            "command": self.name,
            "channel_id": self.channel_id.to_string(),
        });
        if let Some(answer) = self.answer {
            note["message_id"] = json!(answer.to_string());
        }
        if self.state == State::Failed {
            note["error"] = json!("The application did not respond");
        }
        if let Some(Modal(modal)) = &self.modal {
            note["modal"] = modal.clone();
        }
        if let Some(choices) = &self.choices {
            note["choices"] = choices.clone();
        }
        note
    }

    pub(crate) fn token_has_expired(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.created) > TOKEN_LIFE
    }
}

/// The interactions that are remembered.
#[derive(Debug, Default)]
pub(crate) struct Interactions {
    by_id: HashMap<u64, Interaction>,
    by_token: HashMap<String, u64>,
    order: VecDeque<u64>,
    /// Unanswered ones and when they fail, earliest first.
    due: VecDeque<(Instant, u64)>,
}

impl Interactions {
    pub(crate) fn get(&self, id: u64) -> Option<&Interaction> {
        self.by_id.get(&id)
    }

    pub(crate) fn by_token(&self, token: &str) -> Option<&Interaction> {
        self.by_id.get(self.by_token.get(token)?)
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.front().map(|(at, _)| *at)
    }

    fn insert(&mut self, interaction: Interaction, fails_at: Instant) {
        let id = interaction.id;
        self.due.push_back((fails_at, id));
        self.by_token.insert(interaction.token.clone(), id);
        self.by_id.insert(id, interaction);
        self.order.push_back(id);
        if self.order.len() > KEPT
            && let Some(old) = self.order.pop_front()
            && let Some(old) = self.by_id.remove(&old)
        {
            self.by_token.remove(&old.token);
        }
    }
}

/// A person's act, checked, about to become an interaction.
pub(crate) struct Act {
    pub(crate) kind: u64,
    pub(crate) user_id: u64,
    pub(crate) channel_id: u64,
    pub(crate) name: String,
    pub(crate) command_kind: u64,
    pub(crate) data: Value,
    /// The message that a component or a modal's component is on.
    pub(crate) on_message: Option<u64>,
    /// The interaction that opened the modal.
    pub(crate) opened_by: Option<u64>,
}

impl World {
    /// Sends `INTERACTION_CREATE` and starts the time for an answer.
    pub(crate) fn interact(&mut self, act: Act) -> u64 {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        let id = self.ids.timed();
        let token = URL_SAFE_NO_PAD.encode(format!(
            "interaction:{id}:{:032x}",
            u128::from(id).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
        ));
        let opener = act.opened_by.and_then(|id| self.interactions.get(id));
        let opener = opener.map(|opener| self.metadata(opener));
        let target = act.data["target_id"].as_str().and_then(|id| id.parse().ok());
        let focused = focused(&act.data["options"]);
        let locale = self
            .users
            .get(&act.user_id)
            .map_or("en-US", |user| user.locale.as_str());
        let channel = self.channels.get(&act.channel_id);
        let guild_id = channel.and_then(|channel| channel.guild_id);
        let of_guild = guild_id.and_then(|id| self.guilds.get(&id));
        let guild_locale = of_guild.and_then(|guild| guild.settings.get("preferred_locale")?.as_str());
        let guild_locale = guild_locale.unwrap_or("en-US");
        let mut payload = json!({
            "id": id.to_string(),
            "application_id": self.bot_id.to_string(),
            "type": act.kind,
            "token": token,
            "version": 1,
            "data": act.data,
            "channel_id": act.channel_id.to_string(),
            "locale": locale,
            "entitlements": [],
            "entitlement_sku_ids": [],
            "attachment_size_limit": 10_485_760,
            "context": u64::from(guild_id.is_none()),
            "authorizing_integration_owners": { "0": guild_id.map_or_else(|| "0".to_owned(), |id| id.to_string()) },
            "app_permissions": channel.map_or(0, |channel| self.permissions_in(channel, self.bot_id)).to_string(),
        });
        if let Some(channel) = channel {
            payload["channel"] = self.channel_json(channel);
        }
        match guild_id {
            Some(guild) => {
                payload["guild_id"] = json!(guild.to_string());
                payload["guild_locale"] = json!(guild_locale);
                payload["guild"] = json!({ "id": guild.to_string(), "locale": guild_locale, "features": [] });
                let allowed = channel.map_or(0, |channel| self.permissions_in(channel, act.user_id));
                if let Some(mut member) = self.member_json(guild, act.user_id) {
                    member["permissions"] = json!(allowed.to_string());
                    payload["member"] = member;
                }
            }
            None => payload["user"] = self.user_json(act.user_id),
        }
        if let Some(message) = act.on_message.and_then(|on| self.message(act.channel_id, on)) {
            payload["message"] = message.value.clone();
        }
        let interaction = Interaction {
            id,
            token,
            kind: act.kind,
            user_id: act.user_id,
            channel_id: act.channel_id,
            guild_id,
            name: act.name,
            command_kind: act.command_kind,
            created: self.time.now(),
            state: State::Waiting,
            answer: None,
            on_message: act.on_message,
            opener,
            target,
            focused,
            modal: None,
            choices: None,
            follow_ups: Vec::new(),
        };
        self.pages
            .tell(&Audience::One(act.user_id), "interaction", || interaction.note());
        let fails_at = self.time.now() + self.interaction_window;
        self.interactions.insert(interaction, fails_at);
        self.expiry.notify_one();
        self.emit("INTERACTION_CREATE", guild_id, intents::NONE, &payload);
        id
    }

    /// Fails what was not answered in time; says when to look again.
    pub(crate) fn fail_overdue(&mut self) -> Option<Instant> {
        let now = self.time.now();
        while let Some((at, id)) = self.interactions.due.front().copied() {
            let is_open = self
                .interactions
                .get(id)
                .is_some_and(|interaction| interaction.state == State::Waiting);
            if is_open && at > now {
                break;
            }
            self.interactions.due.pop_front();
            if is_open {
                self.settle(id, |interaction| interaction.state = State::Failed);
            }
        }
        self.interactions.next_due()
    }

    /// Changes an interaction and tells its person's pages and whoever waits.
    pub(crate) fn settle(&mut self, id: u64, change: impl FnOnce(&mut Interaction)) {
        if let Some(interaction) = self.interactions.by_id.get_mut(&id) {
            change(interaction);
            self.pages.tell(&Audience::One(interaction.user_id), "interaction", || {
                interaction.note()
            });
        }
        self.changed();
    }

    /// Sends the first answer: a message, or the promise of one.
    pub(crate) fn answer(&mut self, id: u64, mut draft: Draft, state: State) -> Option<Arc<Stored>> {
        let interaction = self.interactions.get(id)?.clone();
        self.mark(&interaction, &mut draft, false);
        draft.kind = Some(match (interaction.kind, interaction.command_kind) {
            (2, 1) => 20,
            (2, _) => 23,
            _ if interaction.on_message.is_some() => 19,
            _ => 0,
        });
        if draft.kind == Some(19) {
            draft.reference = interaction.on_message;
        }
        let message = self.post(interaction.channel_id, self.bot_id, draft);
        self.settle(id, |interaction| {
            interaction.answer = Some(message.id);
            interaction.state = state;
        });
        Some(message)
    }

    /// A later message of an interaction. Right after a deferral it is the answer itself, as Discord does it.
    pub(crate) fn follow_up(&mut self, id: u64, mut draft: Draft) -> Option<Arc<Stored>> {
        let interaction = self.interactions.get(id)?.clone();
        if let (State::Deferred { .. }, Some(answer)) = (interaction.state, interaction.answer) {
            let revision = Revision {
                content: Some(draft.content),
                embeds: Some(draft.embeds),
                components: Some(draft.components),
                attachments: Some(draft.attachments),
                poll: draft.poll,
                flags: Some(draft.flags),
                allowed_mentions: Some(draft.allowed_mentions),
                is_arrival: true,
            };
            return self.revise_answer(id, answer, revision);
        }
        self.mark(&interaction, &mut draft, true);
        draft.reference = interaction.answer.or(interaction.on_message);
        draft.kind = Some(if draft.reference.is_some() { 19 } else { 0 });
        let message = self.post(interaction.channel_id, self.bot_id, draft);
        self.settle(id, |interaction| {
            interaction.follow_ups.push(message.id);
            if interaction.state == State::DeferredUpdate {
                interaction.state = State::Answered;
            }
        });
        Some(message)
    }

    /// Edits a message of an interaction; the first edit of a deferred one is its arrival.
    pub(crate) fn revise_answer(&mut self, id: u64, message: u64, mut revision: Revision) -> Option<Arc<Stored>> {
        let interaction = self.interactions.get(id)?.clone();
        revision.is_arrival =
            matches!(interaction.state, State::Deferred { .. }) && interaction.answer == Some(message);
        let settles = revision.is_arrival
            || interaction.state == State::DeferredUpdate && interaction.on_message == Some(message);
        let stored = self.revise(interaction.channel_id, message, revision)?;
        if settles {
            self.settle(id, |interaction| interaction.state = State::Answered);
        }
        Some(stored)
    }

    /// The message that `@original` means.
    pub(crate) const fn original(interaction: &Interaction) -> Option<u64> {
        match interaction.answer {
            Some(answer) => Some(answer),
            None => match interaction.state {
                State::DeferredUpdate | State::Answered => interaction.on_message,
                _ => None,
            },
        }
    }

    /// What an answer tells of the interaction that it answers.
    fn metadata(&self, interaction: &Interaction) -> Value {
        let owner = interaction.guild_id.map_or_else(|| "0".to_owned(), |id| id.to_string());
        let mut metadata = json!({
            "id": interaction.id.to_string(),
            "type": interaction.kind,
            "user": self.user_json(interaction.user_id),
            "authorizing_integration_owners": { "0": owner },
        });
        match interaction.kind {
            2 => {
                metadata["name"] = json!(interaction.name);
                metadata["command_type"] = json!(interaction.command_kind);
                match (interaction.command_kind, interaction.target) {
                    (2, Some(user)) => metadata["target_user"] = self.user_json(user),
                    (3, Some(message)) => metadata["target_message_id"] = json!(message.to_string()),
                    _ => {}
                }
            }
            3 => metadata["interacted_message_id"] = json!(interaction.on_message.unwrap_or(0).to_string()),
            _ => {}
        }
        if let Some(opener) = &interaction.opener {
            metadata["triggering_interaction_metadata"] = opener.clone();
        }
        metadata
    }

    /// Adds what only answers to interactions carry.
    fn mark(&self, interaction: &Interaction, draft: &mut Draft, is_follow_up: bool) {
        let mut metadata = self.metadata(interaction);
        if let Some(original) = Self::original(interaction).filter(|_| is_follow_up) {
            metadata["original_response_message_id"] = json!(original.to_string());
        }
        let mut extra = Map::new();
        extra.insert("application_id".to_owned(), json!(self.bot_id.to_string()));
        extra.insert("webhook_id".to_owned(), json!(self.bot_id.to_string()));
        extra.insert("interaction_metadata".to_owned(), metadata);
        if interaction.kind == 2 {
            let legacy = json!({
                "id": interaction.id.to_string(),
                "type": 2,
                "name": interaction.name,
                "user": self.user_json(interaction.user_id),
            });
            extra.insert("interaction".to_owned(), legacy);
        }
        draft.extra = extra;
        draft.interaction = Some(interaction.id);
        draft.ephemeral_to = (draft.flags & message::EPHEMERAL != 0).then_some(interaction.user_id);
    }

    /// Whether `user` may use application commands in a channel.
    pub(crate) fn may_use_commands(&self, channel_id: u64, user: u64) -> bool {
        self.channels.get(&channel_id).is_some_and(|channel| {
            channel.guild_id.is_none()
                || self.permissions_in(channel, user) & permissions::USE_APPLICATION_COMMANDS != 0
        })
    }
}

/// The type of the option that is being typed, wherever it stands.
fn focused(options: &Value) -> Option<u64> {
    options.as_array()?.iter().find_map(|option| {
        if option["focused"] == true {
            return option["type"].as_u64();
        }
        focused(&option["options"])
    })
}
