//! The cards of `stats`, `shardinfo`, `extensions` and `discordbotframework`, and the credits: from figures to embeds
//! within Discord's limits (<https://discord.com/developers/docs/resources/message#embed-object-embed-limits>).
//!
//! Pure: every list is cut cleanly, with how much is left out.

use plugin_api::{
    Embed, embed,
    figures::{BotFigures, ShardFigures},
    inspection::{PluginList, PluginStatus},
};

use super::{
    card::{ERROR, NEUTRAL, size, some_of},
    figures::ORIGINAL,
};

/// The colour of credits.
const GOLD: u32 = 0xff_d700;
/// The longest field of an embed, in characters.
const FIELD: usize = 1000;
/// The longest description that is used, in characters.
const LONGEST: usize = 3800;

/// The bot in figures.
pub(super) fn stats(figures: &BotFigures) -> Embed {
    let to_come = match figures.unavailable_guilds {
        0 => String::new(),
        count => format!("\n{} to come", number(count)),
    };
    let latencies = figures.shards.iter().map(latency);
    let top = figures
        .top
        .iter()
        .map(|used| format!("`{}` {}", used.name, number(used.uses)));
    let mut card = embed("Statistics")
        .colour(NEUTRAL)
        .inline_field("Servers", format!("{}{to_come}", number(figures.guilds)))
        .inline_field("Users", number(figures.users))
        .inline_field("Commands", format!("{} offered", number(figures.commands)))
        .inline_field(
            "Commands run",
            format!(
                "{}\n{} ever",
                number(figures.commands_run),
                number(figures.commands_run_ever)
            ),
        )
        .inline_field("Messages seen", number(figures.messages_seen))
        .inline_field("Errors", number(figures.errors))
        .inline_field("Up since", format!("<t:{}:R>", figures.started))
        .inline_field("Latency", or(some_of(latencies, "\n", FIELD), "not measured yet"));
    if let Some(bytes) = figures.memory_bytes {
        card = card.inline_field("Memory", size(bytes));
    }
    let top = some_of(top, "\n", FIELD);
    if top.is_empty() {
        card
    } else {
        card.field("Used most", top)
    }
}

fn latency(shard: &ShardFigures) -> String {
    match (shard.connected, shard.latency_millis) {
        (false, _) => format!("shard {}: connecting", shard.id),
        (true, None) => format!("shard {}: not measured yet", shard.id),
        (true, Some(millis)) => format!("shard {}: {millis} ms", shard.id),
    }
}

/// Each connection to the gateway.
pub(super) fn shards(figures: &BotFigures) -> Embed {
    let are_all_there = figures.shards.iter().all(|shard| shard.connected);
    let lines = figures.shards.iter().map(|shard| {
        let mark = if shard.connected { "\u{1f7e2}" } else { "\u{1f534}" };
        let state = if shard.connected { "connected" } else { "connecting" };
        let latency = shard
            .latency_millis
            .map_or_else(|| "not measured yet".to_owned(), |millis| format!("{millis} ms"));
        let since = shard
            .session_since
            .map_or_else(String::new, |since| format!(" \u{b7} session from <t:{since}:R>"));
        let resumes = match shard.resumes {
            0 => String::new(),
            times => format!(" \u{b7} resumed \u{d7}{times}"),
        };
        format!(
            "{mark} **Shard {}** {state} \u{b7} {latency} \u{b7} {} servers{since}{resumes}",
            shard.id, shard.guilds
        )
    });
    embed(format!("Shards ({})", figures.shards.len()))
        .colour(if are_all_there { NEUTRAL } else { ERROR })
        .description(some_of(lines, "\n", LONGEST))
}

/// The loaded plugins, and the parts of the framework.
pub(super) fn extensions(list: &PluginList, figures: &BotFigures) -> Embed {
    let loaded = list.plugins.iter().filter(|plugin| {
        matches!(
            plugin.status,
            PluginStatus::Running | PluginStatus::Replacing | PluginStatus::Hung
        )
    });
    let lines: Vec<_> = loaded
        .map(|plugin| {
            let version = plugin.version.as_deref().unwrap_or("unknown");
            let load = plugin
                .load_millis
                .map_or_else(String::new, |millis| format!(" \u{b7} loaded in {millis} ms"));
            let place = match plugin.generation {
                _ if plugin.built_in => " \u{b7} built in".to_owned(),
                Some(generation) => format!(" \u{b7} generation {generation}"),
                None => String::new(),
            };
            format!("**{}** {version}{load}{place}", plugin.name)
        })
        .collect();
    let parts = figures.components.iter().map(|(name, is_on)| {
        let mark = if *is_on { "\u{1f7e2} on" } else { "\u{26aa} off" };
        format!("{name}: {mark}")
    });
    embed(format!("Extensions ({})", lines.len()))
        .colour(NEUTRAL)
        .description(or(some_of(lines.into_iter(), "\n", LONGEST), "None are loaded."))
        .field("Framework", or(some_of(parts, "\n", FIELD), "unknown"))
}

