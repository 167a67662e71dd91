//! A change of what serves, as a transaction: probe, start beside the old one, swap in one step, activate, drain, retire.
//!
//! What belongs together is one unit: all of it has started before any of it serves, and one table puts it in force; one
//! that fails leaves everything older serving. Where an older one has to end first (`swap: exclusive`, steps of its database
//! that are due, a state that it hands over), that is begun once the others have started; deliveries for it wait in a
//! hold, and `exchange` says what happens meanwhile.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use plugin_protocol::{Description, PluginName, StopReason, Swap};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    Life, Linked, Live,
    exchange::{Exchange, Exchanged, Staged, Staging, Unstaged},
    plan::{Choice, HeldBack},
    preparation::{Prepared, Unprepared},
    report::{Refusals, file_name},
};
use crate::plugins::{
    budget::Resource,
    generation::{Blueprint, Code, Generation, StartFailure},
    persisted::Harm,
    registry::Refusal,
};

/// Something that a unit waits for has come to its end.
pub(super) enum Done {
    /// A newer version was started, or was not.
    Staged {
        unit: usize,
        member: usize,
        staging: Staging,
    },
    /// What was started is ended again; whether the older one has started in its place.
    Unstaged {
        unit: usize,
        member: usize,
        again: Option<Result<Arc<Generation>, String>>,
    },
    /// A plugin was started again as it was, without a unit.
    Again(Concluded),
}

/// An exchange that has come to its end.
pub(super) struct Concluded {
    pub(super) choice: Choice,
    pub(super) exchanged: Exchanged,
}

/// Plugins that are put in force together, or not at all.
pub(super) struct Unit {
    members: Vec<Member>,
    /// Those that can't run beside the members, and end with the swap.
    out: Vec<PluginName>,
    /// How much of it is under way.
    pending: usize,
    /// What did not start, and why.
    failures: Vec<Failure>,
    /// Who gives up what waits too long in its holds.
    overdue: Vec<AbortOnDropHandle<()>>,
}

/// A plugin that is to be put in force.
pub(super) struct Member {
    choice: Choice,
    given_up: CancellationToken,
    state: MemberState,
    has_begun: bool,
}

enum MemberState {
    /// Its older generation has to end before it starts, and goes on until the others have started.
    Waits(Box<Prepared>),
    Starts,
    Staged(Box<Staged>),
    /// It has not started, or was ended again.
    Over,
}

struct Failure {
    member: usize,
    why: String,
    /// The content is at fault: it is not tried again as it is.
    is_its_fault: bool,
}

/// What is to become a unit.
pub(super) struct Draft {
    pub(super) members: Vec<(Choice, Result<Prepared, Unprepared>)>,
    pub(super) out: Vec<PluginName>,
}

impl Draft {
    pub(super) fn names(&self) -> impl Iterator<Item = &PluginName> {
        self.members.iter().map(|(choice, _)| &choice.manifest.name)
    }
}

impl Unit {
    /// What was started in it and serves nothing.
    pub(super) fn into_staged(self) -> Vec<Arc<Generation>> {
        let staged = self.members.into_iter().filter_map(|member| match member.state {
            MemberState::Staged(staged) => Some(staged.generation),
            _ => None,
        });
        staged.collect()
    }
}

impl Life {
    pub(super) async fn start_linked(&mut self, linked: Linked) -> Result<(), String> {
        let name = linked.manifest.name.clone();
        let failed = |why: String| format!("the built-in plugin `{name}` does not start: {why}");
        let description = linked
            .module
            .description()
            .ok_or_else(|| failed("it panics".to_owned()))?;
        let description: Description =
            serde_json::from_slice(&description).map_err(|error| failed(error.to_string()))?;
        let due = self.outlook.migrations_due(&name, &description.migrations).await;
        let migrations_due = due.map_err(failed)?;
        let blueprint = Blueprint {
            manifest: Arc::new(linked.manifest),
            description: Arc::new(description),
            hash: None,
            number: self.workshop.next_number(&name),
            code: Code::Linked(linked.module),
        };
        let exchange = Exchange {
            newer: blueprint,
            migrations_due,
            held: None,
            fallback: None,
            handed: None,
            given_up: self.ending.clone(),
        };
        match self.workshop.exchange(exchange).await {
            Exchanged::Newer(generation) => {
                self.swap_in(generation, None);
                Ok(())
            }
            Exchanged::Failed { why, .. } => Err(failed(why.to_string())),
        }
    }

