//! Errors of a plugin: anything that is an error, and the three kinds that the runtime treats specially.
//!
//! Like `anyhow::Error`, [`Error`] is not itself a [`std::error::Error`], so that `?` can take in all that are.

use std::{error::Error as StdError, fmt, panic::Location};

use plugin_protocol::{Outcome, Problem, ProblemCode, StopReason, UnmetExpectation, Verdict};
use serde_json::Value;

use crate::{argument::WrongArgument, service::ServiceError, waiting};

/// What handlers return; `Result` alone is for those that return nothing.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Why a handler did not do what it should.
///
/// Any [`std::error::Error`] becomes one by `?`. A failure is an incident: the asker gets a code, the bot's owner the
/// text and the line of the plugin that it came from. A *refusal*, made by [`refuse`], is an answer instead: its text
/// goes to the asker.
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
pub struct Error {
    error: Box<dyn StdError + Send + Sync>,
    /// Where in the plugin it came up.
    place: &'static Location<'static>,
}

impl Error {
    /// An error that consists of a text, or one in a box; the sources of the latter are told, too.
    ///
    /// What is no [`std::error::Error`] but can be put into a box, such as an `anyhow::Error`, becomes one by
    /// `.map_err(Error::new)?`.
    ///
    /// ```
    /// use std::error::Error as StdError;
    ///
    /// use plugin_api::{Error, Result};
    ///
    /// fn boxed(text: &str) -> Result<u32, Box<dyn StdError + Send + Sync>> {
    ///     Ok(text.parse()?)
    /// }
    ///
    /// fn number(text: &str) -> Result<u32> {
    ///     let number = boxed(text).map_err(Error::new)?;
    ///     if number == 0 { Err(Error::new("must not be 0")) } else { Ok(number) }
    /// }
    ///
    /// assert_eq!(number("x").unwrap_err().to_string(), "invalid digit found in string");
    /// assert_eq!(number("0").unwrap_err().to_string(), "must not be 0");
    /// ```
    #[track_caller]
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            error: error.into(),
            place: Location::caller(),
        }
    }

    /// The same error, as one of that place.
    pub(crate) fn at(self, place: &'static Location<'static>) -> Self {
        Self { place, ..self }
    }

    /// The text for the asker, if this is a refusal: of one's own, or of a service that was called.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        match self.error.downcast_ref::<Refusal>() {
            Some(refusal) => Some(&refusal.0),
            None => self.service()?.refusal(),
        }
    }

    /// Why a service of another plugin has no answer, if this is that.
    #[must_use]
    pub fn service(&self) -> Option<&ServiceError> {
        self.error.downcast_ref()
    }

    /// The code of the incident that this comes from, if it does from a service's of another plugin, also where it was put
    /// into another error since.
    pub(crate) fn incident(&self) -> Option<String> {
        let mut next: Option<&(dyn StdError + 'static)> = Some(&*self.error);
        while let Some(error) = next {
            if let Some(code) = error.downcast_ref::<ServiceError>().and_then(ServiceError::incident) {
                return Some(code.to_owned());
            }
            next = error.source();
        }
        None
    }

    /// The error as one of that type, if it is.
    pub(crate) fn downcast<E: StdError + 'static>(&self) -> Option<&E> {
        self.error.downcast_ref()
    }

    /// The waiting function's generation is about to end.
    #[track_caller]
    pub(crate) fn wait_ended(why: StopReason) -> Self {
        Self::refusal_of(waiting::told(why).to_owned())
    }

    /// A function has waited for longer than its command can be answered.
    #[track_caller]
    pub(crate) fn wait_outlived() -> Self {
        let text = "Discord lets me answer a command for 15 minutes, and they are over. Please use the command again.";
        Self::refusal_of(text.to_owned())
    }

    /// The argument, if this is one that the handler's parameter can't be.
    pub(crate) fn wrong_argument(&self) -> Option<&WrongArgument> {
        self.error.downcast_ref()
    }

    /// A refusal, as a value.
    #[track_caller]
    pub(crate) fn refusal_of(text: String) -> Self {
        Refusal(text, false).into()
    }

    /// A refusal that is about how the command was used, as a value.
    #[track_caller]
    pub(crate) fn usage_of(text: String) -> Self {
        Refusal(text, true).into()
    }

    /// Discord's answer, if this is a REST call that Discord refused.
    #[must_use]
    pub fn http(&self) -> Option<&HttpError> {
        self.error.downcast_ref()
    }

    /// The host's answer, if this is a request that the host refused.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        self.error.downcast_ref()
    }

    /// Whether the same may go well later: Discord can't be reached, has a fault of its own or too much to do (status 429 and
    /// from 500), or the host has. What was refused for good is not, nor what went wrong in the plugin itself.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        use ProblemCode::{Busy, Closed, Failed, TimedOut};
        match (self.http(), self.problem()) {
            (Some(answer), _) => answer.status == 429 || answer.status >= 500,
            (None, Some(problem)) => matches!(problem.code, Busy | Closed | Failed | TimedOut),
            (None, None) => false,
        }
    }

    /// The expectation of a statement that was not met, if that is why a [`Batch`](crate::Batch) was not kept.
    #[must_use]
    pub fn unmet_expectation(&self) -> Option<&UnmetExpectation> {
        self.error.downcast_ref()
    }

    /// The text with those of all sources, for the owner.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.error.to_string();
        let mut source = self.error.source();
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

    /// Like [`chain`](Self::chain), with the place.
    pub(crate) fn placed_chain(&self) -> String {
        format!("{} ({}:{})", self.chain(), self.place.file(), self.place.line())
    }

    pub(crate) fn outcome(&self) -> Outcome {
        match self.refusal() {
            Some(text) => Outcome {
                verdict: Verdict::Refused,
                text: Some(text.to_owned()),
                is_usage: self.error.downcast_ref::<Refusal>().is_some_and(|refusal| refusal.1),
                ..Outcome::default()
            },
            None => Outcome {
                verdict: Verdict::Failed,
                text: Some(self.placed_chain()),
                incident: self.incident(),
                ..Outcome::default()
            },
        }
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    #[track_caller]
    fn from(error: E) -> Self {
        Self::new(Box::new(error) as Box<dyn StdError + Send + Sync>)
    }
}

