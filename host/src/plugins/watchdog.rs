//! The watchdog: feels the pulse of all lanes that serve, with one timer for all of them.
//!
//! It tells, and changes nothing: the owner decides whether a plugin that hangs is unloaded. A blocked thread can't be
//! ended without ending the process.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::{MissedTickBehavior, interval};

use super::{
    generation::{Desk, Generation},
    lane::Routing,
    life::Outlook,
    pulse::Beat,
    table::Table,
};

/// How often all lanes are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Watches for ever.
pub async fn watch(routing: Arc<Routing<Table>>, desk: Arc<dyn Desk>, outlook: Arc<dyn Outlook>) {
    let mut timer = interval(EVERY);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        let live: Vec<_> = routing.read().generations().cloned().collect();
        for generation in live {
            look_at(&generation, &*desk, &*outlook);
        }
    }
}

fn look_at(generation: &Arc<Generation>, desk: &dyn Desk, outlook: &dyn Outlook) {
    let (plugin, number) = (generation.name(), generation.number);
    if generation.has_ended() {
        // Told before, but perhaps before anybody listened, in the first moments of the bot.
        desk.died(generation);
        return;
    }
    match generation.beat(Instant::now()) {
        Beat::Steady | Beat::Ask => {}
        Beat::Hung(waited) => {
            let at_work_on = desk.under_way(generation).join(", ");
            tracing::error!(%plugin, generation = number, ?waited, under_way = generation.gate.tickets(), at_work_on, "hangs: its thread takes nothing");
            outlook.tell_trouble(plugin.as_str(), &hung_text(plugin.as_str(), waited, &at_work_on));
        }
        Beat::Recovered(hung_for) => {
            tracing::warn!(%plugin, generation = number, ?hung_for, "goes on: its thread takes what it is given again");
        }
    }
}

fn hung_text(plugin: &str, waited: Duration, at_work_on: &str) -> String {
    let at_work_on = if at_work_on.is_empty() {
        "a task of its own, for no command is under way".to_owned()
    } else {
        format!("one of these, oldest first: {at_work_on}")
    };
    format!(
        "The plugin `{plugin}` hangs: its thread has taken nothing for {} s. It is at {at_work_on}. Its users are told that it is busy, other plugins go on. `unload {plugin}` gives it up, `plugininfo {plugin}` shows whether it goes on.",
        waited.as_secs()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let waited = Duration::from_millis(5400);
        let texts = [
            hung_text("levels", waited, "`rank`, `rank`"),
            hung_text("levels", waited, ""),
        ];
        insta::assert_snapshot!(texts.join("\n"));
    }
}
