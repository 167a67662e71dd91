//! What people write: messages with files, replies, edits, deletions, what they forward, and the threads they begin.
//!
//! Apart from the other acts: these make messages themselves, the others ask the bot for something.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State},
    http::HeaderMap,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    acts::{Answer, READ, Refused, WRITE, channel, id, message, person, read},
    uploads::{self, Described},
};
use crate::{
    rest::text_length,
    shared::Shared,
    world::{AllowedMentions, Draft, Revision, World, page_message, permissions, thread::Beginning},
};

const PUBLIC_THREAD: u64 = 11;
const PRIVATE_THREAD: u64 = 12;

#[derive(Deserialize)]
struct Words {
    r#as: String,
    channel_id: Option<String>,
    #[serde(default)]
    content: String,
    reply_to: Option<String>,
    /// Whether a reply pings whom it answers; it does, if nothing is said.
    ping: Option<bool>,
    #[serde(default)]
    attachments: Vec<Described>,
    poll: Option<NewPoll>,
}

#[derive(Deserialize)]
struct NewPoll {
    question: String,
    answers: Vec<String>,
    #[serde(default)]
    multiple: bool,
    hours: Option<u64>,
}

impl NewPoll {
    /// The poll as a bot would ask for it.
    fn read(&self) -> Result<Value, Refused> {
        let answers: Vec<&str> = self
            .answers
            .iter()
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
            .collect();
        let fits = |text: &str, most| (1..=most).contains(&text_length(text));
        if !fits(self.question.trim(), 300)
            || !(1..=10).contains(&answers.len())
            || !answers.iter().all(|text| fits(text, 55))
        {
            return Err("a poll has a question of up to 300 characters and one to ten answers of up to 55".into());
        }
        let answers = answers.iter().enumerate();
        Ok(json!({
            "question": { "text": self.question.trim() },
            "answers": answers.map(|(at, text)| json!({ "answer_id": at + 1, "poll_media": { "text": text } })).collect::<Vec<_>>(),
            "allow_multiselect": self.multiple,
            "layout_type": 1,
            "duration": self.hours.unwrap_or(24).clamp(1, 768),
            "results": { "is_finalized": false, "answer_counts": [] },
        }))
    }
}

pub(super) fn content(text: &str, may_be_empty: bool) -> Result<String, Refused> {
    let text = text.trim();
    match text_length(text) {
        0 if may_be_empty => Ok(String::new()),
        0 => Err("write something first".into()),
        1..=2000 => Ok(text.to_owned()),
        length => Err(Refused(format!(
            "a message has at most 2000 characters, this one has {length}"
        ))),
    }
}

/// A thread's name, without what stands around it.
pub(super) fn thread_name(text: &str) -> Result<String, Refused> {
    let name = text.trim();
    if (1..=100).contains(&text_length(name)) {
        Ok(name.to_owned())
    } else {
        Err("a thread's name has 1 to 100 characters".into())
    }
}

/// Refuses to write in a locked thread, unless one manages threads; others neither take it out of the archive.
fn unlocked(world: &World, channel_id: u64, person: u64) -> Result<(), Refused> {
    let Some(channel) = world.channels.get(&channel_id) else {
        return Ok(());
    };
    let is_locked = channel.thread.as_ref().is_some_and(|thread| thread.locked);
    if is_locked && world.permissions_in(channel, person) & permissions::MANAGE_THREADS == 0 {
        return Err("this thread is locked: only those who manage threads write in it".into());
    }
    Ok(())
}

