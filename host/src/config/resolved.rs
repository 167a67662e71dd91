//! The settings as the rest of the host uses them: durations, enums, paths, ids. Nothing here can be wrong any more.
//!
//! It reads what `written` has checked, so it refuses nothing; the plugins' own settings are read in `sections`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use plugin_protocol::{ChannelId, GuildId, Level, PluginName, UserId};
use serde_json::{Map, Value};
use twilight_model::gateway::Intents;

use super::{Root, environment::Variables, faults::is_comment, sections::PluginSections, written::Written};

/// All settings, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// What commands by message begin with, 1 to 5 characters, where a server has set no other.
    pub prefix: String,
    /// Whether a mention of the bot works as a prefix, where a server has set nothing else.
    pub allow_mention_prefix: bool,
    /// Owners beside `BOT_OWNER_ID`.
    pub owner_ids: Vec<UserId>,
    /// Whether a changed plugin file is reloaded by itself.
    pub auto_reload: bool,
    /// What the bot shows below its name.
    pub status: Status,
    /// The bot's database.
    pub database: Database,
    /// What is logged, and how.
    pub logging: Logging,
    /// Plugins.
    pub extensions: Extensions,
    /// Cooldowns of commands that declare none.
    pub cooldowns: Cooldowns,
    /// Who may use which command, in every server that has no rule of its own.
    pub command_permissions: Map<String, Value>,
    /// Limits of slash commands.
    pub slash_limiter: SlashLimiter,
    /// Parts of the host that can be switched off.
    pub framework: Framework,
    /// How Discord is spoken to.
    pub discord: Discord,
    /// Notices to the owner.
    pub notices: NoticeSettings,
    /// When answers by prefix are deleted.
    pub replies: Replies,
    /// Edited and deleted invocations.
    pub edits: Edits,
    /// Colours of embeds.
    pub colours: Colours,
    /// How many shards there are.
    pub shards: u32,
    /// What plugins may ask of the host beyond what all may, such as `plugins.reload`.
    pub grants: BTreeMap<PluginName, BTreeSet<String>>,
    /// The plugins' own settings.
    pub plugins: PluginSections,
}

/// What the bot shows below its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The lines that take turns, at least one.
    pub lines: Vec<StatusLine>,
    /// How long each is shown, and how often numbers in it are renewed.
    pub interval: Duration,
}

impl Status {
    /// The line whose turn it is so long after the start.
    #[must_use]
    pub fn line(&self, uptime: Duration) -> &StatusLine {
        let turn = uptime.as_nanos() / self.interval.as_nanos().max(1);
        let count = self.lines.len().max(1) as u128;
        // Smaller than a length.
        let index = usize::try_from(turn % count).unwrap_or_default();
        &self.lines[index]
    }
}

/// A line below the bot's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusLine {
    /// The word before it.
    pub kind: ActivityKind,
    /// The text, with `{guilds}`, `{users}`, `{commands}`, `{shards}` and `{uptime}` to be filled in.
    pub text: String,
    /// The address of a stream; without one a stream is shown as a game.
    pub url: Option<String>,
    /// The coloured dot.
    pub presence: OnlineStatus,
}

/// The word before a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityKind {
    /// Playing ...
    Playing,
    /// Watching ...
    Watching,
    /// Listening to ...
    Listening,
    /// Competing in ...
    Competing,
    /// Streaming ...
    Streaming,
    /// No word.
    Custom,
}

/// The coloured dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnlineStatus {
    /// Green.
    Online,
    /// Yellow.
    Idle,
    /// Red.
    DoNotDisturb,
    /// Grey.
    Invisible,
}

/// The bot's database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// The file.
    pub path: PathBuf,
    /// How many backups are kept; with 0 none are made by themselves.
    pub backups: u32,
    /// For how long; the newest is kept for ever.
    pub backup_age: Duration,
    /// What a committed write survives.
    pub synchronous: Synchronous,
}

/// What a committed write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synchronous {
    /// The process being killed.
    Normal,
    /// Power loss, too.
    Full,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// The least important level that is logged.
    pub level: Level,
    /// The same for single targets: modules of the host, plugins, libraries.
    pub levels: BTreeMap<String, Level>,
    /// How a line looks.
    pub format: LogFormat,
    /// The size at which permanent.log is rotated, in bytes.
    pub max_bytes: u64,
    /// How many rotated files are kept.
    pub backup_count: u32,
    /// How long rotated files are kept.
    pub retention: Duration,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Plugins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extensions {
    /// Whether all plugins of the folder are loaded at start.
    pub auto_load: bool,
    /// Plugins that are never loaded.
    pub blacklist: BTreeSet<String>,
    /// Plugins that serve in these servers only.
    pub only_in: BTreeMap<PluginName, BTreeSet<GuildId>>,
    /// The folder they are dropped into.
    pub path: PathBuf,
    /// How much of the machine's or container's memory the bot may take for a plugin to be loaded, in percent.
    pub memory_percent: u64,
}

