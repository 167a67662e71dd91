//! What a command costs by each door, behind each check, and with an argument of each kind.
//!
//! The fixture `stress` has a command for each of them that only answers. All of a round's are measured on the same bot,
//! 64 in flight, one after the other; `!ping` stands first, and the others are shown beside it.

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;

use crate::{
    bot::{Bot, Home, Kind, Programs},
    load::{self, Sample},
    payloads::{self, SLOTS},
    server::{Slash, Text},
    statistics::median,
};

/// In how many servers the bots are.
const GUILDS: u64 = 10;
/// Commands to warm up with.
const WARM_UP: usize = 1_000;

/// What an argument is, in a slot's server.
type Argument = fn(usize) -> String;

/// How a command is used.
#[derive(Clone, Copy)]
enum Door {
    /// A message; the argument behind the command's name is made for each slot.
    Written(Argument),
    /// An interaction: an option's type and value.
    Slash(Option<(u8, Argument)>),
}

/// A way to use a command.
struct Way {
    what: &'static str,
    command: &'static str,
    door: Door,
    /// Whether the peer answers it, too.
    has_peer: bool,
    /// Whether its message has a file.
    has_file: bool,
}

const fn written(what: &'static str, command: &'static str, argument: Argument) -> Way {
    Way {
        what,
        command,
        door: Door::Written(argument),
        has_peer: false,
        has_file: false,
    }
}

const fn slash(what: &'static str, command: &'static str, option: Option<(u8, Argument)>) -> Way {
    Way {
        what,
        command,
        door: Door::Slash(option),
        has_peer: false,
        has_file: false,
    }
}

/// What an argument names: one of the people.
fn somebody(slot: usize) -> u64 {
    payloads::person(slot as u64)
}

fn nothing(_: usize) -> String {
    String::new()
}

/// The ways, `!ping` first.
const WAYS: [Way; 31] = [
    Way {
        has_peer: true,
        ..written("by message", "ping", nothing)
    },
    Way {
        has_peer: true,
        ..slash("by slash", "ping", None)
    },
    written("permissions of both", "required", nothing),
    written("three rules", "ruled", nothing),
    written("a cooldown", "limited", nothing),
    written("text", "takes_text", |_| "\"some words\"".to_owned()),
    written("integer", "takes_integer", |slot| slot.to_string()),
    written("number", "takes_number", |slot| format!("{slot}.5")),
    written("bool", "takes_bool", |_| "yes".to_owned()),
    written("user", "takes_user", |slot| format!("<@{}>", somebody(slot))),
    written("member", "takes_member", |slot| format!("<@{}>", somebody(slot))),
    written("role", "takes_role", |slot| format!("<@&{}>", payloads::role_of(slot))),
    written("channel", "takes_channel", |slot| {
        format!("<#{}>", payloads::channel_id(slot))
    }),
    written("mentionable", "takes_mentionable", |slot| {
        format!("<@&{}>", payloads::role_of(slot))
    }),
    written("message link", "takes_link", |slot| {
        let (guild, channel) = (payloads::guild_of(slot), payloads::channel_id(slot));
        format!(
            "https://discord.com/channels/{guild}/{channel}/{}",
            payloads::message_id(1)
        )
    }),
    written("emoji", "takes_emoji", |_| "\u{1f44d}".to_owned()),
    written("colour", "takes_colour", |_| "#5865f2".to_owned()),
    written("duration", "takes_time", |_| "1h30m".to_owned()),
    written("date", "takes_date", |_| "2026-12-24T18:00".to_owned()),
    written("choice", "takes_choice", |_| "Large".to_owned()),
    written("several integers", "takes_many", |_| "1 2 3".to_owned()),
    written("code", "takes_code", |_| "```rust\nfn main() {}\n```".to_owned()),
    written("one of three kinds", "takes_several", |_| "word".to_owned()),
    written("two flags", "takes_flags", |_| "--silent --days 7".to_owned()),
    Way {
        has_file: true,
        ..written("file", "takes_file", nothing)
    },
    slash("slash: permissions of both", "required", None),
    slash("slash: three rules", "ruled", None),
    slash("slash: a cooldown", "limited", None),
    slash("slash: text", "takes_text", Some((3, |_| "\"some words\"".to_owned()))),
    slash("slash: integer", "takes_integer", Some((4, |slot| slot.to_string()))),
    slash(
        "slash: member",
        "takes_member",
        Some((6, |slot| format!("\"{}\"", somebody(slot)))),
    ),
];

