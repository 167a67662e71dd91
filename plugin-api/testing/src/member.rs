//! A person: all that people do in Discord, each by one word.
//!
//! What Discord's client would refuse is refused here, too, with why.

use std::sync::Arc;

use plugin_api::Permissions;
use sandbox::Person;
use serde_json::Value;

use crate::{
    Answer, Exchange, Place,
    bot::Inner,
    exchange::{Act, Before},
    words,
};

/// A person in a channel of the server, or in direct messages with the bot.
#[derive(Clone)]
pub struct Member {
    bot: Arc<Inner>,
    person: Person,
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// Who somebody is, and where.
impl Member {
    pub(crate) fn new(bot: &Arc<Inner>, person: Person) -> Self {
        Self {
            bot: Arc::clone(bot),
            person,
        }
    }

    /// The user's id.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.person.id()
    }

    /// The user's name.
    #[must_use]
    pub fn name(&self) -> String {
        self.person.name()
    }

    /// `<@ID>`, as Discord has it.
    #[must_use]
    pub fn mention(&self) -> String {
        self.person.mention()
    }

    /// The person itself, for what has no word here.
    #[must_use]
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// Gives the person a role; one that the server does not have is made, without permissions. There is "Moderator",
    /// with a moderator's permissions.
    #[allow(
        clippy::must_use_candidate,
        clippy::return_self_not_must_use,
        reason = "for its effect"
    )]
    pub fn role(self, name: &str) -> Self {
        let guild = self.bot.sandbox.guild();
        if !guild.role_names().iter().any(|known| known.eq_ignore_ascii_case(name)) {
            guild.add_role(name);
        }
        Self {
            person: self.person.role(name),
            ..self
        }
    }

    /// Permits the person something, by a role of its own.
    #[allow(
        clippy::must_use_candidate,
        clippy::return_self_not_must_use,
        reason = "for its effect"
    )]
    pub fn permitted(self, permissions: Permissions) -> Self {
        let role = self
            .bot
            .sandbox
            .guild()
            .add_role(&format!("permissions of {}", self.name()));
        self.person.give(&role.permissions(permissions.bits()));
        self
    }

    /// The same person in another channel.
    #[must_use]
    pub fn in_channel(&self, place: &Place) -> Self {
        Self {
            person: self.person.in_channel(place.channel()),
            ..self.clone()
        }
    }

    /// The same person in direct messages with the bot.
    #[must_use]
    pub fn in_dm(&self) -> Self {
        Self {
            person: self.person.in_dm(),
            ..self.clone()
        }
    }

    fn meant(&self, text: &str) -> String {
        words::mentioned(&self.bot.sandbox, &self.bot.sandbox.guild(), text)
    }

    fn before(&self) -> Before {
        Before::now(&self.bot)
    }

    fn exchange(&self, before: Before, act: Act, did: &str) -> Exchange {
        Exchange::new(&self.bot, before, act, format!("{} {did}", self.name()))
    }

    fn done(&self, before: Before, after: u64, did: &str) -> Exchange {
        let channel = self.person.channel_id();
        self.exchange(before, Act::Done { channel, after }, did)
    }

    fn last_message(&self) -> u64 {
        let said = self.bot.sandbox.messages_after(self.person.channel_id(), 0);
        said.last().map_or(0, sandbox::Message::id)
    }
}

/// What somebody does with messages.
impl Member {
    /// Says something. `@bob`, `#general` and `@Moderator` are mentions, where somebody is called so.
    pub async fn says(&self, text: &str) -> Exchange {
        let before = self.before();
        let said = self.person.says(&self.meant(text)).await;
        self.exchange(before, Act::Said(said), &format!("said {text:?}"))
    }

    /// Says something to the bot alone.
    pub async fn dms(&self, text: &str) -> Exchange {
        self.in_dm().says(text).await
    }

    /// Replies to a message of the bot.
    pub async fn replies(&self, to: &Answer, text: &str) -> Exchange {
        let before = self.before();
        let said = self.person.replies(&to.message, &self.meant(text)).await;
        self.exchange(before, Act::Said(said), &format!("replied {text:?}"))
    }

    /// Says something, with a file.
    pub async fn uploads(&self, filename: &str, bytes: &[u8], text: &str) -> Exchange {
        let before = self.before();
        let said = self.person.uploads(&self.meant(text), &[(filename, bytes)]).await;
        self.exchange(before, Act::Said(said), &format!("said {text:?} with {filename}"))
    }

