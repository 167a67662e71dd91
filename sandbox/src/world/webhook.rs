//! Webhooks of channels: who made them, their tokens, what they write, and channels that follow others
//! (<https://discord.com/developers/docs/resources/webhook>).
//!
//! Who may make or change one is decided by the REST routes. An interaction's token is no webhook here: see
//! `interaction`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Draft, Stored, World,
    message::{CROSSPOSTED, IS_CROSSPOST},
};
use crate::gateway::intents;

/// Webhooks that a channel may have.
pub(crate) const MOST: usize = 15;
/// Type of webhooks that others post with.
pub(crate) const INCOMING: u64 = 1;
/// Type of webhooks that bring what another channel publishes.
pub(crate) const FOLLOWER: u64 = 2;

/// A webhook of a channel.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    pub(crate) id: u64,
    pub(crate) kind: u64,
    pub(crate) guild_id: u64,
    pub(crate) channel_id: u64,
    pub(crate) name: String,
    pub(crate) avatar: Option<String>,
    pub(crate) token: String,
    /// Who made it.
    pub(crate) user_id: u64,
    /// The application whose bot made it.
    pub(crate) application_id: Option<u64>,
    /// The channel whose published messages it brings.
    pub(crate) source: Option<u64>,
}

impl Webhook {
    /// The author of what it writes, as `name` and with an avatar of that message's, if it has them.
    pub(crate) fn author(&self, name: Option<&str>, avatar: Option<&str>) -> Value {
        json!({
            "id": self.id.to_string(),
            "username": name.unwrap_or(&self.name),
            "global_name": null,
            "discriminator": "0000",
            "avatar": avatar.or(self.avatar.as_deref()),
            "bot": true,
            "public_flags": 0,
            "flags": 0,
            "primary_guild": null,
        })
    }
}

impl World {
    /// Makes a webhook of a channel of a guild; the bot is told. `None` if there is no such channel.
    pub(crate) fn add_webhook(
        &mut self,
        channel_id: u64,
        user_id: u64,
        name: &str,
        shape: impl FnOnce(&mut Webhook),
    ) -> Option<u64> {
        let guild_id = self.channels.get(&channel_id)?.guild_id?;
        let id = self.ids.part();
        let mut webhook = Webhook {
            id,
            kind: INCOMING,
            guild_id,
            channel_id,
            name: name.to_owned(),
            avatar: None,
            token: token_of(id),
            user_id,
            application_id: (user_id == self.bot_id).then_some(user_id),
            source: None,
        };
        shape(&mut webhook);
        self.webhooks.insert(id, webhook);
        self.emit_webhooks(guild_id, channel_id);
        Some(id)
    }

    /// Changes a webhook; the bot is told, of both channels if it moved.
    pub(crate) fn change_webhook(&mut self, id: u64, change: impl FnOnce(&mut Webhook)) {
        let Some(webhook) = self.webhooks.get_mut(&id) else {
            return;
        };
        let before = webhook.channel_id;
        change(webhook);
        let (guild, after) = (webhook.guild_id, webhook.channel_id);
        self.emit_webhooks(guild, before);
        if before != after {
            self.emit_webhooks(guild, after);
        }
    }

    /// Deletes a webhook; the bot is told.
    pub(crate) fn remove_webhook(&mut self, id: u64) {
        if let Some(webhook) = self.webhooks.remove(&id) {
            self.emit_webhooks(webhook.guild_id, webhook.channel_id);
        }
    }

    /// A webhook whose channel is still there.
    pub(crate) fn webhook(&self, id: u64) -> Option<&Webhook> {
        let webhook = self.webhooks.get(&id)?;
        self.channels.contains_key(&webhook.channel_id).then_some(webhook)
    }

    /// Whether the bot made the webhook of this id.
    pub(crate) fn is_own_webhook(&self, id: u64) -> bool {
        self.webhooks
            .get(&id)
            .is_some_and(|webhook| webhook.application_id == Some(self.bot_id))
    }

