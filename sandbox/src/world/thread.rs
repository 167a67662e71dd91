//! Threads: channels below a channel, that have members, are archived and locked, and take their parent's permissions
//! (<https://discord.com/developers/docs/topics/threads>). Who may do what is decided before; here it only happens, and
//! everybody who listens hears of it.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Channel, Draft, Guild, Stored, World, permissions};
use crate::{gateway::intents, ids, page::Audience};

/// In a channel of announcements.
pub(crate) const ANNOUNCEMENT_THREAD: u64 = 10;
pub(crate) const PUBLIC_THREAD: u64 = 11;
pub(crate) const PRIVATE_THREAD: u64 = 12;

/// Message types: "started a thread" in its parent, and the first line of one that hangs on a message.
const THREAD_CREATED: u64 = 18;
pub(crate) const STARTER: u64 = 21;
/// Flag of a message that a thread hangs on; the thread's id is the message's.
const HAS_THREAD: u64 = 1 << 5;

/// What only threads have.
#[derive(Clone, Debug)]
pub(crate) struct Thread {
    pub(crate) owner_id: u64,
    /// Who is in it, since when.
    pub(crate) members: BTreeMap<u64, String>,
    pub(crate) archived: bool,
    pub(crate) locked: bool,
    /// Whether all its members may add others; of private ones.
    pub(crate) invitable: bool,
    /// Minutes without a message after which it goes into the archive by itself.
    pub(crate) auto_archive_duration: u64,
    /// When `archived` last changed.
    archive_timestamp: String,
    created: String,
    /// Messages in it, without the first and without those that are gone.
    message_count: u64,
    total_message_sent: u64,
}

impl Thread {
    /// When it went into the archive, or came out of it.
    pub(crate) fn archived_at(&self) -> &str {
        &self.archive_timestamp
    }
}

/// How a thread begins.
#[derive(Clone, Debug)]
pub(crate) struct Beginning<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: u64,
    pub(crate) auto_archive_duration: u64,
    pub(crate) invitable: bool,
    /// The message of its parent that it hangs on.
    pub(crate) message: Option<u64>,
    /// In a forum: the post that it is, and its tags.
    pub(crate) post: Option<Vec<u64>>,
}

impl Beginning<'_> {
    pub(crate) const fn new(name: &str, kind: u64) -> Beginning<'_> {
        Beginning {
            name,
            kind,
            auto_archive_duration: 4320,
            invitable: true,
            message: None,
            post: None,
        }
    }
}

impl Channel {
    pub(crate) const fn is_thread(&self) -> bool {
        self.thread.is_some()
    }

    /// Adds what a thread object has (`ThreadResponse`) and takes what it has not.
    pub(super) fn as_thread(&self, thread: &Thread, json: &mut Value) {
        if let Some(fields) = json.as_object_mut() {
            for absent in ["position", "permission_overwrites", "nsfw"] {
                fields.remove(absent);
            }
        }
        json["owner_id"] = json!(thread.owner_id.to_string());
        // Discord counts to fifty members, and no further.
        json["member_count"] = json!(thread.members.len().min(50));
        json["message_count"] = json!(thread.message_count);
        json["total_message_sent"] = json!(thread.total_message_sent);
        let mut metadata = json!({
            "archived": thread.archived,
            "auto_archive_duration": thread.auto_archive_duration,
            "archive_timestamp": thread.archive_timestamp,
            "locked": thread.locked,
            "create_timestamp": thread.created,
        });
        if self.kind == PRIVATE_THREAD {
            metadata["invitable"] = json!(thread.invitable);
        }
        json["thread_metadata"] = metadata;
    }

    /// What is asked of who does something here: in threads, writing is a permission of its own.
    pub(crate) const fn needs(&self, needed: u64) -> u64 {
        if self.is_thread() && needed & permissions::SEND_MESSAGES != 0 {
            needed & !permissions::SEND_MESSAGES | permissions::SEND_MESSAGES_IN_THREADS
        } else {
            needed
        }
    }

