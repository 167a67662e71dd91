//! The table of all doors, states and actions.
//!
//! A row is a state and an action, with the calls and the state that follow; nothing is sent, so no fake is needed.

use super::*;

fn id(number: u64) -> MessageId {
    MessageId::new(number).unwrap()
}

const CONTROLS: u64 = 77;
const LATER: u64 = 5;

/// A conversation in a state, as if Discord had accepted what led there.
fn at(door: Door, state: State) -> Conversation {
    let mut conversation = Conversation::new(door, Some(id(CONTROLS)));
    conversation.moved(state);
    conversation
}

fn deferred(ephemeral: bool, by_host: bool) -> State {
    State::Deferred { ephemeral, by_host }
}

/// What an action leads to: calls and the state after.
fn step(conversation: &Conversation, action: Action, ephemeral: bool) -> Result<(Vec<Call>, State), Senseless> {
    conversation
        .step(action, ephemeral, None)
        .map(|step| (step.calls, step.next))
}

#[test]
fn slash_commands() {
    use Action::{Defer, Delete, Edit, Reply, UpdateMessage};
    use State::{Detached, Fresh, Replied};
    let follow_up = |ephemeral| Call::FollowUp { ephemeral };
    let cases = [
        (
            Fresh,
            Reply,
            false,
            Ok((vec![Call::Answer { ephemeral: false }], Replied)),
        ),
        (
            Fresh,
            Reply,
            true,
            Ok((vec![Call::Answer { ephemeral: true }], Replied)),
        ),
        (
            Fresh,
            Defer,
            false,
            Ok((vec![Call::Defer { ephemeral: false }], deferred(false, false))),
        ),
        (
            Fresh,
            Defer,
            true,
            Ok((vec![Call::Defer { ephemeral: true }], deferred(true, false))),
        ),
        (Fresh, Edit, false, Err(Senseless::NothingAnswered)),
        (Fresh, Delete, false, Err(Senseless::NothingAnswered)),
        (Fresh, UpdateMessage, false, Err(Senseless::NoControl)),
        (
            deferred(false, true),
            Reply,
            false,
            Ok((vec![Call::EditOriginal], Replied)),
        ),
        (
            deferred(false, true),
            Reply,
            true,
            Ok((vec![Call::DeleteOriginal, follow_up(true)], Detached)),
        ),
        (
            deferred(true, false),
            Reply,
            true,
            Ok((vec![Call::EditOriginal], Replied)),
        ),
        (
            deferred(true, false),
            Reply,
            false,
            Ok((vec![Call::EditOriginal], Replied)),
        ),
        (deferred(false, true), Defer, true, Ok((vec![], deferred(false, false)))),
        (
            deferred(false, false),
            Edit,
            false,
            Ok((vec![Call::EditOriginal], Replied)),
        ),
        (
            deferred(false, false),
            Delete,
            false,
            Ok((vec![Call::DeleteOriginal], Detached)),
        ),
        (Replied, Reply, false, Ok((vec![follow_up(false)], Replied))),
        (Replied, Reply, true, Ok((vec![follow_up(true)], Replied))),
        (Replied, Edit, false, Ok((vec![Call::EditOriginal], Replied))),
        (Replied, Delete, false, Ok((vec![Call::DeleteOriginal], Detached))),
        (Replied, Defer, false, Ok((vec![], Replied))),
        (Replied, UpdateMessage, false, Err(Senseless::NoControl)),
        (Detached, Reply, false, Ok((vec![follow_up(false)], Detached))),
        (Detached, Edit, false, Err(Senseless::NothingAnswered)),
        (Detached, Delete, false, Err(Senseless::NothingAnswered)),
    ];
    for (state, action, ephemeral, expected) in cases {
        let conversation = at(Door::Slash, state);
        assert_eq!(
            step(&conversation, action, ephemeral),
            expected,
            "{state:?} {action:?} {ephemeral}"
        );
    }
}

