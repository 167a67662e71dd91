//! What went wrong lately: each incident with its code and its whole story, to be looked up by the owner.
//!
//! The newest few hundred are kept. An event's handler or a task that fails again and again is one incident with a
//! number, so that it does not drive the others out.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use plugin_protocol::{IncidentList, IncidentStory};
use tokio::sync::mpsc;

use super::{redaction::Secrets, scope::Story};

/// How many are remembered.
const MOST: usize = 200;

/// What went wrong lately. Clones share it.
#[derive(Clone, Default)]
pub struct Incidents {
    /// The newest last. A std lock: held for a look or an insertion only.
    kept: Arc<Mutex<VecDeque<Kept>>>,
    secrets: Secrets,
    /// How often something went wrong since the start.
    count: Arc<AtomicU64>,
    /// Where new ones are written down, once somebody does that.
    writer: Arc<OnceLock<mpsc::Sender<IncidentStory>>>,
}

struct Kept {
    incident: IncidentStory,
    /// Where the lines come from that were logged since.
    story: Option<Arc<dyn Story>>,
}

impl Kept {
    fn told(&self) -> IncidentStory {
        let mut told = self.incident.clone();
        if let Some(story) = &self.story {
            told.lines = story.lines();
        }
        told
    }
}

impl Incidents {
    /// None yet. Texts of incidents are kept without these secrets.
    #[must_use]
    pub fn new(secrets: Secrets) -> Self {
        Self {
            kept: Arc::default(),
            secrets,
            count: Arc::default(),
            writer: Arc::default(),
        }
    }

    /// What is to be written down from now on; nothing if somebody has it already. More than 64 that wait are left out.
    #[must_use]
    pub fn to_be_kept(&self) -> mpsc::Receiver<IncidentStory> {
        let (sender, receiver) = mpsc::channel(64);
        let _ = self.writer.set(sender);
        receiver
    }

    /// Remembers an incident of an invocation.
    pub fn add(&self, mut incident: IncidentStory, story: Option<Arc<dyn Story>>) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.cover(&mut incident);
        self.put(Kept { incident, story });
    }

    /// Remembers that something failed on its own: if the same is remembered already, it has happened once more.
    /// Answers with its code.
    #[must_use]
    pub fn add_again(&self, mut incident: IncidentStory) -> String {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.cover(&mut incident);
        let is_same = |kept: &Kept| {
            let (old, new) = (&kept.incident.summary, &incident.summary);
            old.command.is_none()
                && (&old.plugin, &old.what, &old.text) == (&new.plugin, &new.what, &new.text)
                && kept.incident.place == incident.place
        };
        let mut kept = self.kept();
        let known = kept.iter().position(is_same).and_then(|at| kept.remove(at));
        if let Some(mut known) = known {
            known.incident.summary.times = known.incident.summary.times.saturating_add(1);
            known.incident.summary.at = incident.summary.at;
            known.incident.summary.generation = incident.summary.generation;
            let code = known.incident.summary.code.clone();
            kept.push_back(known);
            return code;
        }
        drop(kept);
        let code = incident.summary.code.clone();
        self.put(Kept { incident, story: None });
        code
    }

    /// How often something went wrong since the start.
    #[must_use]
    pub fn since_start(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Those that earlier runs wrote down, the newest last, in front of those of this run.
    pub fn restore(&self, earlier: impl IntoIterator<Item = IncidentStory, IntoIter: DoubleEndedIterator>) {
        let mut kept = self.kept();
        for mut incident in earlier.into_iter().rev() {
            if kept.len() >= MOST {
                break;
            }
            incident.earlier_run = true;
            kept.push_front(Kept { incident, story: None });
        }
    }

    /// Some of them, the newest first.
    #[must_use]
    pub fn list(&self, skip: usize, most: usize) -> IncidentList {
        let kept = self.kept();
        let newest = kept.iter().rev().skip(skip).take(most);
        IncidentList {
            total: kept.len(),
            incidents: newest.map(|kept| kept.incident.summary.clone()).collect(),
        }
    }

    /// The whole story of one, by its code in any case of letters.
    #[must_use]
    pub fn show(&self, code: &str) -> Option<IncidentStory> {
        let kept = self.kept();
        let mut newest = kept.iter().rev();
        newest
            .find(|kept| kept.incident.summary.code.eq_ignore_ascii_case(code))
            .map(Kept::told)
    }

    fn put(&self, new: Kept) {
        if let Some(writer) = self.writer.get() {
            // A flood of incidents is not worth the disk.
            let _ = writer.try_send(new.told());
        }
        let mut kept = self.kept();
        if kept.len() >= MOST {
            kept.pop_front();
        }
        kept.push_back(new);
    }

    fn cover(&self, incident: &mut IncidentStory) {
        self.secrets.cover_text(&mut incident.summary.text);
        self.secrets.cover_text(&mut incident.place);
        for (name, value) in &mut incident.arguments {
            self.secrets.cover_text(name);
            self.secrets.cover_text(value);
        }
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use plugin_protocol::IncidentSummary;

    use super::*;

    fn incident(code: &str, text: &str) -> IncidentStory {
        IncidentStory {
            summary: IncidentSummary {
                code: code.to_owned(),
                times: 1,
                text: text.to_owned(),
                ..IncidentSummary::default()
            },
            ..IncidentStory::default()
        }
    }

    fn codes(incidents: &Incidents, skip: usize, most: usize) -> Vec<String> {
        let list = incidents.list(skip, most);
        list.incidents.into_iter().map(|incident| incident.code).collect()
    }

    #[test]
    fn the_newest_are_kept_and_come_first() {
        let incidents = Incidents::default();
        for number in 0..MOST + 5 {
            incidents.add(incident(&number.to_string(), ""), None);
        }
        assert_eq!(codes(&incidents, 0, 2), ["204", "203"]);
        assert_eq!(codes(&incidents, MOST - 1, 10), ["5"]);
        assert_eq!(incidents.list(0, 1).total, MOST);
        assert!(incidents.show("4").is_none() && incidents.show("5").is_some());
    }

    #[test]
    fn the_same_fault_again_is_one_incident_with_a_number() {
        let incidents = Incidents::new(Secrets::new(["hunter2"]));
        assert_eq!(incidents.add_again(incident("AAAA", "hunter2 is wrong")), "AAAA");
        incidents.add(incident("BBBB", ""), None);
        assert_eq!(incidents.add_again(incident("CCCC", "hunter2 is wrong")), "AAAA");
        assert_eq!(incidents.add_again(incident("DDDD", "other")), "DDDD");
        assert_eq!(codes(&incidents, 0, 9), ["DDDD", "AAAA", "BBBB"]);
        let story = incidents.show("aaaa").unwrap();
        assert_eq!((story.summary.times, &*story.summary.text), (2, "<secret> is wrong"));
    }

    #[test]
    fn those_of_earlier_runs_are_older_than_all_others() {
        let incidents = Incidents::default();
        incidents.add(incident("NEW2", ""), None);
        incidents.restore([incident("OLD2", ""), incident("OLD3", "")]);
        assert_eq!(codes(&incidents, 0, 9), ["NEW2", "OLD3", "OLD2"]);
        assert!(incidents.show("OLD2").unwrap().earlier_run && !incidents.show("NEW2").unwrap().earlier_run);
    }
}