/// The cooldown of commands that declare none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cooldowns {
    /// So many uses ...
    pub default_rate: u32,
    /// ... in this time.
    pub default_per: Duration,
}

/// Limits of slash commands, out of 100 that Discord allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlashLimiter {
    /// The most that are registered.
    pub max_limit: u32,
    /// The number at which the owner is told.
    pub warning_threshold: u32,
    /// The number at which new ones become prefix-only.
    pub safe_limit: u32,
    /// Who gets the places first: plugin or command to a number.
    pub priorities: BTreeMap<String, i32>,
}

/// Parts of the host that can be switched off.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "five independent switches of the file")]
pub struct Framework {
    /// All of them.
    pub load_cogs: bool,
    /// Hooks.
    pub enable_event_hooks: bool,
    /// The plugin registry's commands.
    pub enable_plugin_registry: bool,
    /// Diagnostics.
    pub enable_framework_diagnostics: bool,
    /// The slash limit's commands.
    pub enable_slash_command_limiter: bool,
}

/// How Discord is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discord {
    /// The events that the gateway is asked for.
    pub intents: IntentChoice,
    /// Servers that the owner's slash commands are registered in; empty for those that the owner owns.
    pub home_guilds: Vec<GuildId>,
    /// Requests a second, for bots whose limit Discord has raised.
    pub global_requests_per_second: u16,
}

/// The events that the gateway is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntentChoice {
    /// What the host and its plugins need.
    Auto,
    /// Just these.
    Only(Intents),
}

/// Notices to the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeSettings {
    /// A channel that gets them.
    pub channel: Option<ChannelId>,
    /// Whether the owners get them as direct messages.
    pub dm_owner: bool,
    /// The least time between two of a kind.
    pub interval: Duration,
}

/// When messages are deleted; `None` for never.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replies {
    /// Error replies by prefix.
    pub errors_delete_after: Option<Duration>,
    /// Usage errors by prefix.
    pub usage_delete_after: Option<Duration>,
    /// Success replies and messages that invoked a command, where nothing is set for it.
    pub all: AfterSuccess,
    /// What is set for single commands, by name.
    pub commands: BTreeMap<String, AfterSuccess>,
}

/// When messages of a command that went well are deleted: zero for never, `None` where nothing is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AfterSuccess {
    /// Its answers.
    pub success: Option<Duration>,
    /// The message that invoked it.
    pub invocation: Option<Duration>,
}

impl Replies {
    /// What holds for a command.
    #[must_use]
    pub fn of_command(&self, name: &str) -> AfterSuccess {
        let own = self.commands.get(name).copied().unwrap_or_default();
        AfterSuccess {
            success: own.success.or(self.all.success),
            invocation: own.invocation.or(self.all.invocation),
        }
    }
}

/// Edited and deleted invocations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edits {
    /// Whether an edited command runs again.
    pub rerun: bool,
    /// For how long after it was sent.
    pub window: Duration,
    /// Whether deleting a command deletes its answer.
    pub delete_answers: bool,
}

/// Colours of embeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colours {
    /// Cards.
    pub neutral: Colour,
    /// Categories of help.
    pub category: Colour,
    /// Success.
    pub success: Colour,
    /// Errors.
    pub error: Colour,
    /// Warnings.
    pub warning: Colour,
    /// Credits.
    pub credits: Colour,
}

/// A colour as Discord writes it: 0xRRGGBB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub u32);

impl Colour {
    /// Reads `#rrggbb` or `0xrrggbb`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').or_else(|| text.strip_prefix("0x"))?;
        let all = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        all.then(|| u32::from_str_radix(digits, 16).ok().map(Self))?
    }
}

/// The intent with this name of Discord's.
pub(super) fn intent(name: &str) -> Option<Intents> {
    Intents::from_name(&name.to_ascii_uppercase())
}

/// The names of all intents.
pub(super) fn intent_names() -> Vec<&'static str> {
    Intents::all().iter_names().map(|(name, _)| name).collect()
}

