//! Controls: what travels in their ids, and what the host keeps for them.
//!
//! The fake host reads the ids as the real one does.

use plugin_protocol::{
    Action, ArgumentValue, Call, KeptControlState, Respond, UserId, Verdict,
    custom_id::{ControlKey, ControlState, CustomId, Route},
    kind,
};
use serde_json::{Value, json};

use crate::{host::FakeHost, in_plugin, plugin::linked_plugin};

#[test]
fn a_control_carries_its_state_there_and_back() {
    let mut host = FakeHost::started(linked_plugin());
    host.invoke(2, "counter", &[]);
    let respond = host.request(kind::RESPOND);
    let row = &respond.body()["components"][0]["components"];
    assert_eq!(
        row[1],
        json!({ "type": 2, "style": 5, "label": "Docs", "url": "https://example.org" })
    );
    assert_eq!(
        (&row[0]["type"], &row[0]["style"], &row[0]["label"]),
        (&json!(2), &json!(1), &json!("Count"))
    );
    let id = read(&row[0]);
    assert_eq!((id.route, id.user), (Route::new("under-test", "count"), UserId::new(7)));
    assert!(id.expires.is_some());

    let ControlState::Inline(state) = &id.state else {
        panic!("{id:?}")
    };
    host.click(3, "count", state);
    let respond = host.request(kind::RESPOND);
    assert_eq!(respond.head::<Respond>().action, Action::UpdateMessage);
    let body = respond.body();
    assert_eq!(body["content"], "Count: 1");
    let id = read(&body["components"][0]["components"][0]);
    assert_eq!(id.state, ControlState::Inline(r#"[1,"x"]"#.to_owned()));

    host.click(4, "close", "");
    assert_eq!(
        host.request(kind::RESPOND).body(),
        json!({ "content": "closed", "components": [] })
    );
    host.click(5, "count", r#"{"of":"another version"}"#);
    let outcome = host.outcome(5);
    assert_eq!(outcome.verdict, Verdict::Refused, "{outcome:?}");
}

/// The custom id of a control, as the host reads it.
fn read(control: &Value) -> CustomId {
    let id = CustomId::decode(control["custom_id"].as_str().unwrap()).unwrap();
    id.check(&ControlKey::default()).unwrap()
}

#[test]
fn buttons_that_can_not_be_sent_say_why() {
    let mut host = FakeHost::started(linked_plugin());
    host.invoke(2, "crowded", &[("twice", ArgumentValue::Boolean(true))]);
    host.invoke(3, "crowded", &[("twice", ArgumentValue::Boolean(false))]);
    let twice = in_plugin(host.outcome(2).text);
    assert_eq!(
        twice,
        "two controls of a message have the same handler and state; one is \"Close\""
    );
    // What is too long for the id goes to the host first, which gives a key for it.
    let keep = host.request(kind::CALL);
    let call = keep.head::<Call>();
    assert_eq!(call.name, "controls.keep");
    assert_eq!(call.arguments["state"].as_str().map(str::len), Some(66));
    host.reply(&keep, &KeptControlState { key: [3; 16] }, b"");
    let sent = host.request(kind::RESPOND).body();
    assert_eq!(
        read(&sent["components"][0]["components"][0]).state,
        ControlState::Kept([3; 16])
    );
}
