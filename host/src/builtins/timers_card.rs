//! The card of `timers`: from what the host tells to an embed within Discord's limits
//! (<https://discord.com/developers/docs/resources/message#embed-object-embed-limits>).
//!
//! Pure: every text is cut cleanly.

use plugin_api::{Embed, LastRun, TimerId, TimerInfo, TimerList, TimerState, embed, inspection::PluginInfo};

use super::card::{cut, one_line};

/// How many timers are on a page.
pub(super) const PER_PAGE: usize = 10;

/// The longest line: ten of them are within a description.
const LINE: usize = 400;

const NEUTRAL: u32 = 0x2b_2d31;

/// How many pages there are, at least one.
pub(super) fn pages(list: &TimerList) -> usize {
    list.total.div_ceil(PER_PAGE).max(1)
}

/// A page of the timers.
pub(super) fn list(list: &TimerList, plugin: Option<&str>, number: usize) -> Embed {
    let of = plugin.map_or_else(String::new, |plugin| format!(" of {}", cut(plugin, 40)));
    let card = embed(format!("Timers{of} ({})", list.total)).colour(NEUTRAL);
    if list.timers.is_empty() {
        return card.description(match plugin {
            None => "Nothing runs by time.".to_owned(),
            Some(plugin) => format!(
                "No plugin `{}` has anything that runs by time: `timers` shows all that does.",
                cut(&plugin.replace('`', ""), 40)
            ),
        });
    }
    let lines: Vec<_> = list.timers.iter().map(|timer| cut(&line(timer), LINE)).collect();
    card.description(lines.join("\n")).footer(format!(
        "Page {} of {} \u{b7} timers run ID, pause ID, resume ID, cancel ID",
        number + 1,
        pages(list)
    ))
}

fn line(timer: &TimerInfo) -> String {
    let rule = match timer.rule.as_str() {
        "" => "once".to_owned(),
        rule => cut(&rule.replace('`', ""), 60),
    };
    let next = match timer.state {
        TimerState::Running => timer.began_ms.map_or_else(
            || "runs now".to_owned(),
            |began| format!("runs since <t:{}:R>", began / 1000),
        ),
        TimerState::Paused => "paused".to_owned(),
        TimerState::NoPlugin => format!("<t:{}:R>, but its plugin does not run", timer.next_ms / 1000),
        TimerState::NoFunction => "its plugin has no such function any more".to_owned(),
        TimerState::Waiting | TimerState::Unknown => format!("<t:{}:R>", timer.next_ms / 1000),
    };
    let counts = [
        (timer.runs, "runs"),
        (timer.missed, "missed"),
        (timer.overruns, "overruns"),
    ];
    let counts: Vec<_> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, of)| format!("{count} {of}"))
        .collect();
    let last = timer
        .last
        .as_ref()
        .map_or_else(String::new, |last| format!("\n> {}", told(last)));
    let counts = if counts.is_empty() {
        String::new()
    } else {
        format!(" \u{b7} {}", counts.join(", "))
    };
    format!(
        "`{}` **{}** `{}` \u{b7} {rule} \u{b7} {next}{counts}{last}",
        timer.id,
        cut(&timer.plugin, 40),
        cut(&timer.name.replace('`', ""), 60),
    )
}

fn told(last: &LastRun) -> String {
    format!(
        "last <t:{}:R>, {} ms: {}",
        last.at_ms / 1000,
        last.took_ms,
        cut(&one_line(&last.outcome), 120)
    )
}

/// What a plugin runs by time, for its own card.
pub(super) fn of_plugin(info: &PluginInfo) -> String {
    let rules = info.timers.iter().map(|timer| {
        let next = match timer.state {
            TimerState::Paused => "paused".to_owned(),
            TimerState::NoFunction => "gone".to_owned(),
            _ => format!("<t:{}:R>", timer.next_ms / 1000),
        };
        format!("`{}` {} \u{b7} {next}", timer.name.replace('`', ""), timer.rule)
    });
    let mut lines: Vec<_> = rules.collect();
    match info.one_off_timers {
        0 => {}
        1 => lines.push("1 timer that runs once".to_owned()),
        count => lines.push(format!("{count} timers that run once")),
    }
    lines.join("\n")
}

/// A timer in a line of suggestions: up to 100 characters.
pub(super) fn short(timer: &TimerInfo) -> String {
    cut(&format!("{} {} {}", timer.id, timer.plugin, timer.name), 100)
}

/// What was done with a timer.
pub(super) fn done(action: &str, id: TimerId) -> String {
    match action {
        "run" => format!("Timer {id} is begun: `timers` shows what comes of it."),
        "pause" => format!("Timer {id} is paused: `timers resume {id}` lets it go on."),
        "resume" => format!("Timer {id} goes on."),
        _ => format!("Timer {id} is cancelled."),
    }
}

#[cfg(test)]
mod tests {
    use plugin_api::serde_json;

    use super::*;

    fn timer(id: u64, state: TimerState) -> TimerInfo {
        TimerInfo {
            id: TimerId(id),
            plugin: "levels".to_owned(),
            name: "decay".to_owned(),
            rule: "every 5m".to_owned(),
            next_ms: 1_790_000_000_000,
            state,
            ..TimerInfo::default()
        }
    }

    #[test]
    fn timers_read_well() {
        let states = [
            TimerState::Waiting,
            TimerState::Running,
            TimerState::Paused,
            TimerState::NoPlugin,
            TimerState::NoFunction,
        ];
        let mut timers: Vec<_> = (1..).zip(states).map(|(id, state)| timer(id, state)).collect();
        timers[0].runs = 12;
        timers[1].began_ms = Some(1_789_999_500_000);
        timers[0].missed = 3;
        timers[0].overruns = 1;
        timers[0].last = Some(LastRun {
            at_ms: 1_789_999_000_000,
            took_ms: 17,
            outcome: "done".to_owned(),
        });
        timers[4].rule = String::new();
        let page = TimerList { total: 12, timers };
        insta::assert_snapshot!(
            "list",
            serde_json::to_string_pretty(&list(&page, Some("levels"), 0)).unwrap()
        );
        insta::assert_snapshot!(
            "none",
            serde_json::to_string_pretty(&list(&TimerList::default(), None, 0)).unwrap()
        );
        let none = serde_json::to_string(&list(&TimerList::default(), Some("nosuch"), 0)).unwrap();
        assert!(
            none.contains("No plugin `nosuch` has anything that runs by time"),
            "{none}"
        );
    }

    #[test]
    fn whatever_runs_the_card_is_within_discords_limits() {
        let mut worst = timer(u64::MAX, TimerState::NoPlugin);
        worst.plugin = "p".repeat(32);
        worst.name = "n".repeat(500);
        worst.rule = "r".repeat(500);
        (worst.runs, worst.missed, worst.overruns) = (u64::MAX, u64::MAX, u64::MAX);
        worst.last = Some(LastRun {
            at_ms: u64::MAX,
            took_ms: u64::MAX,
            outcome: "o".repeat(500),
        });
        let page = TimerList {
            total: 2_000,
            timers: vec![worst; PER_PAGE],
        };
        let card = serde_json::to_value(list(&page, None, 100)).unwrap();
        assert!(card["description"].as_str().unwrap().chars().count() <= 4096);
    }
}
