//! What the owner sees of the log: incidents with their story, levels changed while the bot runs, files that are rotated
//! and made again, secrets that are nowhere.

use std::fs;

use serde_json::{Value, json};

use crate::harness::World;

/// An answer's first embed as text.
fn text(embeds: &[Value]) -> String {
    let card = &embeds[0];
    let fields = card["fields"].as_array().cloned().unwrap_or_default();
    let fields = fields
        .iter()
        .map(|field| format!("[{}] {}", field["name"], field["value"]));
    let parts = [&card["title"], &card["description"], &card["footer"]["text"]].map(ToString::to_string);
    parts.into_iter().chain(fields).collect::<Vec<_>>().join("\n")
}

/// The code in "Something broke ... Code `A1B2`.".
fn code(content: &str) -> String {
    let (_, rest) = content.split_once('`').expect("an incident's text has a code");
    rest.split('`').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_sees_what_went_wrong_with_its_whole_story() {
    let world = World::new().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    let none = owner.says("!errors").await.expect_reply().await;
    assert!(text(none.embeds()).contains("Errors (0)"), "{:?}", none.embeds());
    let failed = code(alice.says("!fail").await.expect_reply().await.content());
    let panicked = code(alice.says("!panic").await.expect_reply().await.content());

    let list = text(owner.says("!errors").await.expect_reply().await.embeds());
    for part in [
        "Errors (2)",
        &format!("`{failed}`"),
        &format!("`{panicked}`"),
        "`fail` of **stress** failed",
        "`panic` of **stress** panicked",
        &format!("<@{}>", alice.id()),
        "the stress plugin was asked to panic",
    ] {
        assert!(list.contains(part), "{part:?} is not in {list}");
    }
    // The newest first.
    assert!(list.find(&panicked) < list.find(&failed), "{list}");

    let asked = format!("!errors {}", failed.to_lowercase());
    let story = text(owner.says(&asked).await.expect_reply().await.embeds());
    for part in [
        &*format!("Error {failed}"),
        "generation 1",
        "by message",
        "the stress plugin was asked to fail",
        "plugin::stress#1: about to fail",
        "patience=none",
        "spans=failing",
        "failed: the stress plugin",
    ] {
        assert!(story.contains(part), "{part:?} is not in {story}");
    }
    let asked = format!("!errors {panicked}");
    let story = text(owner.says(&asked).await.expect_reply().await.embeds());
    assert!(
        story.contains("[\"Place\"] \"```\\n") && story.contains("src/lib.rs:"),
        "{story}"
    );
    let unknown = owner.says("!errors zzzzz").await.expect_reply().await;
    assert!(
        unknown.content().contains("No incident with the code `zzzzz`"),
        "{}",
        unknown.content()
    );

    // By both doors, and for nobody else.
    world
        .sandbox
        .expect_commands(|names| names.contains(&"errors".to_owned()))
        .await;
    let slash = owner
        .slash("errors", &[("code", json!(failed))])
        .await
        .expect_reply()
        .await;
    assert!(slash.is_ephemeral() && text(slash.embeds()).contains("about to fail"));
    let foreign = alice.says("!errors").await.expect_reply().await;
    assert!(foreign.embeds().is_empty(), "{:?}", foreign.embeds());

    // In the file, the invocation's lines say whose they are.
    let log = bot.stop().await;
    let line = log.lines().find(|line| line.contains("about to fail")).unwrap();
    for part in [
        "command=fail",
        "door=prefix",
        "guild=",
        "channel=",
        &format!("user={}", alice.id()),
    ] {
        assert!(line.contains(part), "{part:?} is not in {line}");
    }
    let line = log
        .lines()
        .find(|line| line.contains("failed: the stress plugin"))
        .unwrap();
    assert!(line.contains(&format!("incident={failed}")), "{line}");

    // After a restart the code still tells the story.
    let bot = world.start().await;
    let asked = format!("!errors {failed}");
    let story = text(owner.says(&asked).await.expect_reply().await.embeds());
    assert!(
        story.contains("in an earlier run") && story.contains("about to fail"),
        "{story}"
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn levels_are_changed_while_the_bot_runs_down_into_the_plugins() {
    let world = World::new().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    let owner = world.owner();
    let held = text(owner.says("!loglevel").await.expect_reply().await.embeds());
    assert!(held.contains("**INFO** for the host"), "{held}");
    owner.says("!fail").await.expect_reply().await;
    bot.logs("about to fail").await;
    assert!(bot.lines_with("nobody wants to know").is_empty());

    let held = text(owner.says("!loglevel stress debug").await.expect_reply().await.embeds());
    assert!(held.contains("`plugin::stress` **DEBUG** (by command"), "{held}");
    // The plugin hears of it between two of its commands.
    let mut heard = false;
    for _ in 0..200 {
        owner.says("!fail").await.expect_reply().await;
        heard = !bot.lines_with("nobody wants to know").is_empty();
        if heard {
            break;
        }
    }
    assert!(heard, "the plugin was never told its level");

    let refused = owner.says("!loglevel stress loud").await.expect_reply().await;
    assert!(
        refused.content().contains("A level is one of TRACE"),
        "{}",
        refused.content()
    );
    let refused = owner.says("!loglevel ../etc debug").await.expect_reply().await;
    assert!(refused.content().contains("path of a module"), "{}", refused.content());
    let held = text(owner.says("!loglevel error").await.expect_reply().await.embeds());
    assert!(held.contains("**ERROR** for the host"), "{held}");
    let held = text(owner.says("!loglevel reset").await.expect_reply().await.embeds());
    assert!(
        held.contains("**INFO** for the host") && !held.contains("by command"),
        "{held}"
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_rotated_made_again_and_without_secrets() {
    let world = World::new().await;
    world.drop_plugin("stress");
    world.configure(&json!({"logging": {"max_bytes": 4096, "backup_count": 2}}));
    let folder = world.root().join("data/logs");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("permanent.log.7"), "more than are kept").unwrap();
    let bot = world.start().await;
    let owner = world.owner();
    for _ in 0..20 {
        owner.says("!fail").await.expect_reply().await;
    }
    fs::remove_file(folder.join("current_run.log")).unwrap();
    let token = world.sandbox.token().to_owned();
    owner.says("!fail").await.expect_reply().await;
    let log = bot.stop().await;
    assert!(!log.contains(&token), "{log}");
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["current_run.log", "permanent.log", "permanent.log.1", "permanent.log.2"]
    );
    for name in ["permanent.log", "permanent.log.1", "permanent.log.2"] {
        assert!(fs::metadata(folder.join(name)).unwrap().len() <= 4096, "{name}");
    }
    let last = fs::read_to_string(folder.join("permanent.log")).unwrap();
    assert!(last.ends_with("host::bot: stopped\n"), "{last}");
    let current = fs::read_to_string(folder.join("current_run.log")).unwrap();
    assert!(
        current.contains("about to fail") && current.ends_with("host::bot: stopped\n"),
        "{current}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn levels_and_secrets_of_the_settings_are_in_force_as_soon_as_they_are_saved() {
    let world = World::new().await;
    world.drop_plugin("stress");
    world.configure(&json!({"logging": {"levels": {"plugin::stress": "ERROR"}}}));
    fs::write(world.root().join(".env"), "PHRASE=nobody wants\n").unwrap();
    let bot = world.start().await;
    let owner = world.owner();
    owner.says("!fail").await.expect_reply().await;
    bot.logs("failed: the stress plugin").await;
    assert!(bot.lines_with("about to fail").is_empty());
    world.configure(&json!({
        "logging": {"levels": {"plugin::stress": "DEBUG"}},
        "plugins": {"stress": {"phrase": "${PHRASE}"}},
    }));
    bot.logs("the settings have changed").await;
    let mut heard = false;
    for _ in 0..200 {
        owner.says("!fail").await.expect_reply().await;
        heard = !bot.lines_with("<secret> to know").is_empty();
        if heard {
            break;
        }
    }
    assert!(heard, "the plugin was never told its level");
    let log = bot.stop().await;
    assert!(!log.contains("nobody wants"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_owns_the_bot_no_more_turns_no_page_of_its_incidents() {
    let world = World::new().await;
    world.drop_plugin("stress");
    let alice = world.person("alice");
    world.configure(&json!({ "owner_ids": [alice.id().to_string()] }));
    let bot = world.start().await;
    for _ in 0..11 {
        alice.says("!fail").await.expect_reply().await;
    }
    let list = alice.says("!errors").await.expect_reply().await;
    let older = alice.clicks(&list, "Older").await.expect_update().await;
    assert!(text(older.embeds()).contains("of 2"), "{}", text(older.embeds()));
    world.configure(&json!({}));
    let refused = loop {
        let reply = alice.says("!errors").await.expect_reply().await;
        if reply.embeds().is_empty() {
            break reply;
        }
    };
    let turned = alice.clicks(&older, "Newer").await.expect_reply().await;
    assert!(turned.is_ephemeral() && turned.embeds().is_empty());
    assert_eq!(turned.content(), refused.content());
    let shown = older.refresh().unwrap();
    assert_eq!(text(shown.embeds()), text(older.embeds()), "nothing of it has changed");
    bot.stop().await;
}
