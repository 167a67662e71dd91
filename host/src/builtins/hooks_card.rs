//! The cards of `hooks` and `hookhistory`, in pages: from what the host tells to embeds within Discord's limits
//! (<https://discord.com/developers/docs/resources/message#embed-object-embed-limits>).
//!
//! Pure. All pages together fit into what the buttons of a paginated answer carry.

use std::time::Duration;

use plugin_api::{
    BreakerState, Embed, Hook, PastRun, embed,
    hooks::{HookHistory, HookList},
};

use super::card::{cut, one_line};

/// How many are on a page.
const PER_PAGE: usize = 10;
/// The longest name in a line, in characters: 50 lines are within the 16 KiB that the buttons of all pages carry.
const NAME: usize = 50;
/// And the longest text.
const TEXT: usize = 80;
const NEUTRAL: u32 = 0x2b_2d31;

/// How many pages there are, at least one.
pub(super) fn pages(list: &HookList) -> usize {
    list.hooks.len().div_ceil(PER_PAGE).max(1)
}

/// A page of the callbacks.
pub(super) fn list(list: &HookList, number: usize) -> Embed {
    let card = embed(format!("Hooks ({})", list.hooks.len())).colour(NEUTRAL);
    if list.hooks.is_empty() {
        return card.description("No plugin that runs listens to a hook.");
    }
    let lines: Vec<_> = list
        .hooks
        .iter()
        .skip(number * PER_PAGE)
        .take(PER_PAGE)
        .map(hook_line)
        .collect();
    let dropped = match list.dropped {
        0 => String::new(),
        dropped => format!(", {dropped} dropped"),
    };
    card.description(lines.join("\n")).footer(format!(
        "Page {} of {} \u{b7} {} events emitted{dropped} \u{b7} hooks enable, disable or reset CALLBACK",
        number + 1,
        pages(list),
        list.emitted
    ))
}

/// "🟢 `levels.loaded` on `extension_loaded`, priority 5, 12 runs".
fn hook_line(hook: &Hook) -> String {
    let (mark, state) = match (hook.off, hook.breaker) {
        (true, _) => ("\u{26aa}", ", **off**".to_owned()),
        (_, BreakerState::Closed) if hook.failures == 0 => ("\u{1f7e2}", String::new()),
        (_, BreakerState::Closed) => {
            let failed = format!(", failed {} of 5 times", hook.failures);
            ("\u{1f7e1}", failed)
        }
        (_, BreakerState::Open(seconds)) => ("\u{1f534}", format!(", **left out** for {seconds} s")),
        (_, BreakerState::Trial) => ("\u{1f7e0}", ", next run is a **trial**".to_owned()),
        (_, BreakerState::Unknown) => ("\u{2753}", String::new()),
    };
    let priority = match hook.priority {
        0 => String::new(),
        priority => format!(", priority {priority}"),
    };
    let dropped = match hook.dropped {
        0 => String::new(),
        dropped => format!(", {dropped} left out"),
    };
    let runs = match hook.runs {
        1 => "1 run".to_owned(),
        runs => format!("{runs} runs"),
    };
    format!(
        "{mark} `{}` on `{}`{priority}, {runs}{dropped}{state}",
        cut(&hook.id, NAME),
        cut(&hook.event, NAME)
    )
}

/// The last runs.
pub(super) fn history(history: &HookHistory) -> Vec<Embed> {
    if history.runs.is_empty() {
        let text = "No callback of a hook has run since the bot's start.";
        return vec![embed("Last runs of hooks").colour(NEUTRAL).description(text)];
    }
    let pages = history.runs.chunks(PER_PAGE).map(|page| {
        let lines: Vec<_> = page.iter().map(run_line).collect();
        embed("Last runs of hooks")
            .colour(NEUTRAL)
            .description(lines.join("\n"))
    });
    pages.collect()
}

/// "✔ <t:1:R> `levels.loaded` on `extension_loaded` took 3 ms".
fn run_line(run: &PastRun) -> String {
    let (mark, what) = match (&run.error, &run.veto) {
        (Some(error), _) => ("\u{2716}", format!("\n> {}", cut(&one_line(error), TEXT))),
        (None, Some(veto)) => ("\u{1f6ab}", format!("\n> refused it: {}", cut(&one_line(veto), TEXT))),
        (None, None) => ("\u{2714}", String::new()),
    };
    format!(
        "{mark} <t:{}:R> `{}` on `{}`, {}{what}",
        run.at_ms / 1000,
        cut(&run.callback, NAME),
        cut(&run.event, NAME),
        took(Duration::from_micros(run.took_us))
    )
}

