//! A person in a channel: says things, uses commands, presses buttons, comes and goes.
//!
//! What Discord's client would refuse is refused before the bot hears of it, by the world's checks, as on the page.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Channel, Guild, Message, Role, Said, Sandbox, Used, conversation};
use crate::world::{Draft, Pressed, Revision};

/// Somebody acting in a channel.
#[derive(Clone, Debug)]
pub struct Person {
    sandbox: Sandbox,
    id: u64,
    channel_id: u64,
    guild_id: Option<u64>,
}

impl Person {
    pub(crate) fn new(sandbox: &Sandbox, id: u64, channel_id: u64, guild_id: Option<u64>) -> Self {
        Self {
            sandbox: sandbox.clone(),
            id,
            channel_id,
            guild_id,
        }
    }

    pub(crate) fn join(sandbox: &Sandbox, guild: u64, channel: u64, name: &str) -> Self {
        let id = sandbox.with(|world| {
            let id = world.person(name);
            world.join(guild, id);
            id
        });
        Self::new(sandbox, id, channel, Some(guild))
    }

    pub(super) const fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    pub(super) const fn guild_id(&self) -> Option<u64> {
        self.guild_id
    }

    /// The user id.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// The user name (`alice`).
    #[must_use]
    pub fn name(&self) -> String {
        self.sandbox.with(|world| {
            world
                .users
                .get(&self.id)
                .map(|user| user.username.clone())
                .unwrap_or_default()
        })
    }

    /// The name that people see (`Alice`).
    #[must_use]
    pub fn display_name(&self) -> String {
        self.sandbox.with(|world| {
            world
                .users
                .get(&self.id)
                .map(|user| user.shown().to_owned())
                .unwrap_or_default()
        })
    }

    /// `<@ID>`.
    #[must_use]
    pub fn mention(&self) -> String {
        format!("<@{}>", self.id)
    }

    /// The channel that the person acts in.
    #[must_use]
    pub const fn channel_id(&self) -> u64 {
        self.channel_id
    }

    /// The same person in another channel.
    #[must_use]
    pub fn in_channel(&self, channel: &Channel) -> Self {
        Self {
            channel_id: channel.id(),
            ..self.clone()
        }
    }