/// Awaits `future`; an error of it is told as one of the caller's line.
#[track_caller]
pub(crate) fn placed<T>(future: impl Future<Output = Result<T>>) -> impl Future<Output = Result<T>> {
    let place = Location::caller();
    async move { future.await.map_err(|error| error.at(place)) }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
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
    Err(Refusal(text.into(), false).into())
}

#[derive(Debug)]
struct Refusal(String, bool);

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
    /// Discord's text, with what it says of each field; or the beginning of the body if it was no JSON.
    pub message: String,
}

impl HttpError {
    pub(crate) fn read(status: u16, body: &[u8]) -> Self {
        #[derive(serde::Deserialize)]
        struct Body {
            #[serde(default)]
            code: u64,
            message: String,
            #[serde(default)]
            errors: Value,
        }
        if let Ok(Body { code, message, errors }) = serde_json::from_slice(body) {
            let mut fields = Vec::new();
            flatten(&errors, "", &mut fields);
            let message = if fields.is_empty() {
                message
            } else {
                format!("{message}: {}", fields.join("; "))
            };
            return Self { status, code, message };
        }
        Self {
            status,
            code: 0,
            message: String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned(),
        }
    }
}

/// Turns "there is no such thing" into `None`.
///
/// ```
/// use plugin_api::prelude::*;
///
/// /// Take a ban back.
/// #[command(requires(BAN_MEMBERS), bot_requires(BAN_MEMBERS), guild_only)]
/// async fn unban(ctx: Ctx, user: User) -> Result {
///     let guild = ctx.guild_id().ok_or_else(|| Error::new("only in a server"))?;
///     let taken_back = ctx.raw().delete(&format!("/guilds/{guild}/bans/{}", user.id)).await.optional()?;
///     ctx.reply(if taken_back.is_some() { "Taken back." } else { "They are not banned." }).await
/// }
/// # mod linked { plugin_api::plugin!(linked; commands: [super::unban]); }
/// # fn main() {}
/// ```
pub trait Optional<T> {
    /// `None` where Discord answers that there is no such thing (status 404).
    ///
    /// # Errors
    ///
    /// Whatever else went wrong.
    fn optional(self) -> Result<Option<T>>;
}