/// Writes a message, with files if there are any.
pub(crate) async fn say(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    let (words, files): (Words, _) = uploads::form(&headers, body).await?;
    let base = shared.http_url();
    let mut world = shared.world();
    let person = person(&world, &words.r#as)?;
    let needed = if files.is_empty() {
        WRITE
    } else {
        WRITE | permissions::ATTACH_FILES
    };
    let wanted = words.channel_id.as_deref().unwrap_or_default();
    if let Some(why) = world.hindrance(id(wanted)?, person) {
        return Err(Refused(why));
    }
    let channel = channel(&world, person, wanted, needed)?;
    if world
        .channels
        .get(&channel)
        .is_some_and(|one| matches!(one.kind, 15 | 16))
    {
        return Err("a forum has posts: begin one, or write in one".into());
    }
    unlocked(&world, channel, person)?;
    let reference = words
        .reply_to
        .as_deref()
        .filter(|text| !text.is_empty())
        .map(id)
        .transpose()?;
    if reference.is_some_and(|to| world.message(channel, to).is_none()) {
        return Err("the message to reply to is gone".into());
    }
    let poll = words.poll.as_ref().map(NewPoll::read).transpose()?;
    let content = content(&words.content, !files.is_empty() || poll.is_some())?;
    let draft = Draft {
        content,
        poll,
        reference,
        attachments: uploads::keep(&mut world, &base, channel, files, &words.attachments, false),
        allowed_mentions: AllowedMentions {
            replied_user: words.ping.unwrap_or(true),
            ..AllowedMentions::default()
        },
        ..Draft::default()
    };
    let message = world.post(channel, person, draft);
    Ok(Json(page_message(&message, &world.reactions, &world.polls)))
}

/// Changes one's own message.
pub(crate) async fn edit(
    State(shared): State<Arc<Shared>>,
    Path((channel, message)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let words: Words = read(&body)?;
    let mut world = shared.world();
    let person = person(&world, &words.r#as)?;
    let (channel, message) = own(&world, person, &channel, &message, false)?;
    let has_files = world.message(channel, message).is_some_and(|message| {
        message.value["attachments"]
            .as_array()
            .is_some_and(|files| !files.is_empty())
    });
    let revision = Revision {
        content: Some(content(&words.content, has_files)?),
        ..Revision::default()
    };
    let changed = world.revise(channel, message, revision).ok_or("the message is gone")?;
    Ok(Json(page_message(&changed, &world.reactions, &world.polls)))
}

#[derive(Deserialize)]
pub(crate) struct Who {
    r#as: String,
}

/// Deletes one's own message, or another's if allowed to; an ephemeral one is dismissed.
pub(crate) async fn delete(
    State(shared): State<Arc<Shared>>,
    Path((channel, message)): Path<(String, String)>,
    Query(who): Query<Who>,
) -> Answer {
    let mut world = shared.world();
    let person = person(&world, &who.r#as)?;
    let (channel, message) = own(&world, person, &channel, &message, true)?;
    world.record_deletion(person, channel, message);
    world.delete(channel, &[message], false);
    Ok(Json(json!({})))
}

/// The message, if the person wrote it or, to delete it, may manage messages.
fn own(world: &World, person: u64, in_channel: &str, message: &str, to_delete: bool) -> Result<(u64, u64), Refused> {
    let channel_id = channel(world, person, in_channel, READ)?;
    let found = world.message(channel_id, id(message)?).ok_or("the message is gone")?;
    let may_delete = to_delete
        && (found.ephemeral_to == Some(person)
            || channel(world, person, in_channel, permissions::MANAGE_MESSAGES).is_ok());
    if found.author_id != person && !may_delete {
        return Err("that message is somebody else's".into());
    }
    Ok((channel_id, found.id))
}

#[derive(Deserialize)]
struct Forward {
    r#as: String,
    channel_id: String,
    message_id: String,
    to: String,
}

/// Sends a message on to another channel, as it is now.
pub(crate) async fn forward(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let forward: Forward = read(&body)?;
    let mut world = shared.world();
    let person = person(&world, &forward.r#as)?;
    let found = message(&world, person, &forward.channel_id, &forward.message_id)?;
    if found.ephemeral_to.is_some() {
        return Err("a message that only one person sees can't be forwarded".into());
    }
    let to = channel(&world, person, &forward.to, WRITE)?;
    unlocked(&world, to, person)?;
    let draft = world.forward(found.channel_id, found.id).ok_or("the message is gone")?;
    let message = world.post(to, person, draft);
    Ok(Json(page_message(&message, &world.reactions, &world.polls)))
}

#[derive(Deserialize)]
struct NewThread {
    r#as: String,
    channel_id: String,
    /// The message that it begins with, if any.
    message_id: Option<String>,
    name: String,
    #[serde(default)]
    private: bool,
}

/// Begins a thread.
pub(crate) async fn thread(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let new: NewThread = read(&body)?;
    let name = thread_name(&new.name)?;
    let mut world = shared.world();
    let person = person(&world, &new.r#as)?;
    let needed = if new.private {
        permissions::CREATE_PRIVATE_THREADS
    } else {
        permissions::CREATE_PUBLIC_THREADS
    };
    let parent = channel(&world, person, &new.channel_id, READ | needed)?;
    if !world
        .channels
        .get(&parent)
        .is_some_and(|channel| matches!(channel.kind, 0 | 5) && channel.guild_id.is_some())
    {
        return Err("threads begin in text channels of servers".into());
    }
    let on = match &new.message_id {
        Some(text) => {
            let found = message(&world, person, &new.channel_id, text)?;
            if found.ephemeral_to.is_some() || new.private {
                return Err("only a public thread begins with a message, and everybody sees that message".into());
            }
            if world.channels.contains_key(&found.id) {
                return Err("that message has a thread already".into());
            }
            Some(found.id)
        }
        None => None,
    };
    let kind = if new.private { PRIVATE_THREAD } else { PUBLIC_THREAD };
    let made = world.start_thread(
        parent,
        person,
        Beginning {
            message: on,
            ..Beginning::new(&name, kind)
        },
    );
    let made = made
        .and_then(|id| world.channels.get(&id))
        .ok_or("the message is gone")?;
    Ok(Json(made.guild_json()))
}

/// `POST /page/dm`: opens the direct channel with the bot.
pub(crate) async fn direct(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let who: Who = read(&body)?;
    let mut world = shared.world();
    let person = person(&world, &who.r#as)?;
    let channel = world.direct(person);
    let json = world
        .channels
        .get(&channel)
        .map(|channel| super::direct_json(&world, channel));
    Ok(Json(json.unwrap_or_else(|| Value::Object(serde_json::Map::new()))))
}

#[derive(Deserialize)]
struct Vote {
    r#as: String,
    channel_id: String,
    message_id: String,
    #[serde(default)]
    answers: Vec<u64>,
}

/// Votes in a poll: afterwards the person has voted for these answers and for no others.
pub(crate) async fn vote(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let vote: Vote = read(&body)?;
    let mut world = shared.world();
    let person = person(&world, &vote.r#as)?;
    let found = message(&world, person, &vote.channel_id, &vote.message_id)?;
    let poll = &found.value["poll"];
    let known: Vec<u64> = poll["answers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|answer| answer["answer_id"].as_u64())
        .collect();
    if vote.answers.len() > 1 && poll["allow_multiselect"] != true {
        return Err("this poll takes one answer".into());
    }
    let (wanted, others): (Vec<u64>, Vec<u64>) = known.iter().partition(|answer| vote.answers.contains(answer));
    if wanted.len() != vote.answers.len() {
        return Err("the poll has no such answer".into());
    }
    for answer in others {
        world.vote(person, found.channel_id, found.id, answer, false)?;
    }
    for answer in wanted {
        world.vote(person, found.channel_id, found.id, answer, true)?;
    }
    Ok(Json(json!({})))
}

/// `POST /page/polls/end`: ends one's own poll.
pub(crate) async fn end_poll(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let vote: Vote = read(&body)?;
    let mut world = shared.world();
    let person = person(&world, &vote.r#as)?;
    let found = message(&world, person, &vote.channel_id, &vote.message_id)?;
    if found.author_id != person {
        return Err("that poll is somebody else's".into());
    }
    world
        .close_poll(found.channel_id, found.id)
        .ok_or("that poll has ended")?;
    Ok(Json(json!({})))
}
