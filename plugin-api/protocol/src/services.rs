//! Calls of one plugin by another: the service that is offered, the call on its way, and what became of it.
//!
//! Request and answer travel as JSON in tails; the host never reads them. It finds the other plugin by name at each call,
//! so that neither side is bound to a generation of the other.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::PanicReport;

/// How long a service may take if its caller says nothing else, in milliseconds.
pub const SERVICE_LIMIT_MS: u64 = 5_000;
/// The longest that a caller can give a service, in milliseconds: ten minutes.
pub const LONGEST_SERVICE_MS: u64 = 600_000;
/// The longest request or answer, in bytes of JSON: 1 MiB.
pub const MAX_SERVICE_BYTES: usize = 1 << 20;
/// How many calls may lie within each other: A calls B, which calls A, and so on.
pub const SERVICE_DEPTH: u32 = 16;

/// A function that a plugin offers to others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceDescription {
    /// Its name, by which it is called.
    pub name: String,
    /// What it does: the first paragraph of the function's documentation; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// Call a service of another plugin: the head of a [`SERVICE_CALL`](crate::kind::SERVICE_CALL), whose tail is the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceCall {
    /// The other plugin's name.
    pub plugin: String,
    /// The service's.
    pub service: String,
    /// How long it may take, in milliseconds, from when it begins.
    #[serde(default = "default_limit")]
    pub limit_ms: u64,
    /// The id of what the host delivered, and in whose handler, or in a task of it, the call is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<u64>,
}

fn default_limit() -> u64 {
    SERVICE_LIMIT_MS
}

/// What became of a call: the head of the answer to a [`SERVICE_CALL`](crate::kind::SERVICE_CALL), whose tail is the
/// service's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceCalled {
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<ServiceFailure>,
}

/// Run a service: the head of a [`SERVICE`](crate::kind::SERVICE), whose tail is the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRequest {
    /// The service's name.
    pub service: String,
    /// The name of the plugin that calls.
    #[serde(default)]
    pub caller: String,
    /// Its version.
    #[serde(default)]
    pub caller_version: String,
}

/// How a service has ended: the head of the answer to a [`SERVICE`](crate::kind::SERVICE), whose tail is the service's
/// answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceOutcome {
    /// How.
    #[serde(default)]
    pub verdict: ServiceVerdict,
    /// A refusal's text for the caller, or what went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Of a request that doesn't fit: which part of it, such as `items[2].price`; empty for the whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The panic, if it ended in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panic: Option<PanicReport>,
    /// The code of the incident that it failed for, if that is another service's: it is no other one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
}

/// How a service has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceVerdict {
    /// It has answered.
    #[default]
    Done,
    /// It said no.
    Refused,
    /// The request is no JSON of the type that it takes.
    WrongRequest,
    /// It returned an error.
    Failed,
    /// It panicked.
    Panicked,
    /// It was cut off, since its generation ended.
    Interrupted,
    /// An end that this side doesn't know.
    #[serde(other)]
    Unknown,
}

/// Why a call of a service has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServiceFailure {
    /// The caller doesn't declare that it depends on the other plugin.
    NotDeclared,
    /// The caller names itself.
    Own,
    /// The caller does not serve yet: it is in its start function, which may be undone.
    TooEarly,
    /// The other plugin does not run.
    NotLoaded,
    /// It runs in a version that the caller doesn't want.
    WrongVersion {
        /// The version that runs.
        version: String,
        /// The range that the caller declares.
        range: String,
    },
    /// It offers no service of this name.
    NoSuchService {
        /// What it offers.
        known: Vec<String>,
    },
    /// The request doesn't fit.
    WrongRequest {
        /// Which part of it; empty for the whole.
        path: String,
        /// What is wrong with it.
        text: String,
    },
    /// The service said no, with a text that people may read.
    Refused {
        /// What it said.
        text: String,
    },
    /// The service returned an error.
    Failed {
        /// What went wrong.
        text: String,
        /// The code by which the bot's owner finds it.
        incident: Option<String>,
    },
    /// The service panicked.
    Panicked {
        /// The code by which the bot's owner finds it.
        incident: Option<String>,
    },
    /// It has not answered in time; what it has begun goes on.
    TimedOut {
        /// How long it was given, in milliseconds.
        limit_ms: u64,
    },
    /// It was not run: too much is under way, or it is being replaced for too long.
    Busy {
        /// What is too much.
        text: String,
    },
    /// Too many calls lie within each other.
    TooDeep {
        /// How many may.
        limit: u32,
    },
    /// The other plugin ended in the middle of it: whether it was done is not known.
    Interrupted,
    /// Something that this side doesn't know.
    #[serde(other)]
    Unknown,
}