    /// Starts these units side by side, and puts each in force as soon as all of it has started. What does not start is
    /// told in `refused`, and its older generation goes on, or serves again.
    pub(super) async fn replace_all(&mut self, drafts: Vec<Draft>, refused: &mut Refusals) {
        for draft in drafts {
            // Taken before the start, so that the order does not depend on who starts faster.
            for name in draft.names() {
                if !self.arrivals.contains(name) {
                    self.arrivals.push(name.clone());
                }
            }
            self.begin_unit(draft, refused);
        }
        while let Some(done) = self.exchanges.join_next().await {
            let unit = match done {
                Ok(Done::Staged { unit, member, staging }) => {
                    self.note_staged(unit, member, staging);
                    unit
                }
                Ok(Done::Unstaged { unit, member, again }) => {
                    self.note_unstaged(unit, member, again);
                    unit
                }
                Ok(Done::Again(concluded)) => {
                    self.conclude_again(concluded);
                    continue;
                }
                Err(error) => {
                    tracing::error!(%error, "the replacement of a plugin panicked");
                    continue;
                }
            };
            if self.units[unit].pending == 0 {
                self.go_on(unit, refused).await;
            }
        }
        // None is left but where something panicked.
        let mut begun = Vec::new();
        for unit in std::mem::take(&mut self.units) {
            let members = unit.members.iter().filter(|member| member.has_begun);
            begun.extend(members.map(|member| member.choice.manifest.name.clone()));
            for staged in unit.into_staged() {
                drop(self.workshop.retire(staged, StopReason::Rollback));
            }
        }
        for name in begun {
            let held = self.live.get(&name).filter(|live| live.hold.is_some());
            let older = held.map(|live| Arc::clone(&live.generation));
            self.give_up(&name);
            if let Some(older) = older.filter(|older| !older.is_stopping()) {
                drop(self.workshop.retire(older, StopReason::Unload));
            }
        }
        self.under_way().clear();
    }

    /// Begins with those whose older generations go on meanwhile.
    fn begin_unit(&mut self, draft: Draft, refused: &mut Refusals) {
        let names: BTreeSet<_> = draft.names().cloned().collect();
        let out = draft.out;
        let mut unit = Unit {
            members: Vec::new(),
            out,
            pending: 0,
            failures: Vec::new(),
            overdue: Vec::new(),
        };
        for (number, (choice, prepared)) in draft.members.into_iter().enumerate() {
            let missing = self.missing_dependency(&choice.manifest, &names);
            let (state, failure) = match (missing, prepared) {
                (None, Ok(prepared)) => (MemberState::Waits(Box::new(prepared)), None),
                (Some(needs), prepared) => {
                    if let Ok(unused) = prepared {
                        unused.shadow.discard();
                    }
                    let why = Refusal::DependencyRefused(needs).to_string();
                    (MemberState::Over, Some((why, None, false)))
                }
                (None, Err(unprepared)) => {
                    let Unprepared {
                        why,
                        wants_room,
                        passes,
                        harm,
                    } = unprepared;
                    // What has nothing to do with the content is not remembered: it is tried again with the next look.
                    let is_its_fault = !wants_room && !passes;
                    if wants_room {
                        refused.insert_for_want_of(Resource::Disk, file_name(&choice.path), why.clone());
                    }
                    (MemberState::Over, Some((why, harm, is_its_fault)))
                }
            };
            if let Some((why, harm, is_its_fault)) = failure {
                if let Some(harm) = harm {
                    self.note_harm(&choice, harm, &why);
                }
                unit.failures.push(Failure {
                    member: number,
                    why,
                    is_its_fault,
                });
            }
            unit.members.push(Member {
                choice,
                given_up: self.ending.child_token(),
                state,
                has_begun: false,
            });
        }
        let number = self.units.len();
        self.units.push(unit);
        if !self.units[number].failures.is_empty() {
            self.fail(number, refused);
            return;
        }
        for member in 0..self.units[number].members.len() {
            let member_of = &self.units[number].members[member];
            self.under_way()
                .insert(member_of.choice.manifest.name.clone(), member_of.given_up.clone());
        }
        if !self.begin_members(number, false) {
            self.begin_members(number, true);
        }
    }

    /// Begins with those members whose older generations have to end first, or with the others; whether there were any.
    fn begin_members(&mut self, unit: usize, that_end: bool) -> bool {
        let mut due = Vec::new();
        for (number, member) in self.units[unit].members.iter().enumerate() {
            let MemberState::Waits(prepared) = &member.state else {
                continue;
            };
            let name = &member.choice.manifest.name;
            if ends(self.live.get(name), &member.choice, prepared) == that_end {
                due.push((number, name.clone()));
            }
        }
        if that_end {
            // All at once: what is under way in one of them may need the others.
            let names: Vec<_> = due.iter().map(|(_, name)| name.clone()).collect();
            self.hold(&names);
        }
        for (member, _) in &due {
            let of = &mut self.units[unit].members[*member];
            if let MemberState::Waits(prepared) = std::mem::replace(&mut of.state, MemberState::Starts) {
                self.begin_member(unit, *member, *prepared, that_end);
            }
        }
        !due.is_empty()
    }