/// What this bot is, and whose idea it was.
pub(super) fn framework(figures: &BotFigures) -> Embed {
    embed("Discord bot framework")
        .colour(GOLD)
        .description(credit())
        .field(
            "What it can do",
            "Plugins that are replaced while the bot runs \u{b7} one command by prefix, slash and mention \u{b7} \
             databases, files and settings of each plugin \u{b7} backups that are verified",
        )
        .inline_field("Plugins", number(figures.plugins))
        .inline_field("Commands", number(figures.commands))
        .inline_field("Servers", number(figures.guilds))
        .footer(format!("Version {}", figures.version))
}

/// Whose ideas the bot is built on.
pub(super) fn credits() -> Embed {
    embed("Credits").colour(GOLD).description(credit())
}

fn credit() -> String {
    format!(
        "This bot re-imagines the [discord-bot-framework]({ORIGINAL}) by **TheHolyOneZ**: its commands and ideas, built anew \
         in Rust, with native plugins."
    )
}

/// A number with its thousands apart.
fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn or(text: String, other: &str) -> String {
    if text.is_empty() { other.to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use plugin_api::{CommandUse, inspection::PluginSummary, serde_json};

    use super::*;

    fn figures() -> BotFigures {
        let shard = |id, connected, latency_millis| ShardFigures {
            id,
            connected,
            latency_millis,
            guilds: 6,
            session_since: Some(60),
            resumes: u64::from(id),
        };
        BotFigures {
            version: "0.1.0".to_owned(),
            guilds: 12,
            unavailable_guilds: 1,
            users: 1_234_567,
            commands: 40,
            plugins: 3,
            commands_run: 999,
            commands_run_ever: 1000,
            messages_seen: 5,
            errors: 0,
            started: 30,
            memory_bytes: Some(50 << 20),
            shards: vec![shard(0, true, Some(41)), shard(1, false, None)],
            top: vec![CommandUse {
                name: "ping".to_owned(),
                uses: 700,
                last_used: 1,
            }],
            components: vec![("hooks".to_owned(), true), ("diagnostics".to_owned(), false)],
            prefix: "!".to_owned(),
        }
    }

    #[test]
    fn the_cards() {
        let plugin = |name: &str, status| PluginSummary {
            name: name.to_owned(),
            version: Some("1.2.0".to_owned()),
            status,
            generation: Some(2),
            load_millis: Some(31),
            ..PluginSummary::default()
        };
        let list = PluginList {
            plugins: vec![
                plugin("levels", PluginStatus::Running),
                plugin("gone", PluginStatus::Unloaded),
            ],
            ..PluginList::default()
        };
        let figures = figures();
        let cards = [
            stats(&figures),
            shards(&figures),
            extensions(&list, &figures),
            framework(&figures),
        ];
        insta::assert_snapshot!(serde_json::to_string_pretty(&cards).unwrap());
    }

    #[test]
    fn whatever_there_is_the_cards_are_within_discords_limits() {
        let mut figures = figures();
        figures.shards = (0..500)
            .map(|id| ShardFigures {
                id,
                ..figures.shards[0].clone()
            })
            .collect();
        figures.top = vec![
            CommandUse {
                name: "x".repeat(98),
                uses: u64::MAX,
                last_used: 0
            };
            50
        ];
        for card in [
            stats(&figures),
            shards(&figures),
            extensions(&PluginList::default(), &figures),
        ] {
            let json = serde_json::to_value(&card).unwrap();
            assert!(json.to_string().chars().count() < 6000);
            for field in json["fields"].as_array().into_iter().flatten() {
                let length = field["value"].as_str().unwrap().chars().count();
                assert!((1..=1024).contains(&length), "{length}");
            }
        }
    }
}
