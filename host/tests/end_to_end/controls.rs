//! Controls, forms, files and replies: what messages can be, by both doors, against the local Discord and its specification.

use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn selects_of_each_kind_arrive_with_what_was_chosen() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let mods = world.sandbox.guild().add_role("Mods");
    let (bob_id, mods_id) = (bob.id().to_string(), mods.id().to_string());
    let general = world.channel().id().to_string();
    world
        .sandbox
        .expect_commands(|names| names.contains(&"selects".to_owned()))
        .await;
    let by_prefix = alice.says("!selects").await.expect_reply().await;
    let by_slash = alice.slash("selects", &[]).await.expect_reply().await;
    assert_eq!(by_prefix.components().len(), 5);

    let used = alice.selects(&by_prefix, "Sizes", &["s", "Huge"]).await;
    assert_eq!(used.expect_reply().await.content(), "3: s xl");
    for (message, select, values, expected) in [
        (&by_prefix, "Users", vec![&*bob_id], "users: user bob, member bob"),
        (
            &by_slash,
            "Both",
            vec![&*mods_id, &*bob_id],
            "both: user bob, member bob, role Mods",
        ),
    ] {
        let used = alice.selects(message, select, &values).await;
        assert_eq!(used.expect_update().await.content(), expected);
    }
    for (select, value, expected) in [
        ("Roles", &mods_id, "roles: role Mods"),
        ("Channels", &general, "channels: channel general"),
    ] {
        let message = alice.says("!selects").await.expect_reply().await;
        let used = alice.selects(&message, select, &[value]).await;
        assert_eq!(used.expect_update().await.content(), expected);
    }
    bot.stop().await;
}

