//! The card of `plan`: what would happen, in order and with the reasons, within Discord's limits.
//!
//! Pure: from what the host tells to an embed.

use plugin_api::{
    Embed, embed,
    plans::{HandOver, PlanReport, PlannedAction, PlannedStep},
};

use super::card::{ERROR, NEUTRAL, SUCCESS, WARNING, cut, some_of};

/// The longest list in a field, in characters.
const LIST: usize = 900;
/// The longest list of steps, in characters.
const STEPS: usize = 2_800;
/// The longest reason in a line, in characters.
const REASON: usize = 220;

/// What would happen.
pub(super) fn card(plan: &PlanReport) -> Embed {
    let fails = plan.steps.iter().any(|step| step.fails.is_some());
    let colour = match (plan.steps.is_empty(), fails, plan.refused.is_empty()) {
        (_, true, _) => ERROR,
        (true, _, true) => NEUTRAL,
        (_, _, false) => WARNING,
        _ => SUCCESS,
    };
    let steps = if plan.steps.is_empty() {
        "Nothing would change.".to_owned()
    } else {
        let lines = plan.steps.iter().enumerate().map(|(at, step)| {
            let before = at.checked_sub(1).and_then(|at| plan.steps.get(at));
            line(at + 1, step, before.is_some_and(|before| before.unit == step.unit))
        });
        some_of(lines, "\n", STEPS)
    };
    let mut card = embed("Plan").colour(colour).description(steps);
    if !plan.refused.is_empty() {
        let lines = plan
            .refused
            .iter()
            .map(|refusal| format!("`{}`: {}", refusal.what, cut(&refusal.why, REASON)));
        card = card.field("Refused", some_of(lines, "\n", LIST));
    }
    if !plan.notes.is_empty() {
        card = card.field("Also", some_of(plan.notes.iter().cloned(), "\n", LIST));
    }
    if plan.steps.iter().any(|step| step.fails.is_none()) {
        let slash = &plan.slash;
        let mut text = if slash.before == slash.after {
            format!("{} of {} places, as now", slash.after, slash.max)
        } else {
            format!("{} instead of {} of {} places", slash.after, slash.before, slash.max)
        };
        if !slash.prefix_only.is_empty() {
            let names = slash.prefix_only.iter().map(|name| format!("`{name}`"));
            text = format!("{text}\nby prefix only: {}", some_of(names, ", ", LIST / 2));
        }
        card = card.field("Slash commands", text);
    }
    if !plan.new_intents.is_empty() {
        let names = plan.new_intents.iter().map(|name| format!("`{name}`"));
        card = card.field(
            "Intents that Discord was not asked for",
            format!(
                "{}: their events come after a restart of the bot.",
                some_of(names, ", ", LIST)
            ),
        );
    }
    card.footer("Nothing has been changed.")
}

fn line(number: usize, step: &PlannedStep, with_the_one_before: bool) -> String {
    let PlannedStep { plugin, from, to, .. } = step;
    let what = match (step.action, from, to) {
        (PlannedAction::Start, _, Some(to)) => format!("start `{plugin}` {to}"),
        (PlannedAction::Replace, Some(from), Some(to)) if from == to => format!("replace `{plugin}` {from}"),
        (PlannedAction::Replace, Some(from), Some(to)) => format!("replace `{plugin}` {from} by {to}"),
        (PlannedAction::Unload, Some(from), _) => format!("unload `{plugin}` {from}"),
        _ => format!("change `{plugin}`"),
    };
    let together = if with_the_one_before {
        ", with the one above or not at all"
    } else {
        ""
    };
    let mut line = format!("**{number}.** {what}{together}: {}", cut(&step.because, REASON));
    if let Some(how) = hand_over(&step.hand_over) {
        line = format!("{line}\n\u{2003}{how}");
    }
    if let Some(fails) = &step.fails {
        line = format!("{line}\n\u{2003}**would not happen**: {}", cut(fails, REASON));
    }
    line
}

fn hand_over(how: &HandOver) -> Option<String> {
    let parts = [
        (how.state, "hands over its state"),
        (how.migrations, "changes its database first"),
        (how.exclusive, "stops before the newer one starts"),
        (how.hold, "who uses it meanwhile waits"),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|(is, _)| *is).map(|(_, text)| text).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

#[cfg(test)]
mod tests {
    use plugin_api::{
        plans::{PlannedRefusal, SlashChange},
        serde_json,
    };

    use super::*;

    #[test]
    fn the_cards() {
        let step = |plugin: &str, action, from: Option<&str>, to: Option<&str>, because: &str| PlannedStep {
            plugin: plugin.to_owned(),
            action,
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
            because: because.to_owned(),
            ..PlannedStep::default()
        };
        let plan = PlanReport {
            steps: vec![
                step(
                    "quests",
                    PlannedAction::Unload,
                    Some("1.0.0"),
                    None,
                    "it needs the plugin `economy` in version <2, but version 2.0.0 is there: replace one of the two",
                ),
                PlannedStep {
                    hand_over: HandOver {
                        state: true,
                        migrations: true,
                        exclusive: false,
                        hold: true,
                    },
                    ..step(
                        "economy",
                        PlannedAction::Replace,
                        Some("1.2.0"),
                        Some("2.0.0"),
                        "you ask for it",
                    )
                },
                PlannedStep {
                    unit: 1,
                    fails: Some("its start function failed: no port".to_owned()),
                    ..step(
                        "music",
                        PlannedAction::Start,
                        None,
                        Some("0.1.0"),
                        "it lies in the folder",
                    )
                },
            ],
            refused: vec![PlannedRefusal {
                what: "libshop.so".to_owned(),
                why: "it needs the plugin `bank`, which is not loaded: add it, or load it first".to_owned(),
            }],
            notes: vec!["`levels` does not run: it would stay unloaded until you `load levels`".to_owned()],
            slash: SlashChange {
                before: 12,
                after: 15,
                max: 95,
                prefix_only: vec!["vault".to_owned()],
            },
            new_intents: vec!["GUILD_PRESENCES".to_owned()],
        };
        insta::assert_snapshot!(serde_json::to_string_pretty(&card(&plan)).unwrap());
        insta::assert_snapshot!(serde_json::to_string_pretty(&card(&PlanReport::default())).unwrap());
    }
}
