//! What people and networks send that nobody meant: texts that no parser expects, pings by the bot's mouth, interactions twice.
//!
//! Each gets a clear answer or none, and nothing of the bot's inside; afterwards the bot answers as before.

use serde_json::{Value, json};

use crate::harness::World;

/// How far ids that are made up are from those that the local Discord gives.
const FAR: u64 = 1 << 40;

/// What an answer never has: words of the program's own.
const INSIDE: [&str; 6] = ["panicked", "src/", ".rs", "unwrap", "serde", "thread"];

/// Texts behind the prefix that are hard to read.
fn odd_texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "kind number",
        "kind number \"",
        "kind number \"1",
        "kind number 1\" 2\"",
        "kind number \u{201c}1\u{201d}",
        "kind number 99999999999999999999999999",
        "kind number -1",
        "kind number 1 NaN",
        "kind number 1 1e999",
        "kind number \u{0661}",
        "kind text ''\"\"''",
        "kind text \"\\\"",
        "kind text a\\",
        "kind text \u{0}\u{0}\u{0}",
        "kind text \u{202e}abc",
        "kind text \u{200b}\u{200b}\u{200b}",
        "kind text ```",
        "kind text ```rs",
        "kind code ```\n",
        "kind code `` ` ``",
        "kind channel <#>",
        "kind channel <#99999999999999999999>",
        "kind channel #\u{202e}lareneg",
        "kind mentionable <@&>",
        "kind mentionable <@!!1>",
        "kind emoji <::>",
        "kind emoji <a:b:c>",
        "kind emoji \u{1f468}\u{200d}\u{1f469}\u{200d}",
        "kind colour #ggg",
        "kind colour rgb(1,2",
        "kind wait 1h1h1h1h",
        "kind wait 999999999999999d",
        "kind wait -1s",
        "kind when 2024-02-31",
        "kind when yesterday tomorrow",
        "kind when 9999999999999999999999",
        "kind point https://discord.com/channels/1/2/3/4/5",
        "kind one_of",
        "kind size \u{202e}",
        "kind sum 1 2 x",
        "kind purge --",
        "kind purge --days",
        "kind purge --days=--days",
        "kind hex \u{fe0f}",
        "config",
        "config role",
        "warn \u{200b}add",
        "\u{200b}",
        "\"",
        "--",
        "<@",
    ]
    .map(str::to_owned)
    .into();
    for part in [
        "\"",
        "\\",
        "`",
        "<@",
        "--x ",
        "\u{202e}",
        "e\u{301}\u{302}\u{303}",
        "a ",
    ] {
        texts.push(format!("kind text {}", part.repeat(1990 / part.chars().count())));
        texts.push(format!("kind sum {}", part.repeat(1990 / part.chars().count())));
    }
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_nobody_expects_are_answered_clearly_or_not_at_all() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let alice = world.person("alice");
    for text in odd_texts() {
        alice.says(&format!("!{text}")).await;
    }
    assert_eq!(alice.says("!hello").await.expect_reply().await.content(), "Hello.");
    let log = bot.stop().await;
    let said = world.channel().messages();
    let of_bot: Vec<_> = said
        .iter()
        .filter(|message| message.author_id() == world.sandbox.bot_id())
        .collect();
    assert!(of_bot.len() > 30, "{} answers", of_bot.len());
    for message in of_bot {
        let text = message.content();
        assert!(!INSIDE.iter().any(|inside| text.contains(inside)), "{text}");
        assert!(!text.contains("Something broke"), "{text}");
    }
    assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_longer_than_discord_has_is_read_all_the_same() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let alice = world.person("alice");
    let said = alice.says("hello").await.message();
    let mut message = said.json().clone();
    for (number, garbage) in ["x".repeat(100_000), "\"\u{202e}\\".repeat(20_000)]
        .into_iter()
        .enumerate()
    {
        message["id"] = json!((said.id() + FAR + number as u64).to_string());
        message["content"] = json!(format!("!echo {garbage}"));
        message["guild_id"] = json!(world.sandbox.guild().id().to_string());
        world.sandbox.gateway().dispatch("MESSAGE_CREATE", &message.to_string());
        let id = message["id"].clone();
        let refused = world
            .sandbox
            .expect_rest(|entry| entry.body()["message_reference"]["message_id"] == id)
            .await;
        assert!(refused.body()["content"].as_str().unwrap().contains("at most 1,000"));
    }
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    let log = bot.stop().await;
    assert!(!log.contains("panicked"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_pinged_by_what_people_make_the_bot_say() {
    let world = World::new().await;
    world.drop_plugin("example");
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let role = world.sandbox.guild().add_role("Moderator");
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let pings = format!("@everyone @here <@&{}> {}", role.id(), bob.mention());
    let echoed = format!("echo {pings}");
    let wrong = format!("kind number {pings}");
    let quoted = format!("kind text \"{pings}\"");
    for text in [&echoed, &wrong, &quoted] {
        let reply = alice.says(&format!("!{text}")).await.expect_reply().await;
        pings_only(reply.json(), alice.id());
    }
    world
        .sandbox
        .expect_commands(|names| ["echo", "kind"].iter().all(|name| names.contains(&(*name).to_owned())))
        .await;
    let reply = alice
        .slash("echo", &[("text", json!(pings))])
        .await
        .expect_reply()
        .await;
    pings_only(reply.json(), alice.id());
    bot.stop().await;
}

/// That a message notifies nobody but whom it replies to.
fn pings_only(message: &Value, user: u64) {
    assert_eq!(message["mention_everyone"], json!(false), "{message}");
    assert_eq!(message["mention_roles"], json!([]), "{message}");
    let mentioned = message["mentions"].as_array().unwrap();
    assert!(
        mentioned.iter().all(|one| one["id"] == json!(user.to_string())),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interaction_that_comes_twice_is_done_once() {
    let world = World::new().await;
    world.drop_plugin("keeper");
    let bot = world.start().await;
    let alice = world.person("alice");
    world
        .sandbox
        .expect_commands(|names| names.contains(&"note".to_owned()))
        .await;
    let said = alice.says("hello").await.message();
    let id = said.id() + FAR;
    let interaction = json!({
        "id": id.to_string(), "application_id": world.sandbox.application_id().to_string(), "type": 2, "version": 1,
        "token": "of-nobody", "guild_id": world.sandbox.guild().id().to_string(),
        "channel_id": said.channel_id().to_string(), "locale": "en-US", "app_permissions": "0", "entitlements": [],
        "member": { "user": said.json()["author"], "roles": [], "permissions": "0", "joined_at": "2025-01-01T00:00:00Z" },
        "data": { "id": "1", "type": 1, "name": "note", "options": [{ "type": 3, "name": "text", "value": "milk" }] },
    });
    for _ in 0..3 {
        world
            .sandbox
            .gateway()
            .dispatch("INTERACTION_CREATE", &interaction.to_string());
    }
    // It is answered behind what it has written.
    let callback = format!("/interactions/{id}/");
    world.sandbox.expect_rest(|entry| entry.path.contains(&callback)).await;
    let reply = alice.says("!note bread").await.expect_reply().await;
    assert_eq!(reply.content(), "note 2 of 2, true, 0 tags");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_command_of_a_context_menu_is_answered() {
    let world = World::new().await;
    let bot = world.start().await;
    let said = world.person("alice").says("hello").await.message();
    let id = said.id() + FAR;
    let interaction = json!({
        "id": id.to_string(), "application_id": world.sandbox.application_id().to_string(), "type": 2, "version": 1,
        "token": "of-nobody", "guild_id": world.sandbox.guild().id().to_string(),
        "channel_id": said.channel_id().to_string(), "locale": "en-US", "app_permissions": "0", "entitlements": [],
        "member": { "user": said.json()["author"], "roles": [], "permissions": "0", "joined_at": "2025-01-01T00:00:00Z" },
        "data": { "id": "1", "type": 3, "name": "Quote it", "target_id": said.id().to_string() },
    });
    world
        .sandbox
        .gateway()
        .dispatch("INTERACTION_CREATE", &interaction.to_string());
    let callback = format!("/interactions/{id}/");
    let entry = world.sandbox.expect_rest(|entry| entry.path.contains(&callback)).await;
    let body = format!("{entry:?}");
    assert!(body.contains("That command is not available right now."), "{body}");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_bot_may_not_embed_it_says_the_same_as_text_and_where_it_may_not_write_it_reacts() {
    const SEND_MESSAGES: u64 = 1 << 11;
    const EMBED_LINKS: u64 = 1 << 14;
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let (plain, silent) = (
        world.sandbox.guild().add_channel("plain"),
        world.sandbox.guild().add_channel("silent"),
    );
    plain.overwrite(world.sandbox.bot_id(), 0, EMBED_LINKS);
    silent.overwrite(world.sandbox.bot_id(), 0, SEND_MESSAGES);
    let alice = world.person("alice");
    let embedded = alice.says("!whoami").await.expect_reply().await;
    let said = alice.in_channel(&plain).says("!whoami").await.expect_reply().await;
    assert!(said.embeds().is_empty());
    let title = embedded.embeds()[0]["title"].as_str().unwrap();
    assert!(said.content().contains(title), "{} has no {title}", said.content());
    alice.in_channel(&silent).says("!whoami").await;
    world
        .sandbox
        .expect_rest(|entry| entry.method == "PUT" && entry.path.contains("/reactions/"))
        .await;
    assert_eq!(silent.messages().len(), 1, "nothing but what was asked");
    let log = bot.stop().await;
    assert!(!log.contains("Code"), "{log}");
}

/// More than Discord lets a server have: what it allows today it may raise.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_500_roles_is_served_and_so_is_a_member_with_all_of_them() {
    let world = World::new().await;
    world.drop_plugin("moderation");
    let guild = world.sandbox.guild();
    let (mia, bob) = (world.person("mia"), world.person("bob"));
    for number in 0..500 {
        // The last of them lets ban, and so stands above the others.
        let powers = if number == 499 { 1 << 2 } else { 0 };
        let name = format!("Role {number}");
        guild.add_role(&name).permissions(powers);
        mia.give(&guild.role(&name));
    }
    let bot = world.start().await;
    let asked = mia.says(&format!("!ban {}", bob.mention())).await.expect_reply().await;
    assert_eq!(asked.embeds()[0]["title"], "Ban this member?");
    let user = [("user", json!(bob.id().to_string()))];
    let asked = mia.slash("ban", &user).await.expect_reply().await;
    assert_eq!(asked.embeds()[0]["title"], "Ban this member?");
    // Each of these may list roles, and none is too long to be sent.
    for command in ["!why ban", "!help ban", "!help"] {
        let reply = mia.says(command).await.expect_reply().await;
        assert!(!reply.embeds().is_empty(), "{command}: {}", reply.content());
    }
    let refused = bob.says(&format!("!ban {}", mia.mention())).await.expect_reply().await;
    assert!(refused.content().contains("*Ban Members*"), "{}", refused.content());
    // More rules than one answer can name.
    for number in 0..60 {
        let rule = format!("!config allow ban {}", guild.role(&format!("Role {number}")).mention());
        world.owner().says(&rule).await.expect_reply().await;
    }
    let refused = bob.says(&format!("!ban {}", mia.mention())).await.expect_reply().await;
    assert!(refused.content().len() < 2_000, "{}", refused.content());
    bot.stop().await;
}