    /// The webhook object (`GuildIncomingWebhookResponse`, `ChannelFollowerWebhookResponse`); without its maker where it
    /// is asked for by its token.
    pub(crate) fn webhook_json(&self, webhook: &Webhook, base: &str, with_user: bool) -> Value {
        let mut json = json!({
            "id": webhook.id.to_string(),
            "type": webhook.kind,
            "guild_id": webhook.guild_id.to_string(),
            "channel_id": webhook.channel_id.to_string(),
            "name": webhook.name,
            "avatar": webhook.avatar,
            "application_id": webhook.application_id.map(|id| id.to_string()),
        });
        if webhook.kind == INCOMING {
            json["token"] = json!(webhook.token);
            json["url"] = json!(format!("{base}/api/webhooks/{}/{}", webhook.id, webhook.token));
        }
        let source = webhook.source.and_then(|id| self.channels.get(&id));
        if let Some(source) = source {
            json["source_channel"] = json!({ "id": source.id.to_string(), "name": source.name });
            if let Some(guild) = source.guild_id.and_then(|id| self.guilds.get(&id)) {
                json["source_guild"] = json!({ "id": guild.id.to_string(), "name": guild.name, "icon": null });
            }
        }
        if with_user {
            json["user"] = self.user_json(webhook.user_id);
        }
        json
    }

    /// Writes in a channel or thread as a webhook.
    pub(crate) fn post_as(&mut self, webhook: &Webhook, channel: u64, author: Value, mut draft: Draft) -> Arc<Stored> {
        draft.author = Some(author);
        draft
            .extra
            .insert("webhook_id".to_owned(), json!(webhook.id.to_string()));
        if let Some(application) = webhook.application_id {
            draft
                .extra
                .insert("application_id".to_owned(), json!(application.to_string()));
        }
        self.post(channel, webhook.id, draft)
    }

    /// Publishes a message of a channel of announcements to the channels that follow it. `None` if it is gone.
    pub(crate) fn crosspost(&mut self, channel: u64, id: u64) -> Option<Arc<Stored>> {
        let before = Arc::clone(self.message(channel, id)?);
        let mut value = before.value.clone();
        value["flags"] = json!(value["flags"].as_u64().unwrap_or(0) | CROSSPOSTED);
        let published = self.replace(&before, value, before.mentions.clone());
        let followers = self.webhooks.values().filter(|one| one.source == Some(channel));
        for webhook in followers.cloned().collect::<Vec<_>>() {
            let list = |key: &str| published.value[key].as_array().cloned().unwrap_or_default();
            let mut draft = Draft {
                content: published.value["content"].as_str().unwrap_or_default().to_owned(),
                embeds: list("embeds"),
                components: list("components"),
                attachments: list("attachments"),
                flags: IS_CROSSPOST,
                ..Draft::default()
            };
            let mut reference = json!({ "type": 0, "channel_id": channel.to_string(), "message_id": id.to_string() });
            if let Some(guild) = published.guild_id {
                reference["guild_id"] = json!(guild.to_string());
            }
            draft.extra.insert("message_reference".to_owned(), reference);
            let author = webhook.author(None, None);
            self.post_as(&webhook, webhook.channel_id, author, draft);
        }
        Some(published)
    }

    /// `WEBHOOKS_UPDATE`.
    fn emit_webhooks(&mut self, guild: u64, channel: u64) {
        let data = json!({ "guild_id": guild.to_string(), "channel_id": channel.to_string() });
        self.emit("WEBHOOKS_UPDATE", Some(guild), intents::GUILD_WEBHOOKS, &data);
    }
}

/// A token as long as Discord's, the same in every run.
fn token_of(id: u64) -> String {
    let part = u128::from(id).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    format!("local-{part:032x}-{:030x}", part.rotate_left(61) >> 8)
}
