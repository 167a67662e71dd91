//! What must not be: commands that are lost, answered twice, answered with something else, or done out of turn.
//!
//! Pure: commands and answers in, what is wrong out, in words.

use std::collections::{HashMap, HashSet};

use crate::server::Reply;

/// A command that somebody used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) message: u64,
    pub(super) slot: usize,
    /// Whether it is the command of the plugin that is replaced, which answers with its version, too.
    pub(super) is_direct: bool,
}

/// What is wrong with these answers to these commands, which are in the order in which they were used. Counts rise in each
/// channel if `keeps_order`; versions never fall.
pub(super) fn of(asked: &[Asked], replies: &[Reply], keeps_order: bool) -> Vec<String> {
    let mut by_message: HashMap<u64, Vec<&str>> = HashMap::new();
    let mut unasked = 0;
    for reply in replies {
        match reply.message {
            Some(message) => by_message.entry(message).or_default().push(&reply.content),
            None => unasked += 1,
        }
    }
    let (mut lost, mut twice, mut others, mut turned, mut fell) = (0, 0, Vec::new(), 0, 0);
    let mut counts = HashSet::new();
    let mut last: HashMap<usize, (u64, u32)> = HashMap::new();
    let mut twice_counted = 0;
    for command in asked {
        let said = match by_message.get(&command.message).map(Vec::as_slice) {
            None => {
                lost += 1;
                continue;
            }
            Some([said]) => said,
            Some(several) => {
                twice += 1;
                several[0]
            }
        };
        let Some((count, revision)) = counted(said, command.is_direct) else {
            others.push(said.to_owned());
            continue;
        };
        twice_counted += u64::from(!counts.insert(count));
        if command.is_direct {
            let (last_count, last_revision) = last.insert(command.slot, (count, revision)).unwrap_or_default();
            turned += u64::from(keeps_order && count < last_count);
            fell += u64::from(revision < last_revision);
        }
    }
    let found = [
        (lost, "commands were not answered"),
        (twice, "commands were answered twice"),
        (unasked, "answers came to nothing that was asked"),
        (twice_counted, "counts came twice"),
        (turned, "commands were done before an earlier one of their channel"),
        (
            fell,
            "commands were done by an older version than an earlier one of their channel",
        ),
    ];
    let mut wrong: Vec<_> = found
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    if let Some(first) = others.first() {
        wrong.push(format!(
            "{} commands were answered with something else, such as {first:?}",
            others.len()
        ));
    }
    wrong
}

/// The count in an answer, and the version that gave it.
fn counted(said: &str, is_direct: bool) -> Option<(u64, u32)> {
    if !is_direct {
        return Some((said.parse().ok()?, 0));
    }
    let (count, revision) = said.split_once(" by REVISION-")?;
    Some((count.parse().ok()?, revision.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::time::{Duration, Instant};

    use super::*;

    fn judged(answers: &[(u64, &str)], keeps_order: bool) -> Vec<String> {
        let asked = |message, is_direct| Asked {
            message,
            slot: 0,
            is_direct,
        };
        let asked = [asked(1, true), asked(2, false), asked(3, true)];
        let now = Instant::now();
        let replies: Vec<_> = answers
            .iter()
            .map(|(message, said)| Reply {
                message: (*message > 0).then_some(*message),
                took: Duration::ZERO,
                written: now,
                at: now,
                content: (*said).to_owned(),
            })
            .collect();
        of(&asked, &replies, keeps_order)
    }

    #[test]
    fn what_is_wrong_is_said() {
        let (first, last) = ((1, "1 by REVISION-00000000"), (3, "3 by REVISION-00000001"));
        assert!(
            judged(&[last, first, (2, "2")], true).is_empty(),
            "answers may overtake each other"
        );
        for (answers, expected) in [
            (vec![first, last], "1 commands were not answered"),
            (vec![first, last, (2, "2"), (2, "2")], "1 commands were answered twice"),
            (
                vec![first, last, (2, "2"), (0, "9")],
                "1 answers came to nothing that was asked",
            ),
            (vec![first, last, (2, "3")], "1 counts came twice"),
            (
                vec![first, last, (2, "It is busy.")],
                "1 commands were answered with something else, such as \"It is busy.\"",
            ),
            (
                vec![(1, "3 by REVISION-00000001"), (2, "2"), (3, "4 by REVISION-00000000")],
                "1 commands were done by an older version than an earlier one of their channel",
            ),
        ] {
            assert_eq!(judged(&answers, true), [expected]);
        }
        let turned = [(1, "3 by REVISION-00000000"), (2, "2"), (3, "1 by REVISION-00000000")];
        assert_eq!(
            judged(&turned, true),
            ["1 commands were done before an earlier one of their channel"]
        );
        assert!(judged(&turned, false).is_empty());
    }
}
