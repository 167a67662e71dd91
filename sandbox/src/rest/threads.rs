//! Threads: beginning, changing, who is in them, lists of them
//! (<https://discord.com/developers/docs/resources/channel#start-thread-from-message>).

use serde_json::{Value, json};

use super::{
    Answer, Call, Outcome, Route,
    channels::{allowed, text},
    errors::{self, Refusal},
    guilds, snowflake,
    validate::{self, Fields, Place, checked, id_of},
};
use crate::{
    gateway::intents::GUILD_MEMBERS,
    ids,
    world::{
        Channel, Draft, World,
        audit_log::{Note, action},
        permissions,
        thread::{ANNOUNCEMENT_THREAD, Beginning, PRIVATE_THREAD, PUBLIC_THREAD, Thread},
    },
};

/// What this file serves.
pub(super) const ROUTES: &[Route] = &[
    Route::post("/channels/{channel_id}/threads", |world, call, path| {
        create(world, call, path[0])
    }),
    Route::post(
        "/channels/{channel_id}/messages/{message_id}/threads",
        |world, call, path| create_on(world, call, path[0], path[1]),
    ),
    Route::get("/channels/{channel_id}/threads/archived/public", |world, call, path| {
        archived(world, call, path[0], false)
    })
    .query(&["before", "limit"]),
    Route::get(
        "/channels/{channel_id}/threads/archived/private",
        |world, call, path| archived(world, call, path[0], true),
    )
    .query(&["before", "limit"]),
    Route::get(
        "/channels/{channel_id}/users/@me/threads/archived/private",
        |world, call, path| archived_own(world, call, path[0]),
    )
    .query(&["before", "limit"]),
    Route::get("/channels/{channel_id}/thread-members", |world, call, path| {
        members(world, call, path[0])
    })
    .query(&["with_member", "after", "limit"]),
    Route::get(
        "/channels/{channel_id}/thread-members/{user_id}",
        |world, call, path| member(world, call, path[0], path[1]),
    )
    .query(&["with_member"]),
    Route::put("/channels/{channel_id}/thread-members/{user_id}", |world, _, path| {
        add(world, path[0], path[1])
    }),
    Route::delete("/channels/{channel_id}/thread-members/{user_id}", |world, _, path| {
        remove(world, path[0], path[1])
    }),
    Route::get("/guilds/{guild_id}/threads/active", |world, _, path| {
        active(world, path[0])
    }),
];

/// After how many minutes without a message a thread may be archived.
const DURATIONS: [i64; 4] = [60, 1440, 4320, 10_080];

/// Whether a path's id is a thread's.
pub(super) fn is_one(world: &World, id: &str) -> bool {
    let id = id.parse().ok();
    id.and_then(|id: u64| world.channels.get(&id))
        .is_some_and(Channel::is_thread)
}

/// The thread with this id, as far as the bot sees it.
fn find<'a>(world: &'a World, id: &str) -> Result<&'a Channel, Refusal> {
    let id = allowed(world, id, 0)?;
    let thread = world.channels.get(&id).filter(|channel| channel.is_thread());
    thread.ok_or_else(|| errors::WRONG_CHANNEL_TYPE.into())
}

fn shown(world: &World, id: u64) -> Value {
    let thread = world.channels.get(&id);
    thread.map(|thread| world.thread_json(thread)).unwrap_or_default()
}

/// What the audit log tells of a thread.
fn logged(thread: &Value) -> Value {
    let state = &thread["thread_metadata"];
    json!({
        "name": thread["name"],
        "type": thread["type"],
        "archived": state["archived"],
        "locked": state["locked"],
        "auto_archive_duration": state["auto_archive_duration"],
        "invitable": state["invitable"],
        "rate_limit_per_user": thread["rate_limit_per_user"],
        "flags": thread["flags"],
    })
}

/// A thread's body, checked.
struct Shape<'a> {
    name: Option<&'a str>,
    duration: Option<u64>,
    slow_mode: Option<i64>,
    kind: Option<i64>,
    invitable: Option<bool>,
    tags: Option<Vec<u64>>,
    flags: Option<i64>,
    archived: Option<bool>,
    locked: Option<bool>,
}

