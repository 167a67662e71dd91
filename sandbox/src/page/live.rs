//! The live connection of an open page: first the whole state as one person sees it, then every change of it.
//!
//! It only tells: what people do comes in by `acts`. A page that reads too slowly is cut off; nobody waits for it.

use std::sync::Arc;

use axum::{
    extract::{
        Query, State, WebSocketUpgrade,
        ws::{Message, Utf8Bytes, WebSocket},
    },
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::acts::{self, Refused};
use crate::{
    shared::{self, Shared},
    world::World,
};

/// Notes that a page may leave unread before it is disconnected; it connects again and gets the state anew.
const UNREAD: usize = 4096;

/// Who hears of something.
#[derive(Clone, Debug)]
pub(crate) enum Audience {
    /// All open pages.
    Everyone,
    /// The pages of one person.
    One(u64),
    /// The pages of these people.
    Those(Vec<u64>),
}

/// The open pages.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    open: Vec<(u64, mpsc::Sender<Utf8Bytes>)>,
    /// How plugins' builds stand, the latest last.
    pub(super) builds: Vec<Value>,
    /// How the last replay stands, or what became of it.
    pub(super) replay: Option<Value>,
}

impl Pages {
    /// Sends a note; its data is only made if somebody hears it.
    pub(crate) fn tell(&mut self, audience: &Audience, kind: &str, data: impl FnOnce() -> Value) {
        let hears = |person: u64| match audience {
            Audience::Everyone => true,
            Audience::One(only) => *only == person,
            Audience::Those(people) => people.contains(&person),
        };
        if !self.open.iter().any(|(person, _)| hears(*person)) {
            return;
        }
        let note = Utf8Bytes::from(json!({ "type": kind, "data": data() }).to_string());
        self.open
            .retain(|(person, sender)| !hears(*person) || sender.try_send(note.clone()).is_ok());
    }

    /// Who has a page open.
    pub(crate) fn people(&self) -> Vec<u64> {
        let mut people: Vec<u64> = self.open.iter().map(|(person, _)| *person).collect();
        people.sort_unstable();
        people.dedup();
        people
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    fn open(&mut self, person: u64) -> mpsc::Receiver<Utf8Bytes> {
        let (sender, receiver) = mpsc::channel(UNREAD);
        self.open.push((person, sender));
        receiver
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Parameters {
    r#as: Option<String>,
}

/// `/page/live?as=WHO`, by id or name; the owner, if nobody is named.
pub(crate) async fn live(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Query<Parameters>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let person = {
        let world = shared.world();
        match parameters.r#as.as_deref().filter(|text| !text.is_empty()) {
            None => Some(world.owner_id),
            Some(text) => acts::person(&world, text).ok(),
        }
    };
    match person {
        Some(person) => upgrade.on_upgrade(move |socket| run(shared, socket, person)),
        None => Refused("nobody has that name or id".to_owned()).into_response(),
    }
}

async fn run(shared: Arc<Shared>, mut socket: WebSocket, person: u64) {
    // Under one lock: nothing is missed between the state and the first note.
    let (state, mut notes) = {
        let mut world = shared.world();
        (state(&world, person), world.pages.open(person))
    };
    let first = json!({ "type": "state", "data": state }).to_string();
    if socket.send(Message::Text(first.into())).await.is_err() {
        return;
    }
    let mut closing = shared.closing();
    loop {
        tokio::select! {
            note = notes.recv() => match note {
                Some(note) => if socket.send(Message::Text(note)).await.is_err() { return },
                None => return,
            },
            message = socket.recv() => if !matches!(message, Some(Ok(_))) { return },
            () = shared::ended(&mut closing) => {
                let _ = socket.send(Message::Close(None)).await;
                return;
            }
        }
    }
}

/// Everything that a person sees.
fn state(world: &World, person: u64) -> Value {
    let guilds: Vec<Value> = world
        .guilds
        .values()
        .filter_map(|guild| world.page_guild(guild.id, person))
        .collect();
    let direct = world
        .directs
        .get(&person)
        .and_then(|id| world.channels.get(id))
        .map(|channel| direct_json(world, channel));
    json!({
        "bot": world.user_json(world.bot_id),
        "online": world.sessions.is_online(None),
        "presence": world.presence,
        "me": world.user_json(person),
        "people": world.people_json(),
        "guilds": guilds,
        "dms": direct.into_iter().collect::<Vec<_>>(),
        "commands": world.commands.all().cloned().collect::<Vec<_>>(),
        "builds": world.pages.builds,
        "recording": world.recorder.is_some(),
        "replay": world.pages.replay,
        "rate_limits": super::rate_limits_name(world.limits.mode()),
    })
}

/// The direct channel as its person sees it: the recipient is the bot.
pub(crate) fn direct_json(world: &World, channel: &crate::world::Channel) -> Value {
    let mut json = world.channel_json(channel);
    json["recipients"] = json!([world.user_json(world.bot_id)]);
    json
}
