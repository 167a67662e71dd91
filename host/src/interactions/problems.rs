//! Why a plugin's answer makes no sense, in words for its author.
//!
//! Pure. What Discord refuses is told in its own words, by `refusal`.

use plugin_protocol::{Door, Problem, ProblemCode};

use super::state::Senseless;

/// There is no such invocation.
pub(super) fn unknown_invocation() -> Problem {
    let text = "that invocation is unknown: it never was, or it has ended and its 15 minutes are over";
    Problem::new(ProblemCode::NotFound, text)
}

/// It makes no sense after what was answered, or by this door.
pub(super) fn senseless_problem(senseless: Senseless, door: Door) -> Problem {
    let by = match door {
        Door::Prefix => "a prefix command",
        Door::Slash => "a slash command",
        Door::Menu => "a menu's command",
        Door::Component => "a control",
        Door::Modal => "a form",
        Door::Unknown => "this",
    };
    match senseless {
        Senseless::Expired => Problem::new(
            ProblemCode::NotFound,
            "the interaction can't be answered any more: Discord allows it for 15 minutes",
        ),
        Senseless::NothingAnswered => Problem::new(
            ProblemCode::NotFound,
            "there is no answer to change yet: reply or defer first",
        ),
        Senseless::NotOurs(id) => Problem::new(
            ProblemCode::NotFound,
            format!("message {id} is no answer of this invocation: use a REST call for other messages"),
        ),
        Senseless::NoControl => Problem::new(
            ProblemCode::Invalid,
            format!("{by} is on no message that could be updated: edit the answer instead"),
        ),
        Senseless::NoFormHere => Problem::new(
            ProblemCode::Invalid,
            format!("{by} can open no form: Discord opens one for a slash command or a control"),
        ),
        Senseless::TooLateForForm => Problem::new(
            ProblemCode::Invalid,
            "a form can only be opened as the first answer, and not in answer to a form: don't reply or defer before, and \
             declare `defer = \"never\"`, so that the host doesn't defer after 2 seconds",
        ),
        Senseless::UnknownAction => Problem::new(
            ProblemCode::NotSupported,
            "this host doesn't know that action: it is older than the plugin's plugin-api",
        ),
    }
}
