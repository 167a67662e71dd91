//! The engine against files of its own: groups, faults of one that cost the others nothing, migrations, refusals.
//!
//! Groups are made by holding the writer until all of one wait.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use futures_util::future::join_all;
use rusqlite::hooks::AuthAction;
use tempfile::TempDir;

use super::*;

const STEPS: [Step; 1] = [Step::new(
    "numbers",
    "CREATE TABLE numbers (number INTEGER PRIMARY KEY, text TEXT) STRICT",
)];

fn open(folder: &TempDir, options: Options) -> Database {
    Database::open(&folder.path().join("a/bot.db"), options).unwrap()
}

fn with_numbers() -> Options {
    Options {
        migrations: STEPS.to_vec(),
        ..Options::default()
    }
}

async fn insert(database: &Database, number: i64) -> Result<usize, StorageError> {
    database
        .write(move |connection| {
            connection
                .prepare_cached("INSERT INTO numbers VALUES (?1, 'x')")?
                .execute([number])
        })
        .await
}

async fn count(database: &Database) -> i64 {
    database
        .read(|connection| connection.query_row("SELECT count(*) FROM numbers", [], |row| row.get(0)))
        .await
        .unwrap()
}

#[tokio::test]
async fn what_is_answered_is_read_at_once_and_there_after_a_close() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder, with_numbers());
    let written = join_all((0..2000).map(|number| insert(&database, number))).await;
    assert!(written.iter().all(Result::is_ok));
    assert_eq!(count(&database).await, 2000);
    let figures = database.figures().await.unwrap();
    assert_eq!(figures.writes.count, 2000);
    assert!(figures.groups.highest > 1, "writes share commits: {figures:?}");
    assert!(figures.commits.count < 2000);
    database.close().await;
    assert_eq!(insert(&database, -1).await, Err(StorageError::Closed));
    assert!(is_clean(database.path()));
    assert!(!log_file(database.path()).exists());
    let again = open(&folder, with_numbers());
    assert_eq!(count(&again).await, 2000);
}

/// Holds the writer until all of these wait: then they are one group.
async fn as_one_group<T>(database: &Database, jobs: Vec<impl Future<Output = T>>) -> Vec<T> {
    let held = database.hold().await.unwrap();
    let release = async {
        // The others have been polled once by now.
        tokio::task::yield_now().await;
        drop(held);
    };
    let (done, ()) = tokio::join!(join_all(jobs), release);
    done
}

#[tokio::test]
async fn a_job_that_fails_or_panics_undoes_nothing_of_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder, with_numbers());
    let jobs = (0..9).map(|number| {
        let database = database.clone();
        async move {
            database
                .write(move |connection| {
                    connection.execute("INSERT INTO numbers VALUES (?1, 'x')", [number])?;
                    match number {
                        3 => connection.execute("INSERT INTO numbers VALUES (0, 'twice')", []),
                        5 => panic!("asked to"),
                        _ => Ok(1),
                    }
                })
                .await
        }
    });
    let done = as_one_group(&database, jobs.collect()).await;
    assert!(matches!(&done[3], Err(StorageError::Constraint { detail, .. }) if detail.contains("UNIQUE")));
    assert_eq!(done[5], Err(StorageError::Panicked));
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 7);
    assert_eq!(count(&database).await, 7);
    let figures = database.figures().await.unwrap();
    assert!(figures.groups.highest >= 6, "they were one group: {figures:?}");
}

#[tokio::test]
async fn an_endless_statement_is_stopped_and_costs_its_group_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        limits: Limits {
            job_time: Some(Duration::from_millis(50)),
            ..Limits::default()
        },
        ..with_numbers()
    };
    let database = open(&folder, options);
    let jobs = (0..5).map(|number| {
        let database = database.clone();
        async move {
            database
                .write(move |connection| {
                    if number == 2 {
                        connection.execute(
                            "INSERT INTO numbers WITH RECURSIVE n(x) AS (SELECT 10 UNION ALL SELECT x + 1 FROM n) SELECT x, 'y' FROM n",
                            [],
                        )
                    } else {
                        connection.execute("INSERT INTO numbers VALUES (?1, 'x')", [number])
                    }
                })
                .await
        }
    });
    let done = as_one_group(&database, jobs.collect()).await;
    let limit = Duration::from_millis(50);
    assert_eq!(done[2], Err(StorageError::TimeLimit { limit }));
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 4, "{done:?}");
    assert_eq!(count(&database).await, 4);
    let endless = database
        .read(|connection| {
            connection.query_row(
                "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n",
                [],
                |row| row.get::<_, i64>(0),
            )
        })
        .await;
    assert_eq!(endless, Err(StorageError::TimeLimit { limit }));
    assert_eq!(count(&database).await, 4);
}

