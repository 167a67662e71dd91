//! What the bot keeps: counts and settings over restarts, checks, backups and the way back, and what it says when its
//! database can't be used.

use std::{fs, path::Path, process::Stdio, time::Duration};

use host::{
    config::Synchronous,
    storage::{STEPS, Tables},
};
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    forging::plugin,
    harness::{Bot, PATIENCE, World, file_name},
};

/// The text of an answer's first embed: title, description, fields.
fn text(embeds: &[Value]) -> String {
    let card = embeds.first().cloned().unwrap_or_default();
    let fields = card["fields"].as_array().cloned().unwrap_or_default();
    let fields = fields
        .iter()
        .map(|field| format!("[{}] {}", field["name"], field["value"]));
    let parts = ["title", "description"].map(|part| card[part].as_str().unwrap_or_default().to_owned());
    parts.into_iter().chain(fields).collect::<Vec<_>>().join("\n")
}

/// What the owner is answered, as text or as a card. What takes long is shown first and filled later.
pub async fn owner_is_told(world: &World, command: &str) -> String {
    let reply = world.owner().says(command).await.reply(PATIENCE).await;
    let reply = reply.unwrap_or_else(|| panic!("{command} is not answered"));
    format!("{}{}", reply.content(), text(reply.embeds()))
}

/// The database of a bot that is stopped.
async fn tables(world: &World) -> Tables {
    let path = world.root().join("data/bot.db");
    Tables::open(&path, Synchronous::Normal).await.unwrap()
}

/// How often a command was used, as it is written down.
async fn uses(tables: &Tables, command: &str) -> u64 {
    let all = tables.command_statistics(500).await.unwrap().commands;
    all.iter().find(|one| one.name == command).map_or(0, |one| one.uses)
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_counted_and_a_servers_prefix_holds_over_a_restart() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let alice = world.person("alice");
    for _ in 0..3 {
        alice.says("!ping").await.expect_reply().await;
    }
    bot.stop().await;
    let kept = tables(&world).await;
    assert_eq!(uses(&kept, "ping").await, 3);
    let guild = world.sandbox.guild().id().to_string().parse().unwrap();
    kept.change_guild(guild, |guild| guild.prefix = Some("?".to_owned()))
        .await
        .unwrap();
    kept.close().await;

    let bot = world.start().await;
    let silent = alice.says("!ping").await;
    assert_eq!(alice.says("?ping").await.expect_reply().await.content(), "pong");
    assert!(silent.reply(Duration::ZERO).await.is_none());
    alice.says("?counter").await.expect_reply().await;
    bot.stop().await;
    let kept = tables(&world).await;
    assert_eq!((uses(&kept, "ping").await, uses(&kept, "counter").await), (4, 1));
    kept.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_see_what_databases_are_like_and_their_actions_are_written_down() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    world
        .sandbox
        .expect_commands(|names| names.contains(&"dbstats".to_owned()))
        .await;
    for (command, part) in [("integritycheck", "`bot.db`: sound"), ("dbstats", "audit_trail")] {
        let told = owner_is_told(&world, &format!("!{command}")).await;
        assert!(told.contains(part), "{told}");
        let reply = world.owner().slash(command, &[]).await.expect_reply().await;
        assert!(text(reply.embeds()).contains(part), "{}", text(reply.embeds()));
        let refused = world
            .person("alice")
            .says(&format!("!{command}"))
            .await
            .expect_reply()
            .await;
        assert!(refused.embeds().is_empty());
    }
    owner_is_told(&world, "!unload example").await;
    owner_is_told(&world, "!unload nothing").await;
    bot.stop().await;
    let kept = tables(&world).await;
    let actions = kept.actions(10).await.unwrap();
    let shown: Vec<_> = actions
        .iter()
        .map(|action| (action.action.as_str(), action.outcome == "done"))
        .collect();
    assert_eq!(shown, [("plugins.unload", false), ("plugins.unload", true)]);
    assert_eq!(actions[0].user.unwrap().to_string(), world.owner().id().to_string());
    assert!(actions[1].subject.contains("example"));
    kept.close().await;
}

/// Whether the example plugin answers, seen by the time the host itself has answered something later.
async fn answers(world: &World) -> bool {
    let asked = world.person("alice").says("!ping").await;
    owner_is_told(world, "!plugins").await;
    asked.reply(Duration::ZERO).await.is_some()
}

