//! The table of all settings: path, what may stand there, default. The only place that knows a key's limits.
//!
//! The check, the file of defaults and the texts of refusals are made from it; `resolved.rs` reads each key once.

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
    /// A list of texts or of objects with `type` and `text`.
    Statuses,
    /// An object: plugin to list of texts.
    Grants,
    /// An object: plugin to object.
    Sections,
    /// An object whose inside is checked by whoever uses it.
    Object,
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
}

/// Keys that the original's shipped file has and this host has no use for.
pub(super) const FOREIGN: &[&str] = &[
    "$schema",
    "shard_monitor",
    "live_monitor",
    "backup",
    "framework.enable_shard_monitor",
    "framework.enable_sharding",
    "framework.enable_live_monitor",
    "framework.enable_backup_restore",
    "database.base_path",
];

pub(super) const ACTIVITIES: &[&str] = &["playing", "watching", "listening", "competing", "streaming", "custom"];
pub(super) const LEVELS: &[&str] = &["TRACE", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "CRITICAL"];

/// All settings, in the order in which the file of defaults has them.
pub(super) static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let mut keys = Vec::with_capacity(70);
    let mut key = |path, kind, default| keys.push(Key { path, kind, default });
    key("prefix", Kind::Word(1, 5), json!("!"));
    key("allow_mention_prefix", Kind::Bool, json!(true));
    key("owner_ids", Kind::Ids, json!([]));
    key("auto_reload", Kind::Bool, json!(true));
    key("status.type", Kind::Choice(ACTIVITIES), json!("watching"));
    key("status.text", Kind::Text(0, 128), json!("{guilds} servers"));
    key("status.url", Kind::Text(0, 512), json!(""));
    key(
        "status.presence",
        Kind::Choice(&["online", "idle", "dnd", "invisible"]),
        json!("online"),
    );
    key("status.statuses", Kind::Statuses, json!([]));
    key("status.interval", Kind::Number(10.0, 86_400.0), json!(300));
    key("database.path", Kind::Text(1, 4096), json!("./data/bot.db"));
    key("database.backups", Kind::Integer(0, 1000), json!(7));
    key("database.backup_days", Kind::Integer(1, 36_500), json!(30));
    key(
        "database.synchronous",
        Kind::Choice(&["normal", "full"]),
        json!("normal"),
    );
    key("logging.level", Kind::Choice(LEVELS), json!("INFO"));
    key("logging.format", Kind::Choice(&["text", "json"]), json!("text"));
    key("logging.max_bytes", Kind::Integer(4096, i64::MAX), json!(10_485_760));
    key("logging.backup_count", Kind::Integer(0, 1000), json!(5));
    key("logging.retention_days", Kind::Integer(1, 36_500), json!(30));
    key("extensions.auto_load", Kind::Bool, json!(true));
    key("extensions.blacklist", Kind::Texts, json!([]));
    key("extensions.path", Kind::Text(1, 4096), json!("./plugins"));
    // Of what the machine or the container has: beyond it no plugin is loaded.
    key("extensions.memory_percent", Kind::Integer(1, 100), json!(50));
    key("cooldowns.default_rate", Kind::Integer(1, 1000), json!(3));
    key("cooldowns.default_per", Kind::Number(0.0, 86_400.0), json!(5.0));
    key("command_permissions", Kind::Object, json!({}));
    key("slash_limiter.max_limit", Kind::Integer(0, 100), json!(100));
    key("slash_limiter.warning_threshold", Kind::Integer(0, 100), json!(90));
    key("slash_limiter.safe_limit", Kind::Integer(0, 100), json!(95));
    key("framework.load_cogs", Kind::Bool, json!(true));
    key("framework.enable_event_hooks", Kind::Bool, json!(true));
    key("framework.enable_plugin_registry", Kind::Bool, json!(true));
    key("framework.enable_framework_diagnostics", Kind::Bool, json!(true));
    key("framework.enable_slash_command_limiter", Kind::Bool, json!(true));
    key("discord.intents", Kind::Intents, json!("auto"));
    key("discord.home_guilds", Kind::Ids, json!([]));
    key(
        "discord.global_requests_per_second",
        Kind::Integer(1, 65_535),
        json!(50),
    );
    key("notices.channel", Kind::OptionalId, json!(null));
    key("notices.dm_owner", Kind::Bool, json!(true));
    key("notices.interval", Kind::Number(0.0, 86_400.0), json!(300));
    key("replies.errors_delete_after", Kind::Number(0.0, 86_400.0), json!(15));
    key("replies.usage_delete_after", Kind::Number(0.0, 86_400.0), json!(30));
    key("replies.success_delete_after", Kind::Number(0.0, 86_400.0), json!(0));
    key("replies.invocation_delete_after", Kind::Number(0.0, 86_400.0), json!(0));
    key("edits.rerun", Kind::Bool, json!(true));
    key("edits.window", Kind::Number(0.0, 3600.0), json!(60));
    key("edits.delete_answers", Kind::Bool, json!(true));
    key("colours.neutral", Kind::Colour, json!("#2b2d31"));
    key("colours.category", Kind::Colour, json!("#5865f2"));
    key("colours.success", Kind::Colour, json!("#00ff00"));
    key("colours.error", Kind::Colour, json!("#ff0000"));
    key("colours.warning", Kind::Colour, json!("#ffff00"));
    key("colours.credits", Kind::Colour, json!("#ffd700"));
    key("sharding.shards", Kind::Integer(1, 16_000), json!(1));
    key("grants", Kind::Grants, json!({}));
    key("plugins", Kind::Sections, json!({}));
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
