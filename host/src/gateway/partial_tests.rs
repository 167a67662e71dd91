//! The partial read against tricky payloads, and against twilight's full types.
//!
//! Random messages and interactions, their keys in any order, must read the same by both; no text may make it panic.

use proptest::prelude::*;
use serde_json::{Value, json};
use twilight_model::gateway::payload::incoming::{InteractionCreate, MessageCreate};

use super::*;

fn read(payload: &str) -> Partial<'_> {
    Partial::read(payload).unwrap()
}

fn id<T: From<NonZeroU64>>(id: u64) -> Option<T> {
    NonZeroU64::new(id).map(T::from)
}

#[test]
fn a_message_is_read_without_copying() {
    let payload = r#"{"t":"MESSAGE_CREATE","s":5,"op":0,"d":{"type":19,"tts":false,"id":"10","guild_id":"20",
        "channel_id":"30","content":"!ping","author":{"id":"40","bot":true,"username":"x"},
        "member":{"roles":["1"],"joined_at":"x"},"mentions":[{"id":"99","bot":false}]}}"#;
    let partial = read(payload);
    assert_eq!(
        partial,
        Partial {
            kind: "MESSAGE_CREATE".into(),
            sequence: Some(5),
            guild_id: id(20),
            channel_id: id(30),
            id: NonZeroU64::new(10),
            author_id: id(40),
            author_is_bot: true,
            is_webhook: false,
            content: "!ping".into(),
            number: Some(19),
        }
    );
    assert!(matches!(partial.kind, Cow::Borrowed(_)) && matches!(partial.content, Cow::Borrowed(_)));
}

#[test]
fn nested_objects_do_not_fool_it() {
    for (what, payload) in [
        (
            "a reply before the own fields",
            r#"{"d":{"referenced_message":{"guild_id":"1","channel_id":"2","id":"3","content":"old","webhook_id":"4",
               "author":{"id":"5","bot":true},"member":{"user":{"id":"6","bot":true}}},
               "message_reference":{"guild_id":"1","channel_id":"2"},"message_snapshots":[{"message":{"content":"x"}}],
               "id":"10","channel_id":"30","content":"new","author":{"id":"40"}},"op":0,"s":5,"t":"MESSAGE_CREATE"}"#,
        ),
        (
            "a reply behind the own fields",
            r#"{"t":"MESSAGE_CREATE","s":5,"op":0,"d":{"id":"10","channel_id":"30","content":"new","author":{"id":"40",
               "primary_guild":{"guild_id":"9","id":"8","bot":true}},
               "referenced_message":{"guild_id":"1","channel_id":"2","id":"3","content":"old","author":{"id":"5"}}}}"#,
        ),
        (
            "JSON inside the text of another field",
            r#"{"t":"MESSAGE_CREATE","s":5,"op":0,"d":{"nonce":"\"guild_id\":\"1\",\"author\":{\"id\":\"5\"}","id":"10",
               "channel_id":"30","content":"new","author":{"id":"40"},"embeds":[{"guild_id":"1","author":{"id":"5"}}]}}"#,
        ),
    ] {
        let partial = read(payload);
        assert_eq!(partial.guild_id, None, "{what}");
        assert_eq!(partial.author_id, id(40), "{what}");
        assert!(!partial.author_is_bot && !partial.is_webhook, "{what}");
        assert_eq!((&*partial.content, partial.id), ("new", NonZeroU64::new(10)), "{what}");
        assert_eq!(
            (&*partial.kind, partial.sequence),
            ("MESSAGE_CREATE", Some(5)),
            "{what}"
        );
    }
}

#[test]
fn whoever_caused_an_event_is_found_where_discord_puts_it() {
    for (what, data, author, is_bot) in [
        (
            "interaction in a server",
            json!({"type": 2, "member": {"user": {"id": "7"}}}),
            Some(7),
            false,
        ),
        (
            "interaction in a direct message",
            json!({"type": 3, "user": {"id": "7"}}),
            Some(7),
            false,
        ),
        (
            "both, the member first",
            json!({"member": {"user": {"id": "7", "bot": true}}, "user": null}),
            Some(7),
            true,
        ),
        (
            "a member that joins",
            json!({"guild_id": "1", "user": {"id": "7", "bot": true}}),
            Some(7),
            true,
        ),
        (
            "a reaction",
            json!({"user_id": "7", "member": {"user": {"id": "7", "bot": true}}, "message_author_id": "8"}),
            Some(7),
            true,
        ),
        (
            "a reaction in a direct message",
            json!({"user_id": "7"}),
            Some(7),
            false,
        ),
        ("typing", json!({"user_id": 7, "timestamp": 1.5}), Some(7), false),
        (
            "a message, whose member has no user",
            json!({"author": {"id": "7"}, "member": {"nick": "x"}}),
            Some(7),
            false,
        ),
        (
            "nobody",
            json!({"id": "1", "author": null, "member": [], "user": "x", "user_id": {}}),
            None,
            false,
        ),
    ] {
        let payload = json!({"t": "X", "s": 1, "op": 0, "d": data}).to_string();
        let partial = read(&payload);
        assert_eq!(partial.author_id, author.and_then(UserId::new), "{what}");
        assert_eq!(partial.author_is_bot, is_bot, "{what}");
    }
}

