//! Errors of a plugin: anything that is an error, and the three kinds that the runtime treats specially.
//!
//! Like `anyhow::Error`, [`Error`] is not itself a [`std::error::Error`], so that `?` can take in all that are.

use std::{error::Error as StdError, fmt};

use plugin_protocol::{Outcome, Problem, Verdict};

/// What handlers return; `Result` alone is for those that return nothing.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Why a handler did not do what it should.
///
/// Any [`std::error::Error`] becomes one by `?`. A failure is an incident: the asker gets a code, the bot's owner the
/// text. A *refusal*, made by [`refuse`], is an answer instead: its text goes to the asker.
///
/// ```
/// use plugin_api::{Error, Result};
///
/// fn half(text: &str) -> Result<u32> {
///     let number: u32 = text.parse()?;
///     if number % 2 == 1 {
///         return Err(Error::new(format!("{number} is odd")));
///     }
///     Ok(number / 2)
/// }
///
/// assert_eq!(half("8").unwrap(), 4);
/// assert_eq!(half("7").unwrap_err().to_string(), "7 is odd");
/// assert_eq!(half("x").unwrap_err().to_string(), "invalid digit found in string");
/// ```
pub struct Error(Box<dyn StdError + Send + Sync>);

impl Error {
    /// An error that consists of a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// The text for the asker, if this is a refusal.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        self.0.downcast_ref::<Refusal>().map(|refusal| refusal.0.as_str())
    }

    /// Discord's answer, if this is a REST call that Discord refused.
    #[must_use]
    pub fn http(&self) -> Option<&HttpError> {
        self.0.downcast_ref()
    }

    /// The host's answer, if this is a request that the host refused.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        self.0.downcast_ref()
    }

    /// The text with those of all sources, for the owner.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.0.to_string();
        let mut source = self.0.source();
        while let Some(error) = source {
            let cause = error.to_string();
            // Many errors already say what their source says.
            if !text.ends_with(&cause) {
                text.push_str(": ");
                text.push_str(&cause);
            }
            source = error.source();
        }
        text
    }

    pub(crate) fn outcome(&self) -> Outcome {
        match self.refusal() {
            Some(text) => Outcome {
                verdict: Verdict::Refused,
                text: Some(text.to_owned()),
                panic: None,
            },
            None => Outcome {
                verdict: Verdict::Failed,
                text: Some(self.chain()),
                panic: None,
            },
        }
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Says no to the asker, with a text that only they see where the door allows it.
///
/// # Errors
///
/// Always: that is what it is for.
///
/// ```
/// use plugin_api::{Result, refuse};
///
/// fn check(amount: i64) -> Result {
///     if amount > 100 {
///         return refuse("At most 100 at a time.");
///     }
///     Ok(())
/// }
///
/// assert_eq!(check(101).unwrap_err().refusal(), Some("At most 100 at a time."));
/// ```
pub fn refuse<T>(text: impl Into<String>) -> Result<T> {
    Err(Refusal(text.into()).into())
}

#[derive(Debug)]
struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Refusal {}

/// A REST call that Discord did not answer with success.
///
/// The codes are listed in
/// <https://discord.com/developers/docs/topics/opcodes-and-status-codes#json>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpError {
    /// The HTTP status.
    pub status: u16,
    /// Discord's own code, 0 if the body had none.
    pub code: u64,
    /// Discord's text, or the beginning of the body if it was no JSON.
    pub message: String,
}

impl HttpError {
    pub(crate) fn read(status: u16, body: &[u8]) -> Self {
        #[derive(serde::Deserialize)]
        struct Body {
            #[serde(default)]
            code: u64,
            message: String,
        }
        if let Ok(Body { code, message }) = serde_json::from_slice(body) {
            return Self { status, code, message };
        }
        Self {
            status,
            code: 0,
            message: String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned(),
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Discord answered {} (code {}): {}",
            self.status, self.code, self.message
        )
    }
}

impl StdError for HttpError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_answers_and_the_rest_are_failures() {
        let refused = refuse::<()>("no").expect_err("refuse returns an error").outcome();
        assert_eq!(
            (refused.verdict, refused.text.as_deref()),
            (Verdict::Refused, Some("no"))
        );
        let failed = Error::from(std::io::Error::other("disk on fire")).outcome();
        assert_eq!(
            (failed.verdict, failed.text.as_deref()),
            (Verdict::Failed, Some("disk on fire"))
        );
    }

    #[test]
    fn discords_errors_are_read_and_other_bodies_shown() {
        let error = HttpError::read(403, br#"{"message":"Missing Permissions","code":50013}"#);
        assert_eq!((error.code, error.message.as_str()), (50013, "Missing Permissions"));
        assert_eq!(HttpError::read(502, b"<html>bad").message, "<html>bad");
        assert_eq!(Error::from(error).http().map(|error| error.status), Some(403));
    }

    #[test]
    fn the_sources_of_an_error_are_told_once() {
        #[derive(Debug)]
        struct Outer(std::num::ParseIntError);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("reading the score")
            }
        }
        impl StdError for Outer {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.0)
            }
        }
        let error = Error::from(Outer("x".parse::<u8>().expect_err("no number")));
        assert_eq!(error.chain(), "reading the score: invalid digit found in string");
    }
}