impl<T> Optional<T> for Result<T> {
    fn optional(self) -> Result<Option<T>> {
        match self {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.http().is_some_and(|http| http.status == 404) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Writes the tree of what is wrong with a body as a list of paths and reasons
/// (<https://discord.com/developers/docs/reference#error-messages>).
fn flatten(errors: &Value, path: &str, fields: &mut Vec<String>) {
    let Some(entries) = errors.as_object() else { return };
    for (key, value) in entries {
        if key == "_errors" {
            for error in value.as_array().into_iter().flatten() {
                let text = |key: &str| error[key].as_str().unwrap_or("?");
                let colon = if path.is_empty() { "" } else { ": " };
                fields.push(format!("{path}{colon}{} ({})", text("code"), text("message")));
            }
        } else if key.bytes().all(|byte| byte.is_ascii_digit()) {
            flatten(value, &format!("{path}[{key}]"), fields);
        } else {
            let dot = if path.is_empty() { "" } else { "." };
            flatten(value, &format!("{path}{dot}{key}"), fields);
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
        let (failed, line) = (
            Error::from(std::io::Error::other("disk on fire")).outcome(),
            line!() - 1,
        );
        let text = format!("disk on fire ({}:{line})", file!());
        assert_eq!((failed.verdict, failed.text), (Verdict::Failed, Some(text)));
    }

    #[test]
    fn a_failure_is_told_with_the_line_that_it_came_from() {
        fn by_question_mark() -> Result<(u8, u32)> {
            Ok(("x".parse()?, line!()))
        }
        let error = by_question_mark().expect_err("no number");
        assert_eq!((error.place.file(), error.place.line()), (file!(), line!() - 3));
        let error = Error::new("no");
        assert_eq!(error.place.line(), line!() - 1);
    }

    #[test]
    fn boxed_errors_keep_their_sources() {
        let inner = "x".parse::<u8>().expect_err("no number");
        let boxed: Box<dyn StdError + Send + Sync> = Box::new(std::io::Error::other(inner));
        let error = Error::new(boxed);
        assert!(error.error.downcast_ref::<std::io::Error>().is_some());
        assert_eq!(error.chain(), "invalid digit found in string");
    }

    #[test]
    fn discords_errors_are_read_and_other_bodies_shown() {
        let error = HttpError::read(403, br#"{"message":"Missing Permissions","code":50013}"#);
        assert_eq!((error.code, error.message.as_str()), (50013, "Missing Permissions"));
        assert_eq!(HttpError::read(502, b"<html>bad").message, "<html>bad");
        let body = br#"{"message":"Invalid Form Body","code":50035,"errors":{
            "content":{"_errors":[{"code":"TOO_LONG","message":"Too long"},{"code":"ODD","message":"Odd"}]},
            "embeds":{"0":{"fields":{"0":{"name":{"_errors":[
                {"code":"BASE_TYPE_REQUIRED","message":"This field is required"}]}}}}}}}"#;
        assert_eq!(
            HttpError::read(400, body).message,
            "Invalid Form Body: content: TOO_LONG (Too long); content: ODD (Odd); embeds[0].fields[0].name: \
             BASE_TYPE_REQUIRED (This field is required)"
        );
        assert_eq!(Error::from(error).http().map(|error| error.status), Some(403));
    }

    #[test]
    fn what_may_pass_is_told_from_what_is_final() {
        let answered = |status| Error::from(HttpError::read(status, b"{}")).is_transient();
        assert!(answered(429) && answered(503) && !answered(403) && !answered(404));
        let refused = |code| Error::from(Problem::new(code, "no")).is_transient();
        assert!(refused(ProblemCode::TimedOut) && refused(ProblemCode::Failed) && !refused(ProblemCode::Invalid));
        assert!(!Error::new("no number").is_transient() && !Error::refusal_of("no".to_owned()).is_transient());
    }

    #[test]
    fn only_what_is_not_there_is_none() {
        let answered = |status| Err::<(), _>(Error::from(HttpError::read(status, b"{}")));
        assert_eq!(answered(404).optional().expect("no failure"), None);
        assert!(answered(403).optional().is_err());
        assert!(Err::<(), _>(Error::new("no answer")).optional().is_err());
        assert_eq!(Ok(1).optional().expect("no failure"), Some(1));
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