#[test]
fn fields_of_unexpected_types_read_as_absent() {
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!([1, {"id": "1"}]),
        json!({"id": "1"}),
        json!("text"),
        json!(""),
    ];
    for value in odd {
        let data = json!({"guild_id": value, "channel_id": value, "id": value, "type": value, "webhook_id": value,
            "author": {"id": value, "bot": value}, "member": {"user": value}, "user_id": value});
        let payload = json!({"t": "X", "s": 3, "op": 0, "d": data}).to_string();
        let partial = read(&payload);
        assert_eq!(
            (partial.guild_id, partial.channel_id, partial.id),
            (None, None, None),
            "{value}"
        );
        assert_eq!(
            (partial.number, partial.is_webhook, partial.sequence),
            (None, false, Some(3)),
            "{value}"
        );
        let payload = json!({"t": value, "s": value, "op": 0, "d": value}).to_string();
        assert!(read(&payload).author_id.is_none(), "{value}");
    }
}

#[test]
fn what_is_no_dispatch_and_what_is_no_object() {
    let hello = read(r#"{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":41250,"_trace":[]}}"#);
    assert_eq!((&*hello.kind, hello.sequence), ("", None));
    assert_eq!(read(r#"{"t":null,"s":null,"op":9,"d":false}"#), Partial::default());
    assert_eq!(read("{}"), Partial::default());
    for broken in ["", "[]", "null", "{", r#"{"t":"X","d":{}"#, r#"{"d":{"id":}}"#] {
        assert!(Partial::read(broken).is_err(), "{broken}");
    }
}

#[test]
fn escaped_keys_and_texts_are_read() {
    let payload =
        r#"{"\u0074":"MESSAGE\u005fCREATE","s":1,"op":0,"d":{"content":"a\n\"\ud83d\ude00","guild\u005fid":"5"}}"#;
    let partial = read(payload);
    assert_eq!(
        (&*partial.kind, &*partial.content),
        ("MESSAGE_CREATE", "a\n\"\u{1f600}")
    );
    assert_eq!(partial.guild_id, id(5));
}

/// A text of anything, or of what JSON has to escape, or of what looks like payloads.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[\"\\\\{}\\[\\]:,\u{0}-\u{1f}\u{2028}]{0,20}",
        Just(r#"","guild_id":"1","author":{"id":"2"},"content":""#.to_owned()),
        Just(r#"\"d\":{"#.to_owned()),
    ]
}

fn some_id() -> impl Strategy<Value = u64> {
    prop_oneof![1..=9u64, Just(u64::MAX), 1 << 40..=u64::MAX]
}

fn user() -> impl Strategy<Value = Value> {
    (some_id(), any::<bool>(), text()).prop_map(|(id, bot, name)| {
        json!({"id": id.to_string(), "bot": bot, "username": name, "discriminator": "0001", "avatar": null,
            "public_flags": 0})
    })
}

fn message(depth: u32) -> BoxedStrategy<Value> {
    let reply = if depth == 0 {
        Just(None).boxed()
    } else {
        prop::option::of(message(depth - 1)).boxed()
    };
    let ids = (
        some_id(),
        some_id(),
        prop::option::of(some_id()),
        prop::option::of(some_id()),
    );
    (ids, user(), text(), reply, user())
        .prop_map(|((id, channel, guild, webhook), author, content, reply, mentioned)| {
            let mut message = json!({
                "id": id.to_string(), "channel_id": channel.to_string(), "author": author, "content": content,
                "type": 0, "tts": false, "pinned": false, "mention_everyone": false, "mention_roles": [],
                "mentions": [mentioned], "attachments": [], "embeds": [], "components": [], "edited_timestamp": null,
                "timestamp": "2020-02-02T02:02:02.020000+00:00",
            });
            if let Some(guild) = guild {
                message["guild_id"] = guild.to_string().into();
            }
            if let Some(webhook) = webhook {
                message["webhook_id"] = webhook.to_string().into();
            }
            if let Some(reply) = reply {
                message["referenced_message"] = reply;
            }
            message
        })
        .boxed()
}

/// The object as text, its keys in a given order, with or without spaces.
fn written(object: &Value, order: &[prop::sample::Index], is_spaced: bool) -> String {
    let mut left: Vec<(&String, &Value)> = object.as_object().unwrap().iter().collect();
    let mut parts = Vec::new();
    let mut order = order.iter().cycle();
    while !left.is_empty() {
        let at = order.next().unwrap().index(left.len());
        let (key, value) = left.remove(at);
        let colon = if is_spaced { " : " } else { ":" };
        parts.push(format!("{}{colon}{value}", Value::from(key.as_str())));
    }
    format!("{{{}}}", parts.join(if is_spaced { " ,\n" } else { "," }))
}

fn order() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_agrees_with_the_full_type_of_a_message(
        message in message(2), sequence in any::<u32>(), order in order(), is_spaced in any::<bool>(),
    ) {
        let data = written(&message, &order, is_spaced);
        let outer = json!({"t": "MESSAGE_CREATE", "s": sequence, "op": 0, "d": 0});
        let payload = written(&outer, &order, is_spaced);
        let colon = if is_spaced { "\"d\" : 0" } else { "\"d\":0" };
        let payload = payload.replacen(colon, &format!("{}{data}", &colon[..colon.len() - 1]), 1);
        let full: MessageCreate = serde_json::from_str(&data).unwrap();
        let partial = Partial::read(&payload).unwrap();
        prop_assert_eq!(&*partial.kind, "MESSAGE_CREATE");
        prop_assert_eq!(partial.sequence, Some(u64::from(sequence)));
        prop_assert_eq!(partial.guild_id.map(GuildId::get), full.guild_id.map(twilight_model::id::Id::get));
        prop_assert_eq!(partial.channel_id.map(ChannelId::get), Some(full.channel_id.get()));
        prop_assert_eq!(partial.id.map(NonZeroU64::get), Some(full.id.get()));
        prop_assert_eq!(partial.author_id.map(UserId::get), Some(full.author.id.get()));
        prop_assert_eq!(partial.author_is_bot, full.author.bot);
        prop_assert_eq!(partial.is_webhook, full.webhook_id.is_some());
        prop_assert_eq!(&*partial.content, full.content.as_str());
    }

    #[test]
    fn it_agrees_with_the_full_type_of_an_interaction(
        user in user(), guild in prop::option::of(some_id()), ids in (some_id(), some_id()), order in order(),
    ) {
        let mut interaction = json!({
            "id": ids.0.to_string(), "application_id": "1", "channel_id": ids.1.to_string(), "token": "t", "version": 1,
            "type": 2, "entitlements": [], "authorizing_integration_owners": {}, "attachment_size_limit": 1,
            "data": {"id": "5", "name": "ping", "type": 1, "guild_id": "77", "resolved": {"users": {"6": {
                "id": "6", "username": "other", "discriminator": "0", "bot": true, "avatar": null}}}},
        });
        match guild {
            Some(guild) => {
                interaction["guild_id"] = guild.to_string().into();
                interaction["member"] = json!({"user": user, "roles": ["1"], "deaf": false, "mute": false, "flags": 0,
                    "joined_at": "2020-02-02T02:02:02.020000+00:00", "permissions": "8"});
            }
            None => interaction["user"] = user.clone(),
        }
        let data = written(&interaction, &order, false);
        let full: InteractionCreate = serde_json::from_str(&data).unwrap();
        let payload = format!(r#"{{"t":"INTERACTION_CREATE","s":1,"op":0,"d":{data}}}"#);
        let partial = Partial::read(&payload).unwrap();
        prop_assert_eq!(partial.guild_id.map(GuildId::get), full.guild_id.map(twilight_model::id::Id::get));
        prop_assert_eq!(partial.author_id.map(UserId::get), full.author_id().map(twilight_model::id::Id::get));
        prop_assert_eq!(partial.author_is_bot, full.author().is_some_and(|user| user.bot));
        prop_assert_eq!(partial.id.map(NonZeroU64::get), Some(full.id.get()));
        prop_assert_eq!(partial.number, Some(full.kind as u8));
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = Partial::read(&text);
    }
}