    fn begin_member(&mut self, unit: usize, member: usize, prepared: Prepared, ends: bool) {
        let choice = &self.units[unit].members[member].choice;
        let name = choice.manifest.name.clone();
        let migrations_due = prepared.migrations_due;
        let newer = Blueprint {
            manifest: Arc::clone(&choice.manifest),
            description: Arc::new(prepared.description),
            hash: Some(prepared.shadow.hash),
            number: self.workshop.next_number(&name),
            code: Code::Copy(prepared.shadow.path),
        };
        let held = if ends { self.held_of(&name) } else { None };
        let workshop = Arc::clone(&self.workshop);
        if let Some((_, hold)) = held.clone() {
            let workshop = Arc::clone(&workshop);
            let overdue = tokio::spawn(async move { match workshop.give_up_overdue(&name, &hold).await {} });
            self.units[unit].overdue.push(AbortOnDropHandle::new(overdue));
        }
        let of = &mut self.units[unit].members[member];
        of.has_begun = true;
        let exchange = Exchange {
            newer,
            migrations_due,
            held,
            fallback: None,
            handed: None,
            given_up: of.given_up.clone(),
        };
        self.units[unit].pending += 1;
        self.exchanges.spawn(async move {
            let staging = workshop.stage(exchange).await;
            Done::Staged { unit, member, staging }
        });
    }

    fn note_staged(&mut self, unit: usize, member: usize, staging: Staging) {
        self.units[unit].pending -= 1;
        match staging {
            Ok(staged) => self.units[unit].members[member].state = MemberState::Staged(Box::new(staged)),
            Err(Unstaged { why, again }) => {
                self.stuck |= why == StartFailure::Stuck;
                let choice = self.units[unit].members[member].choice.clone();
                let harm = match why {
                    StartFailure::Stuck => Some(Harm::Grave),
                    StartFailure::Load(_) | StartFailure::NoLane | StartFailure::Start(_) | StartFailure::Slow => {
                        Some(Harm::NotStarted)
                    }
                    _ => None,
                };
                let text = why.to_string();
                if let Some(harm) = harm {
                    self.note_harm(&choice, harm, &text);
                }
                let is_its_fault = why != StartFailure::GivenUp;
                if !is_its_fault {
                    self.unwanted.insert(choice.manifest.name.clone());
                }
                self.units[unit].failures.push(Failure {
                    member,
                    why: text,
                    is_its_fault,
                });
                self.units[unit].members[member].state = MemberState::Over;
                self.put_back(&choice, again);
            }
        }
    }

    fn note_unstaged(&mut self, unit: usize, member: usize, again: Option<Result<Arc<Generation>, String>>) {
        self.units[unit].pending -= 1;
        let choice = self.units[unit].members[member].choice.clone();
        self.put_back(&choice, again);
    }

    /// The older version serves again, where it had to end.
    fn put_back(&mut self, choice: &Choice, again: Option<Result<Arc<Generation>, String>>) {
        let name = &choice.manifest.name;
        match again {
            Some(Ok(generation)) => {
                self.swap_in(Arc::clone(&generation), Some(choice.path.clone()));
                Self::note_loaded(&generation);
            }
            Some(Err(why)) => self.stays_away(name, &why),
            None => self.give_up(name),
        }
    }

    /// Nothing of a unit is under way any more: what is next?
    async fn go_on(&mut self, unit: usize, refused: &mut Refusals) {
        if !self.units[unit].failures.is_empty() {
            self.fail(unit, refused);
            return;
        }
        if self.begin_members(unit, true) {
            return;
        }
        for member in 0..self.units[unit].members.len() {
            // Kept in the unit meanwhile: the bot may stop.
            if let MemberState::Staged(staged) = &self.units[unit].members[member].state {
                self.workshop.keep(staged).await;
            }
        }
        let out = std::mem::take(&mut self.units[unit].out);
        let mut newer: Vec<(Arc<Generation>, Option<PathBuf>)> = Vec::new();
        for member in &mut self.units[unit].members {
            if let MemberState::Staged(staged) = std::mem::replace(&mut member.state, MemberState::Over) {
                newer.push((staged.generation, Some(member.choice.path.clone())));
            }
        }
        if newer.is_empty() {
            return;
        }
        for (generation, _) in &newer {
            let name = generation.name();
            self.failed.remove(name);
            self.held_back.remove(name);
            if let Some(hash) = generation.hash {
                self.decisions.forgive(hash);
            }
            let older = self.live.get(name).map(|live| Arc::clone(&live.generation));
            self.note_serving(older.as_deref(), generation);
        }
        let loaded: Vec<_> = newer.iter().map(|(generation, _)| Arc::clone(generation)).collect();
        self.arrivals.retain(|name| !out.contains(name));
        let gone = self.swap(newer, &out);
        // Only now does it answer: who reads this in the log may rely on it.
        for generation in &loaded {
            Self::note_loaded(generation);
        }
        for older in gone {
            let why = if out.contains(older.name()) {
                tracing::info!(plugin = %older.name(), generation = older.number, "unloaded");
                StopReason::Unload
            } else {
                StopReason::Reload
            };
            drop(self.workshop.retire(older, why));
        }
        self.units[unit].overdue.clear();
    }