/// The backup's name in a text.
pub fn backup_id(text: &str) -> String {
    let is_id = |word: &str| word.len() == 15 && word.as_bytes()[8] == b'-';
    let mut words = text.split(|letter: char| !letter.is_ascii_digit() && letter != '-');
    words
        .find(|word| is_id(word))
        .unwrap_or_else(|| panic!("no backup is named in {text}"))
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_restored_while_the_bot_runs_and_that_is_undone() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let alice = world.person("alice");
    assert!(
        owner_is_told(&world, "!backup list")
            .await
            .contains("There is none yet")
    );
    let made = owner_is_told(&world, "!backup now").await;
    assert!(made.contains("made and verified"), "{made}");
    let made = backup_id(&made);
    let verified = owner_is_told(&world, &format!("!backup verify {made}")).await;
    assert!(verified.contains("is sound"), "{verified}");

    // What was unloaded since runs again, and is gone again when that is undone.
    owner_is_told(&world, "!unload example").await;
    assert!(!answers(&world).await);
    let restored = owner_is_told(&world, &format!("!backup restore {made}")).await;
    assert!(restored.contains("Backup restored"), "{restored}");
    bot.logs("plugin=example version=1.0.0 generation=2").await;
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    let undo = backup_id(restored.split("To undo this").nth(1).unwrap());
    owner_is_told(&world, &format!("!backup restore {undo}")).await;
    // Who asks while it is put back waits for the plugin, and is told that it does not come.
    let silent = async { while answers(&world).await {} };
    assert!(tokio::time::timeout(PATIENCE, silent).await.is_ok());
    let unknown = owner_is_told(&world, "!backup restore ../x").await;
    assert!(unknown.contains("no backup's name"), "{unknown}");
    let listed = owner_is_told(&world, "!backup list").await;
    assert!(
        listed.contains(&made) && listed.contains("before a restore"),
        "{listed}"
    );
    bot.stop().await;

    // The same by the command line, while the bot is stopped.
    let listed = command_line(&world, &["list"]).await.unwrap();
    assert!(
        listed.contains(&made) && listed.contains("when the bot stopped"),
        "{listed}"
    );
    let restored = command_line(&world, &["restore", &made]).await.unwrap();
    assert!(restored.contains("undoes this"), "{restored}");
    let bot = world.start().await;
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    let refused = command_line(&world, &["restore", &made]).await.unwrap_err();
    assert!(refused.contains("another host runs on this folder"), "{refused}");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_comes_while_a_backup_is_restored_waits_for_its_plugin() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let (owner, alice) = (world.owner(), world.person("alice"));
    let made = backup_id(&owner_is_told(&world, "!backup now").await);
    let restoring = owner.says(&format!("!backup restore {made}")).await;
    bot.logs("what is meant for it waits").await;
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    let restored = text(restoring.expect_reply().await.embeds());
    assert!(restored.contains("Backup restored"), "{restored}");
    bot.logs("plugin=example version=1.0.0 generation=2").await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_whose_newer_file_is_refused_goes_on_after_a_restore_and_so_does_who_needs_it() {
    let world = World::new().await;
    let needs = json!({ "depends": [{ "name": "example", "range": ">=1.0.0", "optional": false }] });
    world.drop_file(&file_name("house"), &plugin("house", "1.0.0", &needs, &[]));
    world.drop_plugin("example");
    let bot = world.start().await;
    let made = backup_id(&owner_is_told(&world, "!backup now").await);
    world.drop_file(&file_name("example"), b"no plugin");
    bot.logs("is refused").await;
    let restored = owner_is_told(&world, &format!("!backup restore {made}")).await;
    assert!(restored.contains("Backup restored"), "{restored}");
    bot.logs("plugin=house version=1.0.0 generation=2").await;
    assert_eq!(bot.lines_with("plugin=example version=1.0.0 generation=2").len(), 1);
    let alice = world.person("alice");
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn menus_of_the_bot_itself_work_with_the_key_that_was_restored() {
    let world = World::new().await;
    let bot = world.start().await;
    let made = backup_id(&owner_is_told(&world, "!backup now").await);
    bot.stop().await;
    fs::remove_file(world.root().join("data/controls.key")).unwrap();
    let bot = world.start().await;
    owner_is_told(&world, &format!("!backup restore {made}")).await;
    // Once this is answered, plugins have been told.
    owner_is_told(&world, "!reload").await;
    let alice = world.person("alice");
    let menu = alice.says("!help").await.expect_reply().await;
    let chosen = alice.selects(&menu, "Choose a category", &["Help"]).await;
    let page = text(chosen.expect_update().await.embeds());
    assert!(page.contains("everything about one command"), "{page}");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_is_given_up_if_the_bot_stops_before_its_plugins_have_ended() {
    let world = World::new().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    let made = backup_id(&owner_is_told(&world, "!backup now").await);
    // For longer than the bot waits at its end for what its own commands do, among them the restore.
    let slow = world.person("alice").says("!slow 7500").await;
    world.person("bob").says("!revision").await.expect_reply().await;
    world.owner().says(&format!("!backup restore {made}")).await;
    bot.logs("what is meant for it waits").await;
    bot.stop().await;
    assert_eq!(slow.expect_reply().await.content(), "slept");
    let listed = command_line(&world, &["list"]).await.unwrap();
    assert!(
        listed.contains(&made) && !listed.contains("before a restore"),
        "{listed}"
    );
}

/// `bothost backup`: what it says, and whether it went well.
async fn command_line(world: &World, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_bothost"))
        .arg("backup")
        .args(arguments)
        .arg("--root")
        .arg(world.root())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(shown(&output.stdout))
    } else {
        Err(shown(&output.stderr))
    }
}

/// Why the bot does not start, without what differs between two runs.
async fn refusal(world: &World, bot: Bot) -> String {
    let (code, log) = bot.fails().await;
    assert_eq!(code, Some(78), "{log}");
    let line = log
        .lines()
        .find(|line| line.contains("ERROR"))
        .unwrap_or(&log)
        .to_owned();
    let root = fs::canonicalize(world.root()).unwrap();
    let text = line.replace(&root.display().to_string(), "[ROOT]");
    text.find("[ROOT]").map_or(text.clone(), |at| text[at..].to_owned())
}

/// A bot that has been started once, so that it has a database.
async fn with_database() -> World {
    let world = World::new().await;
    fs::create_dir(world.root().join("data")).unwrap();
    tables(&world).await.close().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_used_is_left_as_it_is_and_told() {
    let world = with_database().await;
    let path = world.root().join("data/bot.db");
    let sound = fs::read(&path).unwrap();

    let mut damaged = sound.clone();
    damaged[4096..].fill(0x5a);
    fs::write(&path, &damaged).unwrap();
    insta::assert_snapshot!("damaged", refusal(&world, world.spawn()).await);
    assert!(fs::read(&path).unwrap() == damaged, "it is left as it is");

    fs::write(&path, &sound).unwrap();
    let newer = Connection::open(&path).unwrap();
    let step = "INSERT INTO bothost_migrations VALUES (?1, 'rooms', 'x', 0, 0)";
    newer.execute(step, [i64::try_from(STEPS.len()).unwrap() + 1]).unwrap();
    newer.close().unwrap();
    insta::assert_snapshot!("newer", refusal(&world, world.spawn()).await);

    fs::write(&path, &sound).unwrap();
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; INSERT INTO user_data (user_id) VALUES (1)")
        .unwrap();
    insta::assert_snapshot!("locked", refusal(&world, world.spawn()).await);
    drop(other);

    // Deleted, it is made again.
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(world.root().join(format!("data/bot.db{end}")));
    }
    world.start().await.stop().await;
    assert!(path.exists());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_user_is_told() {
    use std::os::unix::fs::{PermissionsExt, chown};

    const NOBODY: u32 = 65_534;
    let world = with_database().await;
    let path = world.root().join("data/bot.db");
    let mut command = world.command();
    if rustix::process::geteuid().is_root() {
        fs::set_permissions(world.root(), fs::Permissions::from_mode(0o755)).unwrap();
        for folder in ["", "data", "plugins"] {
            chown(world.root().join(folder), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
        let mut probing = Command::new(env!("CARGO_BIN_EXE_bothost"));
        if probing.arg("--version").uid(NOBODY).gid(NOBODY).output().await.is_err() {
            eprintln!("left out: other users can't run the program where it lies");
            return;
        }
        let told = refusal(&world, Bot::spawn(command, world.sandbox.clone())).await;
        insta::assert_snapshot!("another_user", told);
    } else {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        let told = refusal(&world, Bot::spawn(command, world.sandbox.clone())).await;
        assert!(told.contains("can't be written: check the permissions"), "{told}");
    }
}

/// The command as another user who may write nothing in the data folder; `None` where that can't be tried.
#[cfg(unix)]
async fn as_nobody(world: &World) -> Option<Command> {
    use std::os::unix::fs::{PermissionsExt, chown};

    const NOBODY: u32 = 65_534;
    let mut command = world.command();
    fs::set_permissions(world.root().join("data"), fs::Permissions::from_mode(0o555)).unwrap();
    if !rustix::process::geteuid().is_root() {
        return Some(command);
    }
    fs::set_permissions(world.root(), fs::Permissions::from_mode(0o755)).unwrap();
    for folder in ["", "plugins"] {
        chown(world.root().join(folder), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let mut probing = Command::new(env!("CARGO_BIN_EXE_bothost"));
    probing.arg("--version").uid(NOBODY).gid(NOBODY).output().await.ok()?;
    command.uid(NOBODY).gid(NOBODY);
    Some(command)
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_that_cannot_be_written_is_told() {
    let world = with_database().await;
    let Some(command) = as_nobody(&world).await else {
        eprintln!("left out: other users can't run the program where it lies");
        return;
    };
    let (code, log) = Bot::spawn(command, world.sandbox.clone()).fails().await;
    assert_eq!(code, Some(78), "{log}");
    assert!(
        log.contains("give the folder to the user that the bot runs as"),
        "{log}"
    );
    fs::set_permissions(
        world.root().join("data"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_finds_no_room_leaves_nothing_and_the_next_one_with_room_is_made() {
    let world = World::new().await;
    let folder = world.root().join("data/backups");
    let Some(disk) = Disk::mount(&folder, 320).await else {
        eprintln!("left out: no disk can be made here");
        return;
    };
    // Nothing that could be packed smaller.
    let mut seed = 0x9e37_79b9_u32;
    let noise: Vec<u8> = (0..1 << 20)
        .map(|_| {
            seed ^= seed << 13;
            seed ^= seed >> 17;
            seed ^= seed << 5;
            seed.to_le_bytes()[0]
        })
        .collect();
    let files = world.root().join("data/plugins/example/files");
    fs::create_dir_all(&files).unwrap();
    fs::write(files.join("noise.bin"), noise).unwrap();
    world.drop_plugin("example");
    let bot = world.start().await;
    let refused = owner_is_told(&world, "!backup now").await;
    assert!(
        refused.contains("is full") && refused.contains("free some space"),
        "{refused}"
    );
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "nothing is left of it");
    let pong = world.person("alice").says("!ping").await.expect_reply().await;
    assert_eq!(pong.content(), "pong");
    fs::remove_file(files.join("noise.bin")).unwrap();
    let made = owner_is_told(&world, "!backup now").await;
    assert!(made.contains("made and verified"), "{made}");
    bot.stop().await;
    drop(disk);
}

/// A disk of its own with this much room; `None` where that is not allowed.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    async fn mount(at: &'a Path, kibibytes: u32) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let size = format!("size={kibibytes}k");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(at)
            .stderr(Stdio::null())
            .status()
            .await;
        mounted.is_ok_and(|status| status.success()).then_some(Self(at))
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_no_count_and_is_told_and_it_goes_on_with_room() {
    let world = World::new().await;
    let folder = world.root().join("data/small");
    let Some(_disk) = Disk::mount(&folder, 512).await else {
        eprintln!("left out: no disk can be made here; the engine's own test fills a database instead");
        return;
    };
    world.configure(&json!({ "database": { "path": "./data/small/bot.db" } }));
    world.drop_plugin("example");
    let bot = world.start().await;
    let alice = world.person("alice");
    alice.says("!ping").await.expect_reply().await;
    let filler = folder.join("filler");
    assert!(fs::write(&filler, vec![0; 1 << 20]).is_err(), "the disk is full");
    alice.says("!ping").await.expect_reply().await;
    let told = bot.logs("can't be written down").await;
    assert!(told.contains("is full") && told.contains("free some space"), "{told}");
    // Everything else goes on.
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    let backup = owner_is_told(&world, "!backup list").await;
    assert!(backup.contains("Backups (0)"), "{backup}");
    fs::remove_file(&filler).unwrap();
    alice.says("!ping").await.expect_reply().await;
    bot.stop().await;
    let kept = Tables::open(&folder.join("bot.db"), Synchronous::Normal).await.unwrap();
    assert_eq!(uses(&kept, "ping").await, 4, "no count is lost");
    kept.close().await;
}
