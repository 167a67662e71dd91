//! The lane through its table, as a host sees it: envelopes in, envelopes out, no host and no Discord.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::unused_async,
    missing_docs,
    reason = "a test"
)]

mod controls;
mod events;
mod host;
mod moderation;
mod plugin;
mod services;
mod settings;
mod timers;
mod waiting;

use std::sync::atomic::Ordering;

use host::{FakeHost, invocation};
use plugin::linked_plugin;
use plugin_abi::Delivery;
use plugin_protocol::{
    Action, Activation, ArgumentKind, ArgumentValue, Call, Description, LogRecord, Manifest, MessageId, PanicReport,
    ProblemCode, Respond, Responded, Rest, RestAnswer, Settings, Stopped, User, UserId, Verdict, kind,
};
use serde_json::{Value, json};

fn bob() -> ArgumentValue {
    let id = UserId::new(8).unwrap();
    ArgumentValue::User(User {
        id,
        username: "bob".into(),
        global_name: None,
        avatar: None,
        bot: false,
    })
}

/// The text of a failure without its place, which must be a line of the plugin's file, not of this crate's.
fn in_plugin(text: Option<String>) -> String {
    let text = text.unwrap();
    let (what, place) = text.rsplit_once(" (").expect(&text);
    let line = place.split_once("tests/lane/plugin.rs:").expect(&text).1;
    line.strip_suffix(')').expect(&text).parse::<u32>().expect(&text);
    what.to_owned()
}

#[test]
fn a_command_is_run_with_its_arguments_and_answered() {
    let mut host = FakeHost::new(linked_plugin());
    host.start(json!({ "greeting": "Hello" }), None, b"").unwrap();
    let text = ArgumentValue::String("and  more".into());
    host.invoke(2, "greet", &[("who", bob()), ("text", text)]);
    let respond = host.request(kind::RESPOND);
    let head: Respond = respond.head();
    assert_eq!(
        (head.invocation, head.action, head.ephemeral),
        (2, Action::Reply, false)
    );
    assert_eq!(
        respond.body(),
        json!({ "content": "Hello <@8> None Some(\"and  more\")" })
    );
    host.reply(&respond, &Responded::default(), b"");
    let outcome = host.outcome(2);
    assert_eq!((outcome.verdict, outcome.released), (Verdict::Done, true));
    assert!(host.leftovers().is_empty());
}

#[test]
fn refusals_failures_and_panics_are_told_apart() {
    let mut host = FakeHost::started(linked_plugin());
    for (id, name) in [(2, "refusing"), (3, "failing"), (4, "panicking")] {
        host.invoke(id, name, &[]);
    }
    host.invoke(5, "drop bomb", &[("wait", ArgumentValue::Boolean(false))]);
    host.invoke(6, "greet", &[]);
    let refused = host.outcome(2);
    assert_eq!(
        (refused.verdict, refused.text.as_deref()),
        (Verdict::Refused, Some("Not today."))
    );
    let failed = host.outcome(3);
    assert_eq!(failed.verdict, Verdict::Failed);
    assert_eq!(in_plugin(failed.text), "invalid digit found in string");
    for (id, message) in [(4, "the sky is falling"), (5, "boom in drop")] {
        let panicked = host.outcome(id);
        assert_eq!(
            (panicked.verdict, panicked.text.as_deref()),
            (Verdict::Panicked, Some(message))
        );
        let panic = panicked.panic.unwrap();
        assert!(panic.location.contains("plugin.rs:"), "{panic:?}");
        assert_eq!(
            (panic.message.as_str(), panic.thread.as_str()),
            (message, "under-test#3")
        );
    }
    let missing = host.outcome(6);
    assert_eq!(missing.verdict, Verdict::Failed);
    assert_eq!(in_plugin(missing.text), "the argument `who` must be a user");
    assert!(host.leftovers().is_empty(), "a panic within a handler is told once");
}

#[test]
fn what_was_spawned_in_start_begins_at_activation() {
    let mut host = FakeHost::started(linked_plugin());
    host.invoke(2, "refusing", &[]);
    host.outcome(2);
    assert!(host.leftovers().is_empty());
    host.put(kind::ACTIVATE, kind::FLAG_UNBOUNDED, 0, &Activation::default(), b"");
    assert_eq!(host.request(kind::CALL).head::<Call>().name, "test.began");
}

