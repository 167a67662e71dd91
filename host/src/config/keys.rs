//! The table of all settings: path, what may stand there, default. The only place that knows a key's limits.
//!
//! The check, the file of defaults, its schema and the texts of refusals are made from it; `resolved.rs` reads each key once.

use std::sync::LazyLock;

use serde_json::{Value, json};

/// What may stand at a key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number between both, inclusive.
    Integer(i64, i64),
    /// A number between both, inclusive.
    Number(f64, f64),
    /// A text with so many characters.
    Text(usize, usize),
    /// A text of so many characters without spaces.
    Word(usize, usize),
    /// One of these texts, without regard to case.
    Choice(&'static [&'static str]),
    /// A Discord id as text, or null.
    OptionalId,
    /// A list of Discord ids as texts.
    Ids,
    /// A list of texts.
    Texts,
    /// `"#rrggbb"`.
    Colour,
    /// `"auto"` or a list of intents.
    Intents,
    /// A list of texts or of objects with `text`, `type`, `presence` and `url`.
    Statuses,
    /// The address of a stream on a site that Discord shows, or nothing.
    StreamUrl,
    /// An object: target of the log to level.
    Levels,
    /// An object: plugin to list of texts.
    Grants,
    /// An object: plugin to object.
    Sections,
    /// An object: command to the times after which its messages are deleted.
    Replies,
    /// An object: plugin or command to a whole number.
    Priorities,
    /// An object: plugin to list of Discord ids.
    GuildLists,
    /// An object whose inside is checked by whoever uses it.
    Object,
}

/// When a changed setting counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    /// As soon as the file is saved.
    AtOnce,
    /// From the next start on: what held at the start stays until then.
    AtStart,
}

/// A setting.
#[derive(Debug)]
pub(super) struct Key {
    /// Its path, with dots.
    pub(super) path: &'static str,
    /// What may stand there.
    pub(super) kind: Kind,
    /// What holds where nothing stands.
    pub(super) default: Value,
    /// When a change of it counts.
    pub(super) counts: Counts,
    /// What it is for, one sentence: editors show it.
    pub(super) about: &'static str,
}

/// Keys that the original's shipped file has, or had, and this host has no use for.
pub(super) const FOREIGN: &[&str] = &[
    "shard_monitor",
    "live_monitor",
    "backup",
    "status.log_status_updates",
    "framework.enable_shard_monitor",
    "framework.enable_shard_manager",
    "framework.enable_sharding",
    "framework.enable_live_monitor",
    "framework.enable_backup_restore",
    "database.base_path",
];

/// The key by which editors find the schema.
pub(super) const SCHEMA: &str = "$schema";

pub(super) const ACTIVITIES: &[&str] = &["playing", "watching", "listening", "competing", "streaming", "custom"];
pub(super) const PRESENCES: &[&str] = &["online", "idle", "dnd", "invisible"];
pub(super) const LEVELS: &[&str] = &["TRACE", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "CRITICAL"];