impl<'a> Shape<'a> {
    fn read(body: &'a Value, keys: &[&str], is_new: bool) -> Result<Self, Refusal> {
        checked(|faults| {
            let fields = Fields::body(body, keys, faults);
            if is_new {
                fields.required("name", faults);
            }
            let duration = fields.integer("auto_archive_duration", 60..=10_080, faults);
            if duration.is_some_and(|minutes| !DURATIONS.contains(&minutes)) {
                faults.add(
                    "auto_archive_duration",
                    "BASE_TYPE_CHOICES",
                    "Value must be one of {60, 1440, 4320, 10080}.",
                );
            }
            Self {
                name: fields.text("name", 1..=100, faults),
                duration: duration.map(i64::unsigned_abs),
                slow_mode: fields.integer("rate_limit_per_user", 0..=21_600, faults),
                kind: fields.integer("type", 10..=12, faults),
                invitable: fields.flag("invitable", faults),
                tags: fields.ids("applied_tags", 5, faults),
                flags: fields.integer("flags", 0..=0xff_ffff, faults),
                archived: fields.flag("archived", faults),
                locked: fields.flag("locked", faults),
            }
        })
    }

    fn begin(&self, world: &mut World, call: &Call, parent: u64, kind: u64, message: Option<u64>) -> Outcome {
        let name = self.name.unwrap_or_default();
        let mut beginning = Beginning {
            message,
            ..Beginning::new(name, kind)
        };
        beginning.auto_archive_duration = self.duration.unwrap_or(beginning.auto_archive_duration);
        beginning.invitable = self.invitable.unwrap_or(beginning.invitable);
        let id = self.begun(world, call, parent, beginning)?;
        Ok(Answer::created(&shown(world, id)))
    }

    /// Begins it, and records that.
    fn begun(&self, world: &mut World, call: &Call, parent: u64, beginning: Beginning<'_>) -> Result<u64, Refusal> {
        let id = world
            .start_thread(parent, world.bot_id, beginning)
            .ok_or_else(|| Refusal::from(errors::UNKNOWN_MESSAGE))?;
        if let Some(seconds) = self.slow_mode {
            world.change_thread(id, |thread| {
                thread.settings.insert("rate_limit_per_user".to_owned(), json!(seconds));
            });
        }
        let json = logged(&shown(world, id));
        if let Some(guild) = world.channels.get(&id).and_then(|thread| thread.guild_id) {
            let note = Note::new(action::THREAD_CREATE, world.bot_id, Some(id)).between(&Value::Null, &json);
            world.record(guild, note.because(call.reason.as_deref()));
        }
        Ok(id)
    }
}

/// Flag of forums in which every post has a tag.
const REQUIRES_TAG: u64 = 1 << 4;

