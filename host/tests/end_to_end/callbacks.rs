//! Hooks, row by row: what the bot tells of itself, on every path; what plugins tell each other; in which order callbacks
//! run; vetoes, breakers, switches and floods.

mod listeners;

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    forging::{drop_old, plugin},
    harness::{PATIENCE, World, compiled, file_name, patched},
    storage::backup_id,
};

use listeners::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_tells_when_it_is_ready_once_which_servers_it_joins_and_when_it_stops() {
    let world = World::new().await;
    let mut bot = Within::start(&world, vec![linked::<Chronicle>()]).await;
    let ready = bot.hears("chronicle.ready").await;
    assert_eq!((&ready["guilds"], &ready["bot_user"]["bot"]), (&json!(1), &json!(true)));

    let party = world.sandbox.add_guild("party");
    let joined = bot.hears("chronicle.joined").await;
    assert_eq!(joined["guild"]["name"], "party");
    // An outage, and its end: the server was never left.
    let id = joined["guild"]["id"].as_str().unwrap();
    let gateway = world.sandbox.gateway();
    gateway.dispatch("GUILD_DELETE", &json!({ "id": id, "unavailable": true }).to_string());
    // A session that is begun anew is no start, and the servers that it sends are no news.
    let identifies = world.sandbox.identifies();
    gateway.invalidate_session(false);
    world.sandbox.expect_identifies(identifies + 1).await;
    let festival = world.sandbox.add_guild("festival");
    assert_eq!(bot.hears("chronicle.joined").await["guild"]["name"], "festival");
    party.removes_bot();
    assert_eq!(bot.hears("chronicle.left").await["guild"]["name"], "party");
    festival.removes_bot();
    assert_eq!(bot.hears("chronicle.left").await["guild"]["name"], "festival");

    bot.stop().await;
    let rest = bot.heard_so_far("chronicle");
    let rest: Vec<_> = rest.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        rest,
        ["chronicle.ending"],
        "no second start, no server that was there before"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_use_a_command_is_told_with_how_it_went() {
    let world = World::new().await;
    let mut bot = Within::start(&world, vec![linked::<Chronicle>(), linked::<Doorman>()]).await;
    let alice = world.person("alice");
    let said = alice.says("!wave").await;
    said.expect_reply().await;
    let executed = bot.hears("chronicle.executed").await;
    assert_eq!(
        (&executed["command_name"], &executed["kind"]),
        (&json!("wave"), &json!("prefix"))
    );
    assert_eq!(
        (&executed["plugin"], &executed["author"]["username"]),
        (&json!("doorman"), &json!("alice"))
    );
    assert_eq!(executed["guild_id"], json!(world.sandbox.guild().id().to_string()));
    assert!(executed["took_us"].as_u64().is_some_and(|took| took > 0));
    world
        .sandbox
        .expect_commands(|names| names.contains(&"Wave back".to_owned()))
        .await;
    alice.slash("wave", &[]).await.expect_reply().await;
    assert_eq!(bot.hears("chronicle.executed").await["kind"], "slash");
    alice
        .uses_menu_of(&world.person("bob"), "Wave")
        .await
        .expect_reply()
        .await;
    assert_eq!(bot.hears("chronicle.executed").await["kind"], "user_menu");
    alice
        .uses_menu_on(&said.message(), "Wave back")
        .await
        .expect_reply()
        .await;
    assert_eq!(bot.hears("chronicle.executed").await["kind"], "message_menu");
    alice.dm("wave").await.expect_reply().await;
    assert_eq!(bot.hears("chronicle.executed").await.get("guild_id"), None);

    // A refusal is neither; a failure is told with the code that the asker was given.
    alice.says("!decline").await.expect_reply().await;
    let told = alice.says("!stumble").await.expect_reply().await;
    let failed = bot.hears("chronicle.failed").await;
    let code = failed["code"].as_str().unwrap();
    assert!(told.content().contains(&format!("Code `{code}`")), "{}", told.content());
    assert!(
        failed["error"].as_str().unwrap().contains("stumbled over a stone"),
        "{failed}"
    );
    assert_eq!(
        (&failed["command_name"], &failed["panicked"]),
        (&json!("stumble"), &json!(false))
    );
    alice.says("!wave").await.expect_reply().await;
    let next = bot.hears("chronicle.executed").await;
    assert_eq!(next["command_name"], "wave", "nothing of those before");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_load_replace_and_end_a_plugin_is_told() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    // It hears of itself, too.
    bot.logs("heard: showcase 1.0.0 is there as generation 1").await;

    // Dropped, replaced beside the older one, replaced in a hold, and newer ones that do not start.
    let (stress, tally) = (compiled("stress"), compiled("tally"));
    let drop = |name: &str, marker: &str, number| {
        let original = if name == "tally" { &tally } else { &stress };
        world.drop_file(&file_name(name), &patched(original, marker, number));
    };
    drop("stress", "REVISION", 1);
    bot.logs("heard: stress 1.0.0 is there as generation 1").await;
    drop("stress", "REVISION", 2);
    bot.logs("stress went from 1 to 2").await;
    drop("stress", "START", 1);
    let refused = bot.logs("heard: stress is refused").await;
    assert!(refused.contains("asked to fail at its start"), "{refused}");
    drop("tally", "REVISION", 1);
    bot.logs("heard: tally 1.0.0 is there").await;
    drop("tally", "REVISION", 2);
    bot.logs("tally went from 1 to 2").await;
    drop("tally", "START", 1);
    // It had to end first: its older version has started again, as the fourth.
    bot.logs("tally went from 2 to 4").await;
    bot.logs("heard: tally is refused").await;

    // By command, and all of them around a restore.
    world.drop_plugin("example");
    bot.logs("heard: example 1.0.0 is there as generation 1").await;
    ask(&world, "!reload example").await;
    bot.logs("example went from 1 to 2").await;
    ask(&world, "!unload example").await;
    bot.logs("heard: example is gone, generation 2 was the last").await;
    ask(&world, "!load example").await;
    bot.logs("heard: example 1.0.0 is there as generation 3").await;
    let made = backup_id(&ask(&world, "!backup now").await);
    let restored = ask(&world, &format!("!backup restore {made}")).await;
    assert!(restored.contains("Backup restored"), "{restored}");
    bot.logs("example went from 3 to 4").await;
    bot.logs("heard by generation 2: showcase went from 1 to 2").await;

    // A file that is none, one that is taken away, and a thread that ends by itself.
    world.drop_file(&file_name("broken"), b"no plugin at all");
    bot.logs(&format!("heard: {} is refused", file_name("broken"))).await;
    world.remove_plugin("example");
    bot.logs("heard: example is gone, generation 4 was the last").await;
    drop_old(&world, "unruly", &plugin("unruly", "1.0.0", &json!({}), &["quit"]));
    bot.logs("heard: unruly 1.0.0 is there").await;
    world.person("alice").says("!quit").await;
    bot.logs("heard: unruly is gone").await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_emits_is_heard_in_order_and_a_slow_callback_delays_no_other() {
    let world = World::new().await;
    let mut bot = Within::start(&world, vec![linked::<Speaker>(), linked::<Audience>()]).await;
    assert_eq!(ask(&world, "!speak patiently").await, "Said.");
    // The slow one has begun and waits for this scenario.
    assert_eq!(bot.hears("audience.first").await, "patiently");
    assert_eq!(bot.hears("audience.quick").await, "patiently");
    ask(&world, "!speak quickly").await;
    let (mut quickly, mut patiently) = (Vec::new(), false);
    while quickly.len() < 3 {
        let (name, told) = timeout(PATIENCE, bot.heard.recv()).await.unwrap().unwrap();
        patiently |= told == "patiently";
        quickly.push(name);
    }
    assert!(!patiently, "it still waits");
    quickly[1..].sort();
    assert_eq!(quickly, ["audience.first", "audience.quick", "speaker.slow"]);
    SLOW.add_permits(1);
    assert_eq!(bot.hears("speaker.slow").await, "patiently");

    // Below those, somebody who understands it wrongly.
    let history = loop {
        let history = ask(&world, "!hookhistory 50").await;
        if history.matches("audience.misunderstands").count() == 2 {
            break history;
        }
    };
    assert!(history.contains("at `words`: invalid type: string"), "{history}");
    let errors = ask(&world, "!errors").await;
    assert!(errors.contains("a hook's callback failed"), "{errors}");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_that_set_each_other_off_end_and_floods_are_refused_and_told() {
    let world = World::new().await;
    let mut bot = Within::start(&world, vec![linked::<Speaker>()]).await;
    ask(&world, "!call").await;
    for depth in 0..=8 {
        assert_eq!(bot.hears("speaker.echo").await, depth);
    }
    let refused = ask(&world, "!babble").await;
    let count: u32 = refused.split(' ').next().unwrap().parse().unwrap();
    let list = ask(&world, "!hooks").await;
    assert!(list.contains(&format!("{} dropped", count + 1)), "{refused} {list}");
    assert!(bot.heard_so_far("speaker").is_empty(), "the echo has ended");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_refuses_commands_and_one_that_hangs_or_fails_refuses_nothing() {
    let world = World::new().await;
    let mut bot = Within::start(&world, vec![linked::<Doorman>(), linked::<Chronicle>()]).await;
    let wave = async |name: &str| {
        let reply = world.person(name).says("!wave").await.expect_reply().await;
        reply.content().to_owned()
    };
    assert_eq!(wave("alice").await, "Waved.");
    let asked = bot.hears("doorman.guard").await;
    assert_eq!(
        (&asked["command_name"], &asked["kind"]),
        (&json!("wave"), &json!("prefix"))
    );
    bot.hears("chronicle.executed").await;
    assert_eq!(wave("newcomer").await, "Read the rules first.");
    world
        .sandbox
        .expect_commands(|names| names.contains(&"wave".to_owned()))
        .await;
    let refused = world.person("newcomer").slash("wave", &[]).await.expect_reply().await;
    assert_eq!(
        (refused.content(), refused.is_ephemeral()),
        ("Read the rules first.", true)
    );
    assert_eq!(wave("stranger").await, "Waved.");
    assert_eq!(wave("sleeper").await, "Waved.", "it has waited long enough");
    let waved = [(); 2].map(|()| "wave");
    for command in waved {
        assert_eq!(
            bot.hears("chronicle.executed").await["command_name"],
            command,
            "of those that ran"
        );
    }
    assert!(
        ask(&world, "!hookhistory")
            .await
            .contains("refused it: Read the rules first.")
    );

    // It fails once too often, and is left out until it is reset.
    for _ in 0..4 {
        wave("stranger").await;
    }
    let list = ask(&world, "!hooks").await;
    assert!(
        list.contains("`doorman.guard` on `before_command`, priority 1") && list.contains("left out"),
        "{list}"
    );
    assert_eq!(wave("newcomer").await, "Waved.");
    ask(&world, "!hooks reset doorman.guard").await;
    assert_eq!(wave("newcomer").await, "Read the rules first.");
    let info = ask(&world, "!plugininfo doorman").await;
    assert!(info.contains("`guard` on `before_command` (priority 1)"), "{info}");

    // Switched off, also after a restart.
    let off = ask(&world, "!eh_list disable doorman.guard").await;
    assert_eq!(
        off,
        "`doorman.guard` is switched off, also after a restart, until `hooks enable doorman.guard`."
    );
    assert_eq!(wave("newcomer").await, "Waved.");
    let unknown = ask(&world, "!hooks disable doorman.nobody").await;
    assert!(unknown.contains("There is no callback `doorman.nobody`"), "{unknown}");
    bot.stop().await;
    let mut bot = Within::start(&world, vec![linked::<Doorman>()]).await;
    assert_eq!(wave("newcomer").await, "Waved.");
    assert!(ask(&world, "!hooks").await.contains("**off**"));
    assert_eq!(
        ask(&world, "!hooks enable doorman.guard").await,
        "`doorman.guard` is switched on."
    );
    assert_eq!(wave("newcomer").await, "Read the rules first.");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_come_and_go_while_a_plugin_runs() {
    let world = World::new().await;
    let mut bot = Within::start(&world, vec![linked::<Speaker>()]).await;
    let wrong = ask(&world, "!listen extension_load").await;
    assert!(wrong.contains("is no event of the bot: bot_ready"), "{wrong}");
    assert_eq!(
        ask(&world, "!listen command_executed").await,
        "Listening as speaker.on_command_executed."
    );
    let list = ask(&world, "!hooks").await;
    assert!(
        list.contains("`speaker.on_command_executed` on `command_executed`, priority 9"),
        "{list}"
    );
    let of = |name: &'static str| move |told: &Value| told["command_name"] == name;
    bot.hears_where("speaker.registered", of("hooks")).await;
    // What is emitted after the switch is not heard.
    ask(&world, "!hooks disable speaker.on_command_executed").await;
    ask(&world, "!plugins").await;
    ask(&world, "!hooks enable speaker.on_command_executed").await;
    ask(&world, "!extensions").await;
    let next = bot
        .hears_where("speaker.registered", |told| told["command_name"] != "hooks")
        .await;
    assert_eq!(next["command_name"], "extensions");
    ask(&world, "!unlisten").await;
    ask(&world, "!stats").await;
    assert!(!ask(&world, "!hooks").await.contains("on_command_executed"));
    bot.stop().await;
    let rest = bot.heard_so_far("speaker");
    assert!(
        rest.iter().all(|(_, told)| told["command_name"] == "unlisten"),
        "{rest:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_go_on_over_reloads_and_those_of_a_generation_go_with_it() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let alice = world.person("alice");
    assert_eq!(
        ask(&world, "!events guard").await,
        "On guard as showcase.on_before_command."
    );
    assert_eq!(
        alice.says("!hello").await.expect_reply().await.content(),
        "Nobody says hello now."
    );
    ask(&world, "!events emit good morning").await;
    bot.logs("says good morning").await;
    ask(&world, "!events emit nonsense").await;
    let recent = loop {
        let recent = ask(&world, "!events recent").await;
        if recent.contains("no greeting") {
            break recent;
        }
    };
    let vetoed = "showcase.on_before_command on before_command: Nobody says hello now.";
    assert!(recent.contains(vetoed), "{recent}");
    ask(&world, "!hooks disable showcase.greeted").await;

    ask(&world, "!reload showcase").await;
    bot.logs("heard by generation 2: showcase went from 1 to 2").await;
    assert_eq!(
        alice.says("!hello").await.expect_reply().await.content(),
        "Hello.",
        "the guard has gone"
    );
    ask(&world, "!events emit again").await;
    ask(&world, "!hooks enable showcase.greeted").await;
    ask(&world, "!events emit at last").await;
    bot.logs("says at last").await;
    assert!(bot.lines_with("says again").is_empty(), "it was switched off");
    ask(&world, "!events follow").await;
    alice.says("!hello").await.expect_reply().await;
    bot.logs("hello was used by Prefix").await;
    bot.stop().await;
}