#[test]
fn controls() {
    use Action::{Defer, Delete, Edit, Reply, UpdateMessage};
    use State::{Fresh, Replied, Updating};
    let follow_up = |ephemeral| Call::FollowUp { ephemeral };
    let cases = [
        (
            Fresh,
            Reply,
            true,
            Ok((vec![Call::Answer { ephemeral: true }], Replied)),
        ),
        (Fresh, UpdateMessage, false, Ok((vec![Call::Update], Updating))),
        (Fresh, Defer, false, Ok((vec![Call::DeferUpdate], Updating))),
        (
            Fresh,
            Defer,
            true,
            Ok((vec![Call::Defer { ephemeral: true }], deferred(true, false))),
        ),
        (
            deferred(true, false),
            UpdateMessage,
            false,
            Ok((vec![Call::EditMessage(id(CONTROLS))], deferred(true, false))),
        ),
        (Fresh, Edit, false, Err(Senseless::NothingAnswered)),
        (Updating, UpdateMessage, false, Ok((vec![Call::EditOriginal], Updating))),
        (Updating, Reply, true, Ok((vec![follow_up(true)], Updating))),
        (Updating, Edit, false, Ok((vec![Call::EditOriginal], Updating))),
        (Updating, Delete, false, Ok((vec![Call::DeleteOriginal], Updating))),
        (Updating, Defer, false, Ok((vec![], Updating))),
        (Replied, Reply, false, Ok((vec![follow_up(false)], Replied))),
        (
            Replied,
            UpdateMessage,
            false,
            Ok((vec![Call::EditMessage(id(CONTROLS))], Replied)),
        ),
        (Replied, Edit, false, Ok((vec![Call::EditOriginal], Replied))),
    ];
    for (state, action, ephemeral, expected) in cases {
        let conversation = at(Door::Component, state);
        assert_eq!(
            step(&conversation, action, ephemeral),
            expected,
            "{state:?} {action:?} {ephemeral}"
        );
    }
}

#[test]
fn what_was_promised_to_the_asker_only_is_never_public() {
    use State::{Detached, Fresh, Updating};
    let secret = Call::FollowUp { ephemeral: true };
    let cases = [
        (Door::Slash, Fresh, vec![Call::Answer { ephemeral: true }]),
        (Door::Slash, deferred(false, true), vec![Call::DeleteOriginal, secret]),
        (Door::Slash, deferred(true, false), vec![Call::EditOriginal]),
        (Door::Component, Updating, vec![secret]),
        (Door::Modal, Updating, vec![secret]),
        (Door::Modal, deferred(true, false), vec![Call::EditOriginal]),
    ];
    for (door, state, expected) in cases {
        let mut conversation = at(door, state);
        conversation.promise_ephemeral();
        let answer = conversation.step(Action::Reply, false, None).unwrap();
        assert_eq!(answer.calls, expected, "{door:?} {state:?}");
        for call in answer.calls {
            conversation.accepted(call, answer.next, Some(id(LATER)));
        }
        // The promise is kept: who is answered further says himself who sees it.
        let further = conversation.step(Action::Reply, false, None).unwrap();
        assert_eq!(
            further.calls,
            [Call::FollowUp { ephemeral: false }],
            "{door:?} {state:?}"
        );
    }
    let mut edited = at(Door::Slash, deferred(false, true));
    edited.promise_ephemeral();
    let answer = Ok((vec![Call::DeleteOriginal, secret], Detached));
    assert_eq!(step(&edited, Action::Edit, false), answer);
}

#[test]
fn messages_by_prefix() {
    let mut conversation = Conversation::new(Door::Prefix, Some(id(1)));
    let stay = |call| Ok((vec![call], State::Fresh));
    assert_eq!(step(&conversation, Action::Reply, true), stay(Call::Send));
    assert_eq!(step(&conversation, Action::Defer, false), stay(Call::Typing));
    assert_eq!(
        step(&conversation, Action::Edit, false),
        Err(Senseless::NothingAnswered)
    );
    assert_eq!(
        step(&conversation, Action::UpdateMessage, false),
        Err(Senseless::NoControl)
    );
    assert_eq!(
        step(&conversation, Action::Unknown, false),
        Err(Senseless::UnknownAction)
    );

    conversation.accepted(Call::Send, State::Fresh, Some(id(2)));
    conversation.accepted(Call::Send, State::Fresh, Some(id(3)));
    assert_eq!(step(&conversation, Action::Edit, false), stay(Call::EditMessage(id(2))));
    let edit = |conversation: &Conversation, message| conversation.step(Action::Edit, false, Some(id(message)));
    assert_eq!(edit(&conversation, 3).unwrap().calls, [Call::EditMessage(id(3))]);
    assert_eq!(
        edit(&conversation, 1),
        Err(Senseless::NotOurs(id(1))),
        "the asker's message is not ours"
    );

    conversation.accepted(Call::DeleteMessage(id(2)), State::Fresh, None);
    assert_eq!(edit(&conversation, 2), Err(Senseless::NotOurs(id(2))));
    assert_eq!(
        step(&conversation, Action::Delete, false),
        stay(Call::DeleteMessage(id(3)))
    );
}

