//! What a lane takes, and what becomes of its events: bounded, in order, counted; and what blocks it is named.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::{
    harness::{Bot, World, compiled, example_answers, file_name},
    replacement::{exclusive, revision},
};

async fn beside_the_example() -> (World, Bot) {
    let world = World::new().await;
    world.drop_plugin("example");
    world.drop_plugin("stress");
    let bot = world.start().await;
    (world, bot)
}

/// The figures of the lane of `stress`, as it sees them itself.
async fn metrics(world: &World) -> Value {
    let answer = world.person("alice").says("!metrics").await.expect_reply().await;
    serde_json::from_str(answer.content()).unwrap()
}

/// Blocks the thread of `stress` until the file that this names appears.
async fn block(world: &World, bot: &Bot) -> (PathBuf, String) {
    let file = world.root().join("goes on");
    let event = json!({ "until": &file }).to_string();
    world.sandbox.gateway().dispatch("STRESS_BLOCK", &event);
    let line = bot.logs("is blocked: nothing else of it runs").await;
    (file, line)
}

/// The numbers of the events that `stress` was told since it was asked last.
async fn told(world: &World) -> Vec<u64> {
    let answer = world.person("alice").says("!told-events").await.expect_reply().await;
    let numbers = answer.content().split(' ').skip(1);
    numbers.filter_map(|number| number.parse().ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_plugins_events_are_bounded_and_the_oldest_make_room() {
    let (world, bot) = beside_the_example().await;
    let alice = world.person("alice");
    let (goes_on, _) = block(&world, &bot).await;
    let gateway = world.sandbox.gateway();
    let pad = "x".repeat(1000);
    let event = |number: u64| json!({ "guild_id": "1", "number": number, "pad": pad }).to_string();
    for number in 0..400 {
        gateway.dispatch("STRESS_TOLD", &event(number));
    }
    // Nobody else waits for it, nor do its own commands when it goes on.
    example_answers(&alice).await;
    let waits = alice.says("!revision").await;
    bot.logs("too slow for its events").await;
    fs::write(goes_on, "").unwrap();
    waits.expect_reply().await;
    let figures = metrics(&world).await;
    let told = told(&world).await;
    let count = |key: &str| figures["events"][key].as_u64().unwrap();
    assert_eq!(told.len() as u64 + count("dropped"), 400, "{figures}");
    assert_eq!(
        (count("delivered"), count("waiting")),
        (told.len() as u64 + 1, 0),
        "{figures}"
    );
    // With the one that blocks 16 were in its lane; of the rest, the last ones for which there was room are left.
    let (in_lane, waited) = told.split_at(15);
    assert_eq!(in_lane, (0..15).collect::<Vec<_>>());
    let first = 400 - waited.len() as u64;
    assert_eq!(waited, (first..400).collect::<Vec<_>>());
    assert!(
        (40..=64).contains(&waited.len()),
        "64 KiB of a thousand bytes each: {}",
        waited.len()
    );
    let name = ("name", json!("stress"));
    let info = world.owner().slash("plugininfo", &[name]).await.expect_reply().await;
    let info = serde_json::to_string(info.embeds()).unwrap();
    assert!(
        info.contains(&format!("{} events, {} dropped", told.len() + 1, count("dropped"))),
        "{info}"
    );
    assert!(
        info.contains("of memory, at most") && info.contains("blocked ") && figures["blocks"].as_u64() >= Some(1),
        "{info}"
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_its_turn_in_a_plugin_counts_like_what_waits_for_it() {
    let (world, bot) = beside_the_example().await;
    let (gateway, goes_on) = (world.sandbox.gateway(), world.root().join("goes on"));
    let pad = "x".repeat(1000);
    for number in 0..400 {
        let event = json!({ "guild_id": "1", "number": number, "pad": pad, "until": &goes_on });
        gateway.dispatch("STRESS_TURN", &event.to_string());
    }
    bot.logs("too slow for its events").await;
    // It waits, and blocks nothing.
    example_answers(&world.person("alice")).await;
    let figures = metrics(&world).await;
    let count = |figures: &Value, key: &str| figures["events"][key].as_u64().unwrap();
    assert!(
        count(&figures, "delivered") <= 64 && count(&figures, "waiting") > 0,
        "{figures}"
    );
    fs::write(goes_on, "").unwrap();
    let mut all = Vec::new();
    let ended = async {
        loop {
            all.extend(told(&world).await);
            let figures = metrics(&world).await;
            if all.len() as u64 + count(&figures, "dropped") == 400 {
                return;
            }
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, ended).await.unwrap();
    assert!(
        all.is_sorted() && all.len() < 100 && all.last() == Some(&399),
        "{all:?}"
    );
    bot.stop().await;
}

/// What waits for a generation that is replaced goes to the next one, before all that comes later.
async fn events_over_a_reload(original: Vec<u8>) {
    let world = World::new().await;
    world.drop_plugin("example");
    world.drop_file(&file_name("stress"), &original);
    let bot = world.start().await;
    let alice = world.person("alice");
    let (goes_on, _) = block(&world, &bot).await;
    let gateway = world.sandbox.gateway();
    let tell = |number: u64| {
        let event = json!({ "guild_id": "1", "number": number });
        gateway.dispatch("STRESS_TOLD", &event.to_string());
    };
    (0..20).for_each(tell);
    // 15 of them are in its lane, beside the one that blocks it.
    example_answers(&alice).await;
    world.drop_file(&file_name("stress"), &revision(&original, 7));
    if original == compiled("stress") {
        bot.logs("generation=2 took").await;
    } else {
        bot.logs("is being replaced: what is meant for it waits").await;
    }
    (20..30).for_each(tell);
    example_answers(&alice).await;
    let asked = alice.says("!told-events").await;
    fs::write(goes_on, "").unwrap();
    let answer = asked.expect_reply().await;
    let numbers = (15..30).map(|number: u64| number.to_string()).collect::<Vec<_>>();
    assert_eq!(answer.content(), format!("told {}", numbers.join(" ")));
    let log = bot.stop().await;
    assert!(!log.contains("were dropped"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_wait_for_a_generation_go_to_the_next_one_beside_it() {
    events_over_a_reload(compiled("stress")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_wait_for_a_generation_go_to_the_next_one_after_it() {
    events_over_a_reload(exclusive(&compiled("stress"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_is_behind_is_told_with_what_it_does_meanwhile() {
    let (world, bot) = beside_the_example().await;
    let (alice, goes_on) = (world.person("alice"), world.root().join("goes on"));
    let gateway = world.sandbox.gateway();
    let event = json!({ "until": &goes_on, "foreign": true }).to_string();
    gateway.dispatch("STRESS_BLOCK", &event);
    // Nobody is there whom it keeps waiting, until somebody asks.
    let waits = alice.says("!revision").await;
    let line = bot.logs("is behind: it has taken nothing").await;
    assert!(line.contains("code that it runs outside of `ctx.spawn`"), "{line}");
    fs::write(goes_on, "").unwrap();
    waits.expect_reply().await;
    let figures = metrics(&world).await;
    assert!(figures["blocks"].as_u64() >= Some(1), "{figures}");
    assert!(
        figures["cpu_millis"].is_u64() && figures["code_bytes"].as_u64() > Some(0),
        "{figures}"
    );

    // Short ones, one after another, without an end; told again it is not so soon, and counted.
    let counted = async {
        let blocks = async || metrics(&world).await["blocks"].as_u64().unwrap();
        let before = figures["blocks"].as_u64().unwrap();
        while blocks().await == before {
            for _ in 0..30 {
                gateway.dispatch("STRESS_BLOCK", &json!({ "millis": 60 }).to_string());
            }
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, counted).await.unwrap();
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_handler_wants_is_not_delivered_and_two_handlers_get_an_event_once() {
    let (world, bot) = beside_the_example().await;
    let gateway = world.sandbox.gateway();
    let dispatch = |event: Value| gateway.dispatch("STRESS_TOLD", &event.to_string());
    dispatch(json!({ "number": 1, "bot_number": 11 }));
    dispatch(json!({ "number": 2, "bot_number": 12, "author": { "id": "5", "bot": true } }));
    dispatch(json!({ "number": 3, "bot_number": 13, "guild_id": "1" }));
    dispatch(json!({ "number": 4, "bot_number": 14, "guild_id": "1", "author": { "id": "5", "bot": true } }));
    // What comes later in the session, in the order of the session.
    assert_eq!(told(&world).await, [3, 14]);
    assert_eq!(metrics(&world).await["events"]["delivered"], 2);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_blocks_a_lane_is_named_and_it_can_be_unloaded_all_the_same() {
    let (world, bot) = beside_the_example().await;
    let alice = world.person("alice");
    let mut notices = world.sandbox.watch();
    let (goes_on, line) = block(&world, &bot).await;
    assert!(
        line.contains("the handler `block_in_event`") && line.contains("stress"),
        "{line}"
    );
    let heard = async {
        while !notices
            .next()
            .await
            .is_some_and(|notice| notice.content().contains("is blocked by the handler `block_in_event`"))
        {}
    };
    tokio::time::timeout(crate::harness::PATIENCE, heard).await.unwrap();
    fs::write(goes_on, "").unwrap();
    let line = bot.logs("is blocked no longer").await;
    assert!(line.contains("the handler `block_in_event`"), "{line}");
    let figures = metrics(&world).await;
    assert!(figures["blocks"].as_u64() >= Some(1), "{figures}");
    let handler = figures["handlers"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["kind"] == "event");
    let longest = handler.and_then(|handler| handler["max_micros"].as_u64()).unwrap();
    assert!(longest >= 500_000, "{figures}");

    // So soon it is not told again; `plugininfo` shows it.
    world
        .sandbox
        .gateway()
        .dispatch("STRESS_BLOCK", &json!({ "millis": 600_000 }).to_string());
    let named = async {
        loop {
            let name = ("name", json!("stress"));
            let info = world.owner().slash("plugininfo", &[name]).await.expect_reply().await;
            let info = serde_json::to_string(info.embeds()).unwrap();
            if info.contains("**blocked** by the handler `block_in_event`") {
                return;
            }
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, named).await.unwrap();
    // What waits for it is lost with it, and the owner is told. 15 of these are in its lane.
    for number in 0..20 {
        let event = json!({ "guild_id": "1", "number": number }).to_string();
        world.sandbox.gateway().dispatch("STRESS_TOLD", &event);
    }
    // They are there before it is unloaded, and it shows that they wait.
    example_answers(&alice).await;
    let unloading = world.owner().says("!unload stress").await;
    example_answers(&alice).await;
    let unloaded = unloading.reply(crate::harness::PATIENCE).await.unwrap();
    assert_eq!(unloaded.content(), "Unloaded `stress`.");
    bot.logs("5 events that waited for it were dropped").await;
    let log = bot.stop().await;
    assert!(
        log.contains("its thread is abandoned") || log.contains("its thread goes on"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_that_a_plugin_holds_is_seen_until_it_is_given_back() {
    let (world, bot) = beside_the_example().await;
    let alice = world.person("alice");
    let heap = async || {
        let figures = metrics(&world).await;
        (
            figures["heap_bytes"].as_u64().unwrap(),
            figures["heap_peak"].as_u64().unwrap(),
        )
    };
    let (before, _) = heap().await;
    assert!((1..8 << 20).contains(&before), "{before}");
    let held = alice.says("!hold-memory 10").await.expect_reply().await;
    assert_eq!(held.content(), "holds 10485760 bytes");
    let (during, _) = heap().await;
    assert!((10 << 20..12 << 20).contains(&(during - before)), "{before} {during}");
    alice.says("!hold-memory 0").await.expect_reply().await;
    let (after, peak) = heap().await;
    assert!(after < before + (1 << 20), "{before} {after}");
    assert!(peak >= during, "{peak} {during}");
    bot.stop().await;
}
