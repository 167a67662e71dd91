//! The bundled plugin `moderation`, as moderators use it: by message and by slash, with the buttons that ask once more.

use sandbox::{Message, Person};
use serde_json::json;

use crate::harness::World;

/// What a card says.
fn card(message: &Message) -> String {
    let embed = &message.embeds()[0];
    format!(
        "{} {}",
        embed["title"].as_str().unwrap_or_default(),
        embed["description"].as_str().unwrap_or_default()
    )
}

/// A server with the plugin, a moderator and somebody to moderate.
struct Scene {
    world: World,
    moderator: Person,
    bob: Person,
}

impl Scene {
    fn new(world: World) -> Self {
        world.drop_plugin("moderation");
        let guild = world.sandbox.guild();
        // Kick, ban, manage messages, manage server, time out, see and write.
        let powers = (1 << 1) | (1 << 2) | (1 << 5) | (1 << 10) | (1 << 11) | (1 << 13) | (1 << 40);
        guild.add_role("Staff").permissions(powers);
        let moderator = world.person("mia").role("Staff");
        let bob = world.person("bob");
        Self { world, moderator, bob }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_asks_first_is_told_in_the_log_and_works_after_a_reload() {
    let scene = Scene::new(World::new().await);
    let (world, mia, bob) = (&scene.world, &scene.moderator, &scene.bob);
    let guild = world.sandbox.guild();
    let log = guild.add_channel("mod-log");
    let bot = world.start().await;
    let set = format!("!serversettings moderation log_channel <#{}>", log.id());
    world.owner().says(&set).await.expect_reply().await;

    // Who has no such permission is told what is missing, by message; by slash Discord doesn't even show it.
    let refused = bob.says(&format!("!ban {}", mia.mention())).await.expect_reply().await;
    assert!(refused.content().contains("*Ban Members*"), "{}", refused.content());
    // Nobody acts against who stands above or beside them.
    let owner = world.owner();
    let refused = mia
        .says(&format!("!ban {}", owner.mention()))
        .await
        .expect_reply()
        .await;
    assert!(
        refused.content().contains("does not stand below you"),
        "{}",
        refused.content()
    );

    let asked = mia
        .says(&format!("!ban {} spam --days 1", bob.mention()))
        .await
        .expect_reply()
        .await;
    assert_eq!(card(&asked).trim(), "Ban this member?");
    assert!(!guild.has_banned(bob.id()));
    owner.says("!reload moderation").await.expect_reply().await;
    let foreign = bob.clicks(&asked, "Ban").await.expect_reply().await;
    assert!(foreign.is_ephemeral() && !guild.has_banned(bob.id()));
    let done = mia.clicks(&asked, "Ban").await.expect_update().await;
    assert!(card(&done).starts_with("Banned"), "{}", card(&done));
    assert!(guild.has_banned(bob.id()));
    let ban = world.sandbox.expect_rest(|entry| entry.path.contains("/bans/")).await;
    assert_eq!(ban.body()["delete_message_seconds"], json!(86_400));
    let logged = log.messages();
    assert!(card(&logged[0]).starts_with("Banned"), "{}", card(&logged[0]));

    let carol = world.person("carol");
    let asked = mia
        .slash("kick", &[("member", json!(carol.id().to_string()))])
        .await
        .expect_reply()
        .await;
    let kept = mia.clicks(&asked, "Cancel").await.expect_update().await;
    assert_eq!(kept.content(), "Cancelled.");
    let asked = mia
        .says(&format!("!kick {}", carol.mention()))
        .await
        .expect_reply()
        .await;
    mia.clicks(&asked, "Kick").await.expect_update().await;
    assert!(!guild.has_member(carol.id()));
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn warnings_are_kept_over_a_restart_and_timeouts_and_purges_are_done() {
    let scene = Scene::new(World::new().await);
    let (world, mia, bob) = (&scene.world, &scene.moderator, &scene.bob);
    let bot = world.start().await;
    for reason in ["spam", "more spam"] {
        let warned = mia
            .says(&format!("!warn add {} {reason}", bob.mention()))
            .await
            .expect_reply()
            .await;
        assert!(warned.content().contains("is warned"), "{}", warned.content());
    }
    bot.stop().await;
    let bot = world.start().await;
    let removed = mia.says("!warn remove 1").await.expect_reply().await;
    assert_eq!(removed.content(), "Warning #1 is taken back.");
    let missing = mia.says("!warn remove 1").await.expect_reply().await;
    assert_eq!(missing.content(), "There is no warning #1 in this server.");
    let listed = mia
        .says(&format!("!warn list {}", bob.mention()))
        .await
        .expect_reply()
        .await;
    let fields = listed.embeds()[0]["fields"].as_array().unwrap();
    assert_eq!(fields.len(), 1);
    assert_eq!(fields[0]["name"], "#2");

    let quiet = mia
        .says(&format!("!timeout {} 10m insults", bob.mention()))
        .await
        .expect_reply()
        .await;
    assert!(quiet.content().contains("can write again <t:"), "{}", quiet.content());
    let long = mia
        .says(&format!("!timeout {} 29d", bob.mention()))
        .await
        .expect_reply()
        .await;
    assert_eq!(long.content(), "Discord takes timeouts of up to 28 days.");
    let ended = mia
        .says(&format!("!timeout {} 0s", bob.mention()))
        .await
        .expect_reply()
        .await;
    assert!(ended.content().ends_with("can write again."), "{}", ended.content());

    for number in 0..3 {
        bob.says(&format!("noise {number}")).await;
    }
    let purged = mia
        .says(&format!("!purge 100 {}", bob.mention()))
        .await
        .expect_reply()
        .await;
    assert!(
        purged.content().starts_with("3 messages are gone"),
        "{}",
        purged.content()
    );
    let left = world.channel().messages();
    assert!(left.iter().all(|message| message.author_id() != bob.id()));
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_moderator_any_more_presses_in_vain() {
    const BAN_MEMBERS: u64 = 1 << 2;
    let scene = Scene::new(World::new().await);
    let (world, mia, bob) = (&scene.world, &scene.moderator, &scene.bob);
    let (guild, channel, owner) = (world.sandbox.guild(), world.channel(), world.owner());
    let bot = world.start().await;
    let ask = async || mia.says(&format!("!ban {}", bob.mention())).await.expect_reply().await;
    let press = async |asked| {
        let refused = mia.clicks(asked, "Ban").await.expect_reply().await;
        assert!(refused.is_ephemeral() && !guild.has_banned(bob.id()));
        refused.content().to_owned()
    };
    let asked = ask().await;
    channel.overwrite(mia.id(), 0, BAN_MEMBERS);
    assert_eq!(press(&asked).await, "You need *Ban Members* for that.");
    channel.overwrite(mia.id(), 0, 0);
    owner.says("!config disable ban").await.expect_reply().await;
    assert_eq!(press(&asked).await, "`/ban` is disabled in this server.");
    owner.says("!config enable ban").await.expect_reply().await;
    owner
        .says(&format!("!config deny ban {}", mia.mention()))
        .await
        .expect_reply()
        .await;
    let denied = press(&asked).await;
    assert!(denied.starts_with("You can't use `/ban` here."), "{denied}");
    owner.says("!config clear ban").await.expect_reply().await;
    // By now the one it is about stands beside them.
    bob.give(&guild.role("Staff"));
    let risen = press(&asked).await;
    assert!(risen.contains("does not stand below you"), "{risen}");
    // What asks for nothing is no concern of that command.
    mia.clicks(&asked, "Cancel").await.expect_update().await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_left_is_banned_and_listed_and_two_quick_clicks_act_once() {
    let scene = Scene::new(World::new().await);
    let (world, mia, bob) = (&scene.world, &scene.moderator, &scene.bob);
    let guild = world.sandbox.guild();
    let bot = world.start().await;
    mia.says(&format!("!warn add {} spam", bob.mention()))
        .await
        .expect_reply()
        .await;
    bob.leaves().await;
    let listed = mia.says(&format!("!warn list {}", bob.id())).await.expect_reply().await;
    assert_eq!(listed.embeds()[0]["fields"].as_array().unwrap().len(), 1);
    let asked = mia.says(&format!("!ban {}", bob.id())).await.expect_reply().await;
    assert_eq!(card(&asked).trim(), "Ban this user, who is not here?");
    let ban = asked.component("Ban").unwrap()["custom_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let first = mia.clicks(&asked, "Ban").await;
    let second = mia.forges_click(&asked, &ban).await;
    first.expect_update().await;
    assert_eq!(second.expect_reply().await.content(), "That is being done already.");
    assert!(guild.has_banned(bob.id()));
    let log = world.sandbox.rest_log();
    let bans = log
        .iter()
        .filter(|entry| entry.path.contains("/bans/") && entry.method == "PUT");
    assert_eq!(bans.count(), 1);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_discord_forbids_and_a_closed_log_channel_are_told_in_words() {
    let scene = Scene::new(World::new().await);
    let (world, mia, bob) = (&scene.world, &scene.moderator, &scene.bob);
    let guild = world.sandbox.guild();
    guild.add_role("Admins").permissions(1 << 3);
    bob.give(&guild.role("Admins"));
    let log = guild.add_channel("mod-log");
    let bot = world.start().await;
    let quiet = mia
        .says(&format!("!timeout {} 10m", bob.mention()))
        .await
        .expect_reply()
        .await;
    assert!(
        quiet
            .content()
            .starts_with("Discord doesn't let me do that to them. It protects administrators"),
        "{}",
        quiet.content()
    );
    let set = format!("!serversettings moderation log_channel <#{}>", log.id());
    world.owner().says(&set).await.expect_reply().await;
    log.overwrite(world.sandbox.bot_id(), 0, 1 << 11);
    let warned = mia.says(&format!("!warn add {} spam", bob.mention())).await;
    let told = warned.expect_reply().await;
    assert!(told.content().contains("into the log channel"), "{}", told.content());
    bot.stop().await;
}
