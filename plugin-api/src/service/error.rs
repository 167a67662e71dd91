//! Why a call of a service has no answer: one variant for each reason, and a text with what to do.
//!
//! The reasons are the protocol's; that an answer can't be read is found here alone.

use std::{error::Error as StdError, fmt};

use plugin_protocol::{ServiceFailure, misfit};

/// Why a call of another plugin's service has no answer; see [`Error::service`](crate::Error::service).
///
/// What the service itself refused by [`refuse`](crate::refuse) is a refusal of the caller's, too, if it is returned by `?`:
/// its text goes to whoever asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceError {
    pub(super) plugin: String,
    pub(super) service: String,
    pub(super) why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Failure(ServiceFailure),
    WrongAnswer { path: String, text: String },
}

impl ServiceError {
    /// The plugin that was called.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.plugin
    }

    /// Its service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Why the service has not answered; `None` if it has, but with something that is not the type that was asked for.
    #[must_use]
    pub fn failure(&self) -> Option<&ServiceFailure> {
        match &self.why {
            Why::Failure(failure) => Some(failure),
            Why::WrongAnswer { .. } => None,
        }
    }

    /// Which part of the answer doesn't fit, such as `items[2].price`, empty for the whole of it; `None` if there is no
    /// answer.
    #[must_use]
    pub fn wrong_answer(&self) -> Option<&str> {
        match &self.why {
            Why::Failure(_) => None,
            Why::WrongAnswer { path, .. } => Some(path),
        }
    }

    /// Whether the other plugin does not run: what a plugin asks that can do without it.
    #[must_use]
    pub fn is_not_loaded(&self) -> bool {
        matches!(self.why, Why::Failure(ServiceFailure::NotLoaded))
    }

    /// The code by which the bot's owner finds what went wrong in the service, if that was written down.
    #[must_use]
    pub fn incident(&self) -> Option<&str> {
        match &self.why {
            Why::Failure(ServiceFailure::Failed { incident, .. } | ServiceFailure::Panicked { incident }) => {
                incident.as_deref()
            }
            _ => None,
        }
    }

    /// What the service said if it refused.
    pub(crate) fn refusal(&self) -> Option<&str> {
        match &self.why {
            Why::Failure(ServiceFailure::Refused { text }) => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plugin, service, why } = self;
        match why {
            Why::Failure(ServiceFailure::Refused { text }) => f.write_str(text),
            Why::Failure(failure) => write!(f, "the service `{plugin}.{service}` {failure}"),
            Why::WrongAnswer { path, text } => write!(
                f,
                "the service `{plugin}.{service}` answers with something else than was asked for: {}{text}. Compare the type of the answer with that of the service",
                misfit(path)
            ),
        }
    }
}

impl StdError for ServiceError {}

/// A request that is not what a service takes.
#[derive(Debug)]
pub(crate) struct WrongRequest {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl fmt::Display for WrongRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the request doesn't fit: {}{}", misfit(&self.path), self.text)
    }
}

impl StdError for WrongRequest {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_says_what_to_do() {
        let code = || Some("A1B2".to_owned());
        let failures = [
            ServiceFailure::NotDeclared,
            ServiceFailure::Own,
            ServiceFailure::TooEarly,
            ServiceFailure::NotLoaded,
            ServiceFailure::WrongVersion {
                version: "1.1.0".to_owned(),
                range: ">=1.2".to_owned(),
            },
            ServiceFailure::NoSuchService { known: Vec::new() },
            ServiceFailure::NoSuchService {
                known: vec!["balance".to_owned(), "deposit".to_owned()],
            },
            ServiceFailure::WrongRequest {
                path: "user".to_owned(),
                text: "invalid type: map, expected a string".to_owned(),
            },
            ServiceFailure::Refused {
                text: "You have 3 coins only.".to_owned(),
            },
            ServiceFailure::Failed {
                text: "no such table: accounts".to_owned(),
                incident: code(),
            },
            ServiceFailure::Panicked { incident: code() },
            ServiceFailure::Panicked { incident: None },
            ServiceFailure::TimedOut { limit_ms: 5000 },
            ServiceFailure::Busy {
                text: "512 calls of this plugin are under way at that one".to_owned(),
            },
            ServiceFailure::TooDeep { limit: 16 },
            ServiceFailure::Interrupted,
            ServiceFailure::Unknown,
        ];
        let failures = failures.map(Why::Failure);
        let wrong_answer = Why::WrongAnswer {
            path: "coins".to_owned(),
            text: "invalid type: string, expected u64".to_owned(),
        };
        let texts: Vec<_> = failures
            .into_iter()
            .chain([wrong_answer])
            .map(|why| {
                let error = ServiceError {
                    plugin: "economy".to_owned(),
                    service: "balance".to_owned(),
                    why,
                };
                error.to_string()
            })
            .collect();
        insta::assert_snapshot!(texts.join("\n"));
    }
}