    /// Somebody's membership (`ThreadMemberResponse`), if there is one.
    pub(crate) fn thread_member(&self, user: u64) -> Option<Value> {
        let joined = self.thread.as_ref()?.members.get(&user)?;
        Some(json!({
            "id": self.id.to_string(),
            "user_id": user.to_string(),
            "join_timestamp": joined,
            "flags": 0,
        }))
    }
}

/// What `user` may in a thread: as in its parent, and nothing in a private one unless they are in it or moderate threads.
pub(super) fn permissions(guild: &Guild, thread: &Channel, parent: Option<&Channel>, user: u64) -> u64 {
    let bits = permissions::of(guild, parent, user);
    let is_in = thread
        .thread
        .as_ref()
        .is_some_and(|thread| thread.members.contains_key(&user));
    let may_look = thread.kind != PRIVATE_THREAD || is_in || bits & permissions::MANAGE_THREADS != 0;
    if parent.is_some() && may_look { bits } else { 0 }
}

impl World {
    /// Begins a thread below a channel; its owner is in it. `None` if the parent or the message is gone.
    pub(crate) fn start_thread(&mut self, parent: u64, owner: u64, beginning: Beginning<'_>) -> Option<u64> {
        let guild_id = self.channels.get(&parent)?.guild_id?;
        let on = match beginning.message {
            Some(message) => Some(Arc::clone(self.message(parent, message)?)),
            None => None,
        };
        let now = ids::timestamp(self.ids.now_ms());
        let id = on.as_ref().map_or_else(|| self.ids.timed(), |message| message.id);
        let mut channel = Channel {
            kind: beginning.kind,
            parent_id: Some(parent),
            thread: Some(Thread {
                owner_id: owner,
                members: BTreeMap::from([(owner, now.clone())]),
                archived: false,
                locked: false,
                invitable: beginning.invitable,
                auto_archive_duration: beginning.auto_archive_duration,
                archive_timestamp: now.clone(),
                created: now,
                message_count: 0,
                total_message_sent: 0,
            }),
            ..Channel::new(id, Some(guild_id), beginning.name)
        };
        let is_post = beginning.post.is_some();
        if let Some(tags) = beginning.post {
            let tags: Vec<String> = tags.iter().map(u64::to_string).collect();
            channel.settings.insert("applied_tags".to_owned(), json!(tags));
        }
        self.channels.insert(id, channel);
        self.expiry.notify_one();
        self.emit_thread(id, "THREAD_CREATE", true);
        let first = Draft {
            kind: Some(STARTER),
            ..Draft::default()
        };
        if let Some(message) = on {
            self.hang_thread_on(&message, id);
            self.post_in_thread_silently(id, owner, first);
        } else if beginning.kind != PRIVATE_THREAD && !is_post {
            let note = Draft {
                content: beginning.name.to_owned(),
                kind: Some(THREAD_CREATED),
                ..Draft::default()
            };
            self.post(parent, owner, note);
        }
        Some(id)
    }

    /// The first line of a thread that hangs on a message; it does not count as one.
    pub(crate) fn post_in_thread_silently(&mut self, id: u64, author: u64, draft: Draft) -> Arc<Stored> {
        let message = self.post(id, author, draft);
        if let Some(thread) = self.channels.get_mut(&id).and_then(|channel| channel.thread.as_mut()) {
            (thread.message_count, thread.total_message_sent) = (0, 0);
        }
        message
    }

    fn hang_thread_on(&mut self, message: &Stored, thread: u64) {
        let Some(data) = self.channels.get(&thread).map(Channel::guild_json) else {
            return;
        };
        let flags = message.value["flags"].as_u64().unwrap_or(0) | HAS_THREAD;
        let mut value = message.value.clone();
        value["flags"] = json!(flags);
        value["thread"] = data;
        self.replace(message, value, message.mentions.clone());
    }

    /// Where the next message of a thread stands in it: the first line at 0, and each after the one before, also after those
    /// that are gone. `None` if the channel is no thread.
    pub(super) fn position_in_thread(&self, id: u64, is_first: bool) -> Option<u64> {
        let thread = self.channels.get(&id)?.thread.as_ref()?;
        Some(if is_first { 0 } else { thread.total_message_sent + 1 })
    }

