//! What Discord says when it refuses a request, as a line for the plugin's author.
//!
//! Pure. Form errors (code 50035) are a tree of paths; the line names them as one would write them in code:
//! `embeds[0].title`. <https://discord.com/developers/docs/reference#error-messages>

use std::fmt::{self, Write as _};

use serde::Deserialize;
use serde_json::{Map, Value};

/// How many form errors are named.
const NAMED: usize = 5;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Discord's error code; 0 if it gave none.
    pub code: u64,
    /// The whole line.
    text: String,
}

/// The interaction is unknown: its time is over, or it never was.
pub const UNKNOWN_INTERACTION: u64 = 10062;
/// The interaction's webhook is unknown: the same, later.
pub const UNKNOWN_WEBHOOK: u64 = 10015;
/// The interaction's token has expired.
pub const INVALID_WEBHOOK_TOKEN: u64 = 50027;
/// What was sent is too large.
pub const TOO_LARGE: u64 = 40005;
/// The interaction has been acknowledged already.
pub const ALREADY_ACKNOWLEDGED: u64 = 40060;

impl Refusal {
    /// Reads the answer to a refused request.
    #[must_use]
    pub fn read(status: u16, body: &[u8]) -> Self {
        #[derive(Default, Deserialize)]
        struct Answer {
            #[serde(default)]
            code: u64,
            #[serde(default)]
            message: String,
            #[serde(default)]
            errors: Map<String, Value>,
        }
        let answer: Answer = serde_json::from_slice(body).unwrap_or_default();
        let mut text = format!("Discord refused it with status {status}");
        if answer.code != 0 {
            let _ = write!(text, ", code {}", answer.code);
        }
        if !answer.message.is_empty() {
            let _ = write!(text, ": {}", answer.message);
        }
        let mut named = Vec::new();
        gather(&answer.errors, "", &mut named);
        let more = named.len().saturating_sub(NAMED);
        named.truncate(NAMED);
        for error in named {
            let _ = write!(text, "; {error}");
        }
        if more > 0 {
            let _ = write!(text, "; and {more} more");
        }
        if answer.code == TOO_LARGE || status == 413 {
            text.push_str("; files may have 10 MiB each, more in boosted servers: send less, or a link");
        }
        Self {
            status,
            code: answer.code,
            text,
        }
    }

    /// Whether the interaction can't be answered any more.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        matches!(self.code, UNKNOWN_INTERACTION | UNKNOWN_WEBHOOK | INVALID_WEBHOOK_TOKEN)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Refusal {}

fn gather(errors: &Map<String, Value>, path: &str, named: &mut Vec<String>) {
    for (key, value) in errors {
        if key == "_errors" {
            for error in value.as_array().into_iter().flatten() {
                let part = |name| error.get(name).and_then(Value::as_str).unwrap_or_default();
                let place = if path.is_empty() { "the request" } else { path };
                named.push(format!("`{place}`: {} ({})", part("message"), part("code")));
            }
        } else if let Some(below) = value.as_object() {
            let is_index = key.bytes().all(|byte| byte.is_ascii_digit());
            let path = match (is_index, path.is_empty()) {
                (true, _) => format!("{path}[{key}]"),
                (false, true) => key.clone(),
                (false, false) => format!("{path}.{key}"),
            };
            gather(below, &path, named);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_errors_are_named_by_their_path() {
        let body = br#"{"code":50035,"message":"Invalid Form Body","errors":{"embeds":{"0":{"title":{"_errors":[
            {"code":"BASE_TYPE_MAX_LENGTH","message":"Must be 256 or fewer in length."}]}}},
            "_errors":[{"code":"APPLICATION_COMMAND_TOO_LARGE","message":"Command exceeds maximum size (8000)"}]}}"#;
        insta::assert_snapshot!(Refusal::read(400, body), @"Discord refused it with status 400, code 50035: Invalid Form Body; `embeds[0].title`: Must be 256 or fewer in length. (BASE_TYPE_MAX_LENGTH); `the request`: Command exceeds maximum size (8000) (APPLICATION_COMMAND_TOO_LARGE)");
    }

    #[test]
    fn other_answers() {
        let forbidden = Refusal::read(403, br#"{"message":"Missing Permissions","code":50013}"#);
        insta::assert_snapshot!(forbidden, @"Discord refused it with status 403, code 50013: Missing Permissions");
        insta::assert_snapshot!(Refusal::read(502, b"<html>"), @"Discord refused it with status 502");
        assert!(Refusal::read(404, br#"{"message":"Unknown interaction","code":10062}"#).is_expired());
        assert!(!forbidden.is_expired());
    }
}
