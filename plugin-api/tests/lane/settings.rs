//! What a plugin hears of its configuration while it runs.
//!
//! Apart from the other tests of a lane for the sake of their file's length.

use plugin_api::prelude::{Ctx, Result, command, settings};
use plugin_protocol::{
    Activation, Call, GuildId, Invocation, LogRecord, Responded, Settings, Verdict, kind,
    server_settings::GuildSettings,
};
use serde_json::{Value, json};

use crate::{
    host::{FakeHost, invocation},
    plugin::{State, linked_plugin},
};

/// What servers set.
#[settings(guild)]
pub(crate) struct Limits {
    /// How many
    #[default = 5]
    most: u32,
    /// Which words
    words: Vec<String>,
}

/// Allow one more.
#[command(guild_only)]
pub(crate) async fn limit(ctx: Ctx<State>, by: u32) -> Result {
    let set = ctx.update_settings::<Limits>(|set| set.most += by).await?;
    ctx.reply(format!("{} and {:?}", set.most, set.words)).await
}

#[test]
fn settings_are_changed_by_what_differs_and_read_as_the_host_keeps_them() {
    let mut host = FakeHost::started(linked_plugin());
    let guild = GuildId::new(9).unwrap();
    let limit = |by: i64| Invocation {
        guild_id: Some(guild),
        ..invocation("limit", &[("by", plugin_protocol::ArgumentValue::Integer(by))])
    };
    host.put(kind::INVOKE, 0, 2, &limit(2), b"{}");
    let call = host.request(kind::CALL);
    let asked: Call = call.head();
    assert_eq!(
        (asked.name.as_str(), asked.arguments),
        ("settings.change", json!({ "guild_id": guild, "values": { "most": 7 } }))
    );
    let told = GuildSettings {
        guilds: [(
            guild,
            json!({ "most": 7, "words": ["a"] }).as_object().cloned().unwrap(),
        )]
        .into(),
        all: false,
    };
    host.put(kind::GUILD_SETTINGS, kind::FLAG_UNBOUNDED, 0, &told, b"");
    host.reply(&call, &json!(null), b"");
    let respond = host.request(kind::RESPOND);
    assert_eq!(respond.body()["content"], json!("7 and [\"a\"]"));
    host.reply(&respond, &Responded::default(), b"");
    assert_eq!(host.outcome(2).verdict, Verdict::Done);
    // Where nothing differs, nothing is asked.
    host.put(kind::INVOKE, 0, 3, &limit(0), b"{}");
    let respond = host.request(kind::RESPOND);
    host.reply(&respond, &Responded::default(), b"");
    host.outcome(3);
    assert!(host.leftovers().is_empty());
    // Nobody sets anything where there is no server.
    host.put(
        kind::INVOKE,
        0,
        4,
        &Invocation {
            guild_id: None,
            ..limit(1)
        },
        b"{}",
    );
    assert_eq!(host.outcome(4).verdict, Verdict::Refused);
}

#[test]
fn a_change_of_the_section_is_heard_of_and_a_change_of_the_level_is_none() {
    let mut host = FakeHost::started(linked_plugin());
    host.put(kind::ACTIVATE, kind::FLAG_UNBOUNDED, 0, &Activation::default(), b"");
    assert_eq!(host.request(kind::CALL).head::<Call>().name, "test.began");
    host.invoke(2, "following", &[]);
    assert_eq!(host.outcome(2).verdict, Verdict::Done);
    let mut configure = |section: Value, level| {
        let settings = Settings {
            section,
            level,
            ..Settings::default()
        };
        host.put(kind::CONFIGURE, kind::FLAG_UNBOUNDED, 0, &settings, b"");
        host.request(kind::LOG).head::<LogRecord>().message
    };
    let level = plugin_protocol::Level::Info;
    assert_eq!(configure(json!({ "greeting": "one" }), level), "greeting one");
    assert_eq!(configure(json!({ "greeting": "two" }), level), "greeting two");
    let refused = configure(json!({ "greeting": 3 }), level);
    assert!(
        refused.starts_with("`plugins.under-test` in the configuration: "),
        "{refused}"
    );
    let same = Settings {
        section: json!({ "greeting": 3 }),
        level: plugin_protocol::Level::Warn,
        ..Settings::default()
    };
    host.put(kind::CONFIGURE, kind::FLAG_UNBOUNDED, 0, &same, b"");
    host.invoke(3, "refusing", &[]);
    host.outcome(3);
    assert!(host.leftovers().is_empty(), "the section is the same");
}
