//! The watchdog: feels the pulse of all lanes that serve, and sees what they are at, with one timer for all of them.
//!
//! It tells, and changes nothing: the owner decides whether a plugin that hangs is unloaded. A blocked thread can't be
//! ended without ending the process. It also tells of events that were dropped, since nothing is told where they are.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use plugin_protocol::{EventQueue, Overflow, PluginName};
use tokio::time::{MissedTickBehavior, interval};

use super::{
    generation::{Desk, Generation},
    lane::Routing,
    life::Outlook,
    pulse::Beat,
    stall::Found,
    table::Table,
};

/// How often lanes are looked at that do something: often enough to tell of half a second.
const EVERY: Duration = Duration::from_millis(250);
/// And how often the others are, and the pulse of all is felt: each time of so many.
const PULSE_EVERY: u32 = 4;
/// A look that comes so late was held up by what held up everything.
const SLEPT: Duration = Duration::from_secs(2);
/// How long nothing more is told of a plugin whose events are dropped.
const QUIET: Duration = Duration::from_secs(60);

/// Watches for ever.
pub async fn watch(routing: Arc<Routing<Table>>, desk: Arc<dyn Desk>, outlook: Arc<dyn Outlook>) {
    let mut timer = interval(EVERY);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut dropped, mut last) = (HashMap::new(), Instant::now());
    for look in (0..PULSE_EVERY).cycle() {
        timer.tick().await;
        let live: Vec<_> = routing.read().watched().cloned().collect();
        let now = Instant::now();
        let has_slept = now.saturating_duration_since(std::mem::replace(&mut last, now)) > SLEPT;
        for generation in &live {
            if look == 0 {
                look_at(generation, &*desk, &*outlook);
            }
            let is_due = look == 0 || generation.gate.tickets() > 0 || generation.stall.is_at_work();
            // What stood still together with this says nothing of a lane.
            if !has_slept && (is_due || generation.pulse.asked_since().is_some()) {
                look_into(generation, now, &*outlook);
            }
            generation.hand_on_events();
            tell_dropped(generation, now, &mut dropped, &*outlook);
        }
        if look == 0 {
            dropped.retain(|name, _| live.iter().any(|generation| generation.name() == name));
        }
    }
}

/// Tells what blocks a lane, if it says so.
fn look_into(generation: &Arc<Generation>, now: Instant, outlook: &dyn Outlook) {
    let Some(found) = generation.look_into(now) else { return };
    let (plugin, number) = (generation.name(), generation.number);
    match found {
        Found::Nothing => {}
        Found::Behind(by, lasted) => {
            tracing::warn!(%plugin, generation = number, by, ?lasted, "is behind: it has taken nothing that it was given");
            outlook.tell_blocked(plugin.as_str(), &behind_text(plugin.as_str(), &by, lasted));
        }
        Found::Blocked(by, lasted) => {
            tracing::warn!(%plugin, generation = number, by, ?lasted, "is blocked: nothing else of it runs");
            outlook.tell_blocked(plugin.as_str(), &blocked_text(plugin.as_str(), &by, lasted));
        }
        Found::Freed(by, lasted) => {
            tracing::info!(%plugin, generation = number, by, ?lasted, "is blocked no longer");
        }
    }
}

/// Tells of events that were dropped, and of those of the next minute together.
fn tell_dropped(generation: &Generation, now: Instant, told: &mut HashMap<PluginName, Instant>, outlook: &dyn Outlook) {
    let plugin = generation.name();
    if told
        .get(plugin)
        .is_some_and(|told| now.saturating_duration_since(*told) < QUIET)
    {
        return;
    }
    let dropped = generation.take_untold_events();
    if dropped == 0 {
        return;
    }
    told.insert(plugin.clone(), now);
    let text = dropped_text(plugin.as_str(), dropped, generation.description.event_queue);
    outlook.tell_dropped(plugin.as_str(), &text);
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
            // What it says itself is exact; one that was built before it could is known by what it was given.
            let blocked = generation.stall.blocked(Instant::now()).map(|blocked| blocked.by);
            let at_work_on = blocked.unwrap_or_else(|| given(&desk.under_way(generation)));
            tracing::error!(%plugin, generation = number, ?waited, under_way = generation.gate.tickets(), at_work_on, "hangs: its thread takes nothing");
            outlook.tell_trouble(plugin.as_str(), &hung_text(plugin.as_str(), waited, &at_work_on));
        }
        Beat::Recovered(hung_for) => {
            tracing::warn!(%plugin, generation = number, ?hung_for, "goes on: its thread takes what it is given again");
        }
    }
}

/// What a lane was given, which does not say what it is at.
fn given(under_way: &[String]) -> String {
    if under_way.is_empty() {
        "a task of its own, for no command is under way".to_owned()
    } else {
        format!("one of these, oldest first: {}", under_way.join(", "))
    }
}

fn blocked_text(plugin: &str, by: &str, lasted: Duration) -> String {
    format!(
        "The plugin `{plugin}` is blocked by {by}: for {:.1} s nothing else of it has run. Other plugins go on. Its author \
         should wait with `.await`, sleep by `tokio::time::sleep`, and leave what computes for long to \
         `tokio::task::spawn_blocking`. `plugininfo {plugin}` shows how often that happens.",
        lasted.as_secs_f64()
    )
}

fn behind_text(plugin: &str, by: &str, lasted: Duration) -> String {
    format!(
        "The plugin `{plugin}` is behind: for {:.1} s its thread has not come to what it was given. It is at {by}. Other \
         plugins go on. Its author should do less in each piece, leave what computes for long to \
         `tokio::task::spawn_blocking`, and begin tasks by `ctx.spawn`, so that they are known. `plugininfo {plugin}` shows \
         how often that happens.",
        lasted.as_secs_f64()
    )
}

fn dropped_text(plugin: &str, dropped: u64, queue: EventQueue) -> String {
    let which = match queue.overflow {
        Overflow::DropOldest => "oldest",
        Overflow::DropNewest => "newest",
    };
    let which = match dropped {
        1 => format!("the {which} of them was"),
        _ => format!("the {which} {dropped} of them were"),
    };
    format!(
        "The plugin `{plugin}` is too slow for its events: {which} dropped, since {} KiB of them \
         waited already. Its commands go on. `plugininfo {plugin}` shows how many wait; its author can handle fewer \
         (`filter`), work less for each, or say `event_queue` in `plugin!`.",
        queue.bytes >> 10
    )
}

fn hung_text(plugin: &str, waited: Duration, at_work_on: &str) -> String {
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
        let (oldest, newest) = (EventQueue::default(), Overflow::DropNewest);
        let newest = EventQueue {
            bytes: 64 << 10,
            overflow: newest,
        };
        let under_way = ["`rank`".to_owned(), "`rank`".to_owned()];
        let texts = [
            hung_text("levels", waited, &given(&under_way)),
            hung_text("levels", waited, &given(&[])),
            hung_text("levels", waited, "the command `rank`"),
            blocked_text("levels", "the handler `count`", Duration::from_millis(612)),
            behind_text(
                "levels",
                "code that it runs outside of `ctx.spawn`",
                Duration::from_millis(612),
            ),
            dropped_text("levels", 12, oldest),
            dropped_text("levels", 1, newest),
        ];
        insta::assert_snapshot!(texts.join("\n"));
    }
}
