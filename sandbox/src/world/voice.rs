//! In which voice channels the bot is: what it asks for by the gateway, and what it is told of it
//! (<https://discord.com/developers/docs/events/gateway-events#update-voice-state>).
//!
//! Nobody can be heard here: there is no voice server behind the address that is told.

use serde_json::{Value, json};

use super::World;
use crate::{
    gateway::{intents, payload::Voice},
    handle::GatewayEntry,
};

/// Discord's types of channels in which there are voices.
const WITH_VOICES: [u64; 2] = [2, 13];

impl World {
    /// The bot joins, changes or leaves a voice channel. What Discord doesn't heed is noted and not heeded.
    pub(crate) fn move_bot(&mut self, session: &str, voice: &Voice) {
        let is_member = self
            .guilds
            .get(&voice.guild)
            .is_some_and(|guild| guild.members.contains_key(&self.bot_id));
        let is_there = voice.channel.is_none_or(|channel| {
            let channel = self.channels.get(&channel);
            channel.is_some_and(|channel| channel.guild_id == Some(voice.guild) && WITH_VOICES.contains(&channel.kind))
        });
        if !is_member || !is_there {
            let why = format!("voice state of {} not changed: no such voice channel", voice.guild);
            return self.logs.gateway(GatewayEntry::note(&why));
        }
        let state = json!({
            "guild_id": voice.guild.to_string(),
            "channel_id": voice.channel.map(|channel| channel.to_string()),
            "user_id": self.bot_id.to_string(),
            "member": self.member_json(voice.guild, self.bot_id),
            "session_id": session,
            "deaf": false,
            "mute": false,
            "self_deaf": voice.deaf,
            "self_mute": voice.mute,
            "self_video": false,
            "suppress": false,
            "request_to_speak_timestamp": null,
        });
        let before = match voice.channel {
            Some(_) => self.voice.insert(voice.guild, state.clone()),
            None => self.voice.remove(&voice.guild),
        };
        self.emit(
            "VOICE_STATE_UPDATE",
            Some(voice.guild),
            intents::GUILD_VOICE_STATES,
            &state,
        );
        let was_in = |state: &Value| state["channel_id"].as_str().map(str::to_owned);
        if voice.channel.is_some() && before.as_ref().and_then(was_in) != was_in(&state) {
            let server = json!({
                "token": "voice",
                "guild_id": voice.guild.to_string(),
                "endpoint": null,
            });
            self.emit("VOICE_SERVER_UPDATE", Some(voice.guild), intents::NONE, &server);
        }
        self.changed();
    }
}
