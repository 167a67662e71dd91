//! Groups of commands and kinds of arguments: the same results and the same texts by prefix and by slash.

use serde_json::{Value, json};

use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_used_by_both_doors_and_listed_by_prefix() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    world
        .sandbox
        .expect_commands(|names| names.contains(&"warn".to_owned()))
        .await;

    let added = "warned bob: too loud";
    let said = alice.says(&format!("!warn add {} too loud", bob.mention())).await;
    assert_eq!(said.expect_reply().await.content(), added);
    let options = [("member", json!(bob.id().to_string())), ("reason", json!("too loud"))];
    let used = alice.slash("warn add", &options).await;
    assert_eq!(used.expect_reply().await.content(), added);

    let mods = world.sandbox.guild().add_role("Mods");
    assert_eq!(
        alice
            .says("!config role PLUS Mods")
            .await
            .expect_reply()
            .await
            .content(),
        "added Mods"
    );
    let used = alice
        .slash("config role add", &[("role", json!(mods.id().to_string()))])
        .await;
    assert_eq!(used.expect_reply().await.content(), "added Mods");

    let listed = alice.says("!Warn").await.expect_reply().await;
    insta::assert_snapshot!(listed.content(), @r"
    `!warn` needs one of its commands:
    `!warn add <member> [reason...]`: Warn a member.
    `!warn list [member]`: List the warnings of a member.
    ");
    let same = alice.says("!warn nobody knows").await.expect_reply().await;
    assert_eq!(same.content(), listed.content());
    let listed = alice.says("!config role").await.expect_reply().await;
    insta::assert_snapshot!(listed.content(), @r"
    `!config role` needs one of its commands:
    `!config role add <role>`: Name a role.
    ");
    let wrong = alice.says("!warn add").await.expect_reply().await;
    assert!(
        wrong.content().contains("Usage: `!warn add <member>"),
        "{}",
        wrong.content()
    );

    let commands = world.sandbox.commands();
    let warn = commands.iter().find(|command| command["name"] == "warn").unwrap();
    assert_eq!(warn["description"], "Warnings of members.");
    bot.stop().await;
}

/// What is written behind a command by prefix, the same as options by slash, and what both are answered.
type Case<'a> = (&'a str, &'a str, Vec<(&'a str, Value)>, &'a str);

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_argument_is_the_same_by_both_doors() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let mods = world.sandbox.guild().add_role("Mods");
    let (bob_id, mods_id) = (bob.id().to_string(), mods.id().to_string());
    let general = world.channel();
    let link = format!(
        "https://discord.com/channels/{}/{}/175928847299117063",
        world.sandbox.guild().id(),
        general.id()
    );
    let pointed = format!("message 175928847299117063 in {}", general.id());
    let mention = bob.mention();
    world
        .sandbox
        .expect_commands(|names| names.contains(&"kind".to_owned()))
        .await;
    let owner = world.owner();
    let set = owner
        .says("!config timezone America/New_York")
        .await
        .expect_reply()
        .await;
    assert_eq!(set.content(), "Dates are meant in `America/New_York` now.");
    let wrong = owner
        .says("!config timezone Mordor/Barad-dur")
        .await
        .expect_reply()
        .await;
    assert!(wrong.content().contains("`Europe/Berlin`"), "{}", wrong.content());
    let cases: Vec<Case<'_>> = vec![
        ("text", "'a b'", vec![("text", json!("a b"))], "text a b"),
        (
            "number",
            "6 0.25",
            vec![("die", json!(6)), ("share", json!(0.25))],
            "number 6 0.25",
        ),
        ("number", "6", vec![("die", json!(6))], "number 6 0.5"),
        (
            "channel",
            "#general",
            vec![("channel", json!(general.id().to_string()))],
            "channel general",
        ),
        ("mentionable", &mention, vec![("who", json!(bob_id))], "member bob"),
        ("mentionable", "Mods", vec![("who", json!(mods_id))], "role Mods"),
        ("message", &link, vec![("message", json!(link))], &pointed),
        ("emoji", ":wave:", vec![("emoji", json!("👋"))], "emoji 👋"),
        ("colour", "Teal", vec![("colour", json!("#1abc9c"))], "colour #1abc9c"),
        (
            "wait",
            "2 days spam",
            vec![("time", json!("2 days")), ("reason", json!("spam"))],
            "wait 172800 s: spam",
        ),
        (
            "wait",
            "too loud",
            vec![("reason", json!("too loud"))],
            "wait 0 s: too loud",
        ),
        (
            "when",
            "2030-12-24 18:00",
            vec![("date", json!("2030-12-24 18:00"))],
            "when 1924362000",
        ),
        (
            "local",
            "2030-12-24 18:00",
            vec![("date", json!("2030-12-24 18:00"))],
            "local 1924383600",
        ),
        (
            "user",
            "bob yes --loud",
            vec![("user", json!(bob_id)), ("loud", json!(true)), ("sure", json!(true))],
            "user bob true Some(true)",
        ),
        (
            "user",
            "bob off",
            vec![("user", json!(bob_id)), ("sure", json!(false))],
            "user bob false Some(false)",
        ),
        ("size", "xl", vec![("size", json!("XL"))], "size ExtraLarge"),
        ("size", "klein", vec![("size", json!("Small"))], "size Small"),
        ("oneof", "7", vec![("target", json!("7"))], "count 7"),
        ("oneof", &mention, vec![("target", json!(mention))], "member bob"),
        ("oneof", "bobby", vec![("target", json!("bobby"))], "word bobby"),
        ("sum", "1 2 -5", vec![("numbers", json!("1 2 -5"))], "sum -2"),
        ("sum", "", vec![], "sum 0"),
        (
            "purge",
            "old --days 7 spam --silent",
            vec![
                ("silent", json!(true)),
                ("days", json!(7)),
                ("reason", json!("old spam")),
            ],
            "purge 7 silently: old spam",
        ),
        ("purge", "", vec![], "purge 1 loudly:"),
        (
            "code",
            "```rust\nfn a() {}\n```",
            vec![("code", json!("```rust\nfn a() {}\n```"))],
            "code in rust: fn a() {}",
        ),
        ("file", "", vec![], "no file"),
        ("hex", "fe", vec![("number", json!("fe"))], "hex 254"),
        ("fruit", "apple", vec![("fruit", json!("apple"))], "fruit apple"),
    ];
    for (name, words, options, expected) in cases {
        let said = alice.says(&format!("!kind {name} {words}")).await;
        assert_eq!(said.expect_reply().await.content(), expected, "!kind {name} {words}");
        let used = alice.slash(&format!("kind {name}"), &options).await;
        assert_eq!(
            used.expect_reply().await.content(),
            expected,
            "/kind {name} {options:?}"
        );
    }
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_are_told_alike_by_both_doors() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let alice = world.person("alice");
    world
        .sandbox
        .expect_commands(|names| names.contains(&"kind".to_owned()))
        .await;
    let mut told = Vec::new();
    for (name, option, given) in [
        ("message", "message", "https://discord.com/channels/5/6/7"),
        ("emoji", "emoji", "smile"),
        ("colour", "colour", "octarine"),
        ("when", "date", "someday"),
        ("hex", "number", "xyz"),
        ("hex", "number", "fffff"),
        ("hex", "number", "ff"),
        ("sum", "numbers", "1 two"),
    ] {
        let by_prefix = alice.says(&format!("!kind {name} {given}")).await.expect_reply().await;
        let used = alice.slash(&format!("kind {name}"), &[(option, json!(given))]).await;
        let by_slash = used.expect_reply().await;
        assert!(by_slash.is_ephemeral(), "{}", by_slash.content());
        let same = by_slash.content().replace("`/kind", "`!kind");
        assert_eq!(by_prefix.content(), same);
        told.push(same);
    }
    for words in [
        "size smal",
        "text a",
        "number 7",
        "purge --days 8",
        "purge --days",
        "text \"ab",
    ] {
        told.push(
            alice
                .says(&format!("!kind {words}"))
                .await
                .expect_reply()
                .await
                .content()
                .to_owned(),
        );
    }
    insta::assert_snapshot!(told.join("\n"));

    let garbage = "\u{202e}\"`<@&\u{200b}--days=".repeat(100_000 / 19);
    let reply = alice.says(&format!("!kind oneof {garbage}")).await.expect_reply().await;
    assert!(reply.content().len() < 2000, "{}", reply.content());
    assert_eq!(alice.says("!hello").await.expect_reply().await.content(), "Hello.");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn suggestions_come_from_the_plugin_while_an_argument_is_typed() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let alice = world.person("alice");
    world
        .sandbox
        .expect_commands(|names| names.contains(&"kind".to_owned()))
        .await;
    let typing = alice.completes("kind fruit", &[("fruit", json!("ap"))]).await;
    let choices = typing.expect_choices().await;
    assert_eq!(
        json!(choices),
        json!([{ "name": "apple", "value": "apple" }, { "name": "apricot", "value": "apricot" }])
    );
    let typing = alice.completes("kind fruit", &[("fruit", json!("x"))]).await;
    assert_eq!(typing.expect_choices().await, Vec::<Value>::new());
    bot.stop().await;
}
