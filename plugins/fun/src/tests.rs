//! Fun as people use it, with time under control: an example of the test kit.
//!
//! By the front door only: what people say, and what they are answered.

use std::time::Duration;

use plugin_testing::TestBot;

#[tokio::test]
async fn a_reminder_comes_when_its_time_has_passed() {
    let bot = TestBot::with_plugin("fun").await;
    let general = bot.channel("general");
    bot.member("alice")
        .says("!remind 2h tea")
        .await
        .expect_text("I'll remind you");
    bot.advance(Duration::from_secs(3600));
    assert!(!general.conversation().contains("wanted to be reminded"));
    bot.restart();
    bot.advance(Duration::from_secs(3601));
    general.expect_text("@alice, you wanted to be reminded: tea");
}

#[tokio::test]
async fn everybody_has_one_vote_until_the_poll_ends() {
    let bot = TestBot::with_plugin("fun").await;
    let (alice, bob) = (bot.member("alice"), bot.member("bob"));
    let poll = alice
        .says("!poll --lasts 1h Day? Friday Sunday")
        .await
        .expect_embed("Day?");
    alice.clicks(&poll, "Friday").await.expect_update();
    let poll = bob.clicks(&poll, "Friday").await.expect_update();
    let poll = bob.clicks(&poll, "Sunday").await.expect_update();
    assert!(poll.text().contains("Votes: 2"), "{}", poll.text());
    bot.advance(Duration::from_secs(3601));
    let closed = poll.expect_edit();
    assert!(closed.text().contains("Ended"), "{}", closed.text());
}
