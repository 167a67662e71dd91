//! `gateway.*`: what plugins send on the gateway.
//!
//! Every plugin may: the limits are shared out among them, and what they show ends with them.

use std::{sync::Arc, time::Duration};

use plugin_protocol::{
    Call, GuildId, Problem, ProblemCode,
    gateway::{
        ActivityKind as Kind, LONGEST_REQUEST_MS, OnlineStatus as Dot, Presence, RequestMembers, SetPresence,
        UpdateVoiceState,
    },
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::timeout;
use twilight_model::gateway::Intents;

use super::{Access, Calls};
use crate::{
    config::{ActivityKind, OnlineStatus, StatusLine},
    gateway::MAX_PAYLOAD,
    plugins::Generation,
};

/// What is answered here.
pub(super) const CALLS: &[(&str, Access)] = &[
    ("gateway.presence", Access::All),
    ("gateway.voice", Access::All),
    ("gateway.members", Access::All),
];

/// Discord's limits for an activity's text, and for members that are asked for by name or id.
const LONGEST_TEXT: usize = 128;
const MOST_MEMBERS: usize = 100;

impl Calls {
    pub(super) async fn about_gateway(&self, from: &Arc<Generation>, call: Call) -> Result<Value, Problem> {
        match call.name.as_str() {
            "gateway.presence" => {
                let SetPresence { presence } = read(call.arguments)?;
                self.sends.show(from, presence.map(line).transpose()?);
            }
            "gateway.voice" => {
                let asked: UpdateVoiceState = read(call.arguments)?;
                let data = json!({
                    "guild_id": asked.guild_id,
                    "channel_id": asked.channel_id,
                    "self_mute": asked.self_mute,
                    "self_deaf": asked.self_deaf,
                });
                self.send(from, asked.guild_id, 4, &data)?;
            }
            _ => return self.find_members(from, read(call.arguments)?).await,
        }
        Ok(Value::Null)
    }

    async fn find_members(&self, from: &Arc<Generation>, asked: RequestMembers) -> Result<Value, Problem> {
        self.check_request(&asked)?;
        let mut asking = self.sends.ask();
        let mut data = json!({ "guild_id": asked.guild_id, "nonce": asking.nonce });
        match &asked.query {
            Some(query) => {
                data["query"] = query.as_str().into();
                data["limit"] = asked.limit.into();
            }
            None => data["user_ids"] = json!(asked.user_ids),
        }
        self.send(from, asked.guild_id, 8, &data)?;
        let limit = Duration::from_millis(asked.limit_ms.min(LONGEST_REQUEST_MS));
        match timeout(limit, &mut asking.answer).await {
            Ok(Ok(Ok(found))) => Ok(json!(found)),
            Ok(Ok(Err(_))) => {
                let text = "that server has more members than fit into one answer: ask for them by name or by id";
                Err(Problem::new(ProblemCode::Failed, text))
            }
            Ok(Err(_)) | Err(_) => {
                let text = format!("Discord has not sent all members within {} s", limit.as_secs_f32());
                Err(Problem::new(ProblemCode::TimedOut, text))
            }
        }
    }

    /// Discord leaves unanswered what breaks these, or ends the connection.
    fn check_request(&self, asked: &RequestMembers) -> Result<(), Problem> {
        let invalid = |text: &str| Err(Problem::new(ProblemCode::Invalid, text));
        match &asked.query {
            Some(_) if !asked.user_ids.is_empty() => invalid("members are asked for by name or by id, not by both"),
            None if !(1..=MOST_MEMBERS).contains(&asked.user_ids.len()) => {
                invalid("1 to 100 ids can be asked for at once")
            }
            Some(query) if query.is_empty() => {
                let intents = self.standing.borrow().intents.unwrap_or_else(Intents::empty);
                if intents.contains(Intents::GUILD_MEMBERS) {
                    return Ok(());
                }
                let text = "all members of a server are told only with the intent GUILD_MEMBERS: say \
                            `intents: [GUILD_MEMBERS]` in `plugin!`, switch it on for the application, and restart the bot";
                Err(Problem::new(ProblemCode::Failed, text))
            }
            Some(_) if !(1..=100).contains(&asked.limit) => {
                invalid("1 to 100 members can be asked for by name at once")
            }
            _ => Ok(()),
        }
    }

    /// Puts a payload where the shard of a server takes it.
    fn send(&self, from: &Arc<Generation>, guild: GuildId, op: u8, data: &Value) -> Result<(), Problem> {
        if self.cache.guild(guild).is_none() {
            let text = "the bot is not in that server, or Discord has not told of it yet";
            return Err(Problem::new(ProblemCode::NotFound, text));
        }
        let payload = json!({ "op": op, "d": data }).to_string();
        if payload.len() > MAX_PAYLOAD {
            let text = format!(
                "that makes {} bytes, and the gateway takes {MAX_PAYLOAD}",
                payload.len()
            );
            return Err(Problem::new(ProblemCode::Invalid, text));
        }
        let shards = u64::from(self.standing.borrow().wanted.max(1));
        // https://discord.com/developers/docs/events/gateway#sharding
        let shard = u32::try_from((guild.get() >> 22) % shards).unwrap_or_default();
        self.sends.outbox.send(from.name(), shard, payload).map_err(|_| {
            let text = "too many commands of this plugin wait for the gateway: Discord takes 120 a minute";
            Problem::new(ProblemCode::Busy, text)
        })
    }
}

fn read<T: DeserializeOwned>(arguments: Value) -> Result<T, Problem> {
    serde_json::from_value(arguments).map_err(|error| Problem::new(ProblemCode::Invalid, error.to_string()))
}

/// What a plugin shows, as the settings would say it.
fn line(presence: Presence) -> Result<StatusLine, Problem> {
    let Presence {
        kind,
        text,
        url,
        status,
    } = presence;
    if text.chars().count() > LONGEST_TEXT {
        let text = format!("the text of a presence has at most {LONGEST_TEXT} characters");
        return Err(Problem::new(ProblemCode::Invalid, text));
    }
    Ok(StatusLine {
        kind: match kind {
            Kind::Playing => ActivityKind::Playing,
            Kind::Watching => ActivityKind::Watching,
            Kind::Listening => ActivityKind::Listening,
            Kind::Competing => ActivityKind::Competing,
            Kind::Streaming => ActivityKind::Streaming,
            Kind::Custom => ActivityKind::Custom,
        },
        text,
        url,
        presence: match status {
            Dot::Online => OnlineStatus::Online,
            Dot::Idle => OnlineStatus::Idle,
            Dot::DoNotDisturb => OnlineStatus::DoNotDisturb,
            Dot::Invisible => OnlineStatus::Invisible,
        },
    })
}
