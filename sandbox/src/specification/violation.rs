//! What was found against the file, remembered: tests ask for it at their end.
//!
//! Bounded like the other logs: the first ones are kept, since later ones mostly repeat them.

use std::fmt;

use serde_json::{Value, json};

use super::Finding;

const KEPT: usize = 1_000;

/// Who is at fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ViolationOf {
    /// The bot: its request was refused with 400.
    Request,
    /// The sandbox: the answer was sent all the same.
    Answer,
    /// The sandbox: the gateway event was sent all the same.
    Event,
}

/// Something that Discord's `OpenAPI` file forbids.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Who is at fault.
    pub of: ViolationOf,
    /// The request (`POST /channels/{channel_id}/messages`), or the event's name.
    pub what: String,
    /// Where: `body/embeds/0/title`, `query/limit`, `path/channel_id`, `status`, `data/author`.
    pub pointer: String,
    /// Which rule of the file, as a path in it.
    pub rule: String,
    /// What is wrong, in words.
    pub text: String,
}

impl Violation {
    pub(crate) fn new(of: ViolationOf, what: &str, finding: &Finding) -> Self {
        Self {
            of,
            what: what.to_owned(),
            pointer: finding.pointer.clone(),
            rule: finding.rule.clone(),
            text: finding.text.clone(),
        }
    }

    /// As pages get it.
    pub(crate) fn json(&self) -> Value {
        let of = match self.of {
            ViolationOf::Request => "request",
            ViolationOf::Answer => "answer",
            ViolationOf::Event => "event",
        };
        json!({ "of": of, "what": self.what, "pointer": self.pointer, "rule": self.rule, "text": self.text })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = match self.of {
            ViolationOf::Request => "the bot's request",
            ViolationOf::Answer => "the sandbox's answer to",
            ViolationOf::Event => "the sandbox's event",
        };
        write!(
            f,
            "{whose} {} at {}: {} (rule {})",
            self.what, self.pointer, self.text, self.rule
        )
    }
}

/// The violations of one sandbox, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    found: Vec<Violation>,
}

impl Violations {
    pub(crate) fn push(&mut self, violation: Violation) {
        match violation.of {
            ViolationOf::Request => tracing::warn!(%violation, "a request against Discord's specification"),
            ViolationOf::Answer | ViolationOf::Event => {
                tracing::error!(%violation, "the sandbox breaks Discord's specification");
            }
        }
        if self.found.len() < KEPT {
            self.found.push(violation);
        }
    }

    pub(crate) fn all(&self) -> &[Violation] {
        &self.found
    }
}