/// Turns a checked file into settings.
pub(super) fn resolve(written: &Written, root: &Root, variables: &Variables<'_>) -> Config {
    let read = Read(written);
    let mut lines: Vec<_> = read
        .list("status.statuses")
        .iter()
        .map(|item| read.line(item))
        .collect();
    if lines.is_empty() {
        lines.push(read.line(written.value("status.text")));
    }
    Config {
        prefix: read.text("prefix"),
        allow_mention_prefix: read.flag("allow_mention_prefix"),
        owner_ids: read.ids("owner_ids"),
        auto_reload: read.flag("auto_reload"),
        status: Status {
            lines,
            interval: read.seconds("status.interval"),
        },
        database: Database {
            // Without the `.` that stands before it by default: people see it.
            path: root.folder().join(read.text("database.path")).components().collect(),
            backups: read.integer("database.backups"),
            backup_age: Duration::from_secs(read.integer::<u64>("database.backup_days") * 86_400),
            synchronous: match read.word("database.synchronous").as_str() {
                "full" => Synchronous::Full,
                _ => Synchronous::Normal,
            },
        },
        logging: Logging {
            level: level(&read.word("logging.level")),
            levels: read
                .object("logging.levels")
                .into_iter()
                .filter(|(target, _)| !is_comment(target))
                .filter_map(|(target, word)| Some((target, level(&word.as_str()?.to_ascii_lowercase()))))
                .collect(),
            format: match read.word("logging.format").as_str() {
                "json" => LogFormat::Json,
                _ => LogFormat::Text,
            },
            max_bytes: read.integer("logging.max_bytes"),
            backup_count: read.integer("logging.backup_count"),
            retention: Duration::from_secs(read.integer::<u64>("logging.retention_days") * 86_400),
        },
        extensions: Extensions {
            auto_load: read.flag("extensions.auto_load"),
            blacklist: read.texts("extensions.blacklist").collect(),
            only_in: read
                .object("extensions.only_in")
                .into_iter()
                .filter_map(|(name, list)| Some((name.parse().ok()?, list.as_array()?.iter().filter_map(id).collect())))
                .collect(),
            path: root.folder().join(read.text("extensions.path")),
            memory_percent: read.integer("extensions.memory_percent"),
        },
        cooldowns: Cooldowns {
            default_rate: read.integer("cooldowns.default_rate"),
            default_per: read.seconds("cooldowns.default_per"),
        },
        command_permissions: read.object("command_permissions"),
        slash_limiter: SlashLimiter {
            max_limit: read.integer("slash_limiter.max_limit"),
            warning_threshold: read.integer("slash_limiter.warning_threshold"),
            safe_limit: read.integer("slash_limiter.safe_limit"),
            priorities: read
                .object("slash_limiter.priorities")
                .into_iter()
                .filter_map(|(name, number)| Some((name.to_lowercase(), i32::try_from(number.as_i64()?).ok()?)))
                .collect(),
        },
        framework: Framework {
            load_cogs: read.flag("framework.load_cogs"),
            enable_event_hooks: read.flag("framework.enable_event_hooks"),
            enable_plugin_registry: read.flag("framework.enable_plugin_registry"),
            enable_framework_diagnostics: read.flag("framework.enable_framework_diagnostics"),
            enable_slash_command_limiter: read.flag("framework.enable_slash_command_limiter"),
        },
        discord: Discord {
            intents: match written.value("discord.intents") {
                Value::Array(names) => IntentChoice::Only(
                    names
                        .iter()
                        .filter_map(|name| intent(name.as_str()?))
                        .fold(Intents::empty(), |all, one| all | one),
                ),
                _ => IntentChoice::Auto,
            },
            home_guilds: read.ids("discord.home_guilds"),
            global_requests_per_second: read.integer("discord.global_requests_per_second"),
        },
        notices: NoticeSettings {
            channel: id(written.value("notices.channel")),
            dm_owner: read.flag("notices.dm_owner"),
            interval: read.seconds("notices.interval"),
        },
        replies: Replies {
            errors_delete_after: read.delay("replies.errors_delete_after"),
            usage_delete_after: read.delay("replies.usage_delete_after"),
            all: AfterSuccess {
                success: Some(read.seconds("replies.success_delete_after")),
                invocation: Some(read.seconds("replies.invocation_delete_after")),
            },
            commands: read
                .object("replies.commands")
                .iter()
                .filter(|(name, _)| !is_comment(name))
                .map(|(name, times)| {
                    let time = |key: &str| Duration::try_from_secs_f64(times[key].as_f64()?).ok();
                    let times = AfterSuccess {
                        success: time("success_delete_after"),
                        invocation: time("invocation_delete_after"),
                    };
                    (name.to_lowercase(), times)
                })
                .collect(),
        },
        edits: Edits {
            rerun: read.flag("edits.rerun"),
            window: read.seconds("edits.window"),
            delete_answers: read.flag("edits.delete_answers"),
        },
        colours: Colours {
            neutral: read.colour("colours.neutral"),
            category: read.colour("colours.category"),
            success: read.colour("colours.success"),
            error: read.colour("colours.error"),
            warning: read.colour("colours.warning"),
            credits: read.colour("colours.credits"),
        },
        shards: read.integer("sharding.shards"),
        grants: read
            .object("grants")
            .into_iter()
            .filter_map(|(name, list)| Some((name.parse().ok()?, texts(&list).collect())))
            .collect(),
        plugins: PluginSections::resolve(written, variables),
    }
}

