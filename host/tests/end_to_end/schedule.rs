//! What runs by time: kept over reloads and restarts, listed and ordered by the owner, once each.
//!
//! Times are moved where they are written down, while the bot is off: no test waits for one.

use sandbox::Person;

use crate::harness::World;

async fn told(person: &Person, text: &str) -> String {
    person.says(text).await.expect_reply().await.content().to_owned()
}

/// What `timers` shows.
async fn shown(owner: &Person, text: &str) -> String {
    let reply = owner.says(text).await.expect_reply().await;
    reply.embeds()[0]["description"].as_str().unwrap_or_default().to_owned()
}

/// Changes what is written down of timers, as if time had passed while the bot was off.
fn let_time_pass(world: &World, sql: &str) -> usize {
    let database = rusqlite::Connection::open(world.root().join("data/bot.db")).unwrap();
    database.execute(sql, []).unwrap()
}

/// The number of the timer of a function, as `timers` shows it.
fn number_of(shown: &str, function: &str) -> String {
    let line = shown.lines().find(|line| line.contains(&format!("`{function}`")));
    let line = line.unwrap_or_else(|| panic!("{function} is not in {shown}"));
    line.split('`').nth(1).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_off_timers_outlive_reloads_and_restarts_and_run_once() {
    let world = World::new().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    let set = told(&alice, "!later 1h tea").await;
    assert!(set.starts_with("timer "), "{set}");
    told(&alice, "!later 1h poll=first").await;
    told(&alice, "!later 2h poll=second").await;
    let waiting = told(&alice, "!later-list").await;
    assert!(
        waiting.starts_with("2 of mine") && waiting.contains("tea") && waiting.contains("second"),
        "{waiting}"
    );
    told(&owner, "!reload stress").await;
    assert_eq!(told(&alice, "!later-list").await, waiting);
    assert_eq!(told(&alice, "!later-list poll").await, "true");
    assert_eq!(told(&alice, "!later-list poll").await, "false");
    // Kept while its plugin is not there.
    told(&owner, "!unload stress").await;
    let listed = shown(&owner, "!timers stress").await;
    assert!(listed.contains("but its plugin does not run"), "{listed}");
    bot.stop().await;

    assert_eq!(
        let_time_pass(&world, "UPDATE timers SET due_at = 1000 WHERE rule IS NULL"),
        1
    );
    let bot = world.start().await;
    let mut seen = world.sandbox.watch();
    told(&owner, "!load stress").await;
    let late = loop {
        let message = seen.next().await.expect("it runs late");
        if message.content().starts_with("later: ") {
            break message;
        }
    };
    assert_eq!(late.content(), "later: tea (1)");
    assert_eq!(told(&alice, "!later-list").await, "0 of mine:");
    bot.stop().await;
    let bot = world.start().await;
    // What is due at once shows that nothing else was.
    told(&alice, "!later 0s now").await;
    bot.logs("told 2").await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_timer_runs_exactly_once_over_twenty_reloads() {
    let world = World::under_load().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    for _ in 0..20 {
        let set = alice.says("!later-many 25").await;
        told(&owner, "!reload stress").await;
        assert_eq!(set.expect_reply().await.content(), "25 set");
    }
    bot.logs("told 500").await;
    // One more is the next one: none ran twice.
    told(&alice, "!later 0s last of all").await;
    bot.logs("told 501").await;
    let of_the_plugin = bot
        .lines_with("told ")
        .into_iter()
        .filter(|line| line.contains("plugin::stress"));
    assert_eq!(of_the_plugin.count(), 501);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_make_up_for_what_was_missed_and_a_pause_holds() {
    let world = World::new().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    let owner = world.owner();
    let listed = shown(&owner, "!timers stress").await;
    assert!(
        listed.contains("every 1h") && listed.contains("0 4 * * * (Europe/Berlin)"),
        "{listed}"
    );
    let (hourly, nightly) = (number_of(&listed, "hourly"), number_of(&listed, "nightly"));
    // By hand, at once.
    let begun = told(&owner, &format!("!timers run {hourly}")).await;
    assert!(begun.contains("is begun"), "{begun}");
    bot.logs("the hourly timer runs").await;
    assert!(told(&owner, "!timers run 999").await.contains("There is no timer 999"));
    assert!(told(&owner, "!timers run").await.contains("Which one?"));
    assert!(
        told(&owner, &format!("!timers cancel {hourly}"))
            .await
            .contains("timers pause")
    );
    // Nobody else sees or changes anything.
    let stranger = world.person("bob").says("!timers").await.expect_reply().await;
    assert!(stranger.embeds().is_empty(), "{}", stranger.content());
    bot.stop().await;

    // Five hours and a half without the bot, and a night.
    let passed = "UPDATE timers SET due_at = (unixepoch() - 5 * 3600 - 1800) * 1000 WHERE name = 'hourly'";
    assert_eq!(let_time_pass(&world, passed), 1);
    let passed = "UPDATE timers SET due_at = (unixepoch() - 3600) * 1000 WHERE name = 'nightly'";
    assert_eq!(let_time_pass(&world, passed), 1);
    let bot = world.start().await;
    let line = bot.logs("the hourly timer runs").await;
    assert!(
        line.contains("missed=5") && line.contains("runs=2"),
        "one for all of them: {line}"
    );
    // The other says that late is never.
    let paused = told(&owner, &format!("!timers pause {hourly}")).await;
    assert!(paused.contains("is paused"), "{paused}");
    let listed = shown(&owner, "!timers stress").await;
    assert!(listed.contains("paused"), "{listed}");
    // Once, or twice if it is just behind its hour.
    let line = listed.lines().find(|line| line.contains("`nightly`"));
    assert!(line.is_some_and(|line| line.contains(" missed")), "{listed}");
    assert!(bot.lines_with("the nightly timer runs").is_empty());
    bot.stop().await;

    let_time_pass(&world, "UPDATE timers SET due_at = 1000 WHERE name = 'hourly'");
    let bot = world.start().await;
    let listed = shown(&owner, "!timers").await;
    assert!(listed.contains("paused"), "also after a restart: {listed}");
    told(&owner, &format!("!timers resume {hourly}")).await;
    told(&owner, &format!("!timers run {nightly}")).await;
    bot.logs("the nightly timer runs").await;
    assert!(
        bot.lines_with("the hourly timer runs").is_empty(),
        "a pause misses nothing"
    );
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_that_goes_wrong_is_an_incident_and_over() {
    let world = World::new().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    told(&alice, "!later 0s fail").await;
    let line = bot.logs("a timer failed").await;
    assert!(
        line.contains("asked to fail later") && line.contains("tell_later"),
        "{line}"
    );
    told(&alice, "!later 0s panic").await;
    bot.logs("a timer panicked").await;
    let mut seen = world.sandbox.watch();
    told(&alice, "!later 0s fine").await;
    while seen.next().await.expect("it is told").content() != "later: fine (1)" {}
    assert_eq!(told(&alice, "!later-list").await, "0 of mine:");
    let errors = shown(&owner, "!errors").await;
    assert!(errors.contains("its timer `tell_later` failed"), "{errors}");
    bot.stop().await;
}