/// All settings, in the order in which the file of defaults has them.
pub(super) static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    use Counts::{AtOnce, AtStart};
    let mut keys = Vec::with_capacity(70);
    let mut key = |path, kind, default, counts, about| {
        keys.push(Key {
            path,
            kind,
            default,
            counts,
            about,
        });
    };
    key(
        "prefix",
        Kind::Word(1, 5),
        json!("!"),
        AtOnce,
        "What commands by message begin with, where a server has set no other.",
    );
    key(
        "allow_mention_prefix",
        Kind::Bool,
        json!(true),
        AtOnce,
        "Whether a mention of the bot works as a prefix.",
    );
    key(
        "owner_ids",
        Kind::Ids,
        json!([]),
        AtOnce,
        "User ids of the bot's owners, beside BOT_OWNER_ID.",
    );
    key(
        "auto_reload",
        Kind::Bool,
        json!(true),
        AtOnce,
        "Whether a plugin's file that is dropped, replaced or removed is noticed by itself.",
    );
    key(
        "status.type",
        Kind::Choice(ACTIVITIES),
        json!("watching"),
        AtOnce,
        "The word before the bot's status.",
    );
    key(
        "status.text",
        Kind::Text(0, 128),
        json!("{guilds} servers"),
        AtOnce,
        "The bot's status; {guilds}, {users}, {commands}, {shards} and {uptime} are filled in.",
    );
    key(
        "status.url",
        Kind::StreamUrl,
        json!(""),
        AtOnce,
        "The stream that a status of type streaming links to: on twitch.tv or youtube.com.",
    );
    key(
        "status.presence",
        Kind::Choice(PRESENCES),
        json!("online"),
        AtOnce,
        "The coloured dot at the bot's picture.",
    );
    key(
        "status.statuses",
        Kind::Statuses,
        json!([]),
        AtOnce,
        "Statuses that take turns, instead of status.text.",
    );
    key(
        "status.interval",
        Kind::Number(10.0, 86_400.0),
        json!(300),
        AtOnce,
        "Seconds that each status is shown, and after which its numbers are renewed.",
    );
    key(
        "database.path",
        Kind::Text(1, 4096),
        json!("./data/bot.db"),
        AtStart,
        "The bot's database file.",
    );
    key(
        "database.backups",
        Kind::Integer(0, 1000),
        json!(7),
        AtOnce,
        "How many backups are kept.",
    );
    key(
        "database.backup_days",
        Kind::Integer(1, 36_500),
        json!(30),
        AtOnce,
        "Days after which a backup is deleted.",
    );
    key(
        "database.synchronous",
        Kind::Choice(&["normal", "full"]),
        json!("normal"),
        AtStart,
        "What a write survives: normal, the bot being killed; full, a power cut, too, at some cost.",
    );
    key(
        "logging.level",
        Kind::Choice(LEVELS),
        json!("INFO"),
        AtOnce,
        "The least important level that is logged.",
    );
    key(
        "logging.levels",
        Kind::Levels,
        json!({}),
        AtOnce,
        "Levels of their own: target, such as host::rest or plugin::NAME, to level.",
    );
    key(
        "logging.format",
        Kind::Choice(&["text", "json"]),
        json!("text"),
        AtOnce,
        "How a line of the log looks: for people, or one JSON object a line.",
    );
    key(
        "logging.max_bytes",
        Kind::Integer(4096, i64::MAX),
        json!(10_485_760),
        AtOnce,
        "The size in bytes at which permanent.log is rotated.",
    );
    key(
        "logging.backup_count",
        Kind::Integer(0, 1000),
        json!(5),
        AtOnce,
        "How many rotated log files are kept.",
    );
    key(
        "logging.retention_days",
        Kind::Integer(1, 36_500),
        json!(30),
        AtOnce,
        "Days after which a rotated log file is deleted.",
    );
    key(
        "extensions.auto_load",
        Kind::Bool,
        json!(true),
        AtStart,
        "Whether all plugins of the folder are loaded at the start.",
    );
    key(
        "extensions.blacklist",
        Kind::Texts,
        json!([]),
        AtOnce,
        "Names of plugins that never run.",
    );
    key(
        "extensions.only_in",
        Kind::GuildLists,
        json!({}),
        AtOnce,
        "Plugins that serve in some servers only: plugin to the ids of these. Its slash commands take no place elsewhere.",
    );
    key(
        "extensions.path",
        Kind::Text(1, 4096),
        json!("./plugins"),
        AtStart,
        "The folder that plugins are dropped into.",
    );
    key(
        "extensions.memory_percent",
        Kind::Integer(1, 100),
        json!(50),
        AtOnce,
        "The part of the machine's or container's memory, in percent, beyond which no plugin is loaded.",
    );
    key(
        "cooldowns.default_rate",
        Kind::Integer(1, 1000),
        json!(3),
        AtOnce,
        "Uses of a command that declares no cooldown ...",
    );
    key(
        "cooldowns.default_per",
        Kind::Number(0.0, 86_400.0),
        json!(5.0),
        AtOnce,
        "... within so many seconds.",
    );
    key(
        "command_permissions",
        Kind::Object,
        json!({}),
        AtOnce,
        "Who may use which command, in every server that has no rule of its own.",
    );
    key(
        "slash_limiter.max_limit",
        Kind::Integer(0, 100),
        json!(100),
        AtOnce,
        "The most slash commands that are registered; Discord takes 100.",
    );
    key(
        "slash_limiter.warning_threshold",
        Kind::Integer(0, 100),
        json!(90),
        AtOnce,
        "The number of slash commands at which the owner is told.",
    );
    key(
        "slash_limiter.safe_limit",
        Kind::Integer(0, 100),
        json!(95),
        AtOnce,
        "The number of slash commands from which on new ones work by prefix only.",
    );
    key(
        "slash_limiter.priorities",
        Kind::Priorities,
        json!({}),
        AtOnce,
        "Which get the places first: plugin or command to a number, in place of their author's; 0 where nothing is said.",
    );
    key(
        "framework.load_cogs",
        Kind::Bool,
        json!(true),
        AtOnce,
        "All parts below at once.",
    );
    key(
        "framework.enable_event_hooks",
        Kind::Bool,
        json!(true),
        AtOnce,
        "The commands and reports about hooks.",
    );
    key(
        "framework.enable_plugin_registry",
        Kind::Bool,
        json!(true),
        AtOnce,
        "The commands and reports about plugins.",
    );
    key(
        "framework.enable_framework_diagnostics",
        Kind::Bool,
        json!(true),
        AtOnce,
        "The commands and reports about the bot's health.",
    );
    key(
        "framework.enable_slash_command_limiter",
        Kind::Bool,
        json!(true),
        AtOnce,
        "The commands and reports about slash commands' limits.",
    );
    key(
        "discord.intents",
        Kind::Intents,
        json!("auto"),
        AtStart,
        "The events that Discord is asked for: auto for what the bot and its plugins need.",
    );
    key(
        "discord.home_guilds",
        Kind::Ids,
        json!([]),
        AtOnce,
        "Servers that get the owner's slash commands; empty for those that the owner owns.",
    );
    key(
        "discord.global_requests_per_second",
        Kind::Integer(1, 65_535),
        json!(50),
        AtStart,
        "Requests a second, for bots whose limit Discord has raised.",
    );
    key(
        "notices.channel",
        Kind::OptionalId,
        json!(null),
        AtOnce,
        "A channel that notices to the owner are sent to.",
    );
    key(
        "notices.dm_owner",
        Kind::Bool,
        json!(true),
        AtOnce,
        "Whether the owners get notices as direct messages.",
    );
    key(
        "notices.interval",
        Kind::Number(0.0, 86_400.0),
        json!(300),
        AtOnce,
        "The least number of seconds between two notices of a kind.",
    );
    key(
        "replies.errors_delete_after",
        Kind::Number(0.0, 86_400.0),
        json!(15),
        AtOnce,
        "Seconds after which an error's text is deleted; 0 for never.",
    );
    key(
        "replies.usage_delete_after",
        Kind::Number(0.0, 86_400.0),
        json!(30),
        AtOnce,
        "Seconds after which the text about a wrong use is deleted; 0 for never.",
    );
    key(
        "replies.success_delete_after",
        Kind::Number(0.0, 86_400.0),
        json!(0),
        AtOnce,
        "Seconds after which the answers of a command that went well are deleted; 0 for never.",
    );
    key(
        "replies.invocation_delete_after",
        Kind::Number(0.0, 86_400.0),
        json!(0),
        AtOnce,
        "Seconds after which the message with a command that went well is deleted; 0 for never.",
    );
    key(
        "replies.commands",
        Kind::Replies,
        json!({}),
        AtOnce,
        "Both of these times for single commands: command to success_delete_after and invocation_delete_after.",
    );
    key(
        "edits.rerun",
        Kind::Bool,
        json!(true),
        AtOnce,
        "Whether a command runs again when its message is edited.",
    );
    key(
        "edits.window",
        Kind::Number(0.0, 3600.0),
        json!(60),
        AtOnce,
        "For how many seconds after it was sent.",
    );
    key(
        "edits.delete_answers",
        Kind::Bool,
        json!(true),
        AtOnce,
        "Whether the answer is deleted with the command's message.",
    );
    key(
        "colours.neutral",
        Kind::Colour,
        json!("#2b2d31"),
        AtOnce,
        "Colour of plain cards.",
    );
    key(
        "colours.category",
        Kind::Colour,
        json!("#5865f2"),
        AtOnce,
        "Colour of help's categories.",
    );
    key(
        "colours.success",
        Kind::Colour,
        json!("#00ff00"),
        AtOnce,
        "Colour of good news.",
    );
    key(
        "colours.error",
        Kind::Colour,
        json!("#ff0000"),
        AtOnce,
        "Colour of errors.",
    );
    key(
        "colours.warning",
        Kind::Colour,
        json!("#ffff00"),
        AtOnce,
        "Colour of warnings.",
    );
    key(
        "colours.credits",
        Kind::Colour,
        json!("#ffd700"),
        AtOnce,
        "Colour of the credits.",
    );
    key(
        "sharding.shards",
        Kind::Integer(1, 16_000),
        json!(1),
        AtStart,
        "How many shards the bot connects with.",
    );
    key(
        "grants",
        Kind::Grants,
        json!({}),
        AtOnce,
        "What a plugin may ask of the host beyond what all may: plugin to list, such as plugins.reload.",
    );
    key(
        "plugins",
        Kind::Sections,
        json!({}),
        AtOnce,
        "The plugins' own settings: plugin to object; ${NAME} is filled in from .env or the environment.",
    );
    keys
});

/// The key with this path.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// The names that may stand directly below a path; the empty path is the file itself.
pub(super) fn names_below(path: &str) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for key in KEYS.iter() {
        let rest = if path.is_empty() {
            Some(key.path)
        } else {
            key.path.strip_prefix(path).and_then(|rest| rest.strip_prefix('.'))
        };
        if let Some(name) = rest.and_then(|rest| rest.split('.').next())
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}
