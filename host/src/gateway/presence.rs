//! What the bot shows below its name: from the settings to the gateway's payload. Pure.
//!
//! <https://discord.com/developers/docs/events/gateway-events#update-presence>

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use twilight_model::gateway::{
    OpCode,
    payload::outgoing::{UpdatePresence, update_presence::UpdatePresencePayload},
    presence::{Activity, ActivityType, MinimalActivity, Status as Dot},
};

use crate::config::{ActivityKind, OnlineStatus, Status, StatusLine};

/// How many presences a shard may show ...
const MOST: usize = 5;
/// ... in this time, by what Discord puts up with; what comes faster it drops without a word.
const WINDOW: Duration = Duration::from_secs(20);

/// When a shard may show another presence.
#[derive(Debug, Default)]
pub struct PresencePace(VecDeque<Instant>);

impl PresencePace {
    /// The first moment from `now` on at which one may be shown.
    #[must_use]
    pub fn free_at(&self, now: Instant) -> Instant {
        match self.0.front() {
            Some(oldest) if self.0.len() >= MOST => now.max(*oldest + WINDOW),
            _ => now,
        }
    }

    /// One is shown now.
    pub fn note(&mut self, now: Instant) {
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(now);
    }
}

/// Numbers that a status line can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PresenceFacts {
    /// Servers: `{guilds}`.
    pub guilds: usize,
    /// Their members together: `{users}`.
    pub users: u64,
    /// Commands: `{commands}`.
    pub commands: usize,
    /// Shards: `{shards}`.
    pub shards: u32,
    /// Time since the start: `{uptime}`.
    pub uptime: Duration,
}

/// A status line with its numbers filled in; `None` if it asks for numbers that are not known yet.
#[must_use]
pub fn presence_line(text: &str, facts: Option<&PresenceFacts>) -> Option<String> {
    let Some(facts) = facts else {
        let asks = ["{guilds}", "{users}", "{commands}", "{shards}", "{uptime}"];
        return (!asks.iter().any(|name| text.contains(name))).then(|| text.to_owned());
    };
    let minutes = facts.uptime.as_secs() / 60;
    let uptime = match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, hours, _) => format!("{days}d {hours}h"),
    };
    Some(
        text.replace("{guilds}", &facts.guilds.to_string())
            .replace("{users}", &facts.users.to_string())
            .replace("{commands}", &facts.commands.to_string())
            .replace("{shards}", &facts.shards.to_string())
            .replace("{uptime}", &uptime),
    )
}

/// The presence to identify with. A line with numbers is left out unless they are known (from a cache snapshot): it
/// follows by [`presence_update`].
#[must_use]
pub fn identify_presence(status: &Status, facts: Option<&PresenceFacts>) -> UpdatePresencePayload {
    payload(status.line(Duration::ZERO), facts)
}

/// The payload that changes the presence, for [`EventSource::send`](super::EventSource::send).
#[must_use]
pub fn presence_update(status: &Status, facts: &PresenceFacts) -> String {
    let update = UpdatePresence {
        d: payload(status.line(facts.uptime), Some(facts)),
        op: OpCode::PresenceUpdate,
    };
    serde_json::to_string(&update).unwrap_or_default()
}

fn payload(line: &StatusLine, facts: Option<&PresenceFacts>) -> UpdatePresencePayload {
    let activity = presence_line(&line.text, facts)
        .filter(|text| !text.is_empty())
        .map(|text| activity(line.kind, &text, line.url.clone()));
    UpdatePresencePayload {
        activities: activity.into_iter().collect(),
        afk: false,
        since: None,
        status: match line.presence {
            OnlineStatus::Online => Dot::Online,
            OnlineStatus::Idle => Dot::Idle,
            OnlineStatus::DoNotDisturb => Dot::DoNotDisturb,
            OnlineStatus::Invisible => Dot::Invisible,
        },
    }
}

