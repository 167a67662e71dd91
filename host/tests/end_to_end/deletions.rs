//! Messages that delete themselves: refusals, and by setting what went well and what asked for it.

use serde_json::json;

use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_plugins_and_of_the_host_delete_themselves_in_every_channel_at_once() {
    let world = World::new().await;
    world.configure(&json!({
        "cooldowns": { "default_per": 0 },
        "replies": { "errors_delete_after": 2, "usage_delete_after": 3 },
    }));
    world.drop_plugin("showcase");
    world.drop_plugin("stress");
    let bot = world.start().await;
    let guild = world.sandbox.guild();
    let alice = world.person("alice");
    let mut refused = Vec::new();
    for number in 0..4 {
        let person = alice.in_channel(&guild.add_channel(&format!("channel-{number}")));
        for text in ["!warden", "!refuse", "!seldom 0"] {
            refused.push(person.says(text).await.expect_reply().await);
        }
    }
    for message in refused {
        message.expect_deleted().await;
    }
    // What went well stays.
    let stays = alice.says("!often").await.expect_reply().await;
    alice.says("!warden").await.expect_reply().await.expect_deleted().await;
    assert!(stays.refresh().is_some());
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_well_is_deleted_as_the_owner_and_the_server_have_set() {
    let world = World::new().await;
    world.configure(&json!({
        "cooldowns": { "default_per": 0 },
        "replies": { "success_delete_after": 86400, "commands": { "often": {
            "success_delete_after": 2, "invocation_delete_after": 0.2,
        } } },
    }));
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let guild = world.sandbox.guild();
    // Manage Messages is needed to delete what others write.
    let (alice, owner) = (world.person("alice"), world.owner());
    let said = alice.says("!often").await;
    let answer = said.expect_reply().await;
    answer.expect_deleted().await;
    said.message().expect_deleted().await;
    world
        .sandbox
        .expect_commands(|names| names.contains(&"often".to_owned()))
        .await;
    alice
        .slash("often", &[])
        .await
        .expect_reply()
        .await
        .expect_deleted()
        .await;

    // What the server has set goes before it, also for one command.
    let config = async |text: &str| owner.says(text).await.expect_reply().await.content().to_owned();
    assert_eq!(
        config("!config delete answers 0 often").await,
        "Answers of `often` stay in this server."
    );
    assert_eq!(
        config("!config delete commands 1").await,
        "Messages with commands are deleted after 1 second in this server."
    );
    let settings = owner.says("!serversettings").await.expect_reply().await;
    let settings = settings.embeds()[0].to_string();
    for line in [
        "Answers of `often` stay",
        "Messages with commands are deleted after 1 second",
    ] {
        assert!(settings.contains(line), "{settings}");
    }
    let said = alice.says("!often").await;
    let stays = said.expect_reply().await;
    said.message().expect_deleted().await;
    // An answer outlives what the host itself deletes.
    let other = alice.says("!release").await;
    let kept = other.expect_reply().await;
    other.message().expect_deleted().await;
    assert!([&stays, &kept].iter().all(|message| message.refresh().is_some()));
    assert_eq!(
        config("!config delete commands").await,
        "Messages with commands are deleted as the bot's owner has set."
    );
    let unknown = config("!config delete answers 5 nothing").await;
    assert!(unknown.starts_with("There is no command"), "{unknown}");
    // Where the bot may not, nothing is tried.
    guild.channel("general").overwrite(world.sandbox.bot_id(), 0, 1 << 13);
    config("!config delete commands 0").await;
    let said = alice.says("!often").await;
    said.expect_reply().await;
    assert!(said.message().refresh().is_some());
    bot.stop().await;
}
