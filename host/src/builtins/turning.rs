//! The buttons that turn the pages of the host's own lists: written in one way.
//!
//! Apart from the lists, which are asked for anew at each turn: what they show may have changed.

use plugin_api::{Button, Message};

/// Adds the two buttons, if there are more pages than one; at an end, the one beyond it is disabled. `button` makes the one
/// with a label that goes to a page, counted from 0.
pub(super) fn turned(
    answer: Message,
    [before, after]: [&str; 2],
    (number, pages): (usize, usize),
    button: impl Fn(&str, usize) -> Button,
) -> Message {
    if pages < 2 {
        return answer;
    }
    let mut before = button(before, number.saturating_sub(1));
    let mut after = button(after, number + 1);
    if number == 0 {
        before = before.disabled();
    }
    if number + 1 >= pages {
        after = after.disabled();
    }
    answer.button(before).button(after)
}

/// What most lists are turned by.
pub(super) const PAGES: [&str; 2] = ["Previous", "Next"];
