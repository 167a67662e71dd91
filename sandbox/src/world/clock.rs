//! What happens as the sandbox's time goes by, and what holds only for a while. Whatever has a deadline is looked at
//! here, so that one task waits for all of it, and a test that lets time pass finds it done when that returns.

use std::time::{Duration, Instant};

use super::{Channel, Guild, World, permissions};
use crate::ids;

/// What a member who is timed out may still do.
const IN_TIME_OUT: u64 = permissions::VIEW_CHANNEL | permissions::READ_MESSAGE_HISTORY;

impl World {
    /// Lets time pass at once, and lets happen what was due by then.
    pub(crate) fn advance(&mut self, by: Duration) {
        self.time.advance(by);
        self.ids.advance(by);
        self.elapse();
        self.expiry.notify_one();
        self.changed();
    }

    /// Lets happen what is due; says when to look again.
    pub(crate) fn elapse(&mut self) -> Option<Instant> {
        let next = [
            self.fail_overdue(),
            self.close_overdue_polls(),
            self.archive_idle_threads(),
            self.keep_schedule(),
        ];
        next.into_iter().flatten().min()
    }

    /// Whether a member is timed out now. Administrators cannot be.
    pub(crate) fn is_timed_out(&self, guild: &Guild, user: u64) -> bool {
        let until = guild
            .members
            .get(&user)
            .and_then(|member| member.timed_out_until.as_deref());
        until
            .and_then(ids::ms_of)
            .is_some_and(|until| until > self.ids.now_ms())
    }

    /// What is left to a member who is timed out.
    pub(super) fn in_time_out(&self, guild: &Guild, user: u64, bits: u64) -> u64 {
        if bits & permissions::ADMINISTRATOR == 0 && self.is_timed_out(guild, user) {
            bits & IN_TIME_OUT
        } else {
            bits
        }
    }

    /// Whether a person can write in a channel just now; what the client says if not.
    pub(crate) fn may_write(&self, channel_id: u64, person: u64) -> Result<(), String> {
        let channel = self.channels.get(&channel_id).ok_or("the channel is gone")?;
        let needed = channel.needs(permissions::VIEW_CHANNEL | permissions::SEND_MESSAGES);
        if let Some(why) = self.hindrance(channel_id, person) {
            return Err(why);
        }
        if self.permissions_in(channel, person) & needed == needed {
            Ok(())
        } else {
            Err("this person may not write in this channel".to_owned())
        }
    }

    /// Why a person cannot write in a channel just now: a time-out, or slow mode, with the seconds that are left.
    pub(crate) fn hindrance(&self, channel_id: u64, person: u64) -> Option<String> {
        let channel = self.channels.get(&channel_id)?;
        let guild = self.guilds.get(&channel.guild_id?)?;
        if self.is_timed_out(guild, person) {
            return Some("this person is timed out".to_owned());
        }
        let left = self.slow_mode_left(channel, person)?;
        Some(format!(
            "slow mode is on in this channel: wait {} s",
            left.as_millis().div_ceil(1000)
        ))
    }

    /// How long a person has to wait in a channel with slow mode; bots and those who manage it never do
    /// (<https://discord.com/developers/docs/resources/channel#channel-object-channel-structure>).
    fn slow_mode_left(&self, channel: &Channel, person: u64) -> Option<Duration> {
        const EXEMPT: u64 = permissions::MANAGE_MESSAGES | permissions::MANAGE_CHANNELS | permissions::BYPASS_SLOWMODE;
        let seconds = channel.settings.get("rate_limit_per_user")?.as_u64()?;
        let is_exempt =
            self.users.get(&person).is_some_and(|user| user.bot) || self.permissions_in(channel, person) & EXEMPT != 0;
        let last = channel
            .history
            .iter()
            .rev()
            .find(|message| message.author_id == person)?;
        let passed = self.ids.now_ms().saturating_sub(ids::created_ms(last.id));
        let left = (seconds * 1000).checked_sub(passed).filter(|left| *left > 0)?;
        (!is_exempt).then(|| Duration::from_millis(left))
    }
}
