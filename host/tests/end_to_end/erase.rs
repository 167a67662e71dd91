//! Erasing somebody over all plugins: the owner is asked first, every plugin is asked, and what became of it is told.

use sandbox::Person;

use crate::harness::World;

async fn told(person: &Person, text: &str) -> String {
    person.says(text).await.expect_reply().await.content().to_owned()
}

/// What the owner is shown who erases somebody and says yes.
pub async fn erase(owner: &Person, who: &str) -> String {
    let question = owner.says(&format!("!erase {who}")).await.expect_reply().await;
    let title = question.embeds()[0]["title"].as_str().unwrap_or_default().to_owned();
    assert_eq!(title, format!("Erase {who}?"));
    let done = owner.clicks(&question, "Erase").await.expect_update().await;
    assert!(done.components().is_empty(), "once");
    let card = &done.embeds()[0];
    format!(
        "{}\n{}",
        card["title"].as_str().unwrap_or_default(),
        card["description"].as_str().unwrap_or_default()
    )
}

/// How many rows of a plugin's own database.
fn rows(world: &World, plugin: &str, sql: &str) -> i64 {
    let file = world.root().join("data/plugins").join(plugin).join("plugin.db");
    let database = rusqlite::Connection::open(file).unwrap();
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_plugins_are_asked_and_one_that_fails_holds_up_no_other() {
    let world = World::new().await;
    for plugin in ["fun", "stress", "keeper"] {
        world.drop_plugin(plugin);
    }
    let bot = world.start().await;
    // The probe knows who has tables and no way to erase, and says so.
    let line = bot.logs("has no #[erase]").await;
    assert!(line.contains("keeper"), "{line}");
    let owner = world.owner();
    // The fixture fails for odd numbers: two people, one of each kind.
    let people: Vec<_> = (0..16).map(|number| world.person(&format!("person{number}"))).collect();
    let of_kind = |odd: bool| {
        let digit = |person: &&Person| {
            person
                .id()
                .to_string()
                .bytes()
                .last()
                .is_some_and(|digit| (digit - b'0') % 2 == u8::from(odd))
        };
        people.iter().find(digit).expect("some of each kind")
    };
    let (fails, works) = (of_kind(true), of_kind(false));
    let poll = owner.says("!poll Pizza? Yes No").await.expect_reply().await;
    for person in [fails, works] {
        person.clicks(&poll, "Yes").await.expect_update().await;
        told(person, "!remind 1h tea").await;
        told(person, "!later 1h tea").await;
        told(person, "!key set user a 1").await;
    }
    let cancelled = owner
        .says(&format!("!erase user {}", works.id()))
        .await
        .expect_reply()
        .await;
    let answer = owner.clicks(&cancelled, "Cancel").await.expect_update().await;
    assert_eq!(answer.content(), "Cancelled.");
    assert_eq!(
        rows(&world, "fun", "SELECT count(*) FROM votes"),
        2,
        "nothing has happened"
    );

    let shown = erase(&owner, &format!("user {}", works.id())).await;
    assert!(
        shown.starts_with(&format!("Not all of user {} is erased", works.id())),
        "{shown}"
    );
    assert!(
        shown.contains("**fun** has erased what it kept; 1 timer deleted"),
        "{shown}"
    );
    assert!(
        shown.contains("**stress** has erased what it kept; 1 timer deleted"),
        "{shown}"
    );
    assert!(
        shown.contains("**keeper** has a database or files, and no way to erase: ask its author; 1 value deleted"),
        "{shown}"
    );
    assert_eq!(rows(&world, "fun", "SELECT count(*) FROM votes"), 1);
    let shown = erase(&owner, &format!("user {}", fails.id())).await;
    assert!(
        shown.contains("**stress** failed: the stress plugin was asked to fail") && shown.contains("Try again"),
        "{shown}"
    );
    assert!(shown.contains("**fun** has erased what it kept"), "{shown}");
    assert_eq!(rows(&world, "fun", "SELECT count(*) FROM votes"), 0);
    for person in [fails, works] {
        assert_eq!(told(person, "!later-list").await, "0 of mine:");
        assert_eq!(told(person, "!key get user a").await, "null");
    }
    // And it is known who did that.
    let database = rusqlite::Connection::open(world.root().join("data/bot.db")).unwrap();
    let trail = "SELECT count(*) FROM audit_trail WHERE action = 'data.erase' AND outcome = 'done'";
    let noted: i64 = database.query_row(trail, [], |row| row.get(0)).unwrap();
    assert_eq!(noted, 2);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_plugin_that_does_not_run_the_host_erases_its_own_part_and_says_what_is_left() {
    let world = World::new().await;
    for plugin in ["fun", "keeper"] {
        world.drop_plugin(plugin);
    }
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    let poll = owner.says("!poll Pizza? Yes No").await.expect_reply().await;
    alice.clicks(&poll, "Yes").await.expect_update().await;
    told(&alice, "!remind 1h tea").await;
    told(&alice, "!key set user a 1").await;
    for plugin in ["fun", "keeper"] {
        told(&owner, &format!("!unload {plugin}")).await;
    }
    let who = format!("user {}", alice.id());
    let shown = erase(&owner, &who).await;
    let left = "has a database or files, and does not run: `load` it and erase again";
    assert!(shown.contains(&format!("**fun** {left}; 1 timer deleted")), "{shown}");
    assert!(
        shown.contains(&format!("**keeper** {left}; 1 value deleted")),
        "{shown}"
    );
    assert_eq!(rows(&world, "fun", "SELECT count(*) FROM votes"), 1);
    // As it says.
    told(&owner, "!load fun").await;
    let shown = erase(&owner, &who).await;
    assert!(shown.contains("**fun** has erased what it kept"), "{shown}");
    assert_eq!(rows(&world, "fun", "SELECT count(*) FROM votes"), 0);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugins_card_says_what_it_runs_by_time_and_that_it_can_erase_nobody() {
    let world = World::new().await;
    world.drop_plugin("stress");
    world.drop_plugin("keeper");
    let bot = world.start().await;
    let owner = world.owner();
    told(&owner, "!later 1h tea").await;
    let card = owner.says("!plugininfo stress").await.expect_reply().await;
    let shown = card.embeds()[0].to_string();
    assert!(
        shown.contains("`hourly` every 1h") && shown.contains("1 timer that runs once"),
        "{shown}"
    );
    assert!(!shown.contains("Erasing"), "{shown}");
    let card = owner.says("!plugininfo keeper").await.expect_reply().await;
    assert!(card.embeds()[0].to_string().contains("has no way to erase anybody"));
    bot.stop().await;
}