#[test]
fn a_start_that_fails_or_panics_says_why() {
    let mut host = FakeHost::new(linked_plugin());
    let problem = host.start(json!({ "fail": true }), None, b"").unwrap_err();
    assert_eq!(
        (problem.code, problem.message.as_str()),
        (ProblemCode::Failed, "no such greeting")
    );

    let mut host = FakeHost::new(linked_plugin());
    let problem = host.start(json!({ "panic": true }), None, b"").unwrap_err();
    assert!(problem.message.starts_with("panicked at "), "{problem}");
    assert!(problem.message.ends_with("asked to panic"), "{problem}");

    let mut host = FakeHost::new(linked_plugin());
    let problem = host.start(json!({ "greeting": 5 }), None, b"").unwrap_err();
    assert!(
        problem
            .message
            .starts_with("`plugins.under-test` in the configuration: "),
        "{problem}"
    );
    // It never served: it ends without its stop function.
    assert_eq!(host.finish(), Stopped::default());
}

#[test]
fn what_the_plugin_does_not_know_is_answered() {
    let mut host = FakeHost::new(linked_plugin());
    host.invoke(2, "greet", &[]);
    assert_eq!(host.answer(2).unwrap_err().code, ProblemCode::Invalid, "not started");
    host.start(Value::Null, None, b"").unwrap();
    host.put(kind::START, 0, 3, &json!({}), b"");
    assert_eq!(host.answer(3).unwrap_err().code, ProblemCode::Invalid, "started twice");
    host.put(77, 0, 4, &json!({}), b"");
    assert_eq!(host.answer(4).unwrap_err().code, ProblemCode::NotSupported);
    host.invoke(5, "nothing", &[]);
    assert_eq!(host.answer(5).unwrap_err().code, ProblemCode::NotFound);
    host.put(kind::INVOKE, 0, 6, &json!({ "name": 1 }), b"");
    assert_eq!(host.answer(6).unwrap_err().code, ProblemCode::Invalid);
    host.event(7, "TYPING_START", "{}");
    assert_eq!(host.outcome(7).verdict, Verdict::Done, "an event without handlers");
}

#[test]
fn a_stop_waits_for_handlers_and_hands_the_state_over() {
    let mut host = FakeHost::new(linked_plugin());
    host.start(Value::Null, Some(4), b"41").unwrap();
    host.invoke(2, "greet", &[("who", bob())]);
    let greeting = host.request(kind::RESPOND);
    host.stop(3, 60_000);
    // Delivered after the stop: refused, not lost.
    host.invoke(4, "greet", &[]);
    assert_eq!(host.answer(4).unwrap_err().code, ProblemCode::Closed);
    host.reply(&greeting, &Responded::default(), b"");
    assert_eq!(host.outcome(2).verdict, Verdict::Done);
    let stopping = host.request(kind::CALL);
    let call: Call = stopping.head();
    assert_eq!((call.name.as_str(), call.arguments), ("test.stopping", json!(42)));
    host.reply(&stopping, &json!(null), b"");
    let answer = host.answer(3).unwrap();
    assert_eq!(
        answer.head::<Stopped>(),
        Stopped {
            interrupted: 0,
            problem: None,
            state_version: Some(4)
        }
    );
    assert_eq!(answer.tail, b"42");
    assert!(host.joined());
    assert_eq!(
        host.try_put(kind::ANSWER, kind::FLAG_UNBOUNDED, 1, &json!(null), b""),
        Delivery::CLOSED
    );
}

#[test]
fn a_stop_function_that_fails_is_told() {
    let mut host = FakeHost::started(linked_plugin());
    host.stop(3, 60_000);
    let stopping = host.request(kind::CALL);
    host.reply(&stopping, &json!("fail"), b"");
    let stopped: Stopped = host.answer(3).unwrap().head();
    assert_eq!(stopped.problem.as_deref(), Some("could not stop"));
    assert!(host.joined());
}

#[test]
fn what_runs_at_the_deadline_is_cut_off_and_answered() {
    let mut host = FakeHost::started(linked_plugin());
    host.invoke(2, "me", &[]);
    host.request(kind::REST);
    host.invoke(3, "drop bomb", &[("wait", ArgumentValue::Boolean(true))]);
    host.stop(4, 0);
    assert_eq!(host.outcome(2).verdict, Verdict::Interrupted);
    assert_eq!(host.outcome(3).verdict, Verdict::Interrupted);
    let stopped: Stopped = host.answer(4).unwrap().head();
    assert_eq!(stopped.interrupted, 2);
    assert!(host.joined());
    let record: LogRecord = host.request(kind::LOG).head();
    assert_eq!(record.message, "a task panicked while it was cut off: boom in drop");
    assert!(
        host.leftovers().iter().all(|sent| sent.kind != kind::ANSWER),
        "each is answered once"
    );
}

