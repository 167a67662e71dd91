//! The texts of `erase`: the question before, and what became of it, plugin by plugin.
//!
//! Pure: every text is cut cleanly.

use plugin_api::{Asked, Embed, ErasedPlugin, ErasureReport, Subject, embed};

use super::card::{cut, one_line};

const SUCCESS: u32 = 0x00_ff00;
const WARNING: u32 = 0xff_ff00;
/// How many plugins are shown.
const SHOWN: usize = 30;
/// The longest description of an embed that is used, in characters.
const DESCRIPTION: usize = 3_800;

fn whose(who: Subject) -> String {
    match who {
        Subject::User(user) => format!("user {user}"),
        Subject::Guild(guild) => format!("server {guild}"),
    }
}

/// What is asked before.
pub(super) fn question(who: Subject) -> Embed {
    let what = match who {
        Subject::User(_) => {
            "Every plugin that runs is asked to erase what it keeps of them; their values in plugins' stores, timers about them \
             and what all plugins share of them are deleted."
        }
        Subject::Guild(_) => {
            "Every plugin that runs is asked to erase what it keeps of it; its values and its members' in plugins' stores, \
             timers about it, its settings and its rules are deleted."
        }
    };
    embed(format!("Erase {}?", whose(who)))
        .colour(WARNING)
        .description(format!(
            "{what} Plugins have ten seconds each. It can't be undone. Backups still have it until they are deleted; ids in \
             rules of permits, in cooldowns that go on and in the log of what owners did stay as well."
        ))
}

/// What became of it.
pub(super) fn report(who: Subject, report: &ErasureReport) -> Embed {
    let (mut lines, mut done) = (Vec::new(), true);
    for plugin in report.plugins.iter().take(SHOWN) {
        done &= matches!(plugin.asked, Asked::Done | Asked::NotNeeded);
        lines.push(line(plugin));
    }
    if report.plugins.len() > SHOWN {
        lines.push(format!("and {} more", report.plugins.len() - SHOWN));
    }
    if report.plugins.is_empty() {
        lines.push("No plugin kept anything.".to_owned());
    }
    let shared = match (who, report.shared) {
        (Subject::User(_), true) => "What all plugins shared of them is deleted.",
        (Subject::User(_), false) => "Nothing was shared between plugins.",
        (Subject::Guild(_), true) => "Its settings and rules are deleted.",
        (Subject::Guild(_), false) => "It had no settings and rules.",
    };
    lines.push(shared.to_owned());
    for problem in &report.problems {
        done = false;
        lines.push(format!("\u{274c} {}", cut(&one_line(problem), 300)));
    }
    let (title, colour) = if done {
        (format!("Erased {}", whose(who)), SUCCESS)
    } else {
        (format!("Not all of {} is erased", whose(who)), WARNING)
    };
    embed(title)
        .colour(colour)
        .description(cut(&lines.join("\n"), DESCRIPTION))
}

fn line(plugin: &ErasedPlugin) -> String {
    let (mark, text) = match plugin.asked {
        Asked::Done => ("\u{2705}", "has erased what it kept".to_owned()),
        Asked::NotNeeded => ("\u{2705}", "keeps nothing else".to_owned()),
        Asked::Failed => (
            "\u{274c}",
            format!(
                "failed: {}. Try again, or ask its author",
                cut(
                    &one_line(plugin.problem.as_deref().unwrap_or("no reason was told")),
                    150
                )
            ),
        ),
        Asked::Missing => (
            "\u{26a0}\u{fe0f}",
            "has a database or files, and no way to erase: ask its author".to_owned(),
        ),
        Asked::NotRunning => (
            "\u{26a0}\u{fe0f}",
            "has a database or files, and does not run: `load` it and erase again".to_owned(),
        ),
        Asked::Unknown => ("\u{26a0}\u{fe0f}", "said nothing that is understood".to_owned()),
    };
    let count = |count: u64, one: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        many => Some(format!("{many} {one}s")),
    };
    let deleted: Vec<_> = [count(plugin.values, "value"), count(plugin.timers, "timer")]
        .into_iter()
        .flatten()
        .collect();
    let deleted = if deleted.is_empty() {
        String::new()
    } else {
        format!("; {} deleted", deleted.join(" and "))
    };
    format!("{mark} **{}** {text}{deleted}", plugin.plugin)
}

#[cfg(test)]
mod tests {
    use plugin_api::serde_json;

    use super::*;

    fn plugin(plugin: &str, asked: Asked, values: u64, timers: u64) -> ErasedPlugin {
        ErasedPlugin {
            plugin: plugin.to_owned(),
            asked,
            problem: (asked == Asked::Failed).then(|| "no such table: points".to_owned()),
            values,
            timers,
        }
    }

    #[test]
    fn what_became_of_it_reads_well() {
        let user = Subject::User("1100000000000000001".parse().unwrap());
        let mut all = ErasureReport {
            plugins: vec![
                plugin("economy", Asked::Done, 2, 0),
                plugin("fun", Asked::Failed, 0, 1),
                plugin("levels", Asked::NotNeeded, 1, 3),
                plugin("notes", Asked::Missing, 0, 0),
                plugin("shop", Asked::NotRunning, 0, 0),
            ],
            shared: true,
            problems: vec!["the rules of the server: the disk is full".to_owned()],
        };
        let shown = |card: &Embed| serde_json::to_string_pretty(card).unwrap();
        insta::assert_snapshot!("question", shown(&question(user)));
        insta::assert_snapshot!("not_all", shown(&report(user, &all)));
        all.plugins.truncate(1);
        all.problems.clear();
        all.shared = false;
        let guild = Subject::Guild("1100000000000000002".parse().unwrap());
        insta::assert_snapshot!("all", shown(&report(guild, &all)));
        all.plugins = vec![plugin(&"p".repeat(32), Asked::Failed, u64::MAX, u64::MAX); 300];
        let card = serde_json::to_value(report(user, &all)).unwrap();
        assert!(card["description"].as_str().unwrap().chars().count() <= 4096);
    }
}
