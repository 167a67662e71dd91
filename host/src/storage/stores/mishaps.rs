//! What goes wrong around the stores: a bot killed amid steps, closes amid requests, texts and answers that are too large.
//!
//! Apart from the other tests, which show what the stores do when nothing does.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{
    Arc, Mutex,
    mpsc::{Receiver, Sender, channel},
};

use bytes::Bytes;
use plugin_protocol::{Keys, KeysAction, ProblemCode};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::oneshot,
};

use super::{
    Asker, Done, KeysRequest, Stores,
    tests::{key, migration, plugin, request, sql, stores},
};

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).build().unwrap()
}

/// Batches of answers go into a channel.
struct Batches(Sender<Vec<(u64, Done)>>);

impl Asker for Batches {
    fn answer(&self, answers: Vec<(u64, Done)>) {
        let _ = self.0.send(answers);
    }
}

/// Makes requests on keys without waiting. The channel ends behind the last answer.
fn ask(stores: &Stores, runtime: &Runtime, heads: impl Iterator<Item = Keys>) -> Receiver<Vec<(u64, Done)>> {
    let (tell, told) = channel();
    let asker: Arc<dyn Asker> = Arc::new(Batches(tell));
    for (id, head) in heads.enumerate() {
        let request = KeysRequest {
            asker: Arc::clone(&asker),
            id: id as u64,
            head,
            value: Bytes::new(),
            held: Box::new(()),
        };
        stores.keys(runtime.handle(), &plugin(), request);
    }
    told
}

#[tokio::test]
async fn a_text_of_many_statements_is_refused_without_exhausting_the_stack() {
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(&folder);
    let many = "SELECT 1;".repeat(11_000);
    let refused = sql(&stores, &[&many]).await.unwrap_err();
    assert_eq!(refused.code, ProblemCode::Invalid);
    assert!(refused.message.contains("Multiple statements"), "{refused}");
    let (ended, literal) = (
        format!("SELECT 1{} -- ;", ";".repeat(1_000)),
        format!("SELECT '{}'", ";".repeat(50)),
    );
    assert_eq!(sql(&stores, &[&ended]).await.unwrap(), "Integer(1) ");
    assert!(sql(&stores, &[&literal]).await.unwrap().contains(";;"));
    stores.close().await;
}

#[tokio::test]
async fn while_all_is_held_nothing_is_opened_or_migrated_and_what_is_open_answers() {
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(&folder);
    let steps = [migration("notes", "CREATE TABLE notes (text)", false)];
    sql(&stores, &["SELECT 1"]).await.unwrap();
    let (open, held) = stores.hold_open().await;
    assert_eq!(open.len(), 1);
    assert_eq!(sql(&stores, &["SELECT 2"]).await.unwrap(), "Integer(2) ");
    let late = stores.clone();
    let migrated = tokio::spawn(async move { late.migrate(&plugin(), &steps).await });
    let (tell, mut told) = oneshot::channel();
    let (runtime, other) = (Handle::current(), stores.clone());
    let asker: Arc<dyn Asker> = Arc::new(Once(Mutex::new(Some(tell))));
    other.keys(
        &runtime,
        &plugin(),
        KeysRequest {
            asker,
            id: 0,
            head: request(0, KeysAction::Get, "n"),
            value: Bytes::new(),
            held: Box::new(()),
        },
    );
    for _ in 0..100 {
        tokio::task::yield_now().await;
        assert!(!migrated.is_finished());
        assert!(told.try_recv().is_err());
    }
    assert!(!stores.folder().join(plugin().as_str()).join("keys.db").exists());
    drop(held);
    migrated.await.unwrap().unwrap();
    told.await.unwrap();
    stores.close().await;
}

/// Tells once that something was answered.
struct Once(Mutex<Option<oneshot::Sender<()>>>);

impl Asker for Once {
    fn answer(&self, _: Vec<(u64, Done)>) {
        if let Some(tell) = self.0.lock().unwrap().take() {
            let _ = tell.send(());
        }
    }
}

