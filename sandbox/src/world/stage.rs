//! Stage instances: a stage channel that is live, with its topic
//! (<https://discord.com/developers/docs/resources/stage-instance>). Who may open one is decided before.

use serde_json::{Value, json};

use super::World;
use crate::gateway::intents;

/// A stage that is live.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) id: u64,
    pub(crate) guild: u64,
    pub(crate) topic: String,
    /// 1: public, which is deprecated; 2: for the guild's members.
    pub(crate) privacy_level: i64,
    /// The scheduled event that takes place on it.
    pub(crate) event: Option<u64>,
}

impl World {
    /// The stage instance object (`StageInstanceResponse`), if the channel is live.
    pub(crate) fn stage_json(&self, channel: u64) -> Option<Value> {
        let stage = self.stages.get(&channel)?;
        Some(json!({
            "id": stage.id.to_string(),
            "guild_id": stage.guild.to_string(),
            "channel_id": channel.to_string(),
            "topic": stage.topic,
            "privacy_level": stage.privacy_level,
            "discoverable_disabled": true,
            "guild_scheduled_event_id": stage.event.map(|id| id.to_string()),
        }))
    }

    /// The live stages of a guild that the bot sees.
    pub(crate) fn stages_of(&self, guild: u64) -> Vec<Value> {
        let here = self.stages.iter().filter(|(_, stage)| stage.guild == guild);
        here.filter(|(channel, _)| self.bot_sees(**channel))
            .filter_map(|(channel, _)| self.stage_json(*channel))
            .collect()
    }

    /// A channel goes live, or is live with another topic; everybody is told.
    pub(crate) fn set_stage(&mut self, channel: u64, stage: Stage) {
        let was = self.stages.insert(channel, stage).is_some();
        let name = if was {
            "STAGE_INSTANCE_UPDATE"
        } else {
            "STAGE_INSTANCE_CREATE"
        };
        self.emit_stage(name, channel);
    }

    /// A channel is live no longer; says whether it was.
    pub(crate) fn end_stage(&mut self, channel: u64) -> bool {
        let was = self.stages.contains_key(&channel);
        self.emit_stage("STAGE_INSTANCE_DELETE", channel);
        self.stages.remove(&channel);
        was
    }

    fn emit_stage(&mut self, name: &'static str, channel: u64) {
        let guild = self.stages.get(&channel).map(|stage| stage.guild);
        if let Some(data) = self.stage_json(channel).filter(|_| self.bot_sees(channel)) {
            self.emit(name, guild, intents::GUILDS, &data);
        }
    }
}