#[tokio::test]
async fn a_full_database_refuses_one_write_keeps_the_rest_and_works_again_with_room() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        limits: Limits {
            file_bytes: Some(256 << 10),
            ..Limits::default()
        },
        ..with_numbers()
    };
    let database = open(&folder, options);
    let jobs = (0..5).map(|number| {
        let database = database.clone();
        async move {
            let length = if number == 1 { 1 << 20 } else { 10 };
            database
                .write(move |connection| {
                    connection.execute(
                        "INSERT INTO numbers VALUES (?1, ?2)",
                        rusqlite::params![number, "x".repeat(length)],
                    )
                })
                .await
        }
    });
    let done = as_one_group(&database, jobs.collect()).await;
    assert_eq!(done[1], Err(StorageError::TooBig { limit: 256 << 10 }));
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 4, "{done:?}");
    assert_eq!(count(&database).await, 4);
    assert!(insert(&database, 99).await.is_ok());
}

#[tokio::test]
async fn reads_write_nothing_and_the_fence_is_around_jobs_only() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        limits: Limits {
            authorizer: Some(|context| match context.action {
                AuthAction::Pragma { .. } | AuthAction::Attach { .. } | AuthAction::Transaction { .. } => {
                    Authorization::Deny
                }
                _ => Authorization::Allow,
            }),
            ..Limits::default()
        },
        ..with_numbers()
    };
    let database = open(&folder, options);
    assert!(insert(&database, 1).await.is_ok());
    let wrote = database
        .read(|connection| connection.execute("DELETE FROM numbers", []))
        .await;
    assert_eq!(wrote, Err(StorageError::NotARead));
    for sql in ["PRAGMA journal_mode = DELETE", "ATTACH ':memory:' AS x", "COMMIT"] {
        let denied = database.write(move |connection| connection.execute_batch(sql)).await;
        assert!(matches!(denied, Err(StorageError::Denied { .. })), "{sql}: {denied:?}");
    }
    assert_eq!(count(&database).await, 1);
    assert!(database.check().await.unwrap().is_sound());
    assert!(database.figures().await.unwrap().pages > 0);
}

#[tokio::test]
async fn steps_are_made_once_in_order_and_a_failing_one_leaves_the_version_before() {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.db");
    let [first] = STEPS;
    let second = Step::new(
        "names",
        "CREATE TABLE names (name TEXT); INSERT INTO names VALUES ('a')",
    );
    let broken = Step::new("broken", "DELETE FROM names; INSERT INTO absent VALUES (1)");
    let third = Step {
        backward_compatible: true,
        ..Step::new("more", "CREATE TABLE more (x)")
    };
    let open = |steps: &[&Step]| {
        let migrations: Vec<_> = steps.iter().map(|step| (*step).clone()).collect();
        let opened = Database::open(
            &path,
            Options {
                migrations,
                ..Options::default()
            },
        );
        MADE.fetch_add(1, Ordering::Relaxed);
        opened
    };
    let names = async |database: &Database| {
        let names = database.read(|c| c.query_row("SELECT count(*) FROM names", [], |row| row.get::<_, i64>(0)));
        names.await
    };
    open(&[&first, &second]).unwrap().close().await;
    let failed = open(&[&first, &second, &broken]).unwrap_err();
    assert!(matches!(&failed, OpenError::Migration { number: 3, .. }), "{failed}");
    let database = open(&[&first, &second]).unwrap();
    assert_eq!(names(&database).await, Ok(1), "nothing of the failed step is kept");
    let older = database.migrations_due(vec![first.clone()]).await.unwrap_err();
    assert!(older.to_string().contains("is newer than this program"), "{older}");
    assert_eq!(
        database
            .migrations_due(vec![first.clone(), second.clone(), third.clone()])
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        database
            .migrate(vec![first.clone(), second.clone(), third.clone()])
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        database
            .migrate(vec![first.clone(), second.clone(), third.clone()])
            .await
            .unwrap(),
        0
    );
    database.close().await;
    // The third is declared to be harmless, the second is not.
    open(&[&first, &second]).unwrap().close().await;
    let newer = open(&[&first]).unwrap_err();
    assert!(
        matches!(
            newer,
            OpenError::Newer {
                number: 2,
                known: 1,
                ..
            }
        ),
        "{newer}"
    );
    let changed = open(&[&first, &Step::new("names", "CREATE TABLE other (x)"), &third]).unwrap_err();
    assert!(matches!(changed, OpenError::Changed { number: 2, .. }), "{changed}");
}

