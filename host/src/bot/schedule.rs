//! The stage on which timers run: plugins' generations, by the routing table.
//!
//! A run takes a ticket as any delivery does, so a replacement waits for it; in a hold it waits for the next generation.

use std::{sync::Arc, time::Instant};

use plugin_protocol::{PluginName, TimerFunction, TimerRun, kind};

use crate::{
    plugins::{Delivery, Entered, Held, Plugins, Routing, Table, timer_delivery},
    schedule::{Began, Schedule, Stage, Strain, Told},
    telemetry::{NoticeKind, Notices},
};

/// Where timers run.
#[derive(Clone)]
pub struct Plays {
    /// Which generation serves.
    pub routing: Arc<Routing<Table>>,
    /// Tells the owner.
    pub notices: Notices,
}

impl Stage for Plays {
    fn plugins(&self) -> Vec<(PluginName, Vec<TimerFunction>)> {
        let table = self.routing.read();
        let offers = table.offers();
        offers
            .map(|(name, description)| (name.clone(), description.timers.clone()))
            .collect()
    }

    fn begin(&self, plugin: &PluginName, run: &TimerRun, payload: String) -> Began {
        let id = timer_delivery(run.id.0);
        let head = serde_json::to_vec(run).unwrap_or_default();
        let entered = self.routing.enter(
            |table| {
                let mut offers = table.offers();
                let (_, description) = offers.find(|(name, _)| *name == plugin)?;
                let is_there = description.timers.iter().any(|function| function.name == run.name);
                if is_there { table.way(plugin) } else { None }
            },
            head.len() + payload.len(),
            || Delivery {
                what: Held::Timer {
                    id,
                    function: run.name.clone(),
                },
                head: head.clone(),
                payload: payload.clone(),
                since: Instant::now(),
            },
        );
        match entered {
            Some(Entered::Now(generation, ticket)) => {
                match generation.deliver(kind::TIMER, id, &head, payload.as_bytes(), ticket) {
                    Ok(()) => Began::Yes,
                    Err(_) => Began::NotNow,
                }
            }
            Some(Entered::Waits) => Began::Yes,
            Some(Entered::Full) | None => Began::NotNow,
        }
    }

    fn tell(&self, told: Told) {
        let (plugin, text) = match told {
            Told::Adrift { plugin, name, count } => {
                let waits = if count == 1 {
                    "1 timer waits".to_owned()
                } else {
                    format!("{count} timers wait")
                };
                let text = format!(
                    "{waits} for `{name}` of the plugin `{plugin}`, whose version that runs has no such timer. They are \
                     kept: `timers {plugin}` shows them, `timers cancel ID` removes one."
                );
                (plugin, text)
            }
            Told::Paused { plugin, name, id } => {
                let text = format!(
                    "Timer {id} (`{name}` of the plugin `{plugin}`) was begun three times and cut off each time, by the end \
                     of the bot or of the plugin. It is paused: `timers resume {id}` tries it again, `timers cancel {id}` \
                     removes it."
                );
                (plugin, text)
            }
            Told::Retried {
                plugin,
                name,
                id,
                times,
            } => {
                let text = format!(
                    "Timer {id} (`{name}` of the plugin `{plugin}`) has failed {times} times in a row, and is tried again \
                     each time, as its plugin asks. `timers {plugin}` shows why; `timers pause {id}` stops it, `timers \
                     cancel {id}` removes it."
                );
                (plugin, text)
            }
            Told::Strain(Strain::Long { plugin, name, id }) => {
                let text = format!(
                    "Timer {id} (`{name}` of the plugin `{plugin}`) has been running for an hour, and its next runs wait. It \
                     may take as long as it takes; `reload {plugin}` ends what hangs."
                );
                (plugin, text)
            }
            Told::Strain(Strain::Full { plugin, running }) => {
                let text = format!(
                    "{running} timers of the plugin `{plugin}` run at once, which is as many as can: others that are due wait \
                     until one ends. `timers {plugin}` shows them; `reload {plugin}` ends those that hang."
                );
                (plugin, text)
            }
        };
        self.notices.tell(NoticeKind::Trouble(plugin.to_string()), text);
    }
}

/// Runs what is due, and looks around whenever other plugins are there, for ever.
pub async fn keep(schedule: Schedule, plugins: Plugins, notices: Notices) {
    let stage = Plays {
        routing: Arc::clone(plugins.routing()),
        notices,
    };
    let mut views = plugins.views();
    let looking = async {
        while views.changed().await.is_ok() {
            schedule.look();
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = schedule.clone().keep(stage) => {}
        () = looking => {}
    }
}
