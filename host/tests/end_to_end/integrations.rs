//! What a server's administrators set for commands under Integrations: the same by message, slash command, button, help
//! and `why`, and never other than what Discord itself makes of it.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRng, TestRunner},
};
use sandbox::{Person, RestFault};
use serde_json::json;

use crate::harness::World;

const BAN_MEMBERS: u64 = 1 << 2;
const PERMISSIONS: &str = "/applications/{application_id}/guilds/{guild_id}/commands/permissions";
const UNKNOWN: &str = "Discord doesn't tell me right now who may do what here. Please try again in a moment.";
const GUARDED: &str = "guarded";
const SWITCHED_OFF: &str = "`!warden` is switched off for you here. A server administrator can change this in the server's \
                            settings under Integrations.";

async fn registered(world: &World, name: &str) {
    world
        .sandbox
        .expect_commands(|names| names.contains(&name.to_owned()))
        .await;
    // Once it is reported, the bot knows Discord's ids of its commands.
    world.owner().says("!sync").await.expect_reply().await;
}

async fn told(person: &Person, text: &str) -> String {
    person.says(text).await.expect_reply().await.content().to_owned()
}

/// How often the bot has asked Discord what is set.
fn asked(world: &World) -> usize {
    let log = world.sandbox.rest_log();
    log.iter()
        .filter(|call| call.path.ends_with("/commands/permissions"))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_for_a_plugin_of_one_server_only_counts_there_too() {
    let world = World::new().await;
    let guild = world.sandbox.guild();
    world.configure(&json!({
        "cooldowns": { "default_per": 0 },
        "extensions": { "only_in": { "showcase": [guild.id().to_string()] } },
    }));
    world.drop_plugin("showcase");
    let bot = world.start().await;
    guild
        .expect_commands(|names| names.contains(&"warden".to_owned()))
        .await;
    // Once it is reported, the bot knows Discord's ids of its commands.
    world.owner().says("!sync").await.expect_reply().await;
    let alice = world.person("alice");
    assert_eq!(told(&alice, "!warden").await, "You need *Ban Members* for that.");
    guild.overrides_command("warden", &[(alice.id(), true)]);
    let by_slash = alice.slash("warden", &[]).await.expect_reply().await;
    assert_eq!(by_slash.content(), GUARDED);
    assert_eq!(told(&alice, "!warden").await, GUARDED);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_administrators_set_counts_by_every_door_as_soon_as_it_is_set() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let guild = world.sandbox.guild();
    let bot = world.start().await;
    registered(&world, "warden").await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let moderator = world.person("mia").role("Moderator");
    // Set before anything was asked: nothing was, at the start.
    assert_eq!(asked(&world), 0);
    guild.overrides_command("warden", &[(alice.id(), true)]);
    assert_eq!(told(&alice, "!warden").await, GUARDED);
    assert_eq!(asked(&world), 1);
    let by_slash = alice.slash("warden", &[]).await.expect_reply().await;
    assert_eq!(by_slash.content(), GUARDED);
    assert_eq!(told(&bob, "!warden").await, "You need *Ban Members* for that.");
    let why = alice.says("!why warden").await.expect_reply().await;
    let why = why.embeds()[0]["description"].as_str().unwrap().to_owned();
    assert!(why.contains("administrators allow it under Integrations"), "{why}");
    let card = alice.says("!help warden").await.expect_reply().await;
    assert!(card.embeds()[0].to_string().contains("warden"), "{}", card.content());

    // Against somebody who has what the command requires, everywhere and in one channel.
    guild.overrides_command("warden", &[(guild.role("Moderator").id(), false)]);
    assert_eq!(told(&moderator, "!warden").await, SWITCHED_OFF);
    assert!(moderator.try_slash("warden", &[]).await.is_err());
    assert_eq!(told(&alice, "!warden").await, "You need *Ban Members* for that.");
    let other = guild.add_channel("other");
    guild.overrides_command("warden", &[(other.id(), false)]);
    assert_eq!(told(&moderator, "!warden").await, GUARDED);
    assert_eq!(told(&moderator.in_channel(&other), "!warden").await, SWITCHED_OFF);
    assert_eq!(told(&world.owner().in_channel(&other), "!warden").await, GUARDED);

    // For the application: it refuses, but opens nothing; what is set for the command wins.
    guild.overrides_command("warden", &[]);
    guild.overrides_application(&[(guild.id(), false), (alice.id(), true)]);
    assert_eq!(told(&moderator, "!warden").await, SWITCHED_OFF);
    assert_eq!(told(&alice, "!warden").await, "You need *Ban Members* for that.");
    assert_eq!(told(&alice, "!often").await, "often");
    assert!(told(&bob, "!often").await.starts_with("`!often` is switched off"));
    let hidden = bob.says("!help often").await.expect_reply().await;
    assert!(
        !hidden
            .embeds()
            .iter()
            .any(|card| card.to_string().contains("as often as"))
    );
    let credits = bob.says("!discordbotframework").await.expect_reply().await;
    assert!(!credits.embeds().is_empty(), "nothing hides them");
    guild.overrides_command("warden", &[(alice.id(), true)]);
    assert_eq!(told(&alice, "!warden").await, GUARDED);
    assert_eq!(asked(&world), 1, "events tell what changes");

    // A resumed session tells what was missed.
    bot.stop().await;
    guild.overrides_command("warden", &[]);
    let bot = world.start().await;
    assert_eq!(world.sandbox.resumes(), 1);
    assert_eq!(told(&alice, "!warden").await, "You need *Ban Members* for that.");
    assert!(told(&bob, "!often").await.starts_with("`!often` is switched off"));
    assert_eq!(asked(&world), 1, "what was known is written down");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_asked_anew_when_changes_may_have_been_missed() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let guild = world.sandbox.guild();
    let bot = world.start().await;
    registered(&world, "warden").await;
    let alice = world.person("alice");
    // Where the bot has no application commands, nothing is set.
    world.sandbox.fail_rest(RestFault::status(403).on("GET", PERMISSIONS));
    assert_eq!(told(&alice, "!warden").await, "You need *Ban Members* for that.");
    assert_eq!(told(&alice, "!often").await, "often");
    assert_eq!(asked(&world), 1);

    // Another session doesn't tell what the one before has missed.
    let sessions = world.sandbox.identifies();
    world.sandbox.invalidate_session(false);
    world.sandbox.expect_identifies(sessions + 1).await;
    world.sandbox.expect_online().await;
    assert_eq!(told(&alice, "!warden").await, "You need *Ban Members* for that.");
    assert_eq!(asked(&world), 2);

    // Nor is anything told of a server that the bot is not in.
    guild.goes_down();
    guild.comes_up();
    assert_eq!(told(&alice, "!warden").await, "You need *Ban Members* for that.");
    assert_eq!(asked(&world), 3);

    // What is set while an answer is on its way may be newer than it.
    guild.goes_down();
    guild.comes_up();
    world.sandbox.fail_rest(RestFault::held().on("GET", PERMISSIONS));
    let waits = alice.says("!warden").await;
    world.sandbox.expect_held_rest(1).await;
    guild.overrides_command("warden", &[(alice.id(), true)]);
    // The owner is asked nothing, and waits for no turn; it comes after what was set.
    let by_slash = world.owner().slash("warden", &[]).await.expect_reply().await;
    assert_eq!(by_slash.content(), GUARDED);
    world.sandbox.release_rest();
    waits.expect_reply().await;
    assert_eq!(asked(&world), 4);
    assert_eq!(told(&alice, "!warden").await, GUARDED);
    assert_eq!(asked(&world), 5);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_discord_does_not_tell_refuses_by_every_door_at_once_until_something_is_told() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let guild = world.sandbox.guild();
    let bot = world.start().await;
    registered(&world, "warden").await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let fails = RestFault::status(500).on("GET", PERMISSIONS);
    world.sandbox.fail_rest(fails.until_cleared());
    // One after the other, they would wait twice as long, and ask twice as often.
    let both = [alice.says("!warden").await, bob.says("!often").await];
    for waits in both {
        assert_eq!(waits.expect_reply().await.content(), UNKNOWN);
    }
    let tries = asked(&world);
    assert_eq!(told(&alice, "!often").await, UNKNOWN);
    assert_eq!(told(&alice, "!discordbotframework").await, "");
    assert_eq!(told(&world.owner(), "!warden").await, GUARDED);
    assert_eq!(asked(&world), tries, "a failure stands for a while");
    world.sandbox.clear_rest_faults();
    guild.overrides_command("warden", &[(alice.id(), true)]);
    assert_eq!(told(&alice, "!warden").await, GUARDED);
    assert_eq!(told(&bob, "!often").await, "often");
    assert_eq!(asked(&world), tries + 1);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_of_a_command_that_administrators_have_opened_can_be_pressed() {
    let world = World::new().await;
    world.drop_plugin("moderation");
    let guild = world.sandbox.guild();
    let staff = guild.add_role("Staff").permissions(1 << 10 | 1 << 11);
    let bot = world.start().await;
    registered(&world, "ban").await;
    let (alice, bob) = (world.person("alice").role("Staff"), world.person("bob"));
    guild.overrides_command("ban", &[(alice.id(), true)]);
    let asked = alice
        .slash("ban", &[("user", bob.id().to_string().into())])
        .await
        .expect_reply()
        .await;
    guild.overrides_command("ban", &[(staff.id(), false)]);
    let refused = alice.clicks(&asked, "Ban").await.expect_reply().await;
    assert!(
        refused.content().contains("under Integrations"),
        "{}",
        refused.content()
    );
    assert!(!guild.has_banned(bob.id()));
    guild.overrides_command("ban", &[(alice.id(), true)]);
    alice.clicks(&asked, "Ban").await.expect_update().await;
    assert!(guild.has_banned(bob.id()));
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_discord_offers_is_what_the_bot_allows_whatever_is_set() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let guild = world.sandbox.guild();
    let bot = world.start().await;
    registered(&world, "warden").await;
    let channel = world.channel();
    let moderator = world.person("mia").role("Moderator");
    let (one, other) = (guild.add_role("One"), guild.add_role("Other"));
    let both = world.person("bea").role("One").role("Other");
    let people = [world.person("alice"), moderator, both];
    // By overwrite, one of them has what the command requires.
    channel.overwrite(people[2].id(), BAN_MEMBERS, 0);
    let subjects = vec![
        guild.id(),
        guild.id() - 1,
        channel.id(),
        one.id(),
        other.id(),
        guild.role("Moderator").id(),
        people[0].id(),
        people[1].id(),
        people[2].id(),
    ];
    let lines = prop::collection::btree_map(prop::sample::select(subjects), any::<bool>(), 0..5);
    let cases = (lines.clone(), lines);
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::deterministic_rng(Config::default().rng_algorithm),
    );
    for _ in 0..32 {
        let (command, application) = cases.new_tree(&mut runner).unwrap().current();
        guild.overrides_command("warden", &command.clone().into_iter().collect::<Vec<_>>());
        guild.overrides_application(&application.clone().into_iter().collect::<Vec<_>>());
        for person in &people {
            let is_offered = person.try_slash("warden", &[]).await;
            let is_allowed = told(person, "!warden").await == GUARDED;
            let case = format!("{} {command:?} {application:?}: {is_offered:?}", person.name());
            assert_eq!(is_offered.is_ok(), is_allowed, "{case}");
            if let Ok(used) = is_offered {
                assert_eq!(used.expect_reply().await.content(), GUARDED, "{case}");
            }
            let why = format!("!why warden {}", person.mention());
            let why = world.owner().says(&why).await.expect_reply().await.embeds()[0]["description"].to_string();
            assert_eq!(why.starts_with("\"It is allowed."), is_allowed, "{case}: {why}");
        }
    }
    bot.stop().await;
}
