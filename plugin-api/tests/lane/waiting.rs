//! Waiting for people, as a host sees it: what is registered, what a function takes of what comes, and how it ends.

use plugin_protocol::{
    ChannelId, Drain, Happening, Occurrence, Problem, ProblemCode, ReceivedMessage, Respond, Responded, StopReason,
    Unwatch, UserId, Verdict, Watch, Watched, Watching, kind,
};

use crate::{
    host::{FakeHost, Sent},
    plugin::linked_plugin,
};

/// Lets the lane's command begin to wait; answers with what it registered.
fn waiting(host: &mut FakeHost, id: u64) -> (Sent, Watch) {
    host.invoke(id, "waiting", &[]);
    let asked = host.request(kind::WATCH);
    let watch = asked.head();
    (asked, watch)
}

fn happens(host: &FakeHost, watch: u64, content: &str) {
    let author = serde_json::json!({ "id": "7", "username": "alice" });
    let message = serde_json::from_value::<ReceivedMessage>(serde_json::json!({
        "id": "10", "channel_id": "5", "author": author, "content": content,
    }));
    let what = Happening::Message(Box::new(message.unwrap()));
    host.put(kind::OCCURRED, 0, 0, &Occurrence { watch, what }, b"{}");
}

#[test]
fn what_comes_is_taken_if_it_fits_and_the_watch_is_taken_back() {
    let mut host = FakeHost::started(linked_plugin());
    let (asked, watch) = waiting(&mut host, 2);
    let expected = Watch {
        id: watch.id,
        wanted: Watched::Message,
        channel_id: ChannelId::new(5).unwrap(),
        user_id: UserId::new(7),
        bots: false,
        limit_ms: 60_000,
        invocation: Some(2),
    };
    assert_eq!(watch, expected);
    // What comes before the answer is not lost, and what nobody has registered is nobody's.
    happens(&host, watch.id, "too long");
    happens(&host, watch.id + 1, "foreign");
    host.reply(&asked, &Watching::default(), b"");
    happens(&host, watch.id, "short");
    let respond = host.request(kind::RESPOND);
    assert_eq!(respond.body()["content"], "short");
    assert_eq!(host.request(kind::UNWATCH).head::<Unwatch>(), Unwatch { id: watch.id });
    assert_eq!(respond.head::<Respond>().invocation, 2);
    host.reply(&respond, &Responded::default(), b"");
    assert_eq!(host.outcome(2).verdict, Verdict::Done);
    happens(&host, watch.id, "late");
}

#[test]
fn a_drain_ends_all_waiting_and_lets_nobody_begin() {
    let mut host = FakeHost::started(linked_plugin());
    let (asked, _) = waiting(&mut host, 2);
    host.reply(&asked, &Watching::default(), b"");
    let drain = Drain {
        why: StopReason::Reload,
    };
    host.put(kind::DRAIN, kind::FLAG_UNBOUNDED, 0, &drain, b"");
    host.invoke(3, "waiting", &[]);
    for id in [2, 3] {
        let outcome = host.outcome(id);
        assert_eq!(outcome.verdict, Verdict::Refused);
        let text = outcome.text.unwrap();
        assert!(text.contains("was updated while it waited"), "{text}");
    }
    assert_eq!(host.request(kind::UNWATCH).head::<Unwatch>().id, 1);
}

#[test]
fn a_function_whose_asker_asks_no_more_ends_and_no_other() {
    let mut host = FakeHost::started(linked_plugin());
    let (asked, first) = waiting(&mut host, 2);
    host.reply(&asked, &Watching::default(), b"");
    let (asked, second) = waiting(&mut host, 3);
    host.reply(&asked, &Watching::default(), b"");
    host.put(
        kind::WATCH_ENDED,
        kind::FLAG_UNBOUNDED,
        0,
        &Unwatch { id: first.id },
        b"",
    );
    assert_eq!(host.outcome(2).verdict, Verdict::Refused);
    assert_eq!(host.request(kind::UNWATCH).head::<Unwatch>().id, first.id);
    happens(&host, second.id, "short");
    let respond = host.request(kind::RESPOND);
    assert_eq!(respond.head::<Respond>().invocation, 3);
    host.reply(&respond, &Responded::default(), b"");
    assert_eq!(host.outcome(3).verdict, Verdict::Done);
}

#[test]
fn what_the_host_refuses_and_the_end_of_a_commands_time_are_told() {
    let mut host = FakeHost::started(linked_plugin());
    let (asked, _) = waiting(&mut host, 2);
    let problem = Problem::new(ProblemCode::Busy, "too many wait");
    host.put(
        kind::ANSWER,
        kind::FLAG_UNBOUNDED | kind::FLAG_PROBLEM,
        asked.id,
        &problem,
        b"",
    );
    let failed = host.outcome(2);
    assert_eq!(failed.verdict, Verdict::Failed);
    let text = failed.text.unwrap();
    assert!(
        text.contains("too many wait") && text.contains("tests/lane/plugin.rs"),
        "{text}"
    );
    let (asked, _) = waiting(&mut host, 3);
    let over = Watching { answerable_ms: Some(0) };
    host.reply(&asked, &over, b"");
    let refused = host.outcome(3);
    assert_eq!(refused.verdict, Verdict::Refused);
    assert!(refused.text.unwrap().contains("for 15 minutes"));
}
