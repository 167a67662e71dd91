//! What a failed expectation prints: what was expected, what to do, and all that was said.
//!
//! All expectations share it, so that every failure is told alike.

use std::{fmt::Write, time::Duration};

use crate::bot::Inner;

/// Lines of the log that are printed.
const LOGGED: usize = 25;
/// Refused REST calls that are printed.
const REFUSED: usize = 10;

/// The text of a failure: `what` was expected and did not come about for so long.
pub(crate) fn failure(bot: &Inner, limit: Duration, what: &str) -> String {
    let mut text = format!(
        "{what} within {limit:?}\n\
         What to do: look below for what the bot said instead, for calls that Discord refused, and for the log's last \
         lines. What takes longer than that needs `TestBot::builder().patience(..)`.\n\nthe conversation:\n"
    );
    let said = bot.sandbox.transcript();
    if said.is_empty() {
        text.push_str("  (nothing was said)\n");
    }
    text.push_str(&said);
    let log = bot.sandbox.rest_log();
    let refused: Vec<_> = log.iter().filter(|call| call.status >= 400).collect();
    let _ = writeln!(text, "\nREST calls: {}, refused: {}", log.len(), refused.len());
    for call in refused.iter().rev().take(REFUSED).rev() {
        let _ = writeln!(
            text,
            "  {} {} -> {} {}",
            call.method,
            call.path,
            call.status,
            call.error()
        );
    }
    text.push_str("\nthe end of the log:\n");
    for line in bot.log.end(LOGGED) {
        let _ = writeln!(text, "  {line}");
    }
    text
}
