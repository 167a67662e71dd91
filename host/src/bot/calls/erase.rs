//! `data.erase`: all that is kept of a user or a server, erased, over all plugins.
//!
//! Plugins that run are asked first, side by side, while what they keep is still there; then the host deletes what it keeps
//! for them. What fails in one holds up no other, and is told.

use std::{collections::BTreeMap, path::Path, time::Duration};

use plugin_protocol::{Asked, Call, ErasedPlugin, ErasureReport, PluginName, Problem, ProblemCode, Subject, Verdict};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::{sleep, timeout},
};

use super::{Access, Calls};
use crate::{
    bot::{erasure::keeps_by_itself, server_settings},
    permits::ServerRules,
    plugins::{Plugins, Way},
    storage::{GuildSettings, stores::Whom, user_data},
};

/// What is answered here.
pub(super) const CALLS: &[(&str, Access)] = &[("data.erase", Access::Changes)];

/// How long a plugin may take.
const LIMIT: Duration = Duration::from_secs(10);
/// How often it is looked whether one that is being replaced is there again.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Deserialize)]
struct Erase {
    who: Subject,
}

impl Calls {
    pub(super) async fn about_erasing(&self, call: Call) -> Result<Value, Problem> {
        let Erase { who } = serde_json::from_value(call.arguments)
            .map_err(|error| Problem::new(ProblemCode::Invalid, format!("`data.erase`: {error}")))?;
        let life = self.life()?.clone();
        let mut all: BTreeMap<PluginName, ErasedPlugin> = BTreeMap::new();
        let mut problems = Vec::new();

        let mut asking = JoinSet::new();
        let running: BTreeMap<_, _> = {
            let table = life.routing().read();
            table
                .offers()
                .map(|(name, described)| (name.clone(), described.erase))
                .collect()
        };
        for (name, _) in running.iter().filter(|(_, can)| **can) {
            let (life, name) = (life.clone(), name.clone());
            asking.spawn(async move {
                let asked = timeout(LIMIT, ask(&life, &name, who)).await;
                let asked = asked.unwrap_or_else(|_| Err(format!("it has not ended within {} s", LIMIT.as_secs())));
                (name, asked)
            });
        }
        while let Some(asked) = asking.join_next().await {
            let Ok((name, asked)) = asked else { continue };
            let plugin = of(&mut all, &name);
            plugin.asked = if asked.is_ok() { Asked::Done } else { Asked::Failed };
            plugin.problem = asked.err();
        }

        let whom = match who {
            Subject::User(user) => Whom::User(user),
            Subject::Guild(guild) => Whom::Guild(guild),
        };
        match self.stores.forget(whom).await {
            Ok(forgotten) => {
                for (name, values) in forgotten {
                    match values {
                        Ok(0) => {}
                        Ok(values) => of(&mut all, &name).values = values,
                        Err(why) => problems.push(format!("values of `{name}`: {why}")),
                    }
                }
            }
            Err(why) => problems.push(format!("values of plugins: {why}")),
        }
        match self.schedule.erase(who).await {
            Ok(timers) => {
                for (name, count) in timers {
                    of(&mut all, &name).timers = count;
                }
            }
            Err(error) => problems.push(format!("timers: {error}")),
        }
        let shared = self.erase_shared(who, &life).await.unwrap_or_else(|problem| {
            problems.push(problem.message);
            false
        });

        // Those that keep something where nobody but they can see whose it is.
        for name in keeping(self.stores.folder()).await {
            match running.get(&name) {
                Some(true) => {}
                Some(false) => of(&mut all, &name).asked = Asked::Missing,
                None => of(&mut all, &name).asked = Asked::NotRunning,
            }
        }
        Ok(json!(ErasureReport {
            plugins: all.into_values().collect(),
            shared,
            problems,
        }))
    }

    /// Erases what belongs to no plugin; whether there was something.
    async fn erase_shared(&self, who: Subject, life: &Plugins) -> Result<bool, Problem> {
        let failed =
            |what: &str, error: &dyn std::fmt::Display| Problem::new(ProblemCode::Failed, format!("{what}: {error}"));
        match who {
            Subject::User(user) => user_data::forget(&self.tables.database(), user)
                .await
                .map_err(|error| failed("what plugins share", &error)),
            Subject::Guild(guild) if self.tables.guild(guild).is_some() || self.tables.rules(guild).is_some() => {
                let forgotten = self.tables.change_rules(guild, |rules| *rules = ServerRules::default());
                forgotten.await.map_err(|error| failed("its rules", &error))?;
                let forgotten = self
                    .tables
                    .change_guild(guild, |settings| *settings = GuildSettings::default());
                forgotten.await.map_err(|error| failed("its settings", &error))?;
                server_settings::tell_all(&self.tables, &life.routing().read(), guild);
                Ok(true)
            }
            Subject::Guild(_) => Ok(false),
        }
    }
}

fn of<'a>(all: &'a mut BTreeMap<PluginName, ErasedPlugin>, name: &PluginName) -> &'a mut ErasedPlugin {
    all.entry(name.clone()).or_insert_with(|| ErasedPlugin {
        plugin: name.to_string(),
        ..ErasedPlugin::default()
    })
}

/// Asks a plugin, whichever generation of it serves; one that ends meanwhile is asked again as its successor.
async fn ask(life: &Plugins, name: &PluginName, who: Subject) -> Result<(), String> {
    loop {
        let way = life.routing().read().way(name);
        match way {
            None => return Err("it was unloaded before it could answer".to_owned()),
            Some(Way::Held(_) | Way::Drains(..)) => {}
            Some(Way::Serves(generation, gate)) => {
                if let Some(_ticket) = gate.enter() {
                    match generation.erase(who).await {
                        Ok(outcome) => match outcome.verdict {
                            Verdict::Done => return Ok(()),
                            Verdict::Interrupted => {}
                            _ => return Err(outcome.text.unwrap_or_else(|| "it failed without a reason".to_owned())),
                        },
                        Err(problem) if problem.code == ProblemCode::Closed => {}
                        Err(problem) => return Err(problem.message),
                    }
                }
            }
        }
        sleep(LOOK).await;
    }
}

/// The plugins that have tables or files of their own, whether they run or not.
async fn keeping(folder: &Path) -> Vec<PluginName> {
    let folder = folder.to_owned();
    let looked = spawn_blocking(move || {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            return Vec::new();
        };
        let mut names: Vec<PluginName> = entries
            .flatten()
            .filter(|entry| keeps_by_itself(&entry.path()))
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        names.sort_unstable();
        names
    });
    looked.await.unwrap_or_default()
}