    /// Gives the person a role by name; the bot is told.
    ///
    /// # Panics
    ///
    /// If the guild has no such role.
    #[allow(
        clippy::must_use_candidate,
        clippy::return_self_not_must_use,
        reason = "used for its effect as often as for its value"
    )]
    pub fn role(self, name: &str) -> Self {
        if let Some(guild) = self.guild_id {
            let role = Guild::new(&self.sandbox, guild).role(name);
            self.give(&role);
        }
        self
    }

    /// Gives the person a role; the bot is told.
    pub fn give(&self, role: &Role) {
        if let Some(guild) = self.guild_id {
            self.sandbox.with(|world| {
                world.change_member(guild, self.id, |member| {
                    if !member.roles.contains(&role.id()) {
                        member.roles.push(role.id());
                    }
                })
            });
        }
    }

    /// Writes a message in the channel.
    #[allow(
        clippy::unused_async,
        reason = "acts are async in this handle, so that they can become slower without a break"
    )]
    pub async fn says(&self, text: &str) -> Said {
        self.posts(text)
    }

    /// Writes a message in the channel, without a future.
    #[must_use]
    pub fn posts(&self, text: &str) -> Said {
        let draft = Draft {
            content: text.trim().to_owned(),
            ..Draft::default()
        };
        let stored = self.sandbox.with(|world| world.post(self.channel_id, self.id, draft));
        Said::new(&self.sandbox, stored)
    }

    /// Replies to a message in the channel.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn replies(&self, to: &Message, text: &str) -> Said {
        let draft = Draft {
            content: text.trim().to_owned(),
            reference: Some(to.id()),
            ..Draft::default()
        };
        Said::new(
            &self.sandbox,
            self.sandbox.with(|world| world.post(self.channel_id, self.id, draft)),
        )
    }

    /// Writes a direct message to the bot.
    pub async fn dm(&self, text: &str) -> Said {
        self.in_dm().says(text).await
    }

    /// The same person in the direct channel with the bot.
    #[must_use]
    pub fn in_dm(&self) -> Self {
        let channel_id = self.sandbox.with(|world| world.direct(self.id));
        Self {
            channel_id,
            guild_id: None,
            ..self.clone()
        }
    }

    /// Changes what the person said.
    ///
    /// # Panics
    ///
    /// If the message is gone.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn edits(&self, said: &Said, text: &str) -> Said {
        let revision = Revision {
            content: Some(text.trim().to_owned()),
            ..Revision::default()
        };
        let stored = self
            .sandbox
            .with(|world| world.revise(said.channel_id(), said.message_id(), revision));
        Said::new(&self.sandbox, stored.expect("the message to edit exists"))
    }

    /// Deletes what the person said.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn deletes(&self, said: &Said) {
        self.sandbox.with(|world| {
            world.record_deletion(self.id, said.channel_id(), said.message_id());
            world.delete(said.channel_id(), &[said.message_id()], false)
        });
    }

    /// Reacts to a message with a Unicode emoji.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn reacts(&self, message: &Message, emoji: &str) {
        let emoji = json!({ "id": null, "name": emoji });
        self.sandbox
            .with(|world| world.react(message.channel_id(), message.id(), self.id, &emoji, true));
    }

    /// Starts typing.
    pub fn types(&self) {
        self.sandbox.with(|world| world.emit_typing(self.channel_id, self.id));
    }

    /// Joins a guild, which the bot hears as `GUILD_MEMBER_ADD`, and acts in its default channel from now on.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn joins(&self, guild: &Guild) -> Self {
        guild.user(&self.name())
    }

    /// Leaves the guild.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn leaves(&self) {
        if let Some(guild) = self.guild_id {
            self.sandbox.with(|world| {
                world.record_leave(self.id);
                world.leave(guild, self.id);
            });
        }
    }

    /// Uses a slash command, sub-commands as "group sub", with options by name. Checks what Discord's client checks.
    ///
    /// # Panics
    ///
    /// If the client would not let the person do that; the text says why and lists what is registered.
    pub async fn slash(&self, name: &str, options: &[(&str, Value)]) -> Used {
        match self.try_slash(name, options).await {
            Ok(used) => used,
            Err(why) => {
                let errors = self.sandbox.with(|world| conversation::errors(world));
                panic!("/{name} can't be used: {why}\n{errors}")
            }
        }
    }

    /// Uses a slash command. A file is `{ "filename": "a.txt", "content": "its text" }`.
    ///
    /// # Errors
    ///
    /// What the client would refuse: unknown command or option, wrong type, missing option, value out of bounds,
    /// missing permission.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn try_slash(&self, name: &str, options: &[(&str, Value)]) -> Result<Used, String> {
        let base = self.sandbox.api_url();
        let options: Vec<(String, Value)> = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let id = self.sandbox.with(|world| {
            let options: Vec<_> = options
                .into_iter()
                .map(|(name, value)| (name, world.upload(&base, self.channel_id, value)))
                .collect();
            world.use_slash(self.id, self.channel_id, name, &options, None)
        })?;
        Ok(Used::new(&self.sandbox, id, None))
    }

    /// Uses a command of somebody's context menu ("Apps").
    ///
    /// # Panics
    ///
    /// If there is no such command here, or the client would not offer it; the text says why.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn uses_menu_of(&self, person: &Self, name: &str) -> Used {
        self.uses_menu(2, name, person.id).unwrap_or_else(|why| {
            panic!("\"{name}\" of {} can't be used: {why}", person.name());
        })
    }

    /// Uses a command of a message's context menu ("Apps").
    ///
    /// # Panics
    ///
    /// If there is no such command here, the message is gone, or the client would not offer it; the text says why.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn uses_menu_on(&self, message: &Message, name: &str) -> Used {
        self.uses_menu(3, name, message.id())
            .unwrap_or_else(|why| panic!("\"{name}\" of the message can't be used: {why}"))
    }

    pub(crate) fn uses_menu(&self, kind: u64, name: &str, target: u64) -> Result<Used, String> {
        let id = self.sandbox.with(|world| {
            let guild = world
                .channels
                .get(&self.channel_id)
                .and_then(|channel| channel.guild_id);
            let command = world
                .commands
                .usable_in(guild)
                .find(|command| command["type"] == kind && command["name"] == name);
            let id = command.and_then(|command| command["id"].as_str()).map(str::to_owned);
            let id = id.ok_or_else(|| format!("there is none; registered here: {}", world.command_names(guild)))?;
            world.use_menu(self.id, self.channel_id, &id, target)
        })?;
        Ok(Used::new(&self.sandbox, id, None))
    }

    /// Types into an option of a slash command that has autocomplete: the last option given is the one being typed.
    /// See [`Used::expect_choices`].
    ///
    /// # Panics
    ///
    /// If there is no such command or option, or it has no autocomplete.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn completes(&self, name: &str, options: &[(&str, Value)]) -> Used {
        let options: Vec<(String, Value)> = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let focused = options.last().map(|(name, _)| name.as_str());
        let asked = self
            .sandbox
            .with(|world| world.use_slash(self.id, self.channel_id, name, &options, focused));
        match asked {
            Ok(id) => Used::new(&self.sandbox, id, None),
            Err(why) => panic!("/{name} can't be completed: {why}"),
        }
    }

    /// Comes online, goes idle and so on (`online`, `idle`, `dnd`, `offline`), which bots with the presence intent
    /// hear.
    pub fn goes(&self, status: &str) {
        self.sandbox.with(|world| world.set_presence(self.id, status, None));
    }

    /// Presses a button, by its label or custom id.
    ///
    /// # Panics
    ///
    /// If the message has no such button or the person can't press it.
    pub async fn clicks(&self, message: &Message, name: &str) -> Used {
        self.selects(message, name, &[]).await
    }

    /// Chooses values (or labels) in a select, by its placeholder or custom id.
    ///
    /// # Panics
    ///
    /// If the message has no such control or the choice is not possible.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn selects(&self, message: &Message, name: &str, values: &[&str]) -> Used {
        let pressed = self.sandbox.with(|world| {
            let stored = world
                .message(message.channel_id(), message.id())
                .map(Arc::clone)
                .ok_or("the message is gone")?;
            let component = super::message::find_component(&stored.value["components"], name)
                .cloned()
                .ok_or_else(|| format!("the message has no control \"{name}\""))?;
            let pressed = Pressed {
                component,
                values: values.iter().map(|value| json!(value)).collect(),
            };
            world.press(self.id, &stored, &pressed).map(|id| (id, stored))
        });
        match pressed {
            Ok((id, stored)) => Used::new(&self.sandbox, id, Some(stored)),
            Err(why) => panic!(
                "{} can't press \"{name}\": {why}\n{}",
                self.name(),
                self.sandbox.conversation(message.channel_id())
            ),
        }
    }

    /// Presses a button that is not there, as no client of Discord's can: what a forged custom id would come to.
    ///
    /// # Panics
    ///
    /// If the message is gone.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn forges_click(&self, message: &Message, custom_id: &str) -> Used {
        let pressed = self.sandbox.with(|world| {
            let stored = world.message(message.channel_id(), message.id()).map(Arc::clone)?;
            let component = json!({ "type": 2, "id": 1, "custom_id": custom_id });
            let values = Vec::new();
            let id = world.press(self.id, &stored, &Pressed { component, values }).ok()?;
            Some((id, stored))
        });
        match pressed {
            Some((id, stored)) => Used::new(&self.sandbox, id, Some(stored)),
            None => panic!("{} sees no such message any more", self.name()),
        }
    }

    /// Sends a modal that the bot opened, with texts by custom id.
    ///
    /// # Panics
    ///
    /// If there is no modal, or the texts do not fit it.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn submits(&self, used: &Used, texts: &[(&str, &str)]) -> Used {
        let values: Vec<(&str, Value)> = texts.iter().map(|(id, text)| (*id, json!(text))).collect();
        self.fills_in(used, &values).await
    }

    /// Sends a modal that the bot opened, with values by custom id: a text, a list of chosen values, true or false for a
    /// checkbox, and a list of files, each `{ "filename": "a.txt", "content": "its text" }` or with `base64` for bytes.
    ///
    /// # Panics
    ///
    /// If there is no modal, or the values do not fit it.
    #[allow(clippy::unused_async, reason = "as above")]
    pub async fn fills_in(&self, used: &Used, values: &[(&str, Value)]) -> Used {
        let base = self.sandbox.api_url();
        let values: Vec<(String, Value)> = values
            .iter()
            .map(|(id, value)| ((*id).to_owned(), value.clone()))
            .collect();
        let sent = self.sandbox.with(|world| {
            let id = world.submit_modal(used.id(), &base, &values)?;
            let on = world
                .interactions
                .get(id)
                .and_then(|one| one.on_message.map(|on| (one.channel_id, on)));
            Ok::<_, String>((
                id,
                on.and_then(|(channel, on)| world.message(channel, on).map(Arc::clone)),
            ))
        });
        match sent {
            Ok((id, on)) => Used::new(&self.sandbox, id, on),
            Err(why) => panic!("{} can't send the modal: {why}", self.name()),
        }
    }
}