    /// Changes what somebody said, which must be this person's.
    ///
    /// # Panics
    ///
    /// If it was nothing said, or is gone.
    #[track_caller]
    pub fn edits(&self, earlier: &Exchange, text: &str) -> impl Future<Output = Exchange> {
        let Act::Said(said) = earlier.act.clone() else {
            panic!("{earlier:?} is no message: give what `says` gave");
        };
        let (member, text) = (self.clone(), text.to_owned());
        async move {
            let before = member.before().answered(&said);
            let said = member.person.edits(&said, &member.meant(&text)).await;
            member.exchange(before, Act::Said(said), &format!("changed that into {text:?}"))
        }
    }

    /// Deletes what this person said.
    ///
    /// # Panics
    ///
    /// If it was nothing said.
    #[track_caller]
    pub fn deletes(&self, earlier: &Exchange) -> impl Future<Output = Exchange> {
        let Act::Said(said) = earlier.act.clone() else {
            panic!("{earlier:?} is no message: give what `says` gave");
        };
        let member = self.clone();
        async move {
            let (before, last) = (member.before(), member.last_message());
            member.person.deletes(&said).await;
            member.done(before, last, "deleted that")
        }
    }

    /// Reacts to a message of the bot with a Unicode emoji.
    pub async fn reacts(&self, to: &Answer, emoji: &str) -> Exchange {
        let (before, last) = (self.before(), self.last_message());
        self.person.reacts(&to.message, emoji).await;
        self.done(before, last, &format!("reacted with {emoji}"))
    }

    /// Takes a reaction back.
    pub async fn unreacts(&self, to: &Answer, emoji: &str) -> Exchange {
        let (before, last) = (self.before(), self.last_message());
        self.person.unreacts(&to.message, emoji).await;
        self.done(before, last, &format!("took {emoji} back"))
    }

    /// Leaves the server and joins it again, or joins it: the bot hears of a new member either way.
    pub async fn joins(&self) -> Exchange {
        let guild = self.bot.sandbox.guild();
        if guild.has_member(self.id()) {
            self.person.leaves().await;
        }
        let (before, last) = (self.before(), self.last_message());
        self.person.joins(&guild).await;
        self.done(before, last, "joined")
    }

    /// Leaves the server.
    pub async fn leaves(&self) -> Exchange {
        let (before, last) = (self.before(), self.last_message());
        self.person.leaves().await;
        self.done(before, last, "left")
    }
}

/// What somebody does with commands and controls.
impl Member {
    /// Uses a slash command, sub-commands as "group sub", with options by name: `json!({ "member": "@bob", "days": 3 })`.
    /// Users, channels and roles are named as in texts; a file is `{ "filename": "a.txt", "content": "its text" }`. Waits
    /// until the command is registered.
    ///
    /// # Panics
    ///
    /// If there is no such command in time, or Discord's client would not let the person do that.
    #[track_caller]
    pub fn slash(&self, name: &str, options: Value) -> impl Future<Output = Exchange> {
        let options = self.options(name, &options);
        let (member, name) = (self.clone(), name.to_owned());
        async move {
            let before = member.before();
            let given: Vec<(&str, Value)> = options
                .iter()
                .map(|(name, value)| (name.as_str(), value.clone()))
                .collect();
            match member.person.try_slash(&name, &given).await {
                Ok(used) => member.exchange(before, Act::Used(used), &format!("used /{name}")),
                Err(why) => member.bot.fail(&format!("{} can't use /{name}: {why};", member.name())),
            }
        }
    }

    /// Types into an option of a slash command that has autocomplete: the last one given is the one that is being typed. See
    /// [`Exchange::expect_choices`].
    ///
    /// # Panics
    ///
    /// If there is no such command or option, or it has no autocomplete.
    #[track_caller]
    pub fn completes(&self, name: &str, options: Value) -> impl Future<Output = Exchange> {
        let options = self.options(name, &options);
        let (member, name) = (self.clone(), name.to_owned());
        async move {
            let before = member.before();
            let given: Vec<(&str, Value)> = options
                .iter()
                .map(|(name, value)| (name.as_str(), value.clone()))
                .collect();
            let used = member.person.completes(&name, &given).await;
            member.exchange(before, Act::Used(used), &format!("typed into /{name}"))
        }
    }

    /// Options as Discord has them, once the command is registered.
    #[track_caller]
    fn options(&self, name: &str, options: &Value) -> Vec<(String, Value)> {
        let mut words = name.split(' ');
        let top = words.next().unwrap_or_default();
        let registered = self.bot.sandbox.wait(self.bot.patience, |sandbox| {
            let commands = sandbox.commands().into_iter();
            commands.into_iter().find(|one| one["name"] == top && one["type"] == 1)
        });
        let Some(mut level) = registered else {
            self.bot
                .fail(&format!("expected the slash command /{top}, which was not registered"))
        };
        for word in words {
            let found = level["options"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|one| one["name"] == word);
            level = found.cloned().unwrap_or_default();
        }
        let Some(options) = options.as_object() else {
            panic!("options of /{name} are given by name: `json!({{ \"name\": value }})`, or `json!({{}})` for none")
        };
        let kind = |name: &str| {
            let mut known = level["options"].as_array().into_iter().flatten();
            known
                .find(|option| option["name"] == name)
                .and_then(|option| option["type"].as_u64())
        };
        options
            .iter()
            .map(|(name, value)| (name.clone(), self.option(kind(name), value)))
            .collect()
    }

