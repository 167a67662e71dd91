//! The host's tables: what is written is there after a restart, and memory agrees with the file.
//!
//! Counting is told apart from writing down: only the second is asked of the database.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::thread;

use serde_json::json;

use super::*;
use crate::permits::Key;

async fn tables(folder: &tempfile::TempDir) -> Tables {
    let path = folder.path().join("bot.db");
    Tables::open(&path, Synchronous::Normal).await.unwrap()
}

#[tokio::test]
async fn settings_of_servers_are_in_memory_and_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let all = tables(&folder).await;
    let (one, two) = ("123".parse().unwrap(), "18446744073709551615".parse().unwrap());
    assert_eq!(all.guild(one), None);
    all.change_guild(one, |guild| guild.prefix = Some("?".to_owned()))
        .await
        .unwrap();
    all.change_guild(two, |guild| drop(guild.settings.insert("a".to_owned(), json!([1]))))
        .await
        .unwrap();
    let changed = all
        .change_guild(one, |guild| drop(guild.settings.insert("b".to_owned(), json!(2))))
        .await;
    assert_eq!(all.guild(one), Some(changed.unwrap()));
    all.close().await;
    assert!(all.change_guild(one, |guild| guild.prefix = None).await.is_err());
    assert_eq!(
        all.guild(one).unwrap().prefix.as_deref(),
        Some("?"),
        "what is not written is not in memory"
    );
    let again = tables(&folder).await;
    assert_eq!(again.guild(one), all.guild(one));
    assert_eq!(again.guild(two).unwrap().settings["a"], json!([1]));
    again.close().await;
    all.reopen().await.unwrap();
    all.change_guild(one, |guild| guild.prefix = None).await.unwrap();
    assert_eq!(all.guild(one).unwrap().prefix, None);
}

#[tokio::test]
async fn commands_are_counted_by_many_threads_and_written_down_together() {
    let folder = tempfile::tempdir().unwrap();
    let all = tables(&folder).await;
    let users: Vec<plugin_protocol::UserId> = (1..=5).map(|id: u32| id.to_string().parse().unwrap()).collect();
    thread::scope(|scope| {
        for thread in 0..8 {
            let (all, users) = (all.clone(), &users);
            scope.spawn(move || {
                for number in 0..1000 {
                    all.count_command(if number % 4 == 0 { "ban" } else { "ping" }, users[thread % 5]);
                }
            });
        }
    });
    let counted = all.command_statistics(1).await.unwrap();
    assert_eq!((counted.total, counted.names), (8000, 2));
    assert_eq!(
        (counted.commands[0].name.as_str(), counted.commands[0].uses),
        ("ping", 6000)
    );
    let commits = all.database().figures().await.unwrap().commits.count;
    assert_eq!(commits, 1, "all of them cost one commit");
    all.count_command("ping", users[0]);
    all.close().await;
    // While it is closed nothing is lost.
    all.count_command("ping", users[0]);
    all.flush().await;
    all.reopen().await.unwrap();
    assert_eq!(all.command_statistics(10).await.unwrap().commands[0].uses, 6002);
    let database = all.database();
    let seen = database.read(|c| {
        c.query_row("SELECT count(*) FROM user_data WHERE last_seen > 0", [], |row| {
            row.get::<_, i64>(0)
        })
    });
    assert_eq!(seen.await.unwrap(), 5);
}

#[tokio::test]
async fn the_newest_actions_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let all = tables(&folder).await;
    let action = Action {
        at: 0,
        user: Some("7".parse().unwrap()),
        plugin: "host".to_owned(),
        action: "plugins.load".to_owned(),
        subject: "x".repeat(1000),
        outcome: "done".to_owned(),
    };
    all.note_action(Trail::Owners, action.clone()).await;
    all.database()
        .write(|c| {
            c.execute(
                "INSERT INTO audit_trail VALUES (10000, 1, NULL, 'a', 'b', 'c', 'd')",
                [],
            )
        })
        .await
        .unwrap();
    let newer = Action { user: None, ..action };
    all.note_action(Trail::Owners, newer.clone()).await;
    all.note_action(Trail::Plugins, newer).await;
    let kept = all.actions(10).await.unwrap();
    assert_eq!(
        kept.len(),
        2,
        "the first is too old by now, and plugins have a table of their own"
    );
    assert_eq!((kept[0].user, kept[0].subject.len()), (None, 300));
}

/// How many rows of cooldowns there are, and how many changes of rows the connection has made.
async fn rows(all: &Tables) -> (i64, u64) {
    let count = |connection: &rusqlite::Connection| {
        let rows = connection.query_row("SELECT count(*) FROM cooldowns", [], |row| row.get(0))?;
        Ok((rows, connection.total_changes()))
    };
    all.database().write(count).await.unwrap()
}

#[tokio::test]
async fn of_long_cooldowns_only_those_that_have_changed_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let all = tables(&folder).await;
    let rule = plugin_protocol::Cooldown {
        uses: 2,
        per_ms: 7_200_000,
        ..plugin_protocol::Cooldown::default()
    };
    for user in 0..1000 {
        all.take_cooldown("daily", rule, Key(0, user)).unwrap();
    }
    all.flush_cooldowns().await;
    let (written, before) = rows(&all).await;
    assert_eq!(written, 1000);
    let taken = all.take_cooldown("daily", rule, Key(0, 1)).unwrap();
    all.flush_cooldowns().await;
    assert_eq!(rows(&all).await, (1000, before + 1), "the changed one alone");
    all.flush_cooldowns().await;
    assert_eq!(rows(&all).await, (1000, before + 1));
    let first = all.take_cooldown("weekly", rule, Key(0, 7)).unwrap();
    all.flush_cooldowns().await;
    all.give_cooldown_back("weekly", first);
    all.give_cooldown_back("daily", taken);
    all.flush_cooldowns().await;
    assert_eq!(rows(&all).await.0, 1000, "what was given back is gone, or less");

    all.close().await;
    let old = "UPDATE cooldowns SET full_at = 1 WHERE user >= 500; DELETE FROM cooldowns WHERE user = 3";
    let again = tables(&folder).await;
    again.database().write(move |c| c.execute_batch(old)).await.unwrap();
    again.close().await;
    let again = tables(&folder).await;
    again.flush_cooldowns().await;
    assert_eq!(rows(&again).await.0, 499, "rows of full ones are removed");
    assert!(again.next_use("daily", rule, Key(0, 1)).is_none());
    again.close().await;
    all.reopen().await.unwrap();
    all.flush_cooldowns().await;
    assert_eq!(
        rows(&all).await.0,
        1000,
        "into another database all of them are written"
    );
}
