//! Functions that wait for people: what reaches them, what doesn't, and how their waiting ends.

use sandbox::Message;

use crate::harness::World;

/// The race as it stands when the bot has put its own reaction below it.
async fn at_start(mut race: Message) -> Message {
    while race.content() != "Go!" {
        race = race.expect_edit().await;
    }
    race
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_reaches_who_waits_for_it_and_nobody_else() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    world
        .sandbox
        .expect_commands(|names| names.contains(&"favourite".to_owned()))
        .await;
    let mut answers = world.sandbox.watch();
    let asked = alice.says("!favourite").await;
    assert_eq!(asked.expect_reply().await.content(), "Which number?");
    answers.next().await.unwrap();
    // Another's, and none that fits.
    bob.says("7").await;
    alice.says("seven").await;
    // What is waited for stays what it is: this one is a command, too.
    let hello = alice.says("!hello").await;
    assert_eq!(hello.expect_reply().await.content(), "Hello.");
    answers.next().await.unwrap();
    alice
        .in_channel(&world.sandbox.guild().add_channel("other"))
        .says("8")
        .await;
    alice.says("9").await;
    assert_eq!(answers.next().await.unwrap().content(), "9 it is.");

    let used = alice.slash("favourite", &[]).await;
    assert_eq!(used.expect_reply().await.content(), "Which number?");
    alice.says("11").await;
    assert_eq!(used.expect_follow_up(0).await.content(), "11 it is.");
    let nobody = alice.says("!impatient").await;
    assert_eq!(nobody.expect_reply().await.content(), "Nobody came.");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_is_disabled_in_the_server_hears_of_nothing_it_waits_for() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    let asked = alice.says("!favourite").await;
    assert_eq!(asked.expect_reply().await.content(), "Which number?");
    let mut answers = world.sandbox.watch();
    owner.says("!config disable showcase").await.expect_reply().await;
    alice.says("9").await;
    owner.says("!config enable showcase").await.expect_reply().await;
    alice.says("11").await;
    let heard = loop {
        let answer = answers.next().await.unwrap();
        if answer.replies_to() == Some(asked.message_id()) {
            break answer;
        }
    };
    assert_eq!(heard.content(), "11 it is.");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_when_what_asked_runs_again_or_is_gone() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let mut answers = world.sandbox.watch();
    let edited = alice.says("!favourite").await;
    let question = edited.expect_reply().await;
    assert_eq!(question.content(), "Which number?");
    let deleted = bob.says("!favourite").await;
    let other = deleted.expect_reply().await;
    alice.edits(&edited, "!hello").await;
    assert_eq!(question.expect_edit().await.content(), "Hello.");
    bob.deletes(&deleted).await;
    other.expect_deleted().await;
    // Neither takes these, and nobody is told how they have ended.
    for person in [&alice, &bob] {
        person.says("7").await;
        let last = person.says("!hello").await;
        loop {
            let next = answers.next().await.unwrap();
            assert_ne!(next.content(), "7 it is.");
            if next.replies_to() == Some(last.message_id()) {
                break;
            }
        }
    }
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reaction_reaches_who_waits_for_it() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let mut answers = world.sandbox.watch();
    let start = at_start(alice.says("!race").await.expect_reply().await).await;
    alice.reacts(&start, "🐌").await;
    bob.reacts(&start, "🏁").await;
    let first = loop {
        let seen = answers.next().await.unwrap();
        if seen.id() != start.id() {
            break seen;
        }
    };
    assert_eq!(first.content(), format!("{} is first.", bob.mention()));

    // In direct messages Discord doesn't say that the bot is one: its own reaction counts for nobody there, too.
    let start = at_start(alice.dm("!race").await.expect_reply().await).await;
    alice.reacts(&start, "🏁").await;
    let first = loop {
        let seen = answers.next().await.unwrap();
        if seen.content().ends_with("is first.") {
            break seen;
        }
    };
    assert_eq!(first.content(), format!("{} is first.", alice.mention()));
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_reaches_who_waits_for_it_and_is_answered_there() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    world
        .sandbox
        .expect_commands(|names| names.contains(&"side".to_owned()))
        .await;
    let by_prefix = alice.says("!side").await.expect_reply().await;
    let by_slash = alice.slash("side", &[]).await.expect_reply().await;
    for question in [by_prefix, by_slash] {
        let theirs = bob.clicks(&question, "Heads").await.expect_reply().await;
        assert!(
            theirs.content().starts_with("This menu belongs to"),
            "{}",
            theirs.content()
        );
        let clicked = bob.clicks(&question, "Tails").await.expect_update().await;
        assert_eq!((clicked.content(), clicked.components().len()), ("tails by bob.", 0));
    }
    let question = alice.says("!side").await.expect_reply().await;
    let heads = question.component("Heads").unwrap()["custom_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let clicked = alice.clicks(&question, "Heads").await.expect_update().await;
    assert_eq!(clicked.content(), "heads by alice.");
    // As if two had been quick: nobody waits for the second one.
    let late = alice.forges_click(&clicked, &heads).await.expect_reply().await;
    assert_eq!(
        (late.content(), late.is_ephemeral()),
        ("Nobody waits for this any more. Please use the command again.", true)
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_with_a_reload_an_unload_and_the_bot() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, bob, owner) = (world.person("alice"), world.person("bob"), world.owner());
    world
        .sandbox
        .expect_commands(|names| names.contains(&"favourite".to_owned()))
        .await;
    let mut told = Vec::new();
    let used = alice.slash("favourite", &[]).await;
    used.expect_reply().await;
    let asked = bob.says("!favourite").await;
    asked.expect_reply().await;
    let mut answers = world.sandbox.watch();
    owner.says("!reload showcase").await;
    let ended = used.expect_follow_up(0).await;
    assert!(ended.is_ephemeral());
    told.push(ended.content().to_owned());
    let by_prefix = loop {
        let answer = answers.next().await.unwrap();
        if answer.replies_to() == Some(asked.message_id()) {
            break answer;
        }
    };
    assert_eq!(by_prefix.content(), told[0]);
    // The newer one waits for itself.
    let used = alice.slash("favourite", &[]).await;
    used.expect_reply().await;
    owner.says("!unload showcase").await;
    told.push(used.expect_follow_up(0).await.content().to_owned());
    owner.says("!load showcase").await.expect_reply().await;
    let used = alice.slash("favourite", &[]).await;
    used.expect_reply().await;
    // Nothing was cut off after a time: a drain waits for nobody.
    let log = bot.stop().await;
    told.push(used.expect_follow_up(0).await.content().to_owned());
    assert!(!log.contains("did not finish what it had begun"), "{log}");
    insta::assert_snapshot!(told.join("\n"));
}
