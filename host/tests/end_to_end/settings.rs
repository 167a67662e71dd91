//! config.json is changed while the bot runs, and at the command line: what people see of it.

use std::{fs, path::Path};

use sandbox::Channel;
use serde_json::{Value, json};

use crate::harness::{Bot, World, file_name};

/// Saves config.json as editors do: a new file takes its place.
fn save(world: &World, config: &str) {
    let hidden = world.root().join("config.json.swp");
    fs::write(&hidden, config).unwrap();
    fs::rename(hidden, world.root().join("config.json")).unwrap();
}

/// Waits until somebody who joins is greeted in this channel.
async fn greeted(world: &World, name: &str, channel: &Channel) {
    let mut seen = world.sandbox.watch();
    let person = world.person(name);
    loop {
        let message = seen.next().await.expect("somebody is greeted");
        if message.content() == format!("Welcome, {}!", person.mention()) {
            assert_eq!(message.channel_id(), channel.id());
            return;
        }
    }
}

async fn answers_to(world: &World, command: &str) {
    let reply = world.person("alice").says(command).await.expect_reply().await;
    assert_eq!(reply.content(), "pong", "{command}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_prefix_counts_as_soon_as_the_file_is_saved() {
    let world = World::new().await;
    world.drop_plugin("example");
    world.configure(&json!({ "notices": { "interval": 0 } }));
    let bot = world.start().await;
    answers_to(&world, "!ping").await;

    save(
        &world,
        r#"{"prefix": "?", "notices": {"interval": 0}, "cooldowns": {"default_per": 0}}"#,
    );
    bot.logs("the settings have changed keys=prefix").await;
    answers_to(&world, "?ping").await;
    // In place, with a mark of its encoding, as other editors do.
    fs::write(
        world.root().join("config.json"),
        "\u{feff}{\"prefix\": \"+\", \"allow_mention_prefix\": false, \"notices\": {\"interval\": 0}, \"cooldowns\": {\"default_per\": 0}}",
    )
    .unwrap();
    bot.logs("allow_mention_prefix").await;
    answers_to(&world, "+ping").await;

    // Every fault at once; what held before goes on, whatever else the file says.
    let mut told = world.sandbox.watch();
    save(
        &world,
        "{\"prefix\": \"-\", \"auto_reload\": \"yes\", \"status\": {\"intervall\": 60,}}",
    );
    let told = told.next().await.expect("the owner is told");
    insta::assert_snapshot!("faults_while_running", told.content());
    answers_to(&world, "+ping").await;
    fs::remove_file(world.root().join("config.json")).unwrap();
    bot.logs("config.json is gone").await;
    answers_to(&world, "+ping").await;
    assert!(!world.root().join("config.json").exists(), "only a start writes it");

    // What needs a restart says so, the rest counts.
    save(
        &world,
        r#"{"prefix": "=", "sharding": {"shards": 2}, "database": {"path": "./data/other.db"}, "cooldowns": {"default_per": 0}}"#,
    );
    let told = bot.logs("counts from the next start on").await;
    assert!(told.contains("`database.path`, `sharding.shards`"), "{told}");
    answers_to(&world, "=ping").await;
    bot.stop().await;
    assert!(!world.root().join("data/other.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_reaches_its_plugin_and_one_it_refuses_is_tried_again() {
    let world = World::new().await;
    let hall = world.sandbox.guild().add_channel("hall");
    let yard = world.sandbox.guild().add_channel("yard");
    let greets_in = |channel: &str| format!("{{\"plugins\": {{\"example\": {{\"greet_channel\": \"{channel}\"}}}}}}");
    // A secret that is not set keeps this plugin from starting, and nothing else.
    save(&world, &greets_in("${GREET_CHANNEL}"));
    world.drop_plugin("example");
    let bot = world.start().await;
    let refused = bot.logs("GREET_CHANNEL, which is not set").await;
    assert!(
        refused.contains("plugins.example.greet_channel needs the variable"),
        "{refused}"
    );
    fs::write(world.root().join(".env"), format!("GREET_CHANNEL={}\n", hall.id())).unwrap();
    bot.logs("loaded plugin=example").await;
    greeted(&world, "carol", &hall).await;

    // With another key, so that the line of the log is another one than that of the secret.
    let in_yard = greets_in(&yard.id().to_string());
    save(&world, &in_yard.replacen('{', "{\"auto_reload\": false, ", 1));
    bot.logs("auto_reload").await;
    greeted(&world, "dave", &yard).await;

    // A plugin on the blacklist goes, and comes back.
    save(&world, r#"{"extensions": {"blacklist": ["example"]}}"#);
    bot.logs("unloaded plugin=example").await;
    save(&world, "{}");
    bot.logs("generation=2 took").await;
    answers_to(&world, "!ping").await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bot_shows_changes_with_the_file() {
    let world = World::new().await;
    world.configure(&json!({ "status": { "type": "playing", "text": "in {guilds} server", "presence": "idle" } }));
    let bot = world.start().await;
    let like = |status: &'static str, kind: u64, text: &'static str| {
        move |presence: &Value| {
            let activity = &presence["activities"][0];
            presence["status"] == status && activity["type"] == kind && activity["name"] == text
        }
    };
    world.sandbox.expect_presence(like("idle", 0, "in 1 server")).await;
    save(
        &world,
        r#"{"status": {"type": "streaming", "text": "live", "url": "https://twitch.tv/x"}}"#,
    );
    let shown = world.sandbox.expect_presence(like("online", 1, "live")).await;
    assert_eq!(shown["activities"][0]["url"], "https://twitch.tv/x");
    let shown = json!({ "status": { "statuses": [{ "type": "custom", "text": "busy", "presence": "dnd" }] } });
    save(&world, &shown.to_string());
    let shown = world
        .sandbox
        .expect_presence(|presence| presence["status"] == "dnd")
        .await;
    assert_eq!(shown["activities"][0]["state"], "busy");
    bot.stop().await;
}

async fn config(root: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_bothost"))
        .arg("config")
        .args(arguments)
        .arg("--root")
        .arg(root)
        .env_clear()
        .output()
        .await
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_checks_shows_and_sets() {
    let world = World::new().await;
    fs::write(
        world.root().join("config.json"),
        "{\n    \"prefix\": 5,\n    \"prefx\": 1\n}",
    )
    .unwrap();
    let (code, text) = config(world.root(), &["check"]).await;
    assert_eq!(code, Some(78));
    assert!(
        text.contains("line 2, column 5: prefix") && text.contains("did you mean `prefix`"),
        "{text}"
    );
    assert_eq!(config(world.root(), &["show"]).await.0, Some(78));
    let (code, text) = config(world.root(), &["set", "prefix", "?"]).await;
    assert_eq!(code, Some(78), "{text}");
    fs::write(world.root().join("config.json"), "{\n    \"prefix\": \"!\"\n}").unwrap();
    let (code, text) = config(world.root(), &["check"]).await;
    assert_eq!((code, text.lines().next()), (Some(0), Some("ok")), "{text}");
    let (code, text) = config(world.root(), &["show"]).await;
    assert_eq!(code, Some(0));
    assert!(text.contains("config.json, line 2"), "{text}");
    let (code, text) = config(world.root(), &["schema"]).await;
    assert_eq!(code, Some(0));
    assert_eq!(text, host::config::schema());

    // A bot that runs takes over what is set.
    world.drop_plugin("example");
    let bot: Bot = world.start().await;
    assert!(world.root().join("plugins").join(file_name("example")).exists());
    assert_eq!(config(world.root(), &["set", "prefix", "?"]).await.0, Some(0));
    assert_eq!(
        fs::read_to_string(world.root().join("config.json")).unwrap(),
        "{\n    \"prefix\": \"?\"\n}"
    );
    bot.logs("the settings have changed keys=prefix").await;
    answers_to(&world, "?ping").await;
    bot.stop().await;
}
