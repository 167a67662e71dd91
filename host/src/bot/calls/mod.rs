//! What plugins ask of the host itself: who may make which call, and which file answers it.
//!
//! Looking is for all, though some of it is told to the bot's owners only; changing is for built-in plugins and those
//! with a grant. Each file here answers the calls of one subject, and names them in a table of its own.

mod backups;
mod commands;
mod controls;
mod data;
mod erase;
mod figures;
mod files;
mod gateway;
mod guilds;
mod hooks;
mod logs;
mod plugins;
mod rules;
mod settings;
mod slash;
mod statistics;
mod storage;
mod timers;
mod why;

use std::sync::{Arc, OnceLock};

use plugin_protocol::{Call, Problem, ProblemCode, User};
use serde_json::Value;
use tokio::sync::watch;
use twilight_model::gateway::Intents;

use super::{figures::Figures, gatekeeper::Gatekeeper, owners::Owners, ready::Standing, sends::Sends, upkeep::Upkeep};
use crate::{
    cache::Cache,
    config,
    hooks::Hooks,
    interactions::{ControlKeys, Invocations},
    plugins::{Generation, Plugins},
    schedule::Schedule,
    slash::Slash,
    storage::{Action, Backups, StorageError, Stores, Tables, Trail, files::Files},
    telemetry::{Incidents, Logs, Notices},
};

/// Who may make a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// Every plugin.
    All,
    /// Built-in plugins, and those that `grants` in config.json names for it: what is for the owner to see.
    Granted,
    /// The same for what changes something: it is written into the audit trail.
    Changes,
    /// Every plugin, about itself; it is written down, too, in a table of its own.
    Own,
}

/// The calls of every subject; a call's name is `SUBJECT.WHAT`.
const SUBJECTS: [&[(&str, Access)]; 18] = [
    plugins::CALLS,
    commands::CALLS,
    figures::CALLS,
    rules::CALLS,
    settings::CALLS,
    slash::CALLS,
    statistics::CALLS,
    data::CALLS,
    erase::CALLS,
    files::CALLS,
    storage::CALLS,
    backups::CALLS,
    logs::CALLS,
    controls::CALLS,
    guilds::CALLS,
    gateway::CALLS,
    hooks::CALLS,
    timers::CALLS,
];

/// Requests to the host itself. Changing plugins is for built-in plugins and those with a grant; looking is for all.
pub struct Calls {
    /// The settings.
    pub config: config::Live,
    /// What is known of servers.
    pub cache: Cache,
    /// Set once the life of plugins has begun.
    pub plugins: Arc<OnceLock<Plugins>>,
    /// The open invocations: in which something is asked.
    pub invocations: Invocations,
    /// Who owns the bot.
    pub owners: Owners,
    /// The host's own tables.
    pub tables: Tables,
    /// What plugins keep in databases.
    pub stores: Stores,
    /// Copies of all that is kept.
    pub backups: Backups,
    /// Plugins' own files.
    pub files: Files,
    /// Looks after what lies below `data/`.
    pub upkeep: Upkeep,
    /// The log.
    pub logs: Logs,
    /// What went wrong lately.
    pub incidents: Incidents,
    /// Who may use what.
    pub gatekeeper: Gatekeeper,
    /// What custom ids of controls are signed with.
    pub control_keys: ControlKeys,
    /// What is counted of the bot as a whole.
    pub figures: Arc<Figures>,
    /// The registered slash commands.
    pub slash: Slash,
    /// What plugins send on the gateway.
    pub sends: Sends,
    /// Who hears what.
    pub hooks: Hooks,
    /// What runs by time.
    pub schedule: Schedule,
    /// Tells the owner.
    pub notices: Notices,
    /// What the gateway was asked for.
    pub standing: watch::Receiver<Standing>,
}