fn took(time: Duration) -> String {
    match time.as_millis() {
        0 => format!("{} \u{b5}s", time.as_micros()),
        millis @ 1..1000 => format!("{millis} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use plugin_api::serde_json;

    use super::*;

    fn shown(pages: &[Embed]) -> String {
        pages
            .iter()
            .map(|page| serde_json::to_string_pretty(page).expect("json"))
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn hook(id: &str, event: &str) -> Hook {
        Hook {
            id: id.to_owned(),
            event: event.to_owned(),
            runs: 12,
            ..Hook::default()
        }
    }

    #[test]
    fn the_cards_say_how_each_callback_is_and_what_has_run() {
        let all = HookList {
            hooks: vec![
                Hook {
                    priority: 5,
                    ..hook("levels.loaded", "extension_loaded")
                },
                Hook {
                    failures: 2,
                    runs: 1,
                    ..hook("shop.paid", "economy.paid")
                },
                Hook {
                    breaker: BreakerState::Open(41),
                    failures: 5,
                    dropped: 3,
                    ..hook("log.executed", "command_executed")
                },
                Hook {
                    breaker: BreakerState::Trial,
                    priority: -1,
                    ..hook("log.error", "command_error")
                },
                Hook {
                    off: true,
                    ..hook("guard.check", "before_command")
                },
            ],
            emitted: 77,
            dropped: 2,
        };
        let run = |error: Option<&str>, veto: Option<&str>, took_us| PastRun {
            at_ms: 1_700_000_000_000,
            event: "before_command".to_owned(),
            callback: "guard.check".to_owned(),
            took_us,
            error: error.map(str::to_owned),
            veto: veto.map(str::to_owned),
        };
        let runs = HookHistory {
            runs: vec![
                run(None, None, 180),
                run(None, Some("Not\ntoday."), 3_200),
                run(Some("it took longer than 1s"), None, 1_000_000),
            ],
        };
        let told = shown(&[list(&all, 0)]);
        for line in [
            "\u{1f7e2} `levels.loaded` on `extension_loaded`, priority 5, 12 runs",
            "\u{1f7e1} `shop.paid` on `economy.paid`, 1 run, failed 2 of 5 times",
            "\u{1f534} `log.executed` on `command_executed`, 12 runs, 3 left out, **left out** for 41 s",
            "\u{1f7e0} `log.error` on `command_error`, priority -1, 12 runs, next run is a **trial**",
            "\u{26aa} `guard.check` on `before_command`, 12 runs, **off**",
            "Page 1 of 1 \u{b7} 77 events emitted, 2 dropped",
        ] {
            assert!(told.contains(line), "{line} is not in {told}");
        }
        let told = shown(&history(&runs));
        for line in [
            "\u{2714} <t:1700000000:R> `guard.check` on `before_command`, 180 \u{b5}s",
            "`before_command`, 3 ms\\n> refused it: Not today.",
            "`before_command`, 1.0 s\\n> it took longer than 1s",
        ] {
            assert!(told.contains(line), "{line} is not in {told}");
        }
        assert!(shown(&[list(&HookList::default(), 0)]).contains("No plugin that runs listens"));
        assert!(shown(&history(&HookHistory::default())).contains("since the bot's start"));
    }

    #[test]
    fn the_longest_cards_fit() {
        let long = "x".repeat(130);
        let all = HookList {
            hooks: vec![hook(&long, &long); 95],
            ..HookList::default()
        };
        assert_eq!(pages(&all), 10);
        let run = PastRun {
            callback: long.clone(),
            event: long.clone(),
            error: Some(long.repeat(4)),
            ..PastRun::default()
        };
        let runs = HookHistory { runs: vec![run; 50] };
        let history = history(&runs);
        // https://discord.com/developers/docs/resources/message#embed-object-embed-limits, of a description.
        let longest = history
            .iter()
            .chain([&list(&all, 9)])
            .map(|page| shown(std::slice::from_ref(page)).chars().count())
            .max();
        assert!(longest.is_some_and(|longest| longest < 4096), "{longest:?}");
        let carried = serde_json::to_string(&history).expect("json").len();
        assert!(carried < 15 * 1024, "{carried}");
    }
}