/// The same custom id with another byte in its state or, for `at` beyond it, cut.
fn forged(id: &str) -> Vec<String> {
    let letters: Vec<char> = id.chars().collect();
    let swapped = |at: usize| {
        let mut letters = letters.clone();
        letters[at] = if letters[at] == 'A' { 'B' } else { 'A' };
        letters.into_iter().collect::<String>()
    };
    vec![
        swapped(10),
        swapped(20),
        swapped(30),
        swapped(36),
        letters[..36].iter().collect(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_foreign_stale_and_cut_ids_are_answered_clearly() {
    let world = World::new().await;
    world.configure(&serde_json::json!({ "logging": { "level": "DEBUG" } }));
    world.drop_plugin("showcase");
    world.drop_plugin("example");
    let bot = world.start().await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let message = alice.says("!selects").await.expect_reply().await;
    let id = |message: &sandbox::Message, name: &str| {
        message.component(name).unwrap()["custom_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let sizes = id(&message, "Sizes");
    let mut told = Vec::new();
    for forged in forged(&sizes) {
        let answer = alice.forges_click(&message, &forged).await.expect_reply().await;
        assert!(answer.is_ephemeral());
        told.push(answer.content().to_owned());
    }
    for foreign in ["confirm", "AAAA", "\u{202e}%s'\"--", &"A".repeat(100), &"_".repeat(100)] {
        told.push(
            alice
                .forges_click(&message, foreign)
                .await
                .expect_reply()
                .await
                .content()
                .to_owned(),
        );
    }
    let theirs = bob.forges_click(&message, &sizes).await.expect_reply().await;
    told.push(theirs.content().replace(&alice.id().to_string(), "ALICE"));
    // A state that another version wrote, in an id that is right: one of another handler of the same plugin.
    insta::assert_snapshot!(told.join("\n"));
    bot.logs("a control was refused").await;
    assert_eq!(alice.says("!hello").await.expect_reply().await.content(), "Hello.");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn states_of_any_size_outlive_a_reload_a_restart_and_a_lost_plugin() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let alice = world.person("alice");
    let long = "long ".repeat(300);
    let message = alice.says(&format!("!remember {long}")).await.expect_reply().await;
    let short = alice.says("!remember short").await.expect_reply().await;
    let kept = message.component("Recall").unwrap()["custom_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(kept.len() <= 100);
    let recalled = alice.clicks(&message, "Recall").await.expect_reply().await;
    assert_eq!(recalled.content(), long.trim());
    bot.stop().await;

    let bot = world.start().await;
    for (message, expected) in [(&message, long.trim()), (&short, "short")] {
        let recalled = alice.clicks(message, "Recall").await.expect_reply().await;
        assert_eq!(recalled.content(), expected);
    }
    let key = world.root().join("data/controls.key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    }
    bot.stop().await;

    // Without the key, nothing that was shown before counts any more.
    std::fs::remove_file(&key).unwrap();
    let bot = world.start().await;
    let refused = alice.clicks(&short, "Recall").await.expect_reply().await;
    assert!(
        refused.content().contains("was not made by this bot"),
        "{}",
        refused.content()
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_are_opened_by_every_door_and_sent_with_their_state() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let (bob_id, general) = (bob.id().to_string(), world.channel().id().to_string());
    world
        .sandbox
        .expect_commands(|names| names.contains(&"report".to_owned()))
        .await;
    let by_slash = alice.slash("report", &[]).await;
    // By prefix Discord opens no form: a button does.
    let asked = alice.says("!report").await.expect_reply().await;
    let by_prefix = alice.clicks(&asked, "Open the form").await;
    let form = by_slash.expect_modal().await;
    assert_eq!(form["title"], "Report a member");
    let labels: Vec<_> = form["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["label"].as_str().unwrap())
        .collect();
    assert_eq!(
        labels,
        [
            "Who is it about?",
            "What happened?",
            "How bad is it?",
            "How often?",
            "Where?"
        ]
    );
    let full = [
        ("who", &*bob_id),
        ("what", "so loud"),
        ("severity", "high"),
        ("times", " 3 "),
        ("channels", &general),
    ];
    let short = [("who", &*bob_id), ("what", "so loud"), ("severity", "low")];
    for (opened, fields, expected) in [
        (&by_slash, &full[..], "42: bob, High, 3 times, in [general]: so loud"),
        (&by_prefix, &short[..], "42: bob, Low, once, in []: so loud"),
    ] {
        opened.expect_modal().await;
        let answer = alice.submits(opened, fields).await.expect_reply().await;
        assert_eq!((answer.content(), answer.is_ephemeral()), (expected, true));
    }
    let again = alice.slash("report", &[]).await;
    again.expect_modal().await;
    let wrong = [
        ("who", &*bob_id),
        ("what", "so loud"),
        ("severity", "low"),
        ("times", "often"),
    ];
    let answer = alice.submits(&again, &wrong).await.expect_reply().await;
    assert_eq!(
        answer.content(),
        "\"How often?\" wants a number. Please fill in the form again."
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_a_button_holds_what_was_there_and_changes_the_message() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let alice = world.person("alice");
    let note = alice.says("!note").await.expect_reply().await;
    let opened = alice.clicks(&note, "Edit").await;
    let form = opened.expect_modal().await;
    assert_eq!(
        (&form["title"], &form["components"][0]["component"]["value"]),
        (&"Edit the note".into(), &"old".into())
    );
    let sent = alice.submits(&opened, &[("text", "new")]).await;
    let note = sent.expect_update().await;
    assert_eq!(note.content(), "new");
    let opened = alice.clicks(&note, "Edit").await;
    opened.expect_modal().await;
    let refused = alice.submits(&opened, &[("text", "")]).await.expect_reply().await;
    assert_eq!(refused.content(), "A note can't be empty.");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_turned_by_their_asker_over_a_restart() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    world
        .sandbox
        .expect_commands(|names| names.contains(&"pages".to_owned()))
        .await;
    let title = |message: &sandbox::Message| message.embeds()[0]["title"].as_str().unwrap().to_owned();
    let by_prefix = alice.says("!pages").await.expect_reply().await;
    let by_slash = alice.slash("pages", &[]).await.expect_reply().await;
    for first in [by_prefix.clone(), by_slash] {
        assert_eq!(title(&first), "Page 1");
        assert_eq!(first.component("Previous").unwrap()["disabled"], true);
        let second = alice.clicks(&first, "Next").await.expect_update().await;
        assert_eq!((title(&second), second.embeds().len()), ("Page 2".to_owned(), 1));
        assert!(second.component("2 / 3").is_some());
        let first = alice.clicks(&second, "Previous").await.expect_update().await;
        assert_eq!(title(&first), "Page 1");
    }
    let theirs = bob
        .clicks(&by_prefix.refresh().unwrap(), "Next")
        .await
        .expect_reply()
        .await;
    assert!(
        theirs.content().starts_with("This menu belongs to"),
        "{}",
        theirs.content()
    );
    bot.stop().await;

    let bot = world.start().await;
    let second = alice
        .clicks(&by_prefix.refresh().unwrap(), "Next")
        .await
        .expect_update()
        .await;
    let third = alice.clicks(&second, "Next").await.expect_update().await;
    assert_eq!(title(&third), "Page 3");
    assert_eq!(third.component("Next").unwrap()["disabled"], true);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_confirmed_or_given_up() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let alice = world.person("alice");
    for (button, expected) in [("Do it", "Did 7."), ("Cancel", "Cancelled.")] {
        let question = alice.says("!ask").await.expect_reply().await;
        let answered = alice.clicks(&question, button).await.expect_update().await;
        assert_eq!((answered.content(), answered.components().len()), (expected, 0));
    }
    bot.stop().await;
}
