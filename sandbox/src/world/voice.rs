//! Who is in which voice channel: what people do by the handle, what the bot asks for by the gateway and moderators by REST,
//! and what it is told of it (<https://discord.com/developers/docs/resources/voice>).
//!
//! Nobody can be heard here: there is no voice server behind the address that is told.

use serde_json::{Value, json};

use super::{Channel, World, permissions};
use crate::{
    gateway::{intents, payload::Voice},
    handle::GatewayEntry,
};

/// A channel of voices, and a stage.
const VOICE: u64 = 2;
const STAGE: u64 = 13;

/// What is known of somebody in a voice channel; whether the guild has silenced them is their membership's business.
#[derive(Clone, Debug)]
pub(crate) struct VoiceState {
    pub(crate) channel: u64,
    pub(crate) session: String,
    pub(crate) self_mute: bool,
    pub(crate) self_deaf: bool,
    /// On a stage: among the audience.
    pub(crate) suppress: bool,
    /// On a stage: since when they want to speak.
    pub(crate) request_to_speak: Option<String>,
}

impl Channel {
    /// Whether people can talk in it.
    pub(crate) const fn has_voices(&self) -> bool {
        matches!(self.kind, VOICE | STAGE)
    }
}

impl World {
    /// The voice state object (`VoiceStateResponse`), `None` if they are in no voice channel of the guild.
    pub(crate) fn voice_json(&self, guild: u64, user: u64) -> Option<Value> {
        let state = self.voice.get(&(guild, user))?;
        Some(self.voice_state(guild, user, state, Some(state.channel)))
    }

    /// All of a guild, as `GUILD_CREATE` has them: without the guild's id.
    pub(crate) fn voices_of(&self, guild: u64) -> Vec<Value> {
        let here = self.voice.range((guild, 0)..=(guild, u64::MAX));
        here.map(|((_, user), state)| {
            let mut json = self.voice_state(guild, *user, state, Some(state.channel));
            if let Some(fields) = json.as_object_mut() {
                fields.remove("guild_id");
            }
            json
        })
        .collect()
    }

    fn voice_state(&self, guild: u64, user: u64, state: &VoiceState, channel: Option<u64>) -> Value {
        let member = self.guilds.get(&guild).and_then(|guild| guild.members.get(&user));
        let mut json = json!({
            "guild_id": guild.to_string(),
            "channel_id": channel.map(|channel| channel.to_string()),
            "user_id": user.to_string(),
            "session_id": state.session,
            "deaf": member.is_some_and(|member| member.deaf),
            "mute": member.is_some_and(|member| member.mute),
            "self_deaf": state.self_deaf,
            "self_mute": state.self_mute,
            "self_stream": false,
            "self_video": false,
            "suppress": state.suppress,
            "request_to_speak_timestamp": state.request_to_speak,
        });
        if let Some(member) = self.member_json(guild, user) {
            json["member"] = member;
        }
        json
    }