/// Reads values of the checked file; what the check has refused cannot come here, so each has a plain answer.
struct Read<'a>(&'a Written);

impl Read<'_> {
    fn flag(&self, path: &str) -> bool {
        self.0.value(path).as_bool().unwrap_or_default()
    }

    fn text(&self, path: &str) -> String {
        self.0.value(path).as_str().unwrap_or_default().to_owned()
    }

    fn word(&self, path: &str) -> String {
        self.text(path).to_ascii_lowercase()
    }

    fn integer<T: TryFrom<i64> + Default>(&self, path: &str) -> T {
        let number = self.0.value(path).as_i64().unwrap_or_default();
        T::try_from(number).unwrap_or_default()
    }

    fn seconds(&self, path: &str) -> Duration {
        Duration::try_from_secs_f64(self.0.value(path).as_f64().unwrap_or_default()).unwrap_or_default()
    }

    fn delay(&self, path: &str) -> Option<Duration> {
        Some(self.seconds(path)).filter(|delay| !delay.is_zero())
    }

    fn colour(&self, path: &str) -> Colour {
        Colour::parse(&self.text(path)).unwrap_or(Colour(0))
    }

    fn list(&self, path: &str) -> &[Value] {
        self.0.value(path).as_array().map(Vec::as_slice).unwrap_or_default()
    }

    fn ids<T: From<std::num::NonZeroU64>>(&self, path: &str) -> Vec<T> {
        self.list(path).iter().filter_map(id).collect()
    }

    fn texts(&self, path: &str) -> impl Iterator<Item = String> {
        texts(self.0.value(path))
    }

    fn object(&self, path: &str) -> Map<String, Value> {
        self.0.value(path).as_object().cloned().unwrap_or_default()
    }

    /// A status; what it does not say is as the others are.
    fn line(&self, item: &Value) -> StatusLine {
        let own = |name: &str| item[name].as_str().map(str::to_owned);
        let url = own("url").unwrap_or_else(|| self.text("status.url"));
        StatusLine {
            kind: activity(&own("type").unwrap_or_else(|| self.text("status.type"))),
            text: item.as_str().or(item["text"].as_str()).unwrap_or_default().to_owned(),
            url: Some(url).filter(|url| !url.is_empty()),
            presence: presence(&own("presence").unwrap_or_else(|| self.text("status.presence"))),
        }
    }
}

fn texts(list: &Value) -> impl Iterator<Item = String> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|item| item.as_str().map(str::to_owned))
}

fn id<T: From<std::num::NonZeroU64>>(value: &Value) -> Option<T> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    std::num::NonZeroU64::new(number).map(T::from)
}

fn activity(word: &str) -> ActivityKind {
    match word.to_ascii_lowercase().as_str() {
        "playing" => ActivityKind::Playing,
        "listening" => ActivityKind::Listening,
        "competing" => ActivityKind::Competing,
        "streaming" => ActivityKind::Streaming,
        "custom" => ActivityKind::Custom,
        _ => ActivityKind::Watching,
    }
}

fn presence(word: &str) -> OnlineStatus {
    match word.to_ascii_lowercase().as_str() {
        "idle" => OnlineStatus::Idle,
        "dnd" => OnlineStatus::DoNotDisturb,
        "invisible" => OnlineStatus::Invisible,
        _ => OnlineStatus::Online,
    }
}

fn level(word: &str) -> Level {
    match word {
        "trace" => Level::Trace,
        "debug" => Level::Debug,
        "warn" | "warning" => Level::Warn,
        "error" | "critical" => Level::Error,
        _ => Level::Info,
    }
}
