//! What moderators do, as requests of REST: messages that are named twice, too old or gone already.

use std::time::{SystemTime, UNIX_EPOCH};

use plugin_api::{
    MessageId,
    prelude::{Ctx, Result, command},
};
use plugin_protocol::{ArgumentValue, Responded, Rest, RestAnswer, kind};
use serde_json::json;

use crate::{
    host::FakeHost,
    plugin::{State, linked_plugin},
};

/// An id of now, and `more`.
fn young(more: u64) -> u64 {
    // https://discord.com/developers/docs/reference#snowflakes
    const EPOCH: u64 = 1_420_070_400_000;
    static NOW: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    let now = NOW.get_or_init(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        (u64::try_from(now).unwrap() - EPOCH) << 22
    });
    now + more
}

/// Delete some messages.
#[command]
pub(crate) async fn sweep(ctx: Ctx<State>, count: u64) -> Result {
    let old = 1_000;
    let ids = (0..count).flat_map(|more| [young(more), old, young(more)]);
    let ids = ids.filter_map(MessageId::new);
    let deleted = ctx.delete_messages(ctx.channel_id(), ids, "spam").await?;
    ctx.reply(format!("{deleted}")).await
}

#[test]
fn what_is_doubled_counts_once_and_what_is_gone_or_old_is_no_error() {
    let mut host = FakeHost::started(linked_plugin());
    let id = |more| young(more).to_string();
    let all: Vec<_> = (0..101).map(id).collect();
    let one = ("DELETE", format!("/channels/5/messages/{}", id(0)), None);
    let bulk = |ids: &[String]| {
        (
            "POST",
            "/channels/5/messages/bulk-delete".to_owned(),
            Some(json!({ "messages": ids })),
        )
    };
    let last = ("DELETE", format!("/channels/5/messages/{}", id(100)), None);
    let cases = [
        (0, vec![]),
        (1, vec![one]),
        (2, vec![bulk(&all[..2])]),
        (100, vec![bulk(&all[..100])]),
        (101, vec![bulk(&all[..100]), last]),
    ];
    for (count, requests) in cases {
        host.invoke(2, "sweep", &[("count", ArgumentValue::Integer(count))]);
        for (method, path, body) in requests {
            let rest = host.request(kind::REST);
            let head: Rest = rest.head();
            assert_eq!(
                (head.method.as_str(), head.path, head.reason.as_deref()),
                (method, path, Some("spam"))
            );
            if let Some(body) = body {
                assert_eq!(rest.body(), body);
            }
            // Somebody else was quicker.
            host.reply(
                &rest,
                &RestAnswer { status: 404 },
                br#"{"message":"Unknown Message","code":10008}"#,
            );
        }
        let respond = host.request(kind::RESPOND);
        assert_eq!(respond.body()["content"], json!(count.to_string()));
        host.reply(&respond, &Responded::default(), b"");
        host.outcome(2);
    }
    host.invoke(3, "sweep", &[("count", ArgumentValue::Integer(2))]);
    let rest = host.request(kind::REST);
    host.reply(
        &rest,
        &RestAnswer { status: 403 },
        br#"{"message":"Missing Permissions","code":50013}"#,
    );
    assert!(
        host.outcome(3).text.unwrap().contains("Missing Permissions"),
        "what is forbidden is an error"
    );
}