#[test]
fn a_state_that_is_still_held_is_told() {
    let mut host = FakeHost::started(linked_plugin());
    host.invoke(2, "leaking", &[]);
    assert!(!host.outcome(2).released, "it could still be answered");
    let problem = host.finish().problem.unwrap();
    assert!(problem.contains("outlives its handler"), "{problem}");
}

#[test]
fn a_blocked_lane_is_full_but_takes_what_is_unbounded() {
    let mut host = FakeHost::started(linked_plugin());
    host.invoke(2, "blocking", &[]);
    // Once the first is taken out of the queue, there is room for 1,024 more; before, for one less.
    let mut id = 100;
    let refusing = invocation("refusing", &[]);
    while host.try_put(kind::INVOKE, 0, id, &refusing, b"{}") == Delivery::ACCEPTED {
        id += 1;
    }
    assert_eq!(host.try_put(kind::INVOKE, 0, id, &refusing, b"{}"), Delivery::FULL);
    assert!(id - 100 >= 1023, "{id}");
    host.put(kind::INVOKE, kind::FLAG_UNBOUNDED, id, &refusing, b"{}");
    *plugin::GATE.0.lock().unwrap() = true;
    plugin::GATE.1.notify_all();
    host.outcome(2);
    for id in 100..=id {
        assert_eq!(host.outcome(id).verdict, Verdict::Refused);
    }
    assert!(host.leftovers().is_empty(), "each is answered once");
}

#[test]
fn handlers_begin_in_the_order_of_arrival() {
    let mut host = FakeHost::started(linked_plugin());
    for id in 2..300 {
        host.invoke(id, "counter", &[]);
    }
    for id in 2..300 {
        assert_eq!(host.request(kind::RESPOND).head::<Respond>().invocation, id);
    }
}