#[tokio::test]
async fn a_bot_that_was_killed_amid_steps_keeps_the_copy_from_before_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let first = migration("notes", "CREATE TABLE notes (text)", false);
    let second = migration("wipe", "DELETE FROM notes", false);
    let broken = migration("broken", "INSERT INTO nowhere VALUES (1)", false);
    let one = [first.clone()];
    let two = [first.clone(), second.clone()];
    let before = stores(&folder);
    before.migrate(&plugin(), &one).await.unwrap();
    before.keep_migrations(&plugin()).await;
    sql(&before, &["INSERT INTO notes VALUES ('kept')"]).await.unwrap();
    // Killed between two steps, and again behind the last one: nobody undoes or keeps.
    before.migrate(&plugin(), &[first, second, broken]).await.unwrap_err();
    before.close().await;

    let after = stores(&folder);
    assert_eq!(after.migrations_due(&plugin(), &two).await, Ok(true));
    assert_eq!(
        after.migrations_due(&plugin(), &two).await,
        Ok(true),
        "asking changes nothing"
    );
    after.migrate(&plugin(), &two).await.unwrap();
    after.close().await;

    let last = stores(&folder);
    assert_eq!(last.migrations_due(&plugin(), &two).await, Ok(true));
    last.migrate(&plugin(), &two).await.unwrap();
    assert_eq!(sql(&last, &["SELECT * FROM notes"]).await.unwrap(), "");
    last.undo_migrations(&plugin()).await.unwrap();
    assert_eq!(sql(&last, &["SELECT * FROM notes"]).await.unwrap(), "Text(\"kept\") ");
    last.migrate(&plugin(), &two).await.unwrap();
    last.keep_migrations(&plugin()).await;
    assert_eq!(last.migrations_due(&plugin(), &two).await, Ok(false));
    last.close().await;
}

#[test]
fn requests_that_wait_when_the_files_are_closed_are_answered_and_nothing_stays_open() {
    let folder = tempfile::tempdir().unwrap();
    let (stores, runtime) = (stores(&folder), runtime());
    for round in 0..12 {
        let heads = (0..3_000).map(|number| match number % 2 {
            0 => Keys {
                by: 1,
                ..request(0, KeysAction::Increment, "n")
            },
            _ => request(0, KeysAction::Get, "n"),
        });
        // The file is being opened in some rounds, open in others.
        if round % 2 == 0 {
            key(&stores, runtime.handle(), request(0, KeysAction::Get, "n"), &[]);
        }
        let told = ask(&stores, &runtime, heads);
        runtime.block_on(stores.pause());
        assert!(runtime.block_on(stores.open_databases()).is_empty());
        let answers: Vec<_> = told.iter().flatten().collect();
        assert_eq!(answers.len(), 3_000);
        let refused = answers.iter().filter_map(|(_, done)| done.as_ref().err());
        assert!(refused.into_iter().all(|problem| problem.code == ProblemCode::Closed));
        if round % 2 == 0 {
            assert!(
                answers.iter().all(|(_, done)| done.is_ok()),
                "an open file is closed behind them"
            );
        }
        stores.resume();
    }
    runtime.block_on(stores.close());
}

#[test]
fn large_answers_are_sent_before_all_of_them_are_collected() {
    let folder = tempfile::tempdir().unwrap();
    let (stores, runtime) = (stores(&folder), runtime());
    let large = vec![7; 1 << 20];
    key(&stores, runtime.handle(), request(0, KeysAction::Set, "large"), &large);
    // They wait together until the file is open again.
    runtime.block_on(stores.close());
    let heads = (0..64).map(|number| match number % 2 {
        0 => request(0, KeysAction::Get, "large"),
        _ => Keys {
            expected_version: Some(1),
            ..request(0, KeysAction::Delete, "large")
        },
    });
    let told = ask(&stores, &runtime, heads);
    let batches: Vec<_> = told.iter().collect();
    assert_eq!(batches.iter().flatten().count(), 64);
    for batch in &batches {
        let bytes: usize = batch.iter().map(|(_, done)| done.as_ref().unwrap().1.len()).sum();
        assert!(bytes <= 9 << 20, "{bytes}");
    }
    runtime.block_on(stores.close());
}