fn activity(kind: ActivityKind, text: &str, url: Option<String>) -> Activity {
    let text: String = text.chars().take(128).collect();
    let is_custom = kind == ActivityKind::Custom;
    let mut activity = Activity::from(MinimalActivity {
        kind: match kind {
            ActivityKind::Playing => ActivityType::Playing,
            ActivityKind::Watching => ActivityType::Watching,
            ActivityKind::Listening => ActivityType::Listening,
            ActivityKind::Competing => ActivityType::Competing,
            ActivityKind::Streaming => ActivityType::Streaming,
            ActivityKind::Custom => ActivityType::Custom,
        },
        // A custom status is shown from `state`; the name is required all the same.
        name: if is_custom {
            "Custom Status".to_owned()
        } else {
            text.clone()
        },
        url: url.filter(|_| kind == ActivityKind::Streaming),
    });
    activity.state = is_custom.then_some(text);
    activity
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(kind: ActivityKind, text: &str) -> Status {
        Status {
            lines: vec![StatusLine {
                kind,
                text: text.to_owned(),
                url: Some("https://twitch.tv/x".to_owned()),
                presence: OnlineStatus::DoNotDisturb,
            }],
            interval: Duration::from_secs(300),
        }
    }

    #[test]
    fn numbers_are_filled_in_and_waited_for() {
        let facts = PresenceFacts {
            guilds: 3,
            users: 1234,
            commands: 20,
            shards: 1,
            uptime: Duration::from_secs(90_061),
        };
        let text = "{guilds} {users} {commands} {shards} {uptime} {else}";
        assert_eq!(presence_line(text, Some(&facts)).unwrap(), "3 1234 20 1 1d 1h {else}");
        assert_eq!(presence_line(text, None), None);
        assert_eq!(presence_line("plain", None).unwrap(), "plain");
        let watching = status(ActivityKind::Watching, "{guilds} servers");
        assert!(identify_presence(&watching, None).activities.is_empty());
        assert_eq!(
            identify_presence(&watching, Some(&facts)).activities[0].name,
            "3 servers"
        );
    }

    #[test]
    fn lines_take_turns_by_the_time_since_the_start() {
        let mut turning = status(ActivityKind::Playing, "a");
        turning.interval = Duration::from_millis(10_500);
        for text in ["b", "c"] {
            let mut line = turning.lines[0].clone();
            text.clone_into(&mut line.text);
            turning.lines.push(line);
        }
        let shown: String = (0..5)
            .map(|turn| {
                turning
                    .line(turning.interval * turn + Duration::from_millis(1))
                    .text
                    .clone()
            })
            .collect();
        assert_eq!(shown, "abcab");
    }

    #[test]
    fn no_more_than_five_in_any_twenty_seconds() {
        let mut pace = PresencePace::default();
        let mut shown = vec![Instant::now()];
        pace.note(shown[0]);
        for _ in 0..22 {
            let free = pace.free_at(shown[shown.len() - 1]);
            pace.note(free);
            shown.push(free);
        }
        for window in shown.windows(MOST + 1) {
            assert!(window[MOST] - window[0] >= WINDOW);
        }
        assert_eq!(shown[22] - shown[0], WINDOW * 4, "and no slower");
    }

    #[test]
    fn the_payload_is_discords() {
        let facts = PresenceFacts::default();
        let update =
            |status: &Status| -> serde_json::Value { serde_json::from_str(&presence_update(status, &facts)).unwrap() };
        let custom = update(&status(ActivityKind::Custom, "thinking"));
        assert_eq!(custom["op"], 3);
        assert_eq!(custom["d"]["status"], "dnd");
        assert_eq!(custom["d"]["activities"][0]["type"], 4);
        assert_eq!(custom["d"]["activities"][0]["state"], "thinking");
        assert!(custom["d"]["activities"][0]["url"].is_null());
        let streaming = update(&status(ActivityKind::Streaming, "live"));
        assert_eq!(streaming["d"]["activities"][0]["url"], "https://twitch.tv/x");
        let long = update(&status(ActivityKind::Playing, &"x".repeat(500)));
        assert_eq!(long["d"]["activities"][0]["name"].as_str().unwrap().len(), 128);
    }
}