#[test]
fn rest_calls_carry_their_parts_and_their_errors() {
    let mut host = FakeHost::started(linked_plugin());
    host.invoke(2, "me", &[]);
    let rest = host.request(kind::REST);
    let head: Rest = rest.head();
    assert_eq!(
        (head.method.as_str(), head.path.as_str(), head.reason.as_deref()),
        ("GET", "/users/@me", Some("curious"))
    );
    host.reply(&rest, &RestAnswer { status: 200 }, br#"{"username":"bot"}"#);
    let respond = host.request(kind::RESPOND);
    assert_eq!(respond.body(), json!({ "content": "bot" }));
    host.reply(&respond, &Responded::default(), b"");
    assert_eq!(host.outcome(2).verdict, Verdict::Done);

    host.invoke(3, "me", &[]);
    let rest = host.request(kind::REST);
    host.reply(
        &rest,
        &RestAnswer { status: 401 },
        br#"{"message":"401: Unauthorized","code":0}"#,
    );
    assert_eq!(
        in_plugin(host.outcome(3).text),
        "Discord answered 401 (code 0): 401: Unauthorized"
    );
}

#[test]
fn a_request_is_tried_again_while_the_host_is_full() {
    let mut host = FakeHost::started(linked_plugin());
    host.full.store(3, Ordering::SeqCst);
    host.invoke(2, "me", &[]);
    host.request(kind::REST);
    assert_eq!(host.full.load(Ordering::SeqCst), 0);
}

#[test]
fn answers_are_changed_and_taken_back() {
    let mut host = FakeHost::started(linked_plugin());
    host.invoke(2, "changing", &[]);
    let mut respond = |action, ephemeral, message_id: Option<u64>, body: Value| {
        let respond = host.request(kind::RESPOND);
        let head: Respond = respond.head();
        assert_eq!(
            (head.action, head.ephemeral, head.message_id.map(MessageId::get)),
            (action, ephemeral, message_id)
        );
        assert_eq!(
            if respond.tail.is_empty() {
                Value::Null
            } else {
                respond.body()
            },
            body
        );
        host.reply(&respond, &json!({ "message_id": "11", "channel_id": "5" }), b"");
    };
    respond(Action::Defer, true, None, Value::Null);
    respond(Action::Reply, true, None, json!({ "embeds": [{ "title": "One" }] }));
    respond(Action::Edit, false, Some(11), json!({ "content": "Two" }));
    respond(Action::Delete, false, Some(11), Value::Null);
    for (method, path, body) in [
        (
            "POST",
            "/channels/5/messages",
            json!({ "content": "hello", "allowed_mentions": {
                "parse": [], "users": ["7"], "roles": [], "replied_user": true,
            } }),
        ),
        ("PATCH", "/channels/5/messages/12", json!({ "content": "bye" })),
    ] {
        let rest = host.request(kind::REST);
        let head: Rest = rest.head();
        assert_eq!((head.method.as_str(), head.path.as_str()), (method, path));
        assert_eq!(rest.body(), body);
        host.reply(&rest, &RestAnswer { status: 200 }, br#"{"id":"12","channel_id":"5"}"#);
    }
    assert_eq!(host.outcome(2).verdict, Verdict::Done);
}

#[test]
fn an_event_runs_all_its_handlers_and_is_answered_once() {
    let mut host = FakeHost::started(linked_plugin());
    host.event(2, "MESSAGE_DELETE", r#"{"id":"31","channel_id":"5","guild_id":"6"}"#);
    let call = host.request(kind::CALL);
    assert_eq!(call.head::<Call>().arguments, json!(31));
    host.reply(&call, &json!(null), b"");
    let outcome = host.outcome(2);
    assert_eq!(
        (outcome.verdict, outcome.text.as_deref()),
        (Verdict::Refused, Some("seen in \"6\""))
    );

    // Outside of a server only one of them wants it.
    host.event(3, "MESSAGE_DELETE", r#"{"id":"31","channel_id":"5"}"#);
    let call = host.request(kind::CALL);
    host.reply(&call, &json!(null), b"");
    assert_eq!(host.outcome(3).verdict, Verdict::Done);

    let member = |bot: bool| {
        json!({
            "guild_id": "6", "roles": [], "joined_at": null, "deaf": false, "mute": false, "flags": 0,
            "communication_disabled_until": null, "pending": false,
            "user": { "id": "9", "username": "carol", "discriminator": "0", "avatar": null, "bot": bot },
        })
        .to_string()
    };
    host.event(4, "GUILD_MEMBER_ADD", &member(true));
    assert_eq!(host.outcome(4).verdict, Verdict::Done);
    host.event(5, "GUILD_MEMBER_ADD", &member(false));
    let outcome = host.outcome(5);
    assert_eq!(
        (outcome.verdict, outcome.text.as_deref()),
        (Verdict::Panicked, Some("carol joined"))
    );
    host.event(6, "GUILD_MEMBER_ADD", r#"{"user":5}"#);
    assert!(
        host.outcome(6)
            .text
            .unwrap()
            .starts_with("the event GUILD_MEMBER_ADD can't be read: ")
    );
    let begun: Vec<_> = host.leftovers().iter().map(|sent| (sent.kind, sent.id)).collect();
    assert_eq!(
        begun,
        [(kind::BEGUN, 2), (kind::BEGUN, 3)],
        "those that waited for an answer"
    );
}

#[test]
fn log_records_arrive_with_their_fields_from_the_level_on() {
    let mut host = FakeHost::started(linked_plugin());
    let marker = |marker| [("marker", ArgumentValue::Integer(marker))];
    host.invoke(2, "logging", &marker(1));
    host.outcome(2);
    let record: LogRecord = host.request(kind::LOG).head();
    assert_eq!(
        (record.level, record.message.as_str()),
        (plugin_protocol::Level::Warn, "loud 1")
    );
    let fields =
        json!({ "marker": 1, "ratio": 0.5, "fine": true, "name": "x", "list": "[1, 2]", "depth": 2, "only": "outer" });
    assert_eq!(serde_json::to_value(record.fields).unwrap(), fields);
    assert!(record.file.unwrap().ends_with("plugin.rs"));
    assert!(record.line.is_some() && record.target.ends_with("plugin"));
    assert_eq!((record.invocation, record.event), (Some(2), None), "whose line it is");
    assert_eq!(record.spans, ["outer", "inner"]);
    assert!(host.leftovers().is_empty(), "debug is below the level");

    let settings = Settings {
        section: Value::Null,
        level: plugin_protocol::Level::Debug,
        ..Settings::default()
    };
    host.put(kind::CONFIGURE, kind::FLAG_UNBOUNDED, 0, &settings, b"");
    host.invoke(3, "logging", &marker(2));
    host.outcome(3);
    assert_eq!(host.request(kind::LOG).head::<LogRecord>().message, "quiet");
}

#[test]
fn a_panic_of_a_spawned_task_is_reported_and_harms_nothing() {
    let mut host = FakeHost::started(linked_plugin());
    host.put(kind::ACTIVATE, kind::FLAG_UNBOUNDED, 0, &Activation::default(), b"");
    host.invoke(2, "spawning", &[]);
    assert_eq!(host.outcome(2).verdict, Verdict::Done);
    let panic: PanicReport = host.request(kind::PANIC).head();
    let (message, place) = panic.message.split_once(" (in the task spawned at ").unwrap();
    assert_eq!((message, panic.thread.as_str()), ("in the background", "under-test#3"));
    assert_eq!(
        panic.invocation,
        Some(2),
        "a task belongs to the command that spawned it"
    );
    assert!(place.contains("tests/lane/plugin.rs:"), "{panic:?}");
    let record: LogRecord = host.request(kind::LOG).head();
    assert!(record.file.unwrap().ends_with("tests/lane/plugin.rs"));
    assert_eq!(record.invocation, Some(2));
    let text = record.message.strip_prefix("the task spawned at ").unwrap();
    let (place, text) = text.split_once(" failed: ").unwrap();
    assert!(place.contains("tests/lane/plugin.rs:"), "{place}");
    assert_eq!(in_plugin(Some(text.to_owned())), "invalid digit found in string");
    host.invoke(3, "refusing", &[]);
    assert_eq!(host.outcome(3).verdict, Verdict::Refused);
}

#[test]
fn the_description_says_what_the_functions_say() {
    let description: Description = serde_json::from_slice(&linked_plugin().module().description().unwrap()).unwrap();
    assert_eq!(
        (description.name.as_str(), description.state_version),
        ("plugin-api", Some(4))
    );
    let greet = &description.commands[0];
    assert_eq!(
        (greet.name.as_str(), greet.description.as_str()),
        ("greet", "Answer with the greeting and the arguments.")
    );
    assert_eq!(greet.aliases, ["hi", "hey"]);
    assert_eq!(
        (greet.doors.prefix, greet.doors.slash, greet.owner_only),
        (true, true, false)
    );
    let arguments: Vec<_> = greet
        .arguments
        .iter()
        .map(|a| {
            (
                a.name.as_str(),
                a.description.as_str(),
                a.kind,
                a.required,
                a.rest,
                a.min,
                a.max,
            )
        })
        .collect();
    assert_eq!(
        arguments,
        [
            ("who", "Who is greeted", ArgumentKind::User, true, false, None, None),
            (
                "times",
                "Times",
                ArgumentKind::Integer,
                false,
                false,
                Some(-1.0),
                Some(2_147_483_647.0)
            ),
            ("text", "Text", ArgumentKind::String, false, true, None, None),
        ]
    );
    let refusing = &description.commands[1];
    assert_eq!(
        (refusing.doors.prefix, refusing.doors.slash, refusing.owner_only),
        (true, false, true)
    );
    assert_eq!(description.commands[4].name, "drop bomb");
    let components: Vec<_> = description
        .components
        .iter()
        .map(|component| component.name.as_str())
        .collect();
    let (own, of_the_runtime) = components.split_at(2);
    assert_eq!(own, ["count", "close"]);
    assert!(
        of_the_runtime.iter().all(|name| name.starts_with("plugin_api.")),
        "{of_the_runtime:?}"
    );
    let events: Vec<_> = description
        .events
        .iter()
        .map(|event| (event.name.as_str(), event.guild_only, event.ignore_bots))
        .collect();
    let expected = [
        ("MESSAGE_DELETE", false, false),
        ("MESSAGE_DELETE", true, false),
        ("GUILD_MEMBER_ADD", false, true),
        ("TURN", false, false),
        ("BLOCK", false, false),
    ];
    assert_eq!(events, expected);
}

#[test]
fn the_manifest_is_what_plugin_and_package_say() {
    let manifest: Manifest = serde_json::from_slice(linked_plugin().manifest()).unwrap();
    assert_eq!(
        (manifest.name.as_str(), manifest.version.as_str()),
        ("plugin-api", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(
        (manifest.abi.as_str(), manifest.panic.as_str()),
        (plugin_abi::ABI_VERSION, "unwind")
    );
    assert_eq!(manifest.authors, [env!("CARGO_PKG_AUTHORS")]);
    let depends: Vec<_> = manifest
        .depends
        .iter()
        .map(|d| (d.name.as_str(), d.range.as_str(), d.optional))
        .collect();
    assert_eq!(depends, [("modlog", ">=1.2", false), ("levels", "", true)]);
    assert_eq!(manifest.conflicts[0].name.as_str(), "other");
    assert_eq!(manifest.swap, plugin_protocol::Swap::Exclusive);
    // Presences by the key; messages and members by the events.
    assert_eq!(manifest.intents, 1 << 8 | 1 << 9 | 1 << 12 | 1 << 1);
}
