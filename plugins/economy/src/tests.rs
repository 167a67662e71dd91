//! Economy as people use it, over a reload: an example of the test kit.
//!
//! By the front door only: what people say, and what they are answered.

use plugin_testing::{TestBot, json};

#[tokio::test]
async fn coins_change_hands_and_none_appear() {
    let bot = TestBot::with_plugin("economy").await;
    let (owner, alice) = (bot.owner(), bot.member("alice"));
    owner
        .says("!grant @alice 10")
        .await
        .expect_text("@alice has got 10 coins.");
    alice
        .says("!pay @bob 4")
        .await
        .expect_text("@bob has got 4 coins of you.");
    alice
        .says("!pay @bob 7")
        .await
        .expect_text("There are not enough coins");
    alice.says("!pay @alice 1").await.expect_text("You can't pay yourself.");
    bot.reload("economy");
    alice.says("!balance").await.expect_text("@alice has 6 coins.");
    let asked = alice.slash("balance", json!({ "user": "@bob" })).await;
    asked.expect_text("@bob has 4 coins.");
}

#[tokio::test]
async fn only_the_owner_makes_coins() {
    let bot = TestBot::with_plugin("economy").await;
    let alice = bot.member("alice").role("Moderator");
    let refusal = alice.says("!grant @alice 10").await.expect_reply();
    assert!(!refusal.text().contains("has got"), "{}", refusal.text());
    alice.says("!balance").await.expect_text("@alice has 0 coins.");
}