/// Samples of one way, one a round.
#[derive(Clone, Debug, Serialize)]
pub struct Ways {
    /// The way.
    pub what: &'static str,
    /// The host's, by round.
    pub host: Vec<Sample>,
    /// The peer's, by round, where it answers that.
    pub twilight: Vec<Sample>,
    /// CPU seconds of the host for each of `!ping`, the median over rounds.
    pub to_ping: f64,
}

/// Measures each way in so many rounds.
pub async fn measure(programs: &Programs, rounds: usize, is_quick: bool) -> Result<Vec<Ways>> {
    // Three rules that are looked at, and concern nobody who writes.
    let rules = json!({ "ruled": { "deny": ["user:1", "channel:1", "role:1"] } });
    let home = Home::with_rules(&rules)?;
    for name in ["example", "stress"] {
        home.drop_plugin(name, &programs.plugin(name)?)?;
    }
    let (alone, size) = (Home::new()?, if is_quick { 2_000 } else { 10_000 });
    let mut all: Vec<Ways> = WAYS
        .iter()
        .map(|way| Ways {
            what: way.what,
            host: Vec::new(),
            twilight: Vec::new(),
            to_ping: f64::NAN,
        })
        .collect();
    for round in 0..rounds {
        eprintln!("ways to use a command: round {} of {rounds}", round + 1);
        let host = Bot::start(Kind::Host, programs, &home, GUILDS).await?;
        let twilight = Bot::start(Kind::Twilight, programs, &alone, GUILDS).await?;
        for bot in [&host, &twilight] {
            load::warm_up(bot, WARM_UP).await?;
        }
        for (way, samples) in WAYS.iter().zip(&mut all) {
            samples.host.push(way.run(&host, size).await?);
            if way.has_peer {
                samples.twilight.push(way.run(&twilight, size).await?);
            }
        }
        host.stop().await?;
        twilight.stop().await?;
    }
    let ping = all.first().map(|ping| ping.host.clone()).unwrap_or_default();
    for way in &mut all {
        let ratios = way
            .host
            .iter()
            .zip(&ping)
            .map(|(sample, ping)| sample.cpu_us / ping.cpu_us);
        way.to_ping = median(ratios);
    }
    Ok(all)
}

impl Way {
    async fn run(&self, bot: &Bot, count: usize) -> Result<Sample> {
        let sample = self.try_run(bot, count).await;
        bot.told(sample.with_context(|| format!("\"{}\" was being measured", self.what)))
    }

    async fn try_run(&self, bot: &Bot, count: usize) -> Result<Sample> {
        let link = bot.server.link().await?;
        let slots = (0..count).map(|number| number % SLOTS);
        let frames = match self.door {
            Door::Written(argument) => {
                let texts: Vec<String> = (0..SLOTS)
                    .map(|slot| format!("!{} {}", self.command, argument(slot)).trim_end().to_owned())
                    .collect();
                link.messages(slots.map(|slot| Text {
                    slot,
                    author: None,
                    content: &texts[slot],
                    is_command: true,
                    has_file: self.has_file,
                }))?
            }
            Door::Slash(option) => link.interactions(slots.map(|slot| Slash {
                slot,
                name: self.command,
                options: option.map_or_else(String::new, |(kind, value)| {
                    format!(r#"{{"value":{},"type":{kind},"name":"value"}}"#, value(slot))
                }),
                member: option.filter(|&(kind, _)| kind == 6).map(|_| somebody(slot)),
            }))?,
        };
        load::keep_in_flight(bot, &link, frames).await
    }
}