impl Calls {
    /// Does what is asked, if it is granted.
    ///
    /// # Errors
    ///
    /// `Busy` while the bot starts, `NotSupported`, `NotGranted`, `Invalid`, `NotFound`; `Failed` with a text for the
    /// owner.
    pub async fn answer(&self, from: &Arc<Generation>, call: Call) -> Result<Value, Problem> {
        let known = SUBJECTS.into_iter().flatten().find(|(name, _)| *name == call.name);
        let Some((_, access)) = known else {
            return Err(unknown(&call.name));
        };
        if matches!(access, Access::Granted | Access::Changes) {
            self.check_grant(from, &call.name)?;
        }
        if matches!(access, Access::All | Access::Granted) {
            return self.answer_granted(from, call).await;
        }
        let mut action = Action {
            user: self.asker(from, &call).map(|author| author.id),
            plugin: from.name().to_string(),
            action: call.name.clone(),
            subject: call.arguments.to_string(),
            ..Action::default()
        };
        let answer = self.answer_granted(from, call).await;
        action.outcome = match &answer {
            Ok(_) => "done".to_owned(),
            Err(problem) => problem.message.clone(),
        };
        let trail = if *access == Access::Own {
            Trail::Plugins
        } else {
            Trail::Owners
        };
        self.tables.note_action(trail, action).await;
        answer
    }

    async fn answer_granted(&self, from: &Arc<Generation>, call: Call) -> Result<Value, Problem> {
        let (subject, _) = call.name.split_once('.').unwrap_or_default();
        match subject {
            "caches" | "cleanup" => self.about_files(call).await,
            "bot" => self.about_bot(from.name(), &call).await,
            "rules" | "server" => self.about_rules(from, call).await,
            "settings" => self.about_settings(from, call).await,
            "commands" => self.about_commands(from.name(), &call).await,
            "slash" => self.about_slash(&call).await,
            "plugins" => self.about_plugins(from, call).await,
            "storage" => self.about_storage(call).await,
            "backups" => self.about_backups(call).await,
            "statistics" => self.about_statistics(call).await,
            "user_data" => self.about_user_data(call).await,
            "data" => self.about_erasing(call).await,
            "logs" => self.about_logs(&call).await,
            "controls" | "messages" => self.about_controls(from, call).await,
            "errors" => self.about_errors(&call),
            "guilds" => self.about_guilds(from.name(), &call).await,
            "gateway" => self.about_gateway(from, call).await,
            "hooks" => self.about_hooks(from.name(), &call).await,
            "timers" => self.about_timers(call).await,
            _ => Err(unknown(&call.name)),
        }
    }

    fn check_grant(&self, from: &Generation, call: &str) -> Result<(), Problem> {
        let config = self.config.get();
        let grants = &config.grants;
        if from.is_linked() || grants.get(from.name()).is_some_and(|grants| grants.contains(call)) {
            return Ok(());
        }
        let text = format!(
            "`{call}` is not granted to `{}`: the owner can add it to `grants` in config.json",
            from.name()
        );
        Err(Problem::new(ProblemCode::NotGranted, text))
    }

    /// The life of plugins.
    ///
    /// # Errors
    ///
    /// `Busy` while the bot starts.
    fn life(&self) -> Result<&Plugins, Problem> {
        self.plugins
            .get()
            .ok_or_else(|| Problem::new(ProblemCode::Busy, "the bot is starting: ask again once it is ready"))
    }

    /// Whether Discord sends what people write who neither mention the bot nor write to it directly.
    fn reads_messages(&self) -> bool {
        let standing = self.standing.borrow();
        standing
            .intents
            .is_none_or(|intents| intents.contains(Intents::MESSAGE_CONTENT))
    }

    /// Whether one of the bot's owners asks in an invocation of this very plugin.
    fn is_owner_asking(&self, from: &Generation, call: &Call) -> bool {
        self.asker(from, call)
            .is_some_and(|author| self.owners.contains(author.id))
    }

    /// Who asks, if it is asked in an invocation of this very plugin.
    fn asker(&self, from: &Generation, call: &Call) -> Option<User> {
        // Only one's own invocations say who asks: numbers can be guessed.
        let origin = call.invocation.and_then(|id| self.invocations.origin(id))?;
        (origin.plugin == *from.name()).then(|| origin.author.clone())
    }
}

fn unknown(call: &str) -> Problem {
    Problem::new(ProblemCode::NotSupported, format!("this host has no call `{call}`"))
}

/// A database's refusal, as whoever asked is told.
fn storage_problem(error: &StorageError) -> Problem {
    let code = match error {
        StorageError::Busy | StorageError::Closed => ProblemCode::Busy,
        _ => ProblemCode::Failed,
    };
    Problem::new(code, error.to_string())
}
