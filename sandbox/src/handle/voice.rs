//! People in voice channels: coming, going, and silencing themselves.
//! Nobody hears anything; the bot hears who is where.

use super::{Channel, Guild, Person};

impl Guild {
    /// A new stage channel; the bot is told.
    #[must_use]
    pub fn add_stage_channel(&self, name: &str) -> Channel {
        self.add_channel_of(name, 13)
    }

    /// A new forum; the bot is told.
    #[must_use]
    pub fn add_forum(&self, name: &str) -> Channel {
        self.add_channel_of(name, 15)
    }

    fn add_channel_of(&self, name: &str, kind: u64) -> Channel {
        let id = self
            .sandbox()
            .with(|world| world.add_channel(self.id(), name, kind, |channel| name.clone_into(&mut channel.name)));
        Channel::new(self.sandbox(), Some(self.id()), id)
    }

    /// The voice channel in which a user of this guild is, by its id.
    #[must_use]
    pub fn voice_channel_of(&self, user_id: u64) -> Option<u64> {
        self.sandbox()
            .with(|world| world.voice.get(&(self.id(), user_id)).map(|state| state.channel))
    }
}

impl Person {
    /// Enters a voice channel, or changes to it; the bot hears `VOICE_STATE_UPDATE`.
    ///
    /// # Panics
    ///
    /// If the client would not let the person in: no such channel, no permission, full.
    pub fn enters_voice(&self, channel: &Channel) {
        let entered = self.sandbox().with(|world| {
            let guild = world.may_enter(channel.id(), self.id())?;
            let session = format!("{:032x}", self.id());
            world.enter_voice(guild, self.id(), channel.id(), session);
            Ok::<_, &str>(())
        });
        if let Err(why) = entered {
            panic!(
                "{} can't enter the voice channel {}: {why}",
                self.name(),
                channel.name()
            );
        }
    }

    /// Leaves the voice channel, if in one; the bot is told.
    pub fn leaves_voice(&self) {
        self.sandbox().with(|world| {
            let guilds: Vec<u64> = world.guilds.keys().copied().collect();
            for guild in guilds {
                world.leave_voice(guild, self.id());
            }
        });
    }

    /// Mutes or deafens themselves, or no longer, in the voice channel that they are in; the bot is told.
    pub fn silences_self(&self, mute: bool, deaf: bool) {
        self.sandbox().with(|world| {
            let here = world.voice.iter().find(|((_, user), _)| *user == self.id());
            if let Some((guild, state)) = here.map(|((guild, _), state)| (*guild, state.clone())) {
                let state = crate::world::voice::VoiceState {
                    self_mute: mute || deaf,
                    self_deaf: deaf,
                    ..state
                };
                world.set_voice(guild, self.id(), state);
            }
        });
    }
}
