//! Plugins call each other: what fails is told with its remedy, what is replaced is waited for, and nothing is counted
//! twice or lost on the way.

use std::fs;

use sandbox::{Person, Said};
use serde_json::json;
use tokio::time::timeout;

use crate::{
    harness::{PATIENCE, World, compiled, file_name, patched},
    replacement::{exclusive, revision},
};

/// The name of the fixture's plugin and of its command; the other ones differ in the last digit.
const RELAY: &str = "relay-00000000000000000000000001";
/// How many of them there are.
const RELAYS: u32 = 5;
const HOLD: &str = "is being replaced: what is meant for it waits";

/// The fixture under another name: its bytes lie in one piece wherever they are.
fn relay(number: u32) -> Vec<u8> {
    let mut bytes = compiled("relay");
    let (was, becomes) = (&RELAY.as_bytes()[16..], format!("{number:016}"));
    let mut found = 0;
    for at in 0..bytes.len() - was.len() {
        if &bytes[at..at + was.len()] == was {
            bytes[at..at + was.len()].copy_from_slice(becomes.as_bytes());
            found += 1;
        }
    }
    assert!(found >= 2, "the name is in the manifest and in the code");
    bytes
}

async fn relayed(alice: &Person, what: &str) -> Said {
    alice.says(&format!("!{RELAY} {what}")).await
}

async fn told(said: &Said) -> String {
    said.expect_reply().await.content().to_owned()
}

