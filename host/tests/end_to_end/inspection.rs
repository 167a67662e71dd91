//! What people are told of plugins: `plugins`, `plugininfo`, and the notices of a lane that hangs.

use serde_json::{Value, json};

use crate::harness::{PATIENCE, World, compiled, file_name};

/// The text of an answer's first embed: title, description, fields and footer.
fn text(embeds: &[Value]) -> String {
    let card = &embeds[0];
    let fields = card["fields"].as_array().cloned().unwrap_or_default();
    let fields = fields.iter().map(|field| {
        format!(
            "[{}] {}",
            field["name"].as_str().unwrap(),
            field["value"].as_str().unwrap()
        )
    });
    let parts = ["title", "description"].map(|part| card[part].as_str().unwrap_or_default().to_owned());
    let footer = card["footer"]["text"].as_str().unwrap_or_default().to_owned();
    parts
        .into_iter()
        .chain(fields)
        .chain([footer])
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_the_plugins_and_only_owners_see_why() {
    let world = World::new().await;
    world.drop_plugin("example");
    world.drop_plugin("stress");
    world.drop_file(&file_name("broken"), b"no library at all");
    // Who joins later is welcomed by the example.
    let [alice, ..] = ["alice", "ann", "amy"].map(|name| world.person(name));
    let bot = world.start().await;
    bot.logs("is refused").await;
    for (person, command) in [("alice", "!plugins"), ("ann", "!pr_list")] {
        let reply = world.person(person).says(command).await.expect_reply().await;
        let list = text(reply.embeds());
        for part in [
            "**example** 1.0.0 \u{b7} running, generation 1",
            "**stress**",
            "**host**",
            "built in",
            "refused",
        ] {
            assert!(list.contains(part), "{part:?} is not in {list}");
        }
        assert!(
            !list.contains("> ") && !list.contains("Room"),
            "reasons are not for everybody: {list}"
        );
    }
    let soon = alice.says("!pr_list").await.expect_reply().await;
    assert!(
        soon.content().starts_with("You can use `!plugins` again"),
        "{}",
        soon.content()
    );
    // By prefix the whole channel reads along, even if the owner asks.
    let list = text(world.owner().says("!plugins").await.expect_reply().await.embeds());
    assert!(!list.contains("> "), "{list}");
    world
        .sandbox
        .expect_commands(|names| names.contains(&"plugininfo".to_owned()))
        .await;
    let reply = world.owner().slash("plugins", &[]).await.expect_reply().await;
    let list = text(reply.embeds());
    assert!(reply.is_ephemeral());
    for part in ["\n> ", "thread keys: ", "open files and connections: ", "memory: "] {
        assert!(list.contains(part), "{part:?} is not in {list}");
    }

    alice.says("!fail").await.expect_reply().await;
    let info = text(alice.says("!plugininfo STRESS").await.expect_reply().await.embeds());
    for part in [
        "stress 1.0.0",
        "running, generation 1",
        "`revision`",
        "[Last error] `fail` failed, code `",
        "loaded in",
    ] {
        assert!(info.contains(part), "{part:?} is not in {info}");
    }
    assert!(!info.contains("asked to fail"), "{info}");
    let name = ("name", json!("stress"));
    let info = text(
        world
            .owner()
            .slash("plugininfo", &[name])
            .await
            .expect_reply()
            .await
            .embeds(),
    );
    assert!(info.contains("> failed: the stress plugin was asked to fail"), "{info}");
    assert!(info.contains(&file_name("stress")), "{info}");
    let near = world.person("ann").says("!pr_info exmaple").await.expect_reply().await;
    assert_eq!(near.content(), "There is no plugin `exmaple`. Did you mean `example`?");
    let far = world.person("amy").says("!pr_info qqq").await.expect_reply().await;
    assert_eq!(
        far.content(),
        "There is no plugin `qqq`. `plugins` lists those that there are."
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_plugins_are_paged() {
    let world = World::new().await;
    for number in 0..14 {
        world.drop_file(&file_name(&format!("broken_{number:02}")), b"no library at all");
    }
    let bot = world.start().await;
    bot.logs("broken_13").await;
    let first = world.person("alice").says("!plugins").await.expect_reply().await;
    let page = text(first.embeds());
    assert!(page.contains("Plugins (15)") && page.contains("Page 1 of 2"), "{page}");
    assert!(page.contains("broken_08") && !page.contains("broken_09"), "{page}");
    let second = world.person("alice").clicks(&first, "Next").await.expect_update().await;
    let page = text(second.embeds());
    assert!(page.contains("broken_13") && page.contains("Page 2 of 2"), "{page}");
    let again = world
        .person("alice")
        .clicks(&second, "Previous")
        .await
        .expect_update()
        .await;
    assert!(text(again.embeds()).contains("Page 1 of 2"));
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_hangs_is_told_refuses_and_is_shown() {
    let world = World::new().await;
    world.drop_plugin("example");
    world.drop_plugin("stress");
    let bot = world.start().await;
    let alice = world.person("alice");
    let blocked = alice.says("!block 9").await;
    let hung = bot.logs("The plugin `stress` hangs").await;
    assert!(hung.contains("It is at the command `block`"), "{hung}");
    // Whoever comes now is told at once, instead of being answered when nobody waits any more.
    let busy = alice.says("!revision").await.expect_reply().await;
    assert_eq!(
        busy.content(),
        "That plugin is busy right now. Please try again in a moment."
    );
    let info = text(alice.says("!plugininfo stress").await.expect_reply().await.embeds());
    assert!(
        info.contains("hangs, generation 1") && info.contains("takes nothing for"),
        "{info}"
    );
    let at_work = |line: &str| line.contains("1 under way") && line.ends_with(": `block`");
    assert!(info.lines().any(at_work), "{info}");
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");

    let unblocked = blocked.reply(PATIENCE).await.expect("it goes on");
    assert_eq!(unblocked.content(), "unblocked");
    bot.logs("takes what it is given again").await;
    let reply = alice.says("!revision").await.expect_reply().await;
    assert!(reply.content().starts_with("REVISION"), "{}", reply.content());
    let log = bot.stop().await;
    assert_eq!(log.matches("The plugin `stress` hangs").count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_leaves_behind_is_shown_and_told() {
    let world = World::new().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    let alice = world.person("alice");
    let blocked = alice.says("!block 600").await;
    world
        .owner()
        .says("!unload stress")
        .await
        .reply(PATIENCE)
        .await
        .expect("it ends");
    blocked.reply(PATIENCE).await.expect("whoever waits is told");
    bot.logs("was told to end, but its thread goes on").await;
    let other = crate::harness::patched(&compiled("stress"), "REVISION", 5);
    world.drop_file(&file_name("stress"), &other);
    world.owner().says("!load stress").await.expect_reply().await;
    let info = text(alice.says("!plugininfo stress").await.expect_reply().await.embeds());
    for part in [
        "running, generation 2",
        "1 generation that ended",
        "of their code's memory",
        "1 hung thread that never ended",
    ] {
        assert!(info.contains(part), "{part:?} is not in {info}");
    }
    let list = text(alice.says("!plugins").await.expect_reply().await.embeds());
    assert!(list.contains("1 hung thread that never ended"), "{list}");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_plugins_lies_in_a_file() {
    let world = World::new().await;
    world.drop_plugin("example");
    world.drop_file(&file_name("broken"), b"no library at all");
    let bot = world.start().await;
    bot.logs("is refused").await;
    let file = world.root().join("data/plugin_registry.json");
    let one = async |name: &str, status: &str| {
        let written = async {
            loop {
                let written = std::fs::read(&file).unwrap_or_default();
                // Replaced in one step: what is read is whole.
                let written: Value = serde_json::from_slice(&written).unwrap_or_default();
                let plugins = written["plugins"].as_array().cloned().unwrap_or_default();
                let mut found = plugins.into_iter();
                if let Some(plugin) = found.find(|plugin| plugin["name"] == name && plugin["status"] == status) {
                    return plugin;
                }
                tokio::task::yield_now().await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, written).await;
        found.unwrap_or_else(|_| panic!("{name} is never {status} in {}", file.display()))
    };
    let example = one("example", "running").await;
    assert_eq!(
        (&example["version"], &example["generation"]),
        (&json!("1.0.0"), &json!(1))
    );
    assert!(
        example["commands"]
            .as_array()
            .unwrap()
            .iter()
            .any(|command| command["name"] == "ping"),
        "{example}"
    );
    let broken = one(&file_name("broken"), "refused").await;
    assert!(broken["why"].as_str().unwrap().contains("library"), "{broken}");
    world.owner().says("!unload example").await.expect_reply().await;
    one("example", "unloaded").await;
    bot.stop().await;
}