    /// What a message in a thread does to it: who writes is in it from now on, it counts, and it ends the archive.
    pub(super) fn wrote_in_thread(&mut self, id: u64, author: u64) {
        let now = ids::timestamp(self.ids.now_ms());
        let Some(thread) = self.channels.get_mut(&id).and_then(|channel| channel.thread.as_mut()) else {
            return;
        };
        thread.message_count += 1;
        thread.total_message_sent += 1;
        // Webhooks write, and are in nothing.
        let is_new = !thread.members.contains_key(&author) && self.users.contains_key(&author);
        let was_archived = thread.archived;
        if was_archived {
            (thread.archived, thread.archive_timestamp) = (false, now);
            self.emit_thread(id, "THREAD_UPDATE", false);
        }
        if is_new {
            self.join_thread(id, author);
        }
    }

    pub(super) fn deleted_in_thread(&mut self, id: u64, count: u64) {
        if let Some(thread) = self.channels.get_mut(&id).and_then(|channel| channel.thread.as_mut()) {
            thread.message_count = thread.message_count.saturating_sub(count);
        }
    }

    /// Changes a thread; everybody is told.
    pub(crate) fn change_thread(&mut self, id: u64, change: impl FnOnce(&mut Channel)) {
        let now = ids::timestamp(self.ids.now_ms());
        let was_archived = |channel: &Channel| channel.thread.as_ref().is_some_and(|thread| thread.archived);
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        let before = was_archived(channel);
        change(channel);
        if before != was_archived(channel)
            && let Some(thread) = &mut channel.thread
        {
            thread.archive_timestamp = now;
        }
        self.emit_thread(id, "THREAD_UPDATE", false);
    }

    /// Puts threads into the archive in which nothing was said for as long as they say; gives when to look again.
    pub(super) fn archive_idle_threads(&mut self) -> Option<Instant> {
        let now = self.ids.now_ms();
        let (mut idle, mut next) = (Vec::new(), None::<u64>);
        for channel in self.channels.values() {
            let Some(thread) = channel.thread.as_ref().filter(|thread| !thread.archived) else {
                continue;
            };
            let said = channel.history.last_id().map_or(0, ids::created_ms);
            let since = said.max(ids::ms_of(&thread.archive_timestamp).unwrap_or(0));
            let due = since + thread.auto_archive_duration * 60_000;
            if due <= now {
                idle.push(channel.id);
            } else {
                next = Some(next.map_or(due, |next| next.min(due)));
            }
        }
        for id in idle {
            self.change_thread(id, |channel| {
                if let Some(thread) = &mut channel.thread {
                    thread.archived = true;
                }
            });
        }
        next.map(|due| self.time.now() + Duration::from_millis(due - now))
    }

    pub(crate) fn join_thread(&mut self, id: u64, user: u64) {
        let now = ids::timestamp(self.ids.now_ms());
        let thread = self.channels.get_mut(&id).and_then(|channel| channel.thread.as_mut());
        let Some(thread) = thread.filter(|thread| !thread.members.contains_key(&user)) else {
            return;
        };
        thread.members.insert(user, now);
        let is_new_to_bot = user == self.bot_id && self.channels.get(&id).is_some_and(|one| one.kind == PRIVATE_THREAD);
        if is_new_to_bot {
            // Until now it was not there for the bot.
            self.emit_thread(id, "THREAD_CREATE", false);
        }
        self.emit_thread_members(id, Some(user), None);
    }

    /// Says whether they were in it.
    pub(crate) fn leave_thread(&mut self, id: u64, user: u64) -> bool {
        let thread = self.channels.get_mut(&id).and_then(|channel| channel.thread.as_mut());
        let was_in = thread.is_some_and(|thread| thread.members.remove(&user).is_some());
        if was_in {
            self.emit_thread_members(id, None, Some(user));
        }
        was_in
    }