/// Without the code of the incident, which is another one each time.
fn without_code(text: &str) -> String {
    match text.split_once("`errors ") {
        Some((before, after)) => format!("{before}`errors CODE{}", after.trim_start_matches(|c: char| c != '`')),
        None => text.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_in_which_a_call_fails_is_told_with_what_to_do() {
    let world = World::new().await;
    world.drop_plugin("tally");
    world.drop_plugin("relay");
    let bot = world.start().await;
    let alice = world.person("alice");
    let mut texts = Vec::new();
    for what in [
        "add",
        "undeclared",
        "absent",
        "missing",
        "wrong-request",
        "wrong-answer",
        "refuses",
        "fails",
        "panics",
        "slow",
        "circle",
    ] {
        let text = told(&relayed(&alice, what).await).await;
        texts.push(format!("{what}: {}", without_code(&text)));
    }
    insta::assert_snapshot!(texts.join("\n"));
    // What went wrong in a service is an incident of its plugin, and the plugin goes on.
    let line = bot.logs("a service panicked: the abacus is on fire").await;
    assert!(line.contains("tally"), "{line}");
    assert_eq!(told(&relayed(&alice, "add").await).await, "2");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_along_a_chain_of_calls_is_one_incident_of_where_it_came_up() {
    let world = World::new().await;
    world.drop_plugin("tally");
    world.drop_plugin("relay");
    let bot = world.start().await;
    // The command calls tally, which calls relay, which calls tally, which fails.
    let text = told(&relayed(&world.person("alice"), "by-way").await).await;
    let (_, code) = text.split_once("Code `").expect("a code");
    let code = code.split('`').next().unwrap().to_owned();
    let card = |asked: String| {
        let owner = world.owner();
        async move { owner.says(&asked).await.expect_reply().await.json()["embeds"].to_string() }
    };
    let story = card(format!("!errors {code}")).await;
    assert!(
        story.contains("the abacus is broken") && story.contains("tally"),
        "{story}"
    );
    let all = card("!errors".to_owned()).await;
    assert!(all.contains("Errors (1)"), "{all}");
    let log = bot.stop().await;
    assert_eq!(
        log.matches("a service failed since one that it called did").count(),
        2,
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_function_that_calls_a_service_is_told_where_to_call_it() {
    let world = World::new().await;
    world.drop_plugin("tally");
    world.drop_file(&file_name("stress"), &patched(&compiled("stress"), "START", 6));
    let bot = world.start().await;
    let line = bot.logs("its start function failed").await;
    assert!(
        line.contains("can't be called by `#[start]`") && line.contains("`ctx.spawn`"),
        "{line}"
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_back_into_a_plugin_that_is_being_replaced_holds_up_nothing() {
    let world = World::new().await;
    let gate = world.root().join("goes-on");
    world.configure(&json!({ "plugins": { "tally": { "goes_on_with": gate } } }));
    world.drop_plugin("tally");
    world.drop_plugin("relay");
    let bot = world.start().await;
    let alice = world.person("alice");
    // tally works for relay, and will call it, and be called by it.
    let around = relayed(&alice, "around").await;
    bot.logs("goes around").await;
    world.drop_file(&file_name("tally"), &revision(&compiled("tally"), 1));
    bot.logs(HOLD).await;
    // What is asked now waits for the newer one.
    let later = relayed(&alice, "add").await;
    fs::write(gate, "").unwrap();
    assert_eq!(
        told(&around).await,
        "1",
        "counted by the older one, which ends after that"
    );
    assert_eq!(
        told(&later).await,
        "2",
        "counted by the newer one, which was handed the count"
    );
    bot.stop().await;
}

/// tally is replaced while it is used by commands, by five plugins' commands and by five plugins' handlers of events.
async fn replaced_under_load(original: Vec<u8>, replacements: u32) {
    let world = World::under_load().await;
    world.configure(&json!({ "discord": { "global_requests_per_second": 5000 } }));
    world.drop_file(&file_name("tally"), &original);
    for number in 1..=RELAYS {
        world.drop_file(&file_name(&format!("relay{number}")), &relay(number));
    }
    let bot = world.start().await;
    let (alice, bob, carol) = (world.person("alice"), world.person("bob"), world.person("carol"));
    let (mut direct, mut relayed, mut messages) = (Vec::new(), Vec::new(), 0_u64);
    for number in 1..=replacements {
        let mut newer = Some(revision(&original, number));
        for round in 0..4 {
            direct.push(alice.says("!tally").await);
            direct.push(alice.says("!tally").await);
            for relay in 1..=RELAYS {
                relayed.push(bob.says(&format!("!relay-{relay:026} add")).await);
            }
            carol.says("count me").await;
            messages += 1;
            if round == 1
                && let Some(newer) = newer.take()
            {
                world.drop_file(&file_name("tally"), &newer);
            }
        }
        bot.logs(&format!("generation={} took", number + 1)).await;
    }
    // In the order in which they were asked, so are they counted; and each once.
    let mut last = 0;
    for said in &direct {
        let text = told(said).await;
        let count: u64 = text.split(' ').next().unwrap().parse().unwrap();
        assert!(count > last, "{count} behind {last}");
        last = count;
    }
    let mut counts: Vec<u64> = Vec::new();
    for said in &relayed {
        let text = told(said).await;
        counts.push(text.parse().unwrap_or_else(|_| panic!("{text}")));
    }
    counts.sort_unstable();
    counts.dedup();
    assert_eq!(counts.len(), relayed.len(), "each was counted by itself");
    // Handlers of events are answered by nobody: the count is exact when the last of them has ended, and stays so.
    let mut expected = (direct.len() + relayed.len()) as u64 + messages * u64::from(RELAYS);
    let exact = async {
        loop {
            expected += 1;
            let text = told(&alice.says("!tally").await).await;
            let count: u64 = text.split(' ').next().unwrap().parse().unwrap();
            assert!(count <= expected, "{count}, and only {expected} were asked for");
            if count == expected {
                return;
            }
        }
    };
    let counted = timeout(PATIENCE, exact).await;
    assert!(counted.is_ok(), "something was lost: {:?}", bot.lines_with("failed"));
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_replacements_under_load_lose_no_call_and_count_none_twice() {
    replaced_under_load(compiled("tally"), 30).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exclusive_replacements_under_load_lose_no_call_and_count_none_twice() {
    replaced_under_load(exclusive(&compiled("tally")), 5).await;
}