#[tokio::test]
async fn a_step_that_ends_its_transaction_or_breaks_references_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, sql) in [
        ("ends", "CREATE TABLE t (x); COMMIT"),
        (
            "breaks",
            "CREATE TABLE p (x PRIMARY KEY); CREATE TABLE c (x REFERENCES p); INSERT INTO c VALUES (1)",
        ),
    ] {
        let options = Options {
            migrations: vec![Step::new(name, sql)],
            ..Options::default()
        };
        let refused = Database::open(&folder.path().join(name), options).unwrap_err();
        assert!(matches!(refused, OpenError::Migration { number: 1, .. }), "{refused}");
    }
}

#[tokio::test]
async fn a_copy_is_one_state_whole_in_one_file_while_writers_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder, with_numbers());
    let writing = {
        let database = database.clone();
        tokio::spawn(async move {
            for number in 0..3000 {
                let both = database.write(move |connection| {
                    connection.execute("INSERT INTO numbers VALUES (?1, 'a')", [number * 2])?;
                    connection.execute("INSERT INTO numbers VALUES (?1, 'b')", [number * 2 + 1])
                });
                both.await.unwrap();
            }
        })
    };
    for number in 0..5 {
        let copy = folder.path().join(format!("copy{number}.db"));
        database.copy_to(&copy).await.unwrap();
        assert!(verify(&copy).unwrap().is_sound());
        let copied = Database::open(&copy, with_numbers()).unwrap();
        assert_eq!(count(&copied).await % 2, 0, "a batch is whole or absent");
        copied.close().await;
        assert!(
            matches!(database.copy_to(&copy).await, Err(StorageError::Io { .. })),
            "a file is never overwritten"
        );
    }
    writing.await.unwrap();
    assert_eq!(count(&database).await, 6000);
}

#[tokio::test]
async fn what_cannot_be_opened_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.db");
    let open = |path: &Path| Database::open(path, with_numbers());
    fs::write(
        &path,
        "this is no database at all, but long enough to be taken for one".repeat(100),
    )
    .unwrap();
    let damaged = open(&path).unwrap_err();
    assert!(matches!(damaged, OpenError::Damaged { .. }), "{damaged}");
    fs::remove_file(&path).unwrap();

    let database = open(&path).unwrap();
    join_all((0..500).map(|number| insert(&database, number))).await;
    database.close().await;
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 2048].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    let damaged = open(&path).unwrap_err();
    assert!(matches!(damaged, OpenError::Damaged { .. }), "{damaged}");
    fs::remove_file(&path).unwrap();

    fs::create_dir(&path).unwrap();
    let folder_there = open(&path).unwrap_err();
    assert!(matches!(folder_there, OpenError::Io { .. }), "{folder_there}");
}

#[tokio::test]
async fn an_answer_that_panics_ends_no_thread_and_a_read_before_the_close_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder, with_numbers());
    database.submit_write(|_| Ok(()), |_| panic!("asked to")).unwrap();
    insert(&database, 1).await.unwrap();
    for _ in 0..database.0.options.readers {
        database.submit_read(|_| Ok(()), |_| panic!("asked to")).unwrap();
    }
    assert_eq!(count(&database).await, 1);
    database.close().await;

    // Handed over before the close, while no reader is there and none is started any more.
    let database = open(&folder, with_numbers());
    let (tell, told) = oneshot::channel();
    let asked = Asked {
        job: |_: &Connection| Ok(()),
        made: None,
        answer: |outcome| {
            let _ = tell.send(outcome);
        },
    };
    database.0.reads.push(Box::new(asked)).unwrap();
    database.close().await;
    assert_eq!(told.await.unwrap(), Err(StorageError::Closed));
}

