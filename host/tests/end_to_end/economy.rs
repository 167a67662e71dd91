//! The examples `economy` and `shop`: what is bought is paid once, whatever happens to either plugin meanwhile.

use sandbox::Person;
use serde_json::json;

use crate::{
    forging::plugin,
    harness::{Bot, World, compiled, file_name},
    replacement::exclusive,
};

async fn says(person: &Person, text: &str) -> String {
    person.says(text).await.expect_reply().await.content().to_owned()
}

/// A bot with both plugins, and somebody who has so many coins.
async fn market(coins: u32) -> (World, Bot, Person) {
    let world = World::under_load().await;
    world.configure(&json!({ "discord": { "global_requests_per_second": 5000 } }));
    world.drop_plugin("economy");
    world.drop_plugin("shop");
    let bot = world.start().await;
    let alice = world.person("alice");
    if coins > 0 {
        let granted = says(&world.owner(), &format!("!grant {} {coins}", alice.mention())).await;
        assert!(granted.ends_with(&format!("has got {coins} coins.")), "{granted}");
    }
    (world, bot, alice)
}

#[tokio::test(flavor = "multi_thread")]
async fn things_are_bought_by_prefix_and_by_slash() {
    let (world, bot, alice) = market(25).await;
    assert_eq!(
        says(&alice, "!buy apple").await,
        "Here is your apple. You have 23 coins left."
    );
    world
        .sandbox
        .expect_commands(|names| names.contains(&"buy".to_owned()))
        .await;
    let book = alice
        .slash("buy", &[("item", json!("Book"))])
        .await
        .expect_reply()
        .await;
    assert_eq!(book.content(), "Here is your book. You have 3 coins left.");
    assert_eq!(says(&alice, "!buy crown").await, "There are not enough coins for that.");
    assert_eq!(says(&alice, "!bought").await, "1 \u{d7} apple\n1 \u{d7} book");
    let bob = world.person("bob");
    assert!(
        says(&alice, &format!("!pay {} 3", bob.mention()))
            .await
            .ends_with("has got 3 coins of you.")
    );
    assert!(says(&bob, "!balance").await.ends_with("has 3 coins."));
    assert!(says(&alice, "!balance").await.ends_with("has 0 coins."));
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_economy_is_replaced_while_the_shop_sells_and_no_coin_is_lost() {
    const REPLACEMENTS: u32 = 10;
    let (world, bot, alice) = market(10_000).await;
    // In turn beside the older one, and in its place.
    let beside = compiled("economy");
    let alone = exclusive(&beside);
    let mut orders = Vec::new();
    for number in 1..=REPLACEMENTS {
        let mut newer = if number % 2 == 0 { beside.clone() } else { alone.clone() };
        newer.extend(format!("version {number}").bytes());
        for order in 0..12 {
            orders.push(alice.says("!buy apple").await);
            if order == 5 {
                world.drop_file(&file_name("economy"), &newer);
            }
        }
        bot.logs(&format!("generation={} took", number + 1)).await;
    }
    for order in &orders {
        let answer = order.expect_reply().await;
        assert!(
            answer.content().starts_with("Here is your apple."),
            "{}",
            answer.content()
        );
    }
    let sold = orders.len();
    assert_eq!(says(&alice, "!bought").await, format!("{sold} \u{d7} apple"));
    let left = format!("has {} coins.", 10_000 - 2 * sold);
    assert!(says(&alice, "!balance").await.ends_with(&left), "{left}");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_needed_is_not_unloaded_and_what_does_not_fit_is_refused_until_it_does() {
    let (world, bot, alice) = market(10).await;
    let owner = world.owner();
    let kept = says(&owner, "!unload economy").await;
    assert!(kept.contains("shop"), "{kept}");
    assert!(
        says(&alice, "!buy apple").await.starts_with("Here is your apple."),
        "both still run"
    );
    world.remove_plugin("shop");
    bot.logs("unloaded").await;
    let gone = says(&owner, "!unload economy").await;
    assert!(!gone.contains("shop"), "nobody needs it any more: {gone}");
    bot.stop().await;

    let world = World::new().await;
    world.drop_file(
        &file_name("economy"),
        &plugin("economy", "1.1.0", &json!({}), &["balance"]),
    );
    world.drop_plugin("shop");
    let bot = world.start().await;
    let refused = bot.logs("shop").await;
    assert!(refused.contains("economy") && refused.contains(">=1.2"), "{refused}");
    world.drop_plugin("economy");
    // Nothing else is needed for the shop to run.
    bot.logs("plugin=shop version=1.0.0").await;
    let alice = world.person("alice");
    assert_eq!(says(&alice, "!buy apple").await, "There are not enough coins for that.");
    bot.stop().await;
}