/// Refuses tags that a forum has not, or that only those who manage threads may set.
fn tags_of(world: &World, forum: u64, tags: &[u64]) -> Result<(), Refusal> {
    let Some(forum) = world.channels.get(&forum) else {
        return Err(errors::UNKNOWN_CHANNEL.into());
    };
    let known = forum.settings.get("available_tags").and_then(Value::as_array);
    let moderates = world.permissions_in(forum, world.bot_id) & permissions::MANAGE_THREADS != 0;
    for tag in tags {
        let found = known.and_then(|known| known.iter().find(|one| id_of(&one["id"]) == Some(*tag)));
        match found {
            None => return Err(errors::UNKNOWN_TAG.into()),
            Some(tag) if tag["moderated"] == true && !moderates => {
                return Err(Refusal::permission(permissions::MANAGE_THREADS));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// A post in a forum: a thread whose first message comes with it and has its id.
fn create_post(world: &mut World, call: &Call, forum: u64) -> Outcome {
    let id = forum.to_string();
    let mut needed = permissions::SEND_MESSAGES;
    if !call.files.is_empty() {
        needed |= permissions::ATTACH_FILES;
    }
    allowed(world, &id, needed)?;
    let keys = [
        "name",
        "auto_archive_duration",
        "rate_limit_per_user",
        "applied_tags",
        "message",
        "type",
    ];
    let shape = Shape::read(&call.body, &keys, true)?;
    if call.body["message"].is_null() {
        return Err(Refusal::at("message", "BASE_TYPE_REQUIRED", "This field is required"));
    }
    let tags = shape.tags.clone().unwrap_or_default();
    tags_of(world, forum, &tags)?;
    let settings = world.channels.get(&forum).map(|channel| &channel.settings);
    let flags = settings
        .and_then(|settings| settings.get("flags")?.as_u64())
        .unwrap_or(0);
    if flags & REQUIRES_TAG != 0 && tags.is_empty() {
        return Err(errors::TAG_REQUIRED.into());
    }
    let url = world.attachment_urls(call, forum);
    let draft = validate::draft(&call.body["message"], "message", &call.files, Place::Channel, &url)?;
    world.keep_files(call, &draft.attachments);
    let mut beginning = Beginning::new(shape.name.unwrap_or_default(), PUBLIC_THREAD);
    beginning.auto_archive_duration = shape.duration.unwrap_or(beginning.auto_archive_duration);
    beginning.post = Some(tags);
    let id = shape.begun(world, call, forum, beginning)?;
    let first = Draft { id: Some(id), ..draft };
    let message = world.post_in_thread_silently(id, world.bot_id, first);
    let mut json = shown(world, id);
    json["message"] = message.value.clone();
    Ok(Answer::created(&json))
}

/// The kind of a public thread of a channel, which must be of text or announcements.
fn public_kind(world: &World, parent: u64) -> Result<u64, Refusal> {
    match world.channels.get(&parent).map(|channel| channel.kind) {
        Some(0) => Ok(PUBLIC_THREAD),
        Some(5) => Ok(ANNOUNCEMENT_THREAD),
        _ => Err(errors::WRONG_CHANNEL_TYPE.into()),
    }
}

/// A thread that hangs on no message: a private one, if its body names no type.
pub(super) fn create(world: &mut World, call: &Call, channel: &str) -> Outcome {
    let forum = allowed(world, channel, permissions::VIEW_CHANNEL)?;
    if world
        .channels
        .get(&forum)
        .is_some_and(|one| matches!(one.kind, 15 | 16))
    {
        return create_post(world, call, forum);
    }
    let parent = text(world, channel, permissions::VIEW_CHANNEL)?;
    let keys = [
        "name",
        "auto_archive_duration",
        "rate_limit_per_user",
        "type",
        "invitable",
    ];
    let shape = Shape::read(&call.body, &keys, true)?;
    let public = public_kind(world, parent)?;
    let kind = shape.kind.map_or(PRIVATE_THREAD, i64::unsigned_abs);
    // Below announcements there are no private ones.
    let has_private = public == PUBLIC_THREAD;
    if kind != public && !(kind == PRIVATE_THREAD && has_private) {
        return Err(errors::WRONG_CHANNEL_TYPE.into());
    }
    let needed = if kind == PRIVATE_THREAD {
        permissions::CREATE_PRIVATE_THREADS
    } else {
        permissions::CREATE_PUBLIC_THREADS
    };
    text(world, channel, needed)?;
    shape.begin(world, call, parent, kind, None)
}

/// A thread that hangs on a message, of which there is one at most.
pub(super) fn create_on(world: &mut World, call: &Call, channel: &str, message: &str) -> Outcome {
    let needed = permissions::CREATE_PUBLIC_THREADS | permissions::READ_MESSAGE_HISTORY;
    let parent = text(world, channel, needed)?;
    let message = snowflake("message_id", message)?;
    let found = world.message(parent, message);
    if found.is_none_or(|message| message.ephemeral_to.is_some()) {
        return Err(errors::UNKNOWN_MESSAGE.into());
    }
    if world.channels.contains_key(&message) {
        return Err(errors::THREAD_EXISTS.into());
    }
    let keys = ["name", "auto_archive_duration", "rate_limit_per_user"];
    let shape = Shape::read(&call.body, &keys, true)?;
    let kind = public_kind(world, parent)?;
    shape.begin(world, call, parent, kind, Some(message))
}

/// Its owner may rename and archive a thread; whoever may write in it may take it out of the archive, unless it is locked;
/// the rest is for those who manage threads.
pub(super) fn edit(world: &mut World, call: &Call, id: &str) -> Outcome {
    let thread = find(world, id)?;
    let (id, guild, has) = (thread.id, thread.guild_id, world.permissions_in(thread, world.bot_id));
    let Some(state) = &thread.thread else {
        return Err(errors::WRONG_CHANNEL_TYPE.into());
    };
    let keys = [
        "name",
        "archived",
        "locked",
        "invitable",
        "auto_archive_duration",
        "rate_limit_per_user",
        "flags",
        "applied_tags",
    ];
    let shape = Shape::read(&call.body, &keys, false)?;
    if has & permissions::MANAGE_THREADS == 0 {
        let only_opens = shape.archived == Some(false) && call.body.as_object().is_some_and(|body| body.len() == 1);
        let may_open = only_opens && !state.locked && has & permissions::SEND_MESSAGES_IN_THREADS != 0;
        let reopens_locked = state.locked && shape.archived == Some(false);
        let asks_more = shape.locked.is_some() || shape.slow_mode.is_some() || shape.flags.is_some() || reopens_locked;
        let is_own = state.owner_id == world.bot_id && !asks_more;
        if !may_open && !is_own {
            return Err(Refusal::permission(permissions::MANAGE_THREADS));
        }
    }
    // In the archive nothing is changed but by taking it out.
    if state.archived && shape.archived != Some(false) {
        return Err(errors::THREAD_ARCHIVED.into());
    }
    if let Some((tags, forum)) = shape.tags.as_ref().zip(thread.parent_id) {
        tags_of(world, forum, tags)?;
    }
    let before = logged(&shown(world, id));
    world.change_thread(id, |channel| {
        if let Some(tags) = &shape.tags {
            let tags: Vec<String> = tags.iter().map(u64::to_string).collect();
            channel.settings.insert("applied_tags".to_owned(), json!(tags));
        }
        if let Some(flags) = shape.flags {
            channel.settings.insert("flags".to_owned(), json!(flags));
        }
        if let Some(name) = shape.name {
            name.clone_into(&mut channel.name);
        }
        if let Some(seconds) = shape.slow_mode {
            channel
                .settings
                .insert("rate_limit_per_user".to_owned(), json!(seconds));
        }
        if let Some(thread) = &mut channel.thread {
            thread.archived = shape.archived.unwrap_or(thread.archived);
            thread.locked = shape.locked.unwrap_or(thread.locked);
            thread.invitable = shape.invitable.unwrap_or(thread.invitable);
            thread.auto_archive_duration = shape.duration.unwrap_or(thread.auto_archive_duration);
        }
    });
    let note = Note::new(action::THREAD_UPDATE, world.bot_id, Some(id)).between(&before, &logged(&shown(world, id)));
    if let Some(guild) = guild.filter(|_| note.is_a_change()) {
        world.record(guild, note.because(call.reason.as_deref()));
    }
    Ok(Answer::ok(&shown(world, id)))
}

pub(super) fn delete(world: &mut World, call: &Call, id: &str) -> Outcome {
    let id = allowed(world, id, permissions::MANAGE_THREADS)?;
    let gone = shown(world, id);
    let guild = world.channels.get(&id).and_then(|thread| thread.guild_id);
    world.remove_thread(id);
    if let Some(guild) = guild {
        let note = Note::new(action::THREAD_DELETE, world.bot_id, Some(id)).between(&logged(&gone), &Value::Null);
        world.record(guild, note.because(call.reason.as_deref()));
    }
    Ok(Answer::ok(&gone))
}

/// Whether something can be added to what is in a channel: not in the archive.
pub(super) fn active_one(world: &World, channel: u64) -> Result<(), Refusal> {
    let thread = world.channels.get(&channel).and_then(|channel| channel.thread.as_ref());
    if thread.is_some_and(|thread| thread.archived) {
        return Err(errors::THREAD_ARCHIVED.into());
    }
    Ok(())
}

/// Whether something can be written into a channel: not into a locked thread by who doesn't manage threads.
pub(super) fn writable(world: &World, channel: u64) -> Result<(), Refusal> {
    let Some(channel) = world.channels.get(&channel) else {
        return Ok(());
    };
    let is_locked = channel.thread.as_ref().is_some_and(|thread| thread.locked);
    if is_locked && world.permissions_in(channel, world.bot_id) & permissions::MANAGE_THREADS == 0 {
        return Err(errors::THREAD_LOCKED.into());
    }
    Ok(())
}

/// Whom a path means: `@me`, or somebody by id.
fn user(world: &World, text: &str) -> Result<u64, Refusal> {
    if text == "@me" {
        return Ok(world.bot_id);
    }
    snowflake("user_id", text)
}

fn member_json(world: &World, thread: &Channel, user: u64, with_member: bool) -> Option<Value> {
    let mut json = thread.thread_member(user)?;
    if with_member {
        json["member"] = world.member_json(thread.guild_id?, user)?;
    }
    Some(json)
}

pub(super) fn member(world: &World, call: &Call, id: &str, who: &str) -> Outcome {
    let thread = find(world, id)?;
    let found = member_json(world, thread, user(world, who)?, call.flag("with_member")?);
    found
        .map(|member| Answer::ok(&member))
        .ok_or_else(|| errors::UNKNOWN_MEMBER.into())
}

/// Everybody who is in a thread, for applications that may use the intent `GUILD_MEMBERS`.
pub(super) fn members(world: &World, call: &Call, id: &str) -> Outcome {
    if world.allowed_intents & GUILD_MEMBERS == 0 {
        return Err(errors::MISSING_ACCESS.into());
    }
    let thread = find(world, id)?;
    let (with_member, after) = (call.flag("with_member")?, call.id("after")?.unwrap_or(0));
    let limit = call.number("limit", 100, 1, 100)? as usize;
    let all = thread.thread.iter().flat_map(|thread| thread.members.keys());
    let found: Vec<Value> = all
        .filter(|user| !with_member || **user > after)
        .filter_map(|user| member_json(world, thread, *user, with_member))
        .take(if with_member { limit } else { usize::MAX })
        .collect();
    Ok(Answer::ok(&Value::Array(found)))
}

pub(super) fn add(world: &mut World, id: &str, who: &str) -> Outcome {
    let thread = find(world, id)?;
    let (id, guild, who) = (thread.id, thread.guild_id, user(world, who)?);
    if thread.thread.as_ref().is_some_and(|thread| thread.archived) {
        return Err(errors::THREAD_ARCHIVED.into());
    }
    let state = thread.thread.as_ref();
    let only_some = state.is_some_and(|state| !state.invitable && state.owner_id != world.bot_id);
    let is_closed = thread.kind == PRIVATE_THREAD && only_some;
    if who != world.bot_id {
        allowed(world, &id.to_string(), permissions::SEND_MESSAGES)?;
        if is_closed {
            // Its members may not add others; those who moderate threads may.
            allowed(world, &id.to_string(), permissions::MANAGE_THREADS)?;
        }
    }
    let is_member = guild
        .and_then(|guild| world.guilds.get(&guild))
        .is_some_and(|guild| guild.members.contains_key(&who));
    if !is_member {
        return Err(errors::UNKNOWN_MEMBER.into());
    }
    world.join_thread(id, who);
    Ok(Answer::empty())
}

pub(super) fn remove(world: &mut World, id: &str, who: &str) -> Outcome {
    let thread = find(world, id)?;
    let (id, kind, who) = (thread.id, thread.kind, user(world, who)?);
    let state = thread.thread.as_ref();
    if state.is_some_and(|thread| thread.archived) {
        return Err(errors::THREAD_ARCHIVED.into());
    }
    let owns = kind == PRIVATE_THREAD && state.is_some_and(|thread| thread.owner_id == world.bot_id);
    if who != world.bot_id && !owns {
        allowed(world, &id.to_string(), permissions::MANAGE_THREADS)?;
    }
    if !world.leave_thread(id, who) {
        return Err(errors::UNKNOWN_MEMBER.into());
    }
    Ok(Answer::empty())
}

/// A list of threads (`ThreadsResponse`), with the bot's memberships.
fn list(world: &World, threads: &[&Channel]) -> Value {
    json!({
        "threads": threads.iter().map(|thread| thread.guild_json()).collect::<Vec<_>>(),
        "members": threads.iter().filter_map(|thread| thread.thread_member(world.bot_id)).collect::<Vec<_>>(),
        "has_more": false,
    })
}

pub(super) fn active(world: &World, guild: &str) -> Outcome {
    let guild = guilds::allowed(world, guild, 0)?;
    Ok(Answer::ok(&list(world, &world.active_threads(guild))))
}

/// Those in the archive, the latest first.
pub(super) fn archived(world: &World, call: &Call, channel: &str, private: bool) -> Outcome {
    let mut needed = permissions::READ_MESSAGE_HISTORY;
    if private {
        needed |= permissions::MANAGE_THREADS;
    }
    let parent = text(world, channel, needed)?;
    let limit = call.number("limit", 50, 2, 100)? as usize;
    let before = call.query("before").map(|text| {
        let why = "Could not parse as a timestamp.";
        ids::ms_of(text).ok_or_else(|| Refusal::at("before", "DATE_TIME_TYPE_PARSE", why))
    });
    let before = before.transpose()?;
    let guild = world.channels.get(&parent).and_then(|channel| channel.guild_id);
    let mut found: Vec<&Channel> = guild
        .into_iter()
        .flat_map(|guild| world.threads_of(guild))
        .filter(|thread| thread.parent_id == Some(parent) && (thread.kind == PRIVATE_THREAD) == private)
        .filter(|thread| {
            let state = thread.thread.as_ref().filter(|state| state.archived);
            let archived_at = state.map(|state| ids::ms_of(state.archived_at()).unwrap_or(0));
            archived_at.is_some_and(|at| before.is_none_or(|before| at < before))
        })
        .collect();
    found.sort_by_key(|thread| std::cmp::Reverse(thread.thread.as_ref().map(Thread::archived_at)));
    let has_more = found.len() > limit;
    found.truncate(limit);
    let mut answer = list(world, &found);
    answer["has_more"] = json!(has_more);
    Ok(Answer::ok(&answer))
}

/// Private ones in the archive that the bot is in, the youngest first.
fn archived_own(world: &World, call: &Call, channel: &str) -> Outcome {
    let parent = text(world, channel, permissions::READ_MESSAGE_HISTORY)?;
    let limit = call.number("limit", 50, 2, 100)? as usize;
    let before = call.id("before")?;
    let guild = world.channels.get(&parent).and_then(|channel| channel.guild_id);
    let mut found: Vec<&Channel> = guild
        .into_iter()
        .flat_map(|guild| world.threads_of(guild))
        .filter(|thread| thread.parent_id == Some(parent) && thread.kind == PRIVATE_THREAD)
        .filter(|thread| thread.thread.as_ref().is_some_and(|state| state.archived))
        .filter(|thread| thread.thread_member(world.bot_id).is_some())
        .filter(|thread| before.is_none_or(|before| thread.id < before))
        .collect();
    found.sort_by_key(|thread| std::cmp::Reverse(thread.id));
    let has_more = found.len() > limit;
    found.truncate(limit);
    let mut answer = list(world, &found);
    answer["has_more"] = json!(has_more);
    Ok(Answer::ok(&answer))
}