/// Spends time as a job that computes does.
fn compute(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        std::hint::spin_loop();
    }
}

#[tokio::test]
async fn what_a_long_group_leaves_is_done_before_what_came_later() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder, with_numbers());
    let order = Arc::new(Mutex::new(Vec::new()));
    let write = |number, time| {
        let order = Arc::clone(&order);
        database.write(move |_| {
            compute(time);
            order.lock().unwrap().push(number);
            Ok(())
        })
    };
    let held = database.hold().await.unwrap();
    let release = async {
        tokio::task::yield_now().await;
        drop(held);
    };
    let made = tokio::join!(
        write(0, Duration::from_millis(40)),
        write(1, Duration::ZERO),
        database.figures(),
        write(2, Duration::ZERO),
        release
    );
    assert!(made.0.is_ok() && made.1.is_ok() && made.2.is_ok() && made.3.is_ok());
    assert_eq!(*order.lock().unwrap(), [0, 1, 2]);
}

#[tokio::test]
async fn a_long_read_does_not_keep_its_state_for_those_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(
        &folder,
        Options {
            readers: 1,
            ..with_numbers()
        },
    );
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let (read, was_read) = oneshot::channel();
    let (written, was_written) = std::sync::mpsc::channel::<()>();
    let first = database.read(move |_| Ok(wait.recv().is_ok()));
    let long = database.read(move |connection| {
        connection.query_row("SELECT count(*) FROM numbers", [], |_| Ok(()))?;
        let _ = read.send(());
        let _ = was_written.recv();
        compute(Duration::from_millis(120));
        Ok(())
    });
    let writes = async {
        go_on.send(()).unwrap();
        was_read.await.unwrap();
        insert(&database, 1).await.unwrap();
        written.send(()).unwrap();
    };
    let (first, long, behind, ()) = tokio::join!(first, long, count(&database), writes);
    assert!(first.is_ok() && long.is_ok());
    assert_eq!(behind, 1);
}

#[tokio::test]
async fn a_log_that_readers_keep_from_ending_refuses_writes_until_they_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        limits: Limits {
            file_bytes: Some(256 << 10),
            ..Limits::default()
        },
        ..with_numbers()
    };
    let database = open(&folder, options);
    insert(&database, 1).await.unwrap();
    // Another text each time: what is as it was is not written.
    let rewrite = |number: u32| {
        let text = number.to_string().repeat(50_000);
        database.write(move |connection| connection.execute("UPDATE numbers SET text = ?1 WHERE number = 1", [&text]))
    };
    let snapshot = database.snapshot().await.unwrap();
    let mut refused = None;
    for number in 100..1_000 {
        if let Err(error) = rewrite(number).await {
            refused = Some(error);
            break;
        }
    }
    assert_eq!(refused, Some(StorageError::Busy));
    drop(snapshot);
    rewrite(99).await.unwrap();
    assert!(fs::metadata(log_file(database.path())).unwrap().len() < 16 << 20);
}

#[tokio::test]
async fn a_step_has_its_own_time_and_all_databases_share_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let endless =
        "CREATE TABLE t AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n";
    let options = |step| Options {
        migrations: vec![step],
        limits: Limits {
            job_time: Some(Duration::from_secs(5)),
            migration_time: Some(Duration::from_millis(50)),
            ..Limits::default()
        },
        ..Options::default()
    };
    let stopped = Database::open(&folder.path().join("bot.db"), options(Step::new("endless", endless))).unwrap_err();
    assert!(stopped.to_string().contains("stopped after 50 ms"), "{stopped}");
    let database = open(&folder, with_numbers());
    let limit = database.read(|connection| connection.query_row("PRAGMA hard_heap_limit", [], |row| row.get(0)));
    assert_eq!(limit.await, Ok(512_i64 << 20));
}
