//! How much of the plugins' is under way: a bound for each and one for all, so that one that floods delays itself.
//!
//! The host's own requests pass by. A plugin's own place comes first, so that its queue holds up no other plugin.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use plugin_protocol::{Problem, ProblemCode};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};

use super::Rest;

/// How long a request waits for its place.
const PATIENCE: Duration = Duration::from_secs(10);

/// The places.
#[derive(Debug)]
pub(super) struct Admission {
    per_plugin: usize,
    all: Arc<Semaphore>,
    /// A lock of std: it is held for a look-up only, never across an await.
    plugins: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _of_plugin: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Admission {
    /// So many places for each plugin and for all.
    pub(super) fn new(per_plugin: usize, in_all: usize) -> Self {
        Self {
            per_plugin,
            all: Arc::new(Semaphore::new(in_all)),
            plugins: Mutex::default(),
        }
    }

    fn own(&self, plugin: &str) -> Arc<Semaphore> {
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        match plugins.get(plugin) {
            Some(own) => Arc::clone(own),
            None => Arc::clone(
                plugins
                    .entry(plugin.to_owned())
                    .or_insert_with(|| Arc::new(Semaphore::new(self.per_plugin))),
            ),
        }
    }

    /// A place, if one is free.
    pub(super) fn try_enter(&self, plugin: &str) -> Option<Place> {
        Some(Place {
            _of_plugin: self.own(plugin).try_acquire_owned().ok()?,
            _of_all: Arc::clone(&self.all).try_acquire_owned().ok()?,
        })
    }

    /// Waits for a place: first among the plugin's own requests, then among all.
    pub(super) async fn enter(&self, plugin: &str) -> Result<Place, Problem> {
        let own = self.own(plugin);
        let all = Arc::clone(&self.all);
        let places = async {
            let of_plugin = own.acquire_owned().await.ok()?;
            let of_all = all.acquire_owned().await.ok()?;
            Some(Place {
                _of_plugin: of_plugin,
                _of_all: of_all,
            })
        };
        match time::timeout(PATIENCE, places).await {
            Ok(Some(place)) => Ok(place),
            Ok(None) => Err(Problem::new(ProblemCode::Closed, "the host is ending")),
            Err(_) => Err(Problem::new(
                ProblemCode::Busy,
                format!(
                    "{} requests of this plugin or {} of all plugins are under way and none ended within {} s: send \
                     fewer at a time",
                    Rest::PER_PLUGIN,
                    Rest::IN_ALL,
                    PATIENCE.as_secs()
                ),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_plugin_that_floods_is_told_busy_and_disturbs_no_other() {
        let admission = Admission::new(Rest::PER_PLUGIN, Rest::IN_ALL);
        let mut places = Vec::new();
        for _ in 0..Rest::PER_PLUGIN {
            places.push(admission.enter("flood").await.unwrap());
        }
        let refusal = admission.enter("flood").await.unwrap_err();
        assert_eq!(refusal.code, ProblemCode::Busy);
        drop(admission.enter("other").await.unwrap());
        places.pop();
        drop(admission.enter("flood").await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn all_plugins_together_are_bounded() {
        let admission = Admission::new(Rest::PER_PLUGIN, Rest::IN_ALL);
        let mut places = Vec::new();
        for number in 0..Rest::IN_ALL {
            places.push(admission.enter(&format!("p{}", number % 32)).await.unwrap());
        }
        let refusal = admission.enter("late").await.unwrap_err();
        assert_eq!(refusal.code, ProblemCode::Busy);
    }

    #[tokio::test]
    async fn who_does_not_wait_is_refused_at_once() {
        let admission = Admission::new(2, 3);
        let places = [admission.try_enter("a"), admission.try_enter("a")];
        assert!(places.iter().all(Option::is_some));
        assert!(admission.try_enter("a").is_none());
        let other = admission.try_enter("b");
        assert!(other.is_some() && admission.try_enter("c").is_none());
        drop(places);
        assert!(admission.try_enter("a").is_some() && admission.try_enter("c").is_some());
    }
}
