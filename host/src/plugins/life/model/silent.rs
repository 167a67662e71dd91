//! The rest of the host, as far as the life of plugins asks: it says little, and remembers what the owner is told.
//!
//! Apart, since nothing here is about the model.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use futures_util::{FutureExt, future::BoxFuture};
use plugin_protocol::{
    Activation, Description, LogRecord, Migration, Outcome, PanicReport, PluginName, Settings, StopReason,
};

use crate::{
    plugins::{
        Change, Desk, Ending, Generation, GivenUp, GuildValues, Request, Ticket,
        life::{Outlook, Policy, SlashPlaces},
    },
    slash::{self, Held, Limits, Wishes},
};

/// Nobody asks, and nobody answers.
#[derive(Default)]
pub(in crate::plugins::life) struct Silent {
    /// Whether changes of the folder are followed by themselves.
    pub(in crate::plugins::life) auto_reload: bool,
    /// What the owner was told.
    pub(in crate::plugins::life) told: Mutex<Vec<String>>,
    /// Names that never run.
    pub(in crate::plugins::life) blacklist: Mutex<BTreeSet<String>>,
    /// Why no version can run on the plugins' databases, if so.
    pub(in crate::plugins::life) steps: Mutex<Option<String>>,
}

impl Desk for Silent {
    fn asked(&self, _: &Arc<Generation>, _: Request) {}
    fn finished(&self, _: &Arc<Generation>, _: u64, _: Outcome, _: Ticket) {}
    fn unwatched(&self, _: &Arc<Generation>, _: u64) {}
    fn unregistered(&self, _: &Arc<Generation>, _: u64) {}
    fn logged(&self, _: &Arc<Generation>, _: &LogRecord) {}
    fn panicked(&self, _: &Arc<Generation>, _: &PanicReport) {}
    fn died(&self, _: &Arc<Generation>) {}
    fn ended(&self, _: &Arc<Generation>, _: StopReason, _: Ending) {}
    fn delivers(&self, _: &Generation, _: u64) {}
    fn waits_for(&self, _: u64) -> bool {
        true
    }
    fn gave_up(&self, _: u64, _: GivenUp) {}
    fn under_way(&self, _: &Generation) -> Vec<String> {
        Vec::new()
    }
}

impl Outlook for Silent {
    fn settings(&self, _: &PluginName) -> Result<Settings, String> {
        Ok(Settings::default())
    }
    fn guild_revision(&self) -> u64 {
        0
    }
    fn guild_values(&self, _: &PluginName, _: &Description) -> GuildValues {
        GuildValues::default()
    }
    fn policy(&self) -> Policy {
        Policy {
            blacklist: self.blacklist.lock().unwrap().clone(),
            auto_reload: self.auto_reload,
            memory_percent: 100,
        }
    }
    fn activation(&self) -> Activation {
        Activation::default()
    }
    fn changed(&self, _: Change) {}
    fn tell_owner(&self, _: &str, text: &str) {
        self.told.lock().unwrap().push(text.to_owned());
    }
    fn slash_places(&self, offers: &BTreeMap<&PluginName, &Description>, _: &[String]) -> SlashPlaces {
        let wishes = Wishes {
            only_in: &BTreeMap::new(),
            priorities: &BTreeMap::new(),
        };
        let offers = wishes.apply(offers.iter().map(|(&plugin, &description)| (plugin, description)));
        let plan = slash::everywhere(&offers, &Held::default(), Limits::default());
        SlashPlaces {
            names: plan.commands.into_iter().map(|command| command.name).collect(),
            ..SlashPlaces::default()
        }
    }
    fn missing_intents(&self, _: u64, _: &BTreeMap<&PluginName, &Description>) -> Vec<String> {
        Vec::new()
    }
    fn tell_blocked(&self, _: &str, _: &str) {}
    fn tell_dropped(&self, _: &str, _: &str) {}
    fn tell_trouble(&self, _: &str, _: &str) {}
    fn migrations_due(&self, _: &PluginName, _: &[Migration]) -> BoxFuture<'_, Result<bool, String>> {
        let fault = self.steps.lock().unwrap().clone();
        async move { fault.map_or(Ok(false), Err) }.boxed()
    }
    fn migrate(&self, _: &PluginName, _: &[Migration]) -> BoxFuture<'_, Result<(), String>> {
        async { Ok(()) }.boxed()
    }
    fn undo_migrations(&self, _: &PluginName) -> BoxFuture<'_, Result<(), String>> {
        async { Ok(()) }.boxed()
    }
    fn keep_migrations(&self, _: &PluginName) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}