    /// Whether somebody may go into a voice channel, which has room for them; the reason if not.
    pub(crate) fn may_enter(&self, channel: u64, user: u64) -> Result<u64, &'static str> {
        let Some(channel) = self.channels.get(&channel).filter(|channel| channel.has_voices()) else {
            return Err("no such voice channel");
        };
        let guild = channel.guild_id.ok_or("no such voice channel")?;
        let has = self.permissions_in(channel, user);
        let needed = permissions::VIEW_CHANNEL | permissions::CONNECT;
        if has & needed != needed {
            return Err("the channel is not open to them");
        }
        let limit = channel.settings.get("user_limit").and_then(Value::as_u64).unwrap_or(0);
        let is_there = |(at, state): (&(u64, u64), &VoiceState)| at.1 != user && state.channel == channel.id;
        let others = self.voice.range((guild, 0)..=(guild, u64::MAX));
        let others = others.filter(|one| is_there(*one)).count() as u64;
        if limit > 0 && others >= limit && has & permissions::MOVE_MEMBERS == 0 {
            return Err("the channel is full");
        }
        Ok(guild)
    }

    /// Somebody enters a voice channel or changes to it, as on a stage: at first among the audience.
    pub(crate) fn enter_voice(&mut self, guild: u64, user: u64, channel: u64, session: String) {
        let is_stage = self.channels.get(&channel).is_some_and(|channel| channel.kind == STAGE);
        let before = self.voice.get(&(guild, user));
        let state = VoiceState {
            channel,
            session,
            self_mute: before.is_some_and(|before| before.self_mute),
            self_deaf: before.is_some_and(|before| before.self_deaf),
            suppress: is_stage,
            request_to_speak: None,
        };
        self.set_voice(guild, user, state);
    }

    /// Changes a voice state and tells everybody.
    pub(crate) fn set_voice(&mut self, guild: u64, user: u64, state: VoiceState) {
        self.voice.insert((guild, user), state);
        self.emit_voice(guild, user);
    }

    /// Tells everybody of a voice state that has changed, if there is one.
    pub(crate) fn emit_voice(&mut self, guild: u64, user: u64) {
        if let Some(json) = self.voice_json(guild, user) {
            self.emit("VOICE_STATE_UPDATE", Some(guild), intents::GUILD_VOICE_STATES, &json);
            self.tell_guild(guild);
        }
    }

    /// Somebody is in no voice channel any more; says whether they were in one.
    pub(crate) fn leave_voice(&mut self, guild: u64, user: u64) -> bool {
        let Some(state) = self.voice.remove(&(guild, user)) else {
            return false;
        };
        let json = self.voice_state(guild, user, &state, None);
        self.emit("VOICE_STATE_UPDATE", Some(guild), intents::GUILD_VOICE_STATES, &json);
        self.tell_guild(guild);
        true
    }

    /// Everybody leaves a channel that is gone.
    pub(crate) fn empty_voice(&mut self, guild: u64, channel: u64) {
        let here = self.voice.range((guild, 0)..=(guild, u64::MAX));
        let people: Vec<u64> = here
            .filter(|(_, state)| state.channel == channel)
            .map(|((_, user), _)| *user)
            .collect();
        for user in people {
            self.leave_voice(guild, user);
        }
    }

    /// The bot joins, changes or leaves a voice channel. What Discord doesn't heed is noted and not heeded.
    pub(crate) fn move_bot(&mut self, session: &str, voice: &Voice) {
        let is_member = self
            .guilds
            .get(&voice.guild)
            .is_some_and(|guild| guild.members.contains_key(&self.bot_id));
        let allowed = match voice.channel {
            _ if !is_member => Err("no such guild"),
            None => Ok(()),
            Some(channel) => match self.may_enter(channel, self.bot_id) {
                Ok(guild) if guild == voice.guild => Ok(()),
                Ok(_) => Err("no such voice channel"),
                Err(why) => Err(why),
            },
        };
        if let Err(why) = allowed {
            let why = format!("voice state of {} not changed: {why}", voice.guild);
            return self.logs.gateway(GatewayEntry::note(&why));
        }
        let bot = self.bot_id;
        let Some(channel) = voice.channel else {
            self.leave_voice(voice.guild, bot);
            return;
        };
        let before = self.voice.get(&(voice.guild, bot));
        let stays = before.is_some_and(|before| before.channel == channel);
        let is_stage = self.channels.get(&channel).is_some_and(|channel| channel.kind == STAGE);
        let state = VoiceState {
            channel,
            session: session.to_owned(),
            self_mute: voice.mute,
            self_deaf: voice.deaf,
            suppress: if stays {
                before.is_some_and(|before| before.suppress)
            } else {
                is_stage
            },
            request_to_speak: before
                .filter(|_| stays)
                .and_then(|before| before.request_to_speak.clone()),
        };
        self.set_voice(voice.guild, bot, state);
        if !stays {
            self.emit_voice_server(voice.guild);
        }
    }

    /// `VOICE_SERVER_UPDATE`: where the bot would be heard, which is nowhere.
    pub(crate) fn emit_voice_server(&mut self, guild: u64) {
        let server = json!({ "token": "voice", "guild_id": guild.to_string(), "endpoint": null });
        self.emit("VOICE_SERVER_UPDATE", Some(guild), intents::NONE, &server);
        self.changed();
    }
}