    /// One has failed: what was started is ended, and what ran goes on.
    fn fail(&mut self, unit: usize, refused: &mut Refusals) {
        for member in 0..self.units[unit].members.len() {
            let of = &mut self.units[unit].members[member];
            match std::mem::replace(&mut of.state, MemberState::Over) {
                MemberState::Waits(unused) => unused.shadow.discard(),
                MemberState::Staged(staged) => {
                    let workshop = Arc::clone(&self.workshop);
                    self.units[unit].pending += 1;
                    self.exchanges.spawn(async move {
                        let again = workshop.unstage(*staged).await;
                        Done::Unstaged { unit, member, again }
                    });
                }
                MemberState::Starts | MemberState::Over => {}
            }
        }
        // What is said of them is said once.
        let failures = std::mem::take(&mut self.units[unit].failures);
        if failures.is_empty() {
            return;
        }
        let choices: Vec<_> = self.units[unit]
            .members
            .iter()
            .map(|member| member.choice.clone())
            .collect();
        let culprits: Vec<_> = failures
            .iter()
            .map(|failure| {
                let choice = &choices[failure.member];
                (choice.manifest.name.clone(), choice.hash)
            })
            .collect();
        let are_at_fault = failures.iter().all(|failure| failure.is_its_fault);
        for Failure {
            member,
            why,
            is_its_fault,
        } in &failures
        {
            let choice = &choices[*member];
            if *is_its_fault {
                self.note_failed(choice, why.clone(), refused);
            } else if !self.unwanted.contains(&choice.manifest.name)
                && refused.of_file(&file_name(&choice.path)).is_none()
            {
                refused.insert_of(&choice.manifest.name, file_name(&choice.path), why.clone());
            }
        }
        let Some((culprit, why)) = culprits.first().zip(failures.first()) else {
            return;
        };
        for (number, choice) in choices.iter().enumerate() {
            let name = &choice.manifest.name;
            if failures.iter().any(|failure| failure.member == number) {
                continue;
            }
            let verb = if self.live.contains_key(name) { "reload" } else { "load" };
            let text = format!(
                "it came together with `{0}`, which does not start ({1}): mend that one, or take this one alone by `{verb} {name}`",
                culprit.0, why.why
            );
            if are_at_fault {
                let held_back = HeldBack {
                    hash: choice.hash,
                    culprits: culprits.clone(),
                    why: text.clone(),
                };
                self.held_back.insert(name.clone(), held_back);
            }
            refused.insert_of(name, file_name(&choice.path), text);
        }
    }

    fn note_failed(&mut self, choice: &Choice, why: String, refused: &mut Refusals) {
        let name = &choice.manifest.name;
        self.failed_with.insert(name.clone(), self.outlook.settings(name));
        self.failed.insert(name.clone(), (choice.hash, why.clone()));
        refused.insert_of(name, file_name(&choice.path), why);
    }

    /// Remembers over restarts what a content has done.
    fn note_harm(&mut self, choice: &Choice, harm: Harm, why: &str) {
        self.decisions.note_harm(choice.hash, &choice.manifest.name, harm, why);
    }
}

/// Whether what runs of a plugin has to end before this starts.
pub(super) fn ends(live: Option<&Live>, choice: &Choice, prepared: &Prepared) -> bool {
    let takes_over = prepared.description.state_version.is_some();
    let must_end = |older: &Generation| {
        let hands_over = takes_over && older.description.state_version.is_some();
        hands_over
            || prepared.migrations_due
            || choice.manifest.swap == Swap::Exclusive
            || older.manifest.swap == Swap::Exclusive
    };
    live.is_some_and(|live| live.hold.is_some() || must_end(&live.generation))
}
