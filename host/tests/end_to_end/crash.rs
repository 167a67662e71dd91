//! The bot is killed while a plugin writes by every door, again and again: what was acknowledged is there at each start.
//!
//! The plugin tells over a socket what the host has acknowledged, and at each start what is missing of it. `CRASH_ROUNDS`
//! says how often; more than in an ordinary run take a release build. A setting is changed by the command line meanwhile,
//! which is killed with the bot, and a command is used, whose count may lag behind but is never wrong.

use std::{collections::BTreeMap, fs, path::Path, process::Stdio};

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
    time::timeout,
};

use crate::harness::{Bot, PATIENCE, World};

/// How many writes are acknowledged at most before the bot is killed.
const WRITES: u32 = 400;

/// The setting that is changed, one that means nothing to its plugin.
const SETTING: &str = "plugins.keeper.round";

/// What the plugin has said in one run of the bot.
struct Round {
    lost: Vec<String>,
    writes: u64,
}

/// Lets the plugin write until so many writes were acknowledged, then kills the bot; and takes in what it still said.
async fn round(
    listener: &TcpListener,
    bot: Bot,
    acknowledged: &mut BTreeMap<String, u64>,
    writes: u32,
    midway: impl AsyncFnOnce() -> Child,
) -> (Round, Child) {
    let accepted = timeout(PATIENCE, listener.accept()).await.expect("the plugin connects");
    let (mut stream, _) = accepted.unwrap();
    let (read, mut write) = stream.split();
    let mut known = serde_json::to_vec(acknowledged).unwrap();
    known.push(b'\n');
    write.write_all(&known).await.unwrap();
    let mut lines = BufReader::new(read).lines();
    let mut round = Round {
        lost: Vec::new(),
        writes: 0,
    };
    let (mut bot, mut midway, mut child) = (Some(bot), Some(midway), None);
    loop {
        let line = timeout(PATIENCE, lines.next_line()).await.expect("the plugin writes");
        // What was on its way when the process died has arrived; then the connection is gone.
        let Ok(Some(line)) = line else { break };
        match line.split_once(' ') {
            Some(("lost" | "failed", _)) => round.lost.push(line),
            Some((door, number)) => {
                round.writes += 1;
                let number = number.parse().unwrap();
                let before = acknowledged.insert(door.to_owned(), number);
                assert!(before.unwrap_or(0) < number, "{door} goes on behind what it found");
            }
            None => assert_eq!(line, "ready"),
        }
        if round.writes >= u64::from(writes / 2)
            && let Some(midway) = midway.take()
        {
            child = Some(midway().await);
        }
        if round.writes >= u64::from(writes)
            && let Some(bot) = bot.take()
        {
            if let Some(child) = &mut child {
                let _ = child.start_kill();
            }
            bot.kill().await;
        }
    }
    if let Some(bot) = bot.take() {
        round
            .lost
            .push(format!("the plugin went by itself: {:?}", bot.lines_with("ERROR")));
        bot.kill().await;
    }
    (round, child.expect("it came half-way"))
}

/// A change of a setting by the command line, which may be killed at any moment.
fn change_setting(world: &World, number: u64) -> Child {
    Command::new(env!("CARGO_BIN_EXE_bothost"))
        .args(["config", "set", SETTING, &number.to_string(), "--root"])
        .arg(world.root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The setting, of a file that must be whole.
fn setting(world: &World) -> u64 {
    let config: Value = serde_json::from_slice(&fs::read(world.root().join("config.json")).unwrap()).unwrap();
    config["plugins"]["keeper"]["round"].as_u64().unwrap_or(0)
}

/// Looks through all that lies in the data folder while nobody runs.
fn look_through(folder: &Path, problems: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            look_through(&path, problems);
            continue;
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension {
            Some("json") => {
                let content = fs::read(&path).unwrap();
                if serde_json::from_slice::<Value>(&content).is_err() {
                    problems.push(format!("{} does not parse", path.display()));
                }
            }
            Some("db") => {
                let database = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
                let checked: String = database
                    .query_row("PRAGMA integrity_check", [], |row| row.get(0))
                    .unwrap();
                if checked != "ok" {
                    problems.push(format!("{}: {checked}", path.display()));
                }
            }
            _ => {}
        }
        if path.to_string_lossy().contains(".write-") {
            problems.push(format!("{} is left behind", path.display()));
        }
    }
}

/// How often a command was used, as the bot has kept it.
fn counted(data: &Path, command: &str) -> u64 {
    let database = Connection::open_with_flags(data.join("bot.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let sql = "SELECT usage_count FROM command_stats WHERE command_name = ?1";
    let counted: i64 = database.query_row(sql, [command], |row| row.get(0)).unwrap();
    counted.cast_unsigned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_is_killed_has_all_that_it_acknowledged() {
    let rounds: u64 = std::env::var("CRASH_ROUNDS").map_or(10, |rounds| rounds.parse().unwrap());
    let world = World::under_load().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let data = world.root().join("data");
    world.configure(&json!({ "plugins": { "keeper": {
        "flood": listener.local_addr().unwrap().to_string(),
        "folder": data.join("plugins").to_string_lossy(),
    } } }));
    world.drop_plugin("keeper");
    let seed = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), seed);
    let mut acknowledged = BTreeMap::new();
    let (mut problems, mut writes) = (Vec::new(), 0);
    let (alice, mut set, mut used) = (world.person("alice"), 0, 0);
    for number in 0..rounds {
        let enough = proptest::strategy::Strategy::new_tree(&(1..WRITES), &mut runner).unwrap();
        let bot = world.spawn();
        let enough = proptest::strategy::ValueTree::current(&enough);
        let midway = async || {
            alice.says("!note of a round").await;
            change_setting(&world, number + 1)
        };
        let (round, mut setting_it) = round(&listener, bot, &mut acknowledged, enough, midway).await;
        writes += round.writes;
        used += 1;
        // Killed while it was at it, it has done so or not.
        let is_set = setting_it.wait().await.unwrap().success();
        let found = setting(&world);
        if found != number + 1 && (is_set || found != set) {
            problems.push(format!(
                "{SETTING} is {found} after {set} and {}, acknowledged: {is_set}",
                number + 1
            ));
        }
        set = found;
        problems.extend(round.lost.into_iter().map(|lost| format!("round {number}: {lost}")));
        // Whether each database is sound is also what the next start checks, since none was closed.
        assert_eq!(problems, Vec::<String>::new(), "after {writes} writes");
    }
    // The last start sweeps what the last kill left, and a clean end leaves nothing.
    let mut config: Value = serde_json::from_slice(&fs::read(world.root().join("config.json")).unwrap()).unwrap();
    config["plugins"]["keeper"] = json!({});
    world.configure(&config);
    let bot = world.start().await;
    alice.says("!note at the end").await.expect_reply().await;
    used += 1;
    bot.stop().await;
    look_through(&data, &mut problems);
    // Those of the last second before a kill may be missing.
    let counted = counted(&data, "note");
    assert!((1..=used).contains(&counted), "{counted} of {used} uses were counted");
    assert_eq!(problems, Vec::<String>::new(), "after {writes} writes");
    for door in ["sql", "key", "file", "data"] {
        let written: u64 = acknowledged
            .iter()
            .filter(|(writer, _)| writer.starts_with(door))
            .map(|(_, number)| number)
            .sum();
        assert!(written > 0, "nothing was written by {door}");
    }
}
