//! Commands of context menus: the same functions, policies, texts and counts as by the other doors.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_menu_is_one_more_door_of_a_command() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    world
        .sandbox
        .expect_commands(|names| names.contains(&"Wave At".to_owned()))
        .await;

    let by_menu = alice.uses_menu_of(&bob, "Wave At").await.expect_reply().await;
    assert_eq!(by_menu.content(), "waves at bob 1 times");
    let by_prefix = alice
        .says(&format!("!wave {}", bob.mention()))
        .await
        .expect_reply()
        .await;
    assert_eq!(by_prefix.content(), by_menu.content());
    let used = alice.slash("wave", &[("member", json!(bob.id().to_string()))]).await;
    assert_eq!(used.expect_reply().await.content(), by_menu.content());

    let said = bob.says("I was here").await.message();
    let by_menu = alice.uses_menu_on(&said, "Quote").await.expect_reply().await;
    assert_eq!(by_menu.content(), "bob: I was here");
    let link = format!(
        "https://discord.com/channels/{}/{}/{}",
        world.sandbox.guild().id(),
        said.channel_id(),
        said.id()
    );
    let by_prefix = alice.says(&format!("!quote {link}")).await.expect_reply().await;
    assert_eq!(by_prefix.content(), by_menu.content());
    let used = alice.slash("quote", &[("message", json!(link))]).await;
    assert_eq!(used.expect_reply().await.content(), by_menu.content());

    // Somebody who has left is a user and no member.
    let carol = world.person("carol");
    carol.leaves().await;
    let used = alice.uses_menu_of(&carol, "Wave At").await;
    let told = used.expect_reply().await;
    assert!(told.is_ephemeral());
    insta::assert_snapshot!(told.content(), @"`member` wants a member of this server (a mention, an id or a name). I can't find `carol`.");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_followed_only_to_where_its_asker_may_read() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let alice = world.person("alice");
    let guild = world.sandbox.guild();
    let hidden = guild.add_channel("hidden");
    hidden.overwrite(guild.id(), 0, 1 << 10);
    hidden.overwrite(world.sandbox.bot_id(), 1 << 10, 0);
    let secret = world.owner().in_channel(&hidden).says("the secret").await.message();
    let link = format!(
        "https://discord.com/channels/{}/{}/{}",
        guild.id(),
        hidden.id(),
        secret.id()
    );
    let told = alice.says(&format!("!quote {link}")).await.expect_reply().await;
    insta::assert_snapshot!(told.content(), @"I can't read that message for you: its channel is not yours to read.");
    let owner = world.owner();
    let told = owner.says(&format!("!quote {link}")).await.expect_reply().await;
    assert!(told.content().ends_with("the secret"), "{}", told.content());

    // A private thread of a channel that everybody reads is for those who are in it, and for moderators of threads.
    let bob = world.person("bob");
    let thread = guild.add_private_thread(&world.channel(), "backstage", &[bob.id()]);
    let secret = owner.in_channel(&thread).says("between us").await.message();
    let link = format!(
        "https://discord.com/channels/{}/{}/{}",
        guild.id(),
        thread.id(),
        secret.id()
    );
    let told = alice.says(&format!("!quote {link}")).await.expect_reply().await;
    insta::assert_snapshot!(told.content(), @"I can't read that message for you: its channel is not yours to read.");
    guild.add_role("Threads").permissions(1 << 34);
    for reader in [&bob, &owner, &world.person("thea").role("Threads")] {
        let told = reader.says(&format!("!quote {link}")).await.expect_reply().await;
        assert!(told.content().ends_with("between us"), "{}", told.content());
    }
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_asks_is_asked_by_its_menu_too() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    world
        .sandbox
        .expect_commands(|names| names.contains(&"Flag Message".to_owned()))
        .await;
    let commands = world.sandbox.commands();
    let of = |name: &str, kind: u64| {
        let mut found = commands.iter().filter(|one| one["name"] == name && one["type"] == kind);
        found.next().cloned().unwrap_or_default()
    };
    let flag = of("Flag Message", 3);
    assert_eq!(flag["default_member_permissions"], "8192");
    assert_eq!(flag["contexts"], json!([0]));
    assert_eq!(of("Wave At", 2)["name_localizations"], json!({ "de": "Zuwinken" }));
    assert_eq!(of("flag", 1), Value::Null, "it is in the menu alone");

    // A moderator whom a rule of the server refuses.
    let mods = world.sandbox.guild().add_role("Flaggers").permissions(1 << 13);
    alice.give(&mods);
    let said = owner.says("spam").await.message();
    let used = alice.uses_menu_on(&said, "Flag Message").await;
    let flagged = used.expect_reply().await;
    assert!(flagged.is_ephemeral() && flagged.content() == format!("flagged {}", said.id()));
    let again = alice.uses_menu_on(&said, "Flag Message").await.expect_reply().await;
    assert!(
        again.content().starts_with("You can use `Flag Message` again <t:"),
        "{}",
        again.content()
    );
    let denied = owner.says(&format!("!config deny flag {}", mods.mention())).await;
    denied.expect_reply().await;
    let refused = alice.uses_menu_on(&said, "Flag Message").await.expect_reply().await;
    assert!(refused.is_ephemeral());
    insta::assert_snapshot!(refused.content().replace(&mods.mention(), "@Flaggers"), @"You can't use `Flag Message` here. A server administrator can change this with `/config`.");
    let why = owner.says("!why \"Flag Message\"").await.expect_reply().await;
    let why = why.embeds()[0].to_string();
    assert!(why.contains("in the menu of messages"), "{why}");

    let card = owner.says("!help flag").await.expect_reply().await;
    let card = card.embeds()[0].to_string();
    assert!(
        card.contains("In the menu of a message: Apps › **Flag Message**"),
        "{card}"
    );
    let silent = alice.says("!flag 1").await;
    assert_eq!(alice.says("!hello").await.expect_reply().await.content(), "Hello.");
    assert!(silent.reply(Duration::ZERO).await.is_none(), "it is in the menu alone");
    let limit = owner.says("!slashlimit").await.expect_reply().await;
    let limit = limit.embeds()[0].to_string();
    assert!(
        limit.contains("**2/15** on messages") && limit.contains("**2/15** on users"),
        "{limit}"
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn menus_are_kept_while_their_plugin_is_away_and_owners_have_their_own() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    world
        .sandbox
        .expect_commands(|names| names.contains(&"Kind Of User".to_owned()))
        .await;
    let kind = owner.uses_menu_of(&alice, "Kind Of User").await.expect_reply().await;
    assert_eq!(kind.content(), "alice is a person");

    owner.says("!unload showcase").await.expect_reply().await;
    let said = alice.says("hello").await.message();
    let gone = alice.uses_menu_on(&said, "Quote").await.expect_reply().await;
    assert!(gone.is_ephemeral());
    insta::assert_snapshot!(gone.content(), @"That command is not available right now. Please try again later.");
    let id = |world: &World| {
        let commands = world.sandbox.commands();
        let quote = commands.iter().find(|one| one["name"] == "Quote" && one["type"] == 3);
        quote.map(|quote| quote["id"].clone())
    };
    let before = id(&world);
    owner.says("!load showcase").await.expect_reply().await;
    let quoted = alice.uses_menu_on(&said, "Quote").await.expect_reply().await;
    assert_eq!(quoted.content(), "alice: hello");
    assert_eq!(id(&world), before, "it was never deleted");
    bot.stop().await;
}