#[test]
fn the_first_answer_stays_the_first() {
    let mut slash = at(Door::Slash, State::Replied);
    slash.accepted(Call::FollowUp { ephemeral: false }, State::Replied, Some(id(LATER)));
    assert_eq!(
        step(&slash, Action::Edit, false),
        Ok((vec![Call::EditOriginal], State::Replied))
    );
    let further = slash.step(Action::Delete, false, Some(id(LATER))).unwrap();
    assert_eq!(further.calls, [Call::DeleteFollowUp(id(LATER))]);

    let mut detached = at(Door::Slash, State::Detached);
    detached.accepted(Call::FollowUp { ephemeral: true }, State::Detached, Some(id(LATER)));
    let edit = Ok((vec![Call::EditFollowUp(id(LATER))], State::Detached));
    assert_eq!(step(&detached, Action::Edit, false), edit);

    let mut control = at(Door::Component, State::Updating);
    control.accepted(Call::FollowUp { ephemeral: true }, State::Updating, Some(id(LATER)));
    let edit = Ok((vec![Call::EditFollowUp(id(LATER))], State::Updating));
    assert_eq!(step(&control, Action::Edit, false), edit);
    let update = Ok((vec![Call::EditOriginal], State::Updating));
    assert_eq!(step(&control, Action::UpdateMessage, false), update);
}

#[test]
fn what_happens_when_it_is_slow() {
    let slow = |conversation: &Conversation| {
        conversation
            .step_when_slow(Defer::Public)
            .map(|step| (step.calls, step.next))
    };
    let prefix = Conversation::new(Door::Prefix, None);
    assert_eq!(slow(&prefix), Some((vec![Call::Typing], State::Fresh)));
    let mut answered = prefix;
    answered.accepted(Call::Send, State::Fresh, Some(id(2)));
    assert_eq!(slow(&answered), None);
    let public = vec![Call::Defer { ephemeral: false }];
    assert_eq!(
        slow(&at(Door::Slash, State::Fresh)),
        Some((public, deferred(false, true)))
    );
    let acknowledged = Some((vec![Call::DeferUpdate], State::Updating));
    assert_eq!(slow(&at(Door::Component, State::Fresh)), acknowledged);
    for state in [deferred(true, false), State::Replied, State::Updating, State::Expired] {
        assert_eq!(slow(&at(Door::Slash, state)), None);
    }
}

#[test]
fn what_is_said_at_the_end_without_an_answer() {
    let closing = |door, state| at(door, state).closing(false);
    assert_eq!(closing(Door::Slash, State::Fresh), Closing::Say);
    assert_eq!(closing(Door::Slash, deferred(false, true)), Closing::Say);
    assert_eq!(closing(Door::Slash, deferred(false, false)), Closing::Nothing);
    assert_eq!(closing(Door::Slash, State::Replied), Closing::Nothing);
    assert_eq!(closing(Door::Slash, State::Expired), Closing::Nothing);
    assert_eq!(closing(Door::Component, State::Updating), Closing::Nothing);
    assert!(
        matches!(closing(Door::Component, State::Fresh), Closing::Acknowledge(step) if step.calls == [Call::DeferUpdate])
    );
    assert_eq!(closing(Door::Prefix, State::Fresh), Closing::Nothing);
    // Whoever deferred and can't answer any more leaves the asker waiting, unless the host says something.
    assert_eq!(at(Door::Slash, deferred(false, false)).closing(true), Closing::Say);
    assert_eq!(at(Door::Component, deferred(true, false)).closing(true), Closing::Say);
    assert_eq!(at(Door::Slash, State::Replied).closing(true), Closing::Nothing);
}

#[test]
fn after_its_time_nothing_makes_sense() {
    let mut slash = at(Door::Slash, State::Replied);
    slash.expire();
    for action in [Action::Reply, Action::Edit, Action::Delete, Action::Defer] {
        assert_eq!(step(&slash, action, false), Err(Senseless::Expired));
    }
    let mut prefix = Conversation::new(Door::Prefix, None);
    prefix.expire();
    assert!(
        step(&prefix, Action::Reply, false).is_ok(),
        "channels have no such limit"
    );
}

#[test]
fn only_the_latest_answers_are_remembered() {
    let mut prefix = Conversation::new(Door::Prefix, None);
    for number in 1..=300 {
        prefix.accepted(Call::Send, State::Fresh, Some(id(number)));
    }
    assert_eq!(prefix.sent.len(), REMEMBERED);
    assert!(prefix.step(Action::Edit, false, Some(id(300))).is_ok());
    assert_eq!(
        prefix.step(Action::Edit, false, Some(id(1))),
        Err(Senseless::NotOurs(id(1)))
    );
}
