//! The bundled plugin `fun`, as people use it: polls that close, reminders that come, dice, and no pings by what people
//! write.

use sandbox::{Message, Person, RestFault};
use serde_json::json;

use crate::harness::World;

async fn told(person: &Person, text: &str) -> String {
    person.says(text).await.expect_reply().await.content().to_owned()
}

/// What a poll shows.
fn shown(poll: &Message) -> String {
    let card = &poll.embeds()[0];
    let text = card["description"].as_str().unwrap_or_default();
    format!("{}\n{}", card["title"].as_str().unwrap_or_default(), text)
}

/// Makes a row as if its time had come while the bot was off.
fn let_time_pass(world: &World, file: &str, sql: &str) {
    let file = world.root().join("data").join(file);
    let database = rusqlite::Connection::open(file).unwrap();
    assert_eq!(database.execute(sql, []).unwrap(), 1, "{sql}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_counts_one_vote_a_person_over_reloads_and_restarts_and_closes() {
    let world = World::new().await;
    world.drop_plugin("fun");
    let bot = world.start().await;
    let (alice, bob, owner) = (world.person("alice"), world.person("bob"), world.owner());
    let asked = alice
        .says("!poll \"Which day, @everyone?\" Friday \"Next week\" --lasts 2h")
        .await
        .expect_reply()
        .await;
    assert!(
        shown(&asked).starts_with("Which day, @everyone?\n**Friday**\n 0 (0 %)"),
        "{}",
        shown(&asked)
    );
    // Everybody votes; who votes again changes theirs.
    bob.clicks(&asked, "Friday").await.expect_update().await;
    let poll = alice.clicks(&asked, "Next week").await.expect_update().await;
    assert!(shown(&poll).contains("**Friday**\n██████ 1 (50 %)"), "{}", shown(&poll));
    told(&owner, "!reload fun").await;
    let poll = bob.clicks(&asked, "Next week").await.expect_update().await;
    assert!(
        shown(&poll).contains("**Next week**\n████████████ 2 (100 %)"),
        "{}",
        shown(&poll)
    );
    bot.stop().await;
    let bot = world.start().await;
    let poll = bob.clicks(&asked, "Friday").await.expect_update().await;
    assert!(shown(&poll).contains("1 (50 %)"), "{}", shown(&poll));
    bot.stop().await;

    let_time_pass(
        &world,
        "plugins/fun/plugin.db",
        "UPDATE polls SET ends = unixepoch() - 60",
    );
    let_time_pass(&world, "bot.db", "UPDATE timers SET due_at = 1000 WHERE plugin = 'fun'");
    let open = asked.refresh().unwrap();
    let bot = world.start().await;
    let closed = loop {
        let now = open.refresh().unwrap();
        if shown(&now).contains("Ended <t:") {
            break now;
        }
        now.expect_edit().await;
    };
    assert!(closed.components().is_empty(), "nobody votes any more");
    assert!(
        shown(&closed).contains("**Friday**\n██████ 1 (50 %)"),
        "{}",
        shown(&closed)
    );
    // Who still sees the button is told.
    let short = alice.says("!poll Now? Yes No --lasts 1s").await.expect_reply().await;
    let ended = short.expect_edit().await;
    assert!(shown(&ended).contains("Ended <t:"), "{}", shown(&ended));

    for text in ["!poll Alone?", "!poll Which? one", "!poll Which? a b c d e f g h i j k"] {
        let refused = told(&alice, text).await;
        assert!(refused.starts_with("A poll has 2 to 10 answers"), "{refused}");
    }
    assert_eq!(
        told(&alice, "!poll Which? a b --lasts 31d").await,
        "A poll lasts up to 30 days."
    );
    world
        .sandbox
        .expect_commands(|names| names.contains(&"poll".to_owned()))
        .await;
    let options = [("question", json!("By slash?")), ("options", json!("yes \"not now\""))];
    let asked = alice.slash("poll", &options).await.expect_reply().await;
    let poll = bob.clicks(&asked, "not now").await.expect_update().await;
    assert!(
        shown(&poll).contains("**not now**\n████████████ 1 (100 %)"),
        "{}",
        shown(&poll)
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reminders_come_after_a_restart_and_ping_nobody_but_who_asked() {
    let world = World::new().await;
    world.drop_plugin("fun");
    let bot = world.start().await;
    let alice = world.person("alice");
    let kept = told(&alice, "!remind 1h @everyone tea").await;
    assert!(kept.starts_with("I'll remind you <t:"), "{kept}");
    bot.stop().await;
    let_time_pass(&world, "bot.db", "UPDATE timers SET due_at = 1000");
    // While Discord takes nothing, it is kept.
    let fault = RestFault::status(503).on("POST", "/channels/{channel_id}/messages");
    world.sandbox.fail_rest(fault);
    let bot = world.start().await;
    bot.logs("it is tried again in 60s").await;
    bot.stop().await;
    let_time_pass(&world, "bot.db", "UPDATE timers SET due_at = 1000");
    let mut seen = world.sandbox.watch();
    let bot = world.start().await;
    let expected = format!("{}, you wanted to be reminded: @everyone tea", alice.mention());
    let reminder = seen.next().await.expect("a reminder comes");
    assert_eq!(reminder.content(), expected);
    assert_eq!(reminder.mentions(), [alice.id()]);
    assert_eq!(reminder.json()["mention_everyone"], false);

    // Once, and one that is due soon without any restart.
    alice.says("!remind 1s now").await.expect_reply().await;
    let soon = loop {
        let message = seen.next().await.expect("a reminder comes");
        if message.content().contains("wanted to be reminded") {
            break message;
        }
    };
    assert!(soon.content().ends_with("reminded: now"), "{}", soon.content());
    let refused = told(&alice, "!remind 400d far").await;
    assert!(refused.contains("up to a year ahead"), "{refused}");
    let wrong = told(&alice, "!remind soon tea").await;
    assert!(wrong.contains("`time` wants a length of time"), "{wrong}");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dice_and_chance_answer_and_say_what_they_want() {
    let world = World::new().await;
    world.drop_plugin("fun");
    let bot = world.start().await;
    let alice = world.person("alice");
    let rolled = told(&alice, "!roll 2D6+3").await;
    let (all, sum) = rolled.split_once(" = ").unwrap();
    let all: Vec<u32> = all.split(" + ").map(|one| one.parse().unwrap()).collect();
    assert!(
        all.len() == 3 && all[2] == 3 && all[..2].iter().all(|die| (1..=6).contains(die)),
        "{rolled}"
    );
    assert_eq!(sum, format!("**{}**", all.iter().sum::<u32>()));
    let one = told(&alice, "!roll").await;
    assert!((1..=6).any(|side| one == format!("{side} = **{side}**")), "{one}");
    let less = told(&alice, "!roll 1d2-5").await;
    assert!(["1 - 5 = **-4**", "2 - 5 = **-3**"].contains(&&*less), "{less}");
    for text in ["0d6", "101d6", "1d1", "2d1001", "2d6+9999999"] {
        let refused = told(&alice, &format!("!roll {text}")).await;
        assert!(
            refused.starts_with("I have up to 100 dice, of 2 to 1000 sides"),
            "{refused}"
        );
    }
    for text in ["dice", "2d", "d", "2d6+", "d99999999999"] {
        let wrong = told(&alice, &format!("!roll {text}")).await;
        assert!(
            wrong.starts_with("`dice` wants dice such as `d20` or `2d6+3`"),
            "{wrong}"
        );
    }
    assert!(["Heads.", "Tails."].contains(&&*told(&alice, "!coin").await));
    let ball = alice.says("!8ball will @everyone come?").await.expect_reply().await;
    assert!(
        ball.content().starts_with("🎱 will @everyone come?\n**"),
        "{}",
        ball.content()
    );
    assert_eq!(ball.json()["mention_everyone"], false);
    let chosen = told(&alice, "!choose tea \"hot chocolate\"").await;
    assert!(
        ["I choose **tea**.", "I choose **hot chocolate**."].contains(&&*chosen),
        "{chosen}"
    );
    assert!(told(&alice, "!choose tea").await.starts_with("Name at least two"));
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_versions_before_kept_in_tables_is_taken_over_once() {
    let world = World::new().await;
    world.drop_plugin("fun");
    let bot = world.start().await;
    let alice = world.person("alice");
    assert!(told(&alice, "!choose tea coffee").await.starts_with("I choose"));
    bot.stop().await;
    for (text, due) in [("tea", "unixepoch() - 60"), ("exam", "unixepoch() + 3600")] {
        let (user, channel) = (alice.id(), world.channel().id());
        let sql =
            format!("INSERT INTO reminders (user, channel, text, due) VALUES ({user}, {channel}, '{text}', {due})");
        let_time_pass(&world, "plugins/fun/plugin.db", &sql);
    }
    let mut seen = world.sandbox.watch();
    let bot = world.start().await;
    let reminder = seen.next().await.expect("a reminder comes");
    assert_eq!(
        reminder.content(),
        format!("{}, you wanted to be reminded: tea", alice.mention())
    );
    bot.stop().await;
    // The other waits as a timer, and nothing is left in the table.
    let_time_pass(&world, "bot.db", "UPDATE timers SET due_at = 1000 WHERE plugin = 'fun'");
    let bot = world.start().await;
    let reminder = seen.next().await.expect("the other one comes");
    assert!(reminder.content().ends_with("reminded: exam"), "{}", reminder.content());
    bot.stop().await;
}
