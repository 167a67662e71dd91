//! Which channels of its guilds the bot could see when it last heard of them, and the threads that it is told of when it sees
//! more: `THREAD_LIST_SYNC` (<https://discord.com/developers/docs/events/gateway-events#thread-list-sync>).
//!
//! It is apart from threads, since what changes access are roles, memberships and overwrites. It only tells pages nothing: they
//! get the whole guild anew.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Channel, World};
use crate::gateway::intents;

/// By guild: the channels that the bot saw.
pub(crate) type Seen = BTreeMap<u64, BTreeSet<u64>>;

impl World {
    /// The bot hears of a guild as a whole, with the threads that it sees.
    pub(crate) fn note_seen(&mut self, guild: u64) {
        let seen = self.seen_now(guild);
        self.seen.insert(guild, seen);
    }

    /// After an event that may have changed what the bot sees: tells it of the active threads in the channels that it gained.
    pub(super) fn sync_threads(&mut self, event: &str, guild: u64, data: &Value) {
        let is_of_access = match event {
            "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "GUILD_UPDATE" | "GUILD_ROLE_UPDATE" | "GUILD_ROLE_DELETE" => true,
            "GUILD_MEMBER_UPDATE" => data["user"]["id"].as_str().and_then(|id| id.parse().ok()) == Some(self.bot_id),
            _ => false,
        };
        // A guild that the bot has not heard of comes with its threads.
        if !is_of_access || !self.seen.contains_key(&guild) {
            return;
        }
        let now = self.seen_now(guild);
        let before = self.seen.insert(guild, now.clone()).unwrap_or_default();
        let gained: BTreeSet<u64> = now.difference(&before).copied().collect();
        let is_gained = |thread: &&&Channel| thread.parent_id.is_some_and(|parent| gained.contains(&parent));
        let active = self.active_threads(guild);
        let threads: Vec<&&Channel> = active.iter().filter(is_gained).collect();
        if threads.is_empty() {
            return;
        }
        let data = json!({
            "guild_id": guild.to_string(),
            "channel_ids": gained.iter().map(u64::to_string).collect::<Vec<_>>(),
            "threads": threads.iter().map(|thread| thread.guild_json()).collect::<Vec<_>>(),
            "members": threads.iter().filter_map(|thread| thread.thread_member(self.bot_id)).collect::<Vec<_>>(),
        });
        self.emit("THREAD_LIST_SYNC", Some(guild), intents::GUILDS, &data);
    }

    fn seen_now(&self, guild: u64) -> BTreeSet<u64> {
        let all = self.channels_of(guild).into_iter().map(|channel| channel.id);
        all.filter(|channel| self.bot_sees(*channel)).collect()
    }
}