    /// Whoever leaves a guild is in none of its threads any more.
    pub(super) fn leave_threads(&mut self, guild: u64, user: u64) {
        let of_guild = self
            .channels
            .values_mut()
            .filter(|channel| channel.guild_id == Some(guild));
        for thread in of_guild.filter_map(|channel| channel.thread.as_mut()) {
            thread.members.remove(&user);
        }
    }

    pub(crate) fn remove_thread(&mut self, id: u64) {
        // Who hears of it is asked before it is gone.
        let is_seen = self.bot_sees(id);
        let Some(thread) = self.channels.remove(&id) else {
            return;
        };
        let Some(guild) = thread.guild_id else { return };
        if is_seen {
            let data = json!({
                "id": id.to_string(),
                "guild_id": guild.to_string(),
                "parent_id": thread.parent_id.map(|id| id.to_string()),
                "type": thread.kind,
            });
            self.emit("THREAD_DELETE", Some(guild), intents::GUILDS, &data);
        }
        self.tell_guild(guild);
    }

    /// The threads of a guild that the bot sees and that are active; with its memberships.
    pub(crate) fn active_threads(&self, guild: u64) -> Vec<&Channel> {
        let is_active = |channel: &&Channel| channel.thread.as_ref().is_some_and(|thread| !thread.archived);
        self.threads_of(guild)
            .filter(is_active)
            .filter(|channel| self.permissions_in(channel, self.bot_id) & permissions::VIEW_CHANNEL != 0)
            .collect()
    }

    pub(crate) fn threads_of(&self, guild: u64) -> impl Iterator<Item = &Channel> {
        let of_guild = move |channel: &&Channel| channel.guild_id == Some(guild) && channel.is_thread();
        self.channels.values().filter(of_guild)
    }

    /// A thread as the bot gets it: with its membership, if it is in it.
    pub(crate) fn thread_json(&self, thread: &Channel) -> Value {
        let mut json = thread.guild_json();
        if let Some(member) = thread.thread_member(self.bot_id) {
            json["member"] = member;
        }
        json
    }

    /// `THREAD_CREATE` or `THREAD_UPDATE`, if the bot sees the thread.
    fn emit_thread(&mut self, id: u64, name: &'static str, is_new: bool) {
        let Some(channel) = self.channels.get(&id) else { return };
        let guild = channel.guild_id;
        if self.bot_sees(id) {
            let mut data = self.thread_json(channel);
            if is_new {
                data["newly_created"] = json!(true);
            }
            self.emit(name, guild, intents::GUILDS, &data);
        }
        if let Some(guild) = guild {
            self.tell_guild(guild);
        }
    }

    /// `THREAD_MEMBERS_UPDATE`: without `GUILD_MEMBERS` a bot hears of itself only.
    fn emit_thread_members(&mut self, id: u64, added: Option<u64>, removed: Option<u64>) {
        let Some(channel) = self.channels.get(&id) else { return };
        let Some(guild) = channel.guild_id else { return };
        let is_own = added.or(removed) == Some(self.bot_id);
        let members = channel.thread.as_ref().map_or(0, |thread| thread.members.len());
        let mut data = json!({
            "id": id.to_string(),
            "guild_id": guild.to_string(),
            "member_count": members.min(50),
        });
        if let Some(mut member) = added.and_then(|user| channel.thread_member(user)) {
            if let Some(of_guild) = added.and_then(|user| self.member_json(guild, user)) {
                member["member"] = of_guild;
            }
            member["presence"] = Value::Null;
            data["added_members"] = json!([member]);
        }
        if let Some(user) = removed {
            data["removed_member_ids"] = json!([user.to_string()]);
        }
        // Who is taken out of a private thread no longer sees it, and is told so all the same.
        if is_own || self.bot_sees(id) {
            let intent = if is_own {
                intents::GUILDS
            } else {
                intents::GUILD_MEMBERS
            };
            self.emit("THREAD_MEMBERS_UPDATE", Some(guild), intent, &data);
        }
        if let Some(person) = added.or(removed).filter(|person| self.pages.people().contains(person))
            && let Some(data) = self.page_guild(guild, person)
        {
            self.pages.tell(&Audience::One(person), "guild", || data);
        }
    }
}
