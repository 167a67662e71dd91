//! Plugins that the owner has limited to some servers, and which slash commands are important to the owner.

use sandbox::Sandbox;
use serde_json::json;

use crate::harness::World;

/// The names of the commands of one server's own set, or of that of all.
fn names(sandbox: &Sandbox, guild: Option<u64>) -> Vec<String> {
    let commands = sandbox.commands();
    let guild = guild.map(|guild| guild.to_string());
    let of = commands
        .iter()
        .filter(|one| one["guild_id"].as_str() == guild.as_deref());
    of.map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_is_limited_to_a_server_is_nowhere_else() {
    let world = World::new().await;
    let (here, there) = (world.sandbox.guild(), world.sandbox.add_guild("Elsewhere"));
    let limited_to = |guild: u64| {
        json!({
            "cooldowns": { "default_per": 0 },
            "discord": { "home_guilds": [here.id().to_string()] },
            "extensions": { "only_in": { "example": [guild.to_string()] } },
        })
    };
    world.configure(&limited_to(there.id()));
    world.drop_plugin("example");
    world.drop_plugin("stress");
    // There before the bot is, as `stress` greets whoever joins.
    let (alice, bella) = (world.person("alice"), there.user("bella"));
    let bot = world.start().await;
    world
        .sandbox
        .expect_commands(|names| names.contains(&"ping".to_owned()))
        .await;
    assert!(names(&world.sandbox, Some(there.id())).contains(&"ping".to_owned()));
    assert!(
        !names(&world.sandbox, Some(there.id())).contains(&"load".to_owned()),
        "no home"
    );
    for elsewhere in [None, Some(here.id())] {
        assert!(
            !names(&world.sandbox, elsewhere).contains(&"ping".to_owned()),
            "{elsewhere:?}"
        );
    }

    // By message it is unknown elsewhere, and help doesn't know it.
    assert_eq!(bella.says("!ping").await.expect_reply().await.content(), "pong");
    assert_eq!(bella.slash("ping", &[]).await.expect_reply().await.content(), "pong");
    for person in [&alice, &alice.in_dm()] {
        person.says("!ping").await;
        let next = person.says("!revision").await.expect_reply().await;
        assert!(next.content().starts_with("REVISION"), "{}", next.content());
    }
    let unknown = alice.says("!help ping").await.expect_reply().await;
    assert!(
        !unknown.content().contains("pong") && unknown.embeds().is_empty(),
        "{}",
        unknown.content()
    );

    // What is saved counts at once.
    let before = bella.says("!ping").await.expect_reply().await;
    assert_eq!(before.content(), "pong");
    world.configure(&limited_to(here.id()));
    here.expect_commands(|names| names.contains(&"ping".to_owned())).await;
    there.expect_commands(<[_]>::is_empty).await;
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owners_priorities_go_before_the_authors() {
    let world = World::new().await;
    let wanted = |priorities: serde_json::Value| {
        json!({
            "cooldowns": { "default_per": 0 },
            "slash_limiter": { "safe_limit": 2, "max_limit": 2, "warning_threshold": 2, "priorities": priorities },
        })
    };
    world.configure(&wanted(json!({ "stress": 20, "ping": 30 })));
    world.drop_plugin("example");
    world.drop_plugin("stress");
    let bot = world.start().await;
    world
        .sandbox
        .expect_commands(|names| names.contains(&"ping".to_owned()))
        .await;
    let first = names(&world.sandbox, None);
    assert_eq!(first.len(), 2, "{first:?}");
    // Places are given anew when the owner orders it.
    world.configure(&wanted(json!({ "echo": 5, "help": 4 })));
    bot.logs("the settings have changed").await;
    world.owner().says("!sync").await.expect_reply().await;
    assert_eq!(names(&world.sandbox, None), ["echo", "help"]);
    bot.stop().await;
}
