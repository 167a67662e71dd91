//! Bodies as Discord takes them, and what is refused before it would refuse it.
//!
//! They write messages for nobody: no envelope is sent.

use std::{collections::HashMap, sync::Arc};

use plugin_abi::{Delivery, Envelope, Receiver};
use plugin_protocol::custom_id::CustomId;

use super::*;
use crate::{
    ChannelId, ChannelKind, ChannelSelect, SelectOption, embed,
    runtime::{Controls, Link},
};

struct Deaf;

impl Receiver for Deaf {
    fn receive(&self, _: &[Envelope<'_>]) -> Delivery {
        Delivery::CLOSED
    }
}

fn body(message: Message, edits: bool) -> Result<Value, String> {
    let host = plugin_abi::Host::leak(Box::new(Deaf));
    let link = Link::new(host, "test".into(), 1, plugin_protocol::Level::Info);
    let controls = Controls {
        anyone: true,
        expires_seconds: None,
        form: None,
        opener: None,
    };
    let core = Core::new(Arc::new(link), HashMap::from([("pick", controls)]));
    let body = message.into_body(&Addressee {
        core: &core,
        requester: None,
        edits,
    });
    body.map(|body| serde_json::from_slice(&body).expect("JSON"))
        .map_err(|error| error.to_string())
}

/// The same of a message that somebody asked for, with controls that not just anyone may use: who may.
fn users(message: Message, requester: Option<UserId>) -> Result<Vec<Option<UserId>>, String> {
    let host = plugin_abi::Host::leak(Box::new(Deaf));
    let link = Link::new(host, "test".into(), 1, plugin_protocol::Level::Info);
    let controls = |anyone| Controls {
        anyone,
        expires_seconds: None,
        form: None,
        opener: None,
    };
    let declared = HashMap::from([("pick", controls(false)), ("open", controls(true))]);
    let core = Core::new(Arc::new(link), declared);
    let key = core.control_key.get();
    let body = message
        .into_body(&Addressee {
            core: &core,
            requester,
            edits: false,
        })
        .map_err(|error| error.to_string())?;
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let rows = body["components"].as_array().into_iter().flatten();
    let controls = rows.flat_map(|row| row["components"].as_array().into_iter().flatten());
    let ids = controls.map(|control| {
        let id = CustomId::decode(control["custom_id"].as_str().expect("an id")).expect("one of ours");
        id.check(&key).expect("signed").user
    });
    Ok(ids.collect())
}

#[test]
fn controls_are_their_askers_or_whom_they_name() {
    let asker = UserId::new(1).expect("not 0");
    let other = UserId::new(2).expect("not 0");
    let button = |handler| crate::message::ButtonOf::<()>::new(handler, "A".to_owned()).primary(&());
    let named = || select().option("A", "a").for_user(other);
    let asked = message("a")
        .button(button("pick"))
        .select(named())
        .button(button("open"));
    assert_eq!(users(asked, Some(asker)), Ok(vec![Some(asker), Some(other), None]));
    let unasked = message("a").button(button("open").for_user(other)).select(named());
    assert_eq!(users(unasked, None), Ok(vec![Some(other), Some(other)]));
    let refused = users(message("a").button(button("pick")), None).expect_err("nobody could use it");
    assert!(
        refused.contains("`pick`") && refused.contains("anyone") && refused.contains(".for_user(id)"),
        "{refused}"
    );
}

fn link(number: usize) -> Button {
    Button::link(number.to_string(), "https://example.org")
}

#[test]
fn only_what_is_set_is_written() {
    assert_eq!(body("a".into(), false), Ok(json!({ "content": "a" })));
    assert_eq!(
        body(Message::default().without_buttons().without_embeds(), true),
        Ok(json!({
            "embeds": [], "components": [],
        }))
    );
    let role = RoleId::new(3).expect("not 0");
    let pinged = body(message("a").ping_role(role), false).expect("fits");
    assert_eq!(pinged["allowed_mentions"]["roles"], json!(["3"]));
    assert_eq!(pinged["allowed_mentions"]["parse"], json!([]));
}

fn lengths(rows: &[&Value]) -> Vec<usize> {
    rows.iter()
        .filter_map(|row| row["components"].as_array().map(Vec::len))
        .collect()
}

fn select() -> crate::StringSelect {
    crate::StringSelect::of_strings("pick", &())
}

#[test]
fn controls_stand_in_the_order_given() {
    let message = message("a")
        .button(link(0))
        .select(select().option("A", "a"))
        .button(link(1))
        .new_row()
        .button(link(2))
        .button(link(3));
    let body = body(message, false).expect("fits");
    let rows: Vec<_> = body["components"].as_array().into_iter().flatten().collect();
    assert_eq!(lengths(&rows), [1, 1, 1, 2]);
    assert_eq!(rows[1]["components"][0]["type"], 3);
    assert_eq!(rows[3]["components"][1]["label"], "3");
}

#[test]
fn selects_are_written_as_discord_takes_them() {
    let options = [
        SelectOption::new("A", "a")
            .description("the first")
            .emoji("👍")
            .default(),
        "b".into(),
    ];
    let select = select()
        .placeholder("Which?")
        .min_values(0)
        .max_values(2)
        .options(options);
    let written = &body(message("a").select(select), false).expect("fits")["components"][0]["components"][0];
    let mut without_id = written.clone();
    assert!(
        without_id
            .as_object_mut()
            .and_then(|select| select.remove("custom_id"))
            .is_some()
    );
    assert_eq!(
        without_id,
        json!({
            "type": 3, "placeholder": "Which?", "min_values": 0, "max_values": 2,
            "options": [
                { "label": "A", "value": "a", "description": "the first", "emoji": { "name": "👍" }, "default": true },
                { "label": "b", "value": "b" },
            ],
        })
    );
    let channels = ChannelSelect::of_channels("pick", &())
        .channel_kinds([ChannelKind::Text, ChannelKind::Forum, ChannelKind::Text])
        .default_channel(ChannelId::new(5).expect("not 0"))
        .disabled();
    let written = &body(message("a").select(channels), false).expect("fits")["components"][0]["components"][0];
    assert_eq!(written["channel_types"], json!([0, 15]));
    assert_eq!(written["default_values"], json!([{ "id": "5", "type": "channel" }]));
    assert_eq!(written["disabled"], true);
}

#[test]
fn buttons_stand_in_rows_of_five() {
    let message = (0..7).fold(message("a"), |message, number| message.button(link(number)));
    let body = body(message, false).expect("fits");
    let rows: Vec<_> = body["components"].as_array().into_iter().flatten().collect();
    assert_eq!(lengths(&rows), [5, 2]);
    assert_eq!(rows[1]["components"][1]["label"], "6");
}

#[test]
fn what_discord_would_refuse_is_refused_before() {
    let user = UserId::new(1).expect("not 0");
    let many = (0..26).fold(message("a"), |message, number| message.button(link(number)));
    let embeds = |count: usize, length: usize| {
        (0..count).fold(Message::default(), |message, _| {
            message.embed(embed("").description("x".repeat(length)))
        })
    };
    for (message, text) in [
        (
            "x".repeat(2001).into(),
            "the text of a message has 2001 characters, Discord takes 2000",
        ),
        (
            Message::default(),
            "a message needs a text, an embed, a file or a control",
        ),
        (
            many,
            "the controls of a message take 6 rows, Discord takes 5: a row has up to 5 buttons or one select",
        ),
        (embeds(11, 1), "a message has 11 embeds, Discord takes 10"),
        (
            embeds(2, 3001),
            "the embeds of a message have 6002 characters, Discord takes 6000",
        ),
        (
            message("a").button(Button::link("", "x")),
            "a button needs a label or an emoji",
        ),
        (
            message("a").select(select()),
            "a select has 0 options, Discord takes 1 to 25",
        ),
        (
            message("a").select(select().option("A", "a").max_values(2)),
            "a select of 1 options can't take 2 values",
        ),
        (
            message("a").select(select().option("A", "a").min_values(2)),
            "a select takes 2 to 1 values: Discord takes 0 to 25 as the least, 1 to 25 as the most",
        ),
        (
            message("a").select(select().option("A", "a").option("B", "a")),
            "two options of a select have the value `a`",
        ),
        (
            message("a").select(select().option("", "a")),
            "an option of a select needs a label",
        ),
        (
            message("a").select(select().option("A", "a").placeholder("x".repeat(151))),
            "the placeholder of a select has 151 characters, Discord takes 150",
        ),
        (
            message("a").select(
                crate::UserSelect::of_users("pick", &())
                    .default_user(user)
                    .default_user(user),
            ),
            "a select has 2 values chosen from the start, it takes 1",
        ),
    ] {
        assert_eq!(body(message, false), Err(text.to_owned()));
    }
}
