//! A plan as it is shown: what the steps mean for versions, state, slash commands and intents.
//!
//! What is not running yet is probed for it, as it would be; nothing that runs is touched, and nothing is remembered.

use std::collections::BTreeMap;

use plugin_protocol::{
    Description, PluginName, Swap,
    plans::{HandOver, PlanReport, PlannedAction, PlannedRefusal, PlannedStep, SlashChange},
};

use super::{
    Life,
    handle::Outlook,
    plan::{Action, Ask, Because, Plan},
    preparation::{Prepared, Unprepared},
    report::in_words,
    transaction,
};

impl Life {
    /// What would follow from this.
    pub(super) async fn outline(&mut self, ask: &Ask) -> PlanReport {
        // Put back, so that the next look finds what has changed.
        let policy = std::mem::replace(&mut self.policy, self.outlook.policy());
        if let Some(unsettled) = self.look().await {
            self.look_again = unsettled;
        }
        let mut plan = self.scene(ask).plan();
        let choices = plan.steps.iter().filter_map(|step| step.choice().cloned()).collect();
        let (due, short) = self.within_budget(choices, &mut plan.refused).await;
        let mut prepared = self.prepare(due).await;
        prepared.extend(short);
        let prepared: BTreeMap<_, _> = prepared
            .into_iter()
            .map(|(choice, prepared)| (choice.manifest.name.clone(), prepared))
            .collect();
        let report = self.report_of(&plan, &prepared);
        let shadows = prepared.into_values().flatten().map(|unused| unused.shadow);
        let _ = tokio::task::spawn_blocking({
            let shadows: Vec<_> = shadows.collect();
            move || {
                for shadow in shadows {
                    shadow.discard();
                }
            }
        })
        .await;
        self.policy = policy;
        report
    }

    fn report_of(&self, plan: &Plan, prepared: &BTreeMap<PluginName, Result<Prepared, Unprepared>>) -> PlanReport {
        let mut report = PlanReport::default();
        for (number, unit) in plan.units.iter().enumerate() {
            let fault = unit.iter().find_map(|step| {
                let name = &plan.steps[*step].name;
                let unprepared = prepared.get(name)?.as_ref().err()?;
                Some((name, unprepared.why.clone()))
            });
            for step in unit {
                let mut step = self.step_of(plan, *step, prepared);
                step.unit = u32::try_from(number).unwrap_or(u32::MAX);
                step.fails = fault.as_ref().map(|(culprit, why)| {
                    if culprit.as_str() == step.plugin {
                        why.clone()
                    } else {
                        format!("it comes together with `{culprit}`, which can't start")
                    }
                });
                report.steps.push(step);
            }
        }
        for (file, why) in plan.refused.all() {
            report.refused.push(PlannedRefusal {
                what: file.to_owned(),
                why: why.to_owned(),
            });
        }
        for (name, why) in &plan.dropped {
            report.refused.push(PlannedRefusal {
                what: name.to_string(),
                why: why.clone(),
            });
        }
        let idle = plan.unloaded.iter().filter(|name| !self.live.contains_key(*name));
        report.notes = idle
            .map(|name| format!("`{name}` does not run: it would stay unloaded until you `load {name}`"))
            .collect();
        let mut after: BTreeMap<&PluginName, &Description> = self
            .live
            .iter()
            .map(|(name, live)| (name, &*live.generation.description))
            .collect();
        let before = after.clone();
        let mut intents = 0;
        for (number, planned) in plan.steps.iter().enumerate() {
            let happens = !report
                .steps
                .iter()
                .any(|step| step.plugin == planned.name.as_str() && step.fails.is_some());
            match (&planned.action, prepared.get(&plan.steps[number].name)) {
                (Action::Unload { .. }, _) if happens => drop(after.remove(&planned.name)),
                (_, Some(Ok(prepared))) if happens => {
                    after.insert(&planned.name, &prepared.description);
                    intents |= planned.choice().map_or(0, |choice| choice.manifest.intents);
                }
                _ => {}
            }
        }
        report.new_intents = self.outlook.missing_intents(intents, &after);
        report.slash = slash(&*self.outlook, &before, &after);
        report
    }

    fn step_of(
        &self,
        plan: &Plan,
        number: usize,
        prepared: &BTreeMap<PluginName, Result<Prepared, Unprepared>>,
    ) -> PlannedStep {
        let step = &plan.steps[number];
        let live = self.live.get(&step.name);
        let prepared = prepared.get(&step.name).and_then(|prepared| prepared.as_ref().ok());
        let mut hand_over = HandOver::default();
        if let (Some(prepared), Some(choice)) = (prepared, step.choice()) {
            let older = live.map(|live| &live.generation);
            hand_over = HandOver {
                state: prepared.description.state_version.is_some()
                    && older.is_some_and(|older| older.description.state_version.is_some()),
                migrations: prepared.migrations_due,
                exclusive: older.is_some()
                    && (choice.manifest.swap == Swap::Exclusive
                        || older.is_some_and(|older| older.manifest.swap == Swap::Exclusive)),
                hold: transaction::ends(live, choice, prepared),
            };
        }
        PlannedStep {
            plugin: step.name.to_string(),
            action: match step.action {
                Action::Start(_) => PlannedAction::Start,
                Action::Replace { .. } => PlannedAction::Replace,
                Action::Unload { .. } => PlannedAction::Unload,
            },
            from: live.map(|live| live.generation.manifest.version.clone()),
            to: step.choice().map(|choice| choice.manifest.version.clone()),
            because: match &step.because {
                Because::Asked => "you ask for it".to_owned(),
                Because::Needs(names) => format!("it can't do without {}", in_words(names)),
                Because::Found => "it lies in the folder".to_owned(),
                Because::Changed => "its file has changed".to_owned(),
                Because::Gone => "its file is gone, or it is on the blacklist".to_owned(),
                Because::Refused(why) => why.clone(),
            },
            hand_over,
            ..PlannedStep::default()
        }
    }
}

fn slash(
    outlook: &dyn Outlook,
    before: &BTreeMap<&PluginName, &Description>,
    after: &BTreeMap<&PluginName, &Description>,
) -> SlashChange {
    let now = outlook.slash_places(before, &[]);
    let then = outlook.slash_places(after, &now.names);
    let new = then
        .prefix_only
        .into_iter()
        .filter(|command| !now.prefix_only.contains(command));
    SlashChange {
        before: places(now.names.len()),
        after: places(then.names.len()),
        max: places(then.max),
        prefix_only: new.collect(),
    }
}

fn places(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