    fn option(&self, kind: Option<u64>, value: &Value) -> Value {
        let Some(text) = value.as_str() else {
            return value.clone();
        };
        let meant = self.meant(text);
        match kind {
            // A user, a channel, a role, one of them: Discord wants the id.
            Some(6..=9) => Value::String(meant.trim_matches(['<', '>', '@', '#', '&', '!']).to_owned()),
            _ => Value::String(meant),
        }
    }

    /// Uses a command of somebody's menu ("Apps").
    pub async fn uses_menu_of(&self, whom: &Self, name: &str) -> Exchange {
        self.await_menu(name, 2);
        let before = self.before();
        let used = self.person.uses_menu_of(&whom.person, name).await;
        self.exchange(before, Act::Used(used), &format!("used \"{name}\" of {}", whom.name()))
    }

    /// Uses a command of a message's menu ("Apps").
    pub async fn uses_menu_on(&self, answer: &Answer, name: &str) -> Exchange {
        self.await_menu(name, 3);
        let before = self.before();
        let used = self.person.uses_menu_on(&answer.message, name).await;
        self.exchange(before, Act::Used(used), &format!("used \"{name}\" on a message"))
    }

    fn await_menu(&self, name: &str, kind: u64) {
        let found = self.bot.sandbox.wait(self.bot.patience, |sandbox| {
            let commands = sandbox.commands();
            let mut menus = commands.iter();
            menus
                .any(|one| one["name"] == name && one["type"] == kind)
                .then_some(())
        });
        if found.is_none() {
            self.bot
                .fail(&format!("expected \"{name}\" in a menu, which was not registered"));
        }
    }

    /// Presses a button, by its label or custom id.
    ///
    /// # Panics
    ///
    /// If the message has no such button, or the person can't press it; so do the others.
    pub async fn clicks(&self, on: &Answer, button: &str) -> Exchange {
        let before = self.before();
        let used = self.person.clicks(&on.message, button).await;
        self.exchange(before, Act::Used(used), &format!("pressed \"{button}\""))
    }

    /// Chooses in a select, by its placeholder or custom id: values or labels of options, `@bob` and `#general` of users
    /// and channels.
    pub async fn selects(&self, on: &Answer, select: &str, values: &[&str]) -> Exchange {
        let is_of_texts = on.message.component(select).is_some_and(|one| one["type"] == 3);
        let values: Vec<String> = values
            .iter()
            .map(|value| {
                if is_of_texts {
                    return (*value).to_owned();
                }
                self.meant(value)
                    .trim_matches(['<', '>', '@', '#', '&', '!'])
                    .to_owned()
            })
            .collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let before = self.before();
        let used = self.person.selects(&on.message, select, &values).await;
        self.exchange(before, Act::Used(used), &format!("chose {values:?}"))
    }

    /// Sends the form that the bot has opened, with texts by the custom ids or labels of its fields. Waits for the form.
    ///
    /// # Panics
    ///
    /// If there is none, or the texts don't fit.
    #[track_caller]
    pub fn submits(&self, opened: &Exchange, texts: &[(&str, &str)]) -> impl Future<Output = Exchange> {
        let modal = opened.expect_modal();
        let Act::Used(used) = opened.act.clone() else {
            panic!("{opened:?} opened no form: give what opened it");
        };
        let texts: Vec<(String, String)> = texts
            .iter()
            .map(|(name, text)| (field_id(&modal, name), (*text).to_owned()))
            .collect();
        let member = self.clone();
        async move {
            let before = member.before();
            let texts: Vec<(&str, &str)> = texts.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
            let sent = member.person.submits(&used, &texts).await;
            member.exchange(before, Act::Used(sent), "sent the form")
        }
    }
}

/// The custom id of a form's field with this label; else the name itself.
fn field_id(modal: &Value, name: &str) -> String {
    for row in modal["components"].as_array().into_iter().flatten() {
        let inner = if row["component"].is_object() {
            vec![&row["component"]]
        } else {
            row["components"].as_array().into_iter().flatten().collect()
        };
        for field in inner {
            if row["label"] == name || field["label"] == name {
                return field["custom_id"].as_str().unwrap_or(name).to_owned();
            }
        }
    }
    name.to_owned()
}