/// What happened and what to do about it, without the name of the service.
impl fmt::Display for ServiceFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDeclared => f.write_str(
                "is not declared as a dependency: name the plugin in `depends: [..]` of `plugin!`, with `?` behind its name if this one runs without it, too",
            ),
            Self::Own => f.write_str("is this plugin's own: call the function itself"),
            Self::TooEarly => f.write_str(
                "can't be called by `#[start]`, before this version of the plugin serves: it may still be given up, and the other plugin may be replaced together with it. Call it by a task that `ctx.spawn` is given there: that begins when this version serves",
            ),
            Self::NotLoaded => f.write_str("can't be called: the plugin is not loaded. The bot's owner can `load` it"),
            Self::WrongVersion { version, range } => write!(
                f,
                "can't be called: version {version} runs, and {range} is declared in `depends: [..]`. Install a version that fits, or widen the range"
            ),
            Self::NoSuchService { known } if known.is_empty() => {
                f.write_str("does not exist: the plugin offers no services. Is a newer version of it needed?")
            }
            Self::NoSuchService { known } => write!(
                f,
                "does not exist: the plugin offers {}. Is it misspelt, or is a newer version of the plugin needed?",
                known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            ),
            Self::WrongRequest { path, text } => write!(
                f,
                "takes another request: {}{text}. Compare the type of the request with that of the service",
                misfit(path)
            ),
            Self::Refused { text } => f.write_str(text),
            Self::Failed { text, incident } => {
                write!(f, "failed: {text}. {}", see(incident.as_deref()))
            }
            Self::Panicked { incident } => write!(f, "panicked. {}", see(incident.as_deref())),
            Self::TimedOut { limit_ms } => write!(
                f,
                "has not answered within {limit_ms} ms; what it has begun goes on. Give it more time by `.time_limit(..)`, or look why it is slow"
            ),
            Self::Busy { text } => write!(f, "was not run: {text}. Try again later"),
            Self::TooDeep { limit } => write!(
                f,
                "was not run: more than {limit} calls lie within each other. Do two plugins call each other in a circle?"
            ),
            Self::Interrupted => f.write_str(
                "was cut off, since its plugin ended: whether it was done is not known. Ask the plugin before you try again",
            ),
            Self::Unknown => f.write_str("failed for a reason that only a newer plugin-api knows: build this plugin with that"),
        }
    }
}

/// The part of a value that doesn't fit, in front of what is wrong with it.
#[must_use]
pub fn misfit(path: &str) -> String {
    if path.is_empty() || path == "." {
        String::new()
    } else {
        format!("`{path}`: ")
    }
}

fn see(incident: Option<&str>) -> String {
    match incident {
        Some(code) => format!("The bot's owner sees what happened by `errors {code}`"),
        None => "The plugin logs too much for this to be written down: its author should log less".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_cross_and_unknown_ones_are_read() {
        let failures = [
            ServiceFailure::NotLoaded,
            ServiceFailure::NoSuchService {
                known: vec!["balance".to_owned()],
            },
            ServiceFailure::Failed {
                text: "no".to_owned(),
                incident: None,
            },
        ];
        for failure in failures {
            let json = serde_json::to_string(&failure).expect("it is written");
            assert_eq!(
                serde_json::from_str::<ServiceFailure>(&json).expect("it is read"),
                failure
            );
        }
        let newer = r#"{"kind":"struck_by_lightning","where":"roof"}"#;
        let read: ServiceFailure = serde_json::from_str(newer).expect("it is read");
        assert_eq!(read, ServiceFailure::Unknown);
        let call: ServiceCall = serde_json::from_str(r#"{"plugin":"a","service":"b"}"#).expect("it is read");
        assert_eq!(call.limit_ms, SERVICE_LIMIT_MS);
    }
}
