//! Threads: commands in them take the permissions, the rules and the overwrites of their channel.

use serde_json::json;

use crate::harness::World;

const BAN_MEMBERS: u64 = 1 << 2;
const SEND_MESSAGES: u64 = 1 << 11;
const EMBED_LINKS: u64 = 1 << 14;
const MANAGE_THREADS: u64 = 1 << 34;
const SEND_IN_THREADS: u64 = 1 << 38;

#[tokio::test(flavor = "multi_thread")]
async fn what_counts_in_a_channel_counts_in_its_threads_by_every_door() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let guild = world.sandbox.guild();
    let channel = guild.add_channel("kitchen");
    // One in the archive, of which the bot hears nothing until somebody writes there, one that is active, and one that comes.
    let (archived, older) = (
        guild.add_thread(&channel, "breads"),
        guild.add_thread(&channel, "cakes"),
    );
    archived.archive();
    let bot = world.start().await;
    world
        .sandbox
        .expect_commands(|names| names.contains(&"openly".to_owned()))
        .await;
    let newer = guild.add_thread(&channel, "pies");
    let (alice, owner) = (world.person("alice"), world.owner());
    let lacking = "You need *Ban Members* for that.";
    for thread in [&archived, &older, &newer] {
        if thread.id() == archived.id() {
            channel.overwrite(alice.id(), BAN_MEMBERS, 0);
            let here = alice.in_channel(thread);
            assert_eq!(
                here.slash("openly", &[]).await.expect_reply().await.content(),
                "guarded openly"
            );
            assert_eq!(
                here.says("!openly").await.expect_reply().await.content(),
                "guarded openly"
            );
            archived.archive();
        }
        let here = alice.in_channel(thread);
        channel.overwrite(alice.id(), 0, 0);
        assert_eq!(here.says("!openly").await.expect_reply().await.content(), lacking);
        assert_eq!(here.slash("openly", &[]).await.expect_reply().await.content(), lacking);
        channel.overwrite(alice.id(), BAN_MEMBERS, 0);
        assert_eq!(
            here.says("!openly").await.expect_reply().await.content(),
            "guarded openly"
        );
        assert_eq!(
            here.slash("openly", &[]).await.expect_reply().await.content(),
            "guarded openly"
        );
    }
    // A thread is called like a command: that Discord tells of it runs nothing.
    let _ = guild.add_thread(&channel, "!openly");
    let next = owner.in_channel(&channel).says("!hello").await;
    assert_eq!(next.expect_reply().await.content(), "Hello.");
    let said = channel.messages();
    assert!(said.iter().all(|message| message.content() != "guarded openly"));
    // A rule for the channel.
    let rule = format!("!config deny hello <#{}>", channel.id());
    owner.says(&rule).await.expect_reply().await;
    for thread in [&channel, &archived, &older, &newer] {
        let here = alice.in_channel(thread);
        for refused in [
            here.says("!hello").await.expect_reply().await,
            here.slash("hello", &[]).await.expect_reply().await,
        ] {
            assert_ne!(refused.content(), "Hello.", "{}", thread.name());
        }
        let asked = format!("!why hello {}", alice.mention());
        let why = owner.in_channel(thread).says(&asked).await.expect_reply().await;
        let why = format!("{} {:?}", why.content(), why.embeds());
        assert!(why.contains(&format!("<#{}>", channel.id())), "{why}");
    }
    assert_eq!(alice.says("!hello").await.expect_reply().await.content(), "Hello.");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_in_a_thread_is_a_permission_of_its_own() {
    let world = World::new().await;
    world.drop_plugin("example");
    let guild = world.sandbox.guild();
    let (channel, me) = (guild.add_channel("kitchen"), world.sandbox.bot_id());
    let thread = guild.add_thread(&channel, "cakes");
    let bot = world.start().await;
    world
        .sandbox
        .expect_commands(|names| names.contains(&"ping".to_owned()))
        .await;
    let alice = world.person("alice");
    let here = alice.in_channel(&thread);
    // In the channel the bot may not write, in its threads it may; nor may it embed.
    channel.overwrite(me, 0, SEND_MESSAGES | EMBED_LINKS);
    assert_eq!(here.says("!ping").await.expect_reply().await.content(), "pong");
    let said = here.says("!whoami").await.expect_reply().await;
    assert!(
        said.embeds().is_empty() && said.content().contains("alice"),
        "{}",
        said.content()
    );
    // The reverse: nobody is answered in words.
    channel.overwrite(me, 0, SEND_IN_THREADS);
    let before = thread.messages().len();
    here.says("!ping").await;
    world
        .sandbox
        .expect_rest(|entry| entry.method == "PUT" && entry.path.contains("/reactions/"))
        .await;
    assert_eq!(thread.messages().len(), before + 1, "nothing but what was asked");
    assert_eq!(here.slash("ping", &[]).await.expect_reply().await.content(), "pong");
    assert_eq!(
        alice
            .in_channel(&channel)
            .says("!ping")
            .await
            .expect_reply()
            .await
            .content(),
        "pong"
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn private_threads_and_the_archive_are_served() {
    let world = World::new().await;
    world.drop_plugin("example");
    let guild = world.sandbox.guild();
    let (channel, me) = (guild.add_channel("kitchen"), world.sandbox.bot_id());
    channel.overwrite(me, 0, MANAGE_THREADS);
    let alice = world.person("alice");
    let secret = guild.add_private_thread(&channel, "secret", &[alice.id(), me]);
    let bot = world.start().await;
    world
        .sandbox
        .expect_commands(|names| names.contains(&"ping".to_owned()))
        .await;
    let here = alice.in_channel(&secret);
    assert_eq!(here.says("!ping").await.expect_reply().await.content(), "pong");
    // One into which the bot is taken later, and one that comes out of the archive.
    let later = guild.add_private_thread(&channel, "later", &[alice.id()]);
    later.add_member(me);
    assert_eq!(
        alice
            .in_channel(&later)
            .says("!ping")
            .await
            .expect_reply()
            .await
            .content(),
        "pong"
    );
    secret.archive();
    assert_eq!(here.says("!ping").await.expect_reply().await.content(), "pong");
    let seen = here.slash("ping", &[]).await.expect_reply().await;
    assert_eq!((seen.content(), json!(seen.embeds())), ("pong", json!([])));
    bot.stop().await;
}
