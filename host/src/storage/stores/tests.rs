//! The stores by themselves: what statements may and may not do, the limits, a model of the keys, and steps undone.
//!
//! Apart from the end-to-end tests, which see less of the limits and none of the versions underneath.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::mpsc::{Sender, channel},
};

use plugin_protocol::{Keys, KeysAction, KeysAnswer, Migration, SqlValue, SqlValues, Statement};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

pub(super) fn plugin() -> PluginName {
    "keeper".parse().unwrap()
}

pub(super) fn stores(folder: &TempDir) -> Stores {
    Stores::new(folder.path().to_owned(), Synchronous::Normal)
}

/// Statements without parameters, and what the last of them returns.
pub(super) async fn sql(stores: &Stores, statements: &[&str]) -> Result<String, Problem> {
    let statements = statements.iter().map(|sql| Statement {
        sql: (*sql).to_owned(),
        ..Statement::default()
    });
    let sql = Sql {
        statements: statements.collect(),
    };
    let (answer, values) = stores.sql(&plugin(), sql, Bytes::new()).await?;
    Ok(shown(&answer, &values))
}

fn shown(answer: &SqlAnswer, values: &[u8]) -> String {
    if let Some(unmet) = answer.unmet {
        return unmet.to_string();
    }
    let (mut values, mut shown) = (SqlValues::new(values), String::new());
    for result in &answer.results {
        for _ in 0..result.rows {
            for _ in &result.columns {
                write!(shown, "{:?} ", values.read().unwrap()).unwrap();
            }
        }
    }
    shown
}

#[tokio::test]
async fn what_would_leave_the_plugins_own_database_is_denied_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(&folder);
    sql(&stores, &["CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"])
        .await
        .unwrap();
    let elsewhere = folder.path().join("elsewhere.db");
    let (attach, vacuum) = (
        format!("ATTACH '{}' AS other", elsewhere.display()),
        format!("/* x */ VACUUM INTO '{}'", elsewhere.display()),
    );
    let denied = [
        attach.as_str(),
        &vacuum,
        "VACUUM",
        "DETACH main",
        "BEGIN",
        "COMMIT",
        "END",
        "BEGIN IMMEDIATE",
        "ROLLBACK",
        "SAVEPOINT a",
        "RELEASE job",
        "ROLLBACK TO job",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA writable_schema = ON",
        "PRAGMA user_version",
        "SELECT * FROM pragma_journal_mode",
        "SELECT load_extension('x')",
        "CREATE TEMP TABLE x (a)",
        "CREATE TEMP VIEW x AS SELECT 1",
        "CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE x USING dbstat",
        "SELECT * FROM sqlite_dbpage",
        "UPDATE sqlite_schema SET sql = ''",
        "SELECT 1; DROP TABLE t",
        "",
        "-- nothing",
        "SELECT ?1",
        "SELECT nonsense FROM t",
    ];
    let mut told = String::new();
    for statement in denied {
        let problem = sql(&stores, &[statement]).await.unwrap_err();
        assert_eq!(problem.code, ProblemCode::Invalid, "{statement}: {problem}");
        let shown = statement.replace(&*folder.path().to_string_lossy(), "FOLDER");
        writeln!(told, "{shown}\n    {}", problem.message).unwrap();
    }
    insta::assert_snapshot!(told);
    assert!(!elsewhere.exists());
    assert_eq!(
        sql(&stores, &["SELECT a FROM t"]).await.unwrap(),
        "Integer(1) ",
        "all is as it was"
    );
}

#[tokio::test]
async fn what_a_plugin_needs_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(&folder);
    for statement in [
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT) STRICT",
        "CREATE INDEX i ON t (b)",
        "CREATE VIEW v AS SELECT * FROM t",
        "CREATE VIRTUAL TABLE texts USING FTS5(text)",
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t WHERE a < 0; END",
        "CREATE VIRTUAL TABLE f USING fts5 (text)",
        "INSERT INTO f VALUES ('some words')",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) INSERT INTO t (b) SELECT i FROM n",
        "PRAGMA table_info(t)",
        "SELECT * FROM pragma_table_info('t')",
        "SELECT rank FROM f('words')",
        "SELECT json_extract('{\"a\": 1}', '$.a')",
        "ALTER TABLE t ADD COLUMN c TEXT NOT NULL DEFAULT ''",
        "ANALYZE",
        "REINDEX",
        "EXPLAIN QUERY PLAN SELECT * FROM v",
        "DROP VIEW v",
    ] {
        let done = sql(&stores, &[statement]).await;
        assert!(done.is_ok(), "{statement}: {done:?}");
    }
}

#[tokio::test]
async fn a_batch_is_kept_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(&folder);
    sql(&stores, &["CREATE TABLE t (a UNIQUE)"]).await.unwrap();
    let problem = sql(&stores, &["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1)"])
        .await
        .unwrap_err();
    assert_eq!(problem.code, ProblemCode::Conflict);
    assert_eq!(
        problem.message,
        "statement 1 of the batch: UNIQUE constraint failed: t.a"
    );
    let expected = |rows| Sql {
        statements: vec![
            Statement {
                sql: "INSERT INTO t VALUES (?1)".to_owned(),
                parameters: 1,
                ..Statement::default()
            },
            Statement {
                sql: "UPDATE t SET a = a + 1 RETURNING a".to_owned(),
                expected_rows: Some(rows),
                ..Statement::default()
            },
        ],
    };
    let mut five = Vec::new();
    SqlValue::Integer(5).write(&mut five);
    let (answer, values) = stores.sql(&plugin(), expected(2), five.clone().into()).await.unwrap();
    assert_eq!(
        shown(&answer, &values),
        "statement 1 of the batch came to 1 rows and not to 2: nothing was kept"
    );
    assert_eq!(sql(&stores, &["SELECT * FROM t"]).await.unwrap(), "");
    let (answer, values) = stores.sql(&plugin(), expected(1), five.into()).await.unwrap();
    assert_eq!(shown(&answer, &values), "Integer(6) ");
    assert_eq!(sql(&stores, &["SELECT * FROM t"]).await.unwrap(), "Integer(6) ");
}

#[tokio::test]
async fn results_and_statements_beyond_the_limits_are_refused_with_advice() {
    const NUMBERS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) SELECT i";
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(&folder);
    let rows = sql(&stores, &[&format!("{NUMBERS} FROM n")]).await.unwrap_err();
    assert!(
        rows.message.contains("10000 rows") && rows.message.contains("LIMIT"),
        "{rows}"
    );
    let bytes = sql(&stores, &[&format!("{NUMBERS}, zeroblob(100000) FROM n LIMIT 100")])
        .await
        .unwrap_err();
    assert!(bytes.message.contains("8 MiB"), "{bytes}");
    let value = sql(&stores, &["SELECT zeroblob(100000000)"]).await.unwrap_err();
    assert!(value.message.contains("longer than it may be"), "{value}");
    let long = format!("SELECT 1 -- {}", "x".repeat(100_000));
    let long = sql(&stores, &[&long]).await.unwrap_err();
    assert!(long.message.contains("values belong into parameters"), "{long}");
}

/// Answers go into a channel.
struct Ear(Sender<(u64, Done)>);

impl Asker for Ear {
    fn answer(&self, answers: Vec<(u64, Done)>) {
        for answer in answers {
            let _ = self.0.send(answer);
        }
    }
}

/// Makes requests on keys at the same time, and answers with their answers in order.
pub(super) fn keys(stores: &Stores, runtime: &Handle, requests: Vec<(Keys, Vec<u8>)>) -> Vec<Done> {
    let (ear, heard) = channel();
    let asker: Arc<dyn Asker> = Arc::new(Ear(ear));
    let count = requests.len();
    for (id, (head, value)) in requests.into_iter().enumerate() {
        let request = KeysRequest {
            asker: Arc::clone(&asker),
            id: id as u64,
            head,
            value: value.into(),
            held: Box::new(()),
        };
        stores.keys(runtime, &plugin(), request);
    }
    let mut answers: Vec<_> = (0..count).map(|_| heard.recv().unwrap()).collect();
    answers.sort_by_key(|(id, _)| *id);
    answers.into_iter().map(|(_, done)| done).collect()
}

pub(super) fn key(stores: &Stores, runtime: &Handle, head: Keys, value: &[u8]) -> (KeysAnswer, Vec<u8>) {
    keys(stores, runtime, vec![(head, value.to_vec())]).remove(0).unwrap()
}

#[derive(Clone, Debug)]
enum Act {
    Set(u8, String, Vec<u8>, Expiry),
    Insert(u8, String, Vec<u8>),
    Swap(u8, String, Vec<u8>),
    Delete(u8, String),
    Add(u8, String, i64),
    Get(u8, String),
    List(u8, String),
    Clear(u8, String),
    Forget(bool),
    Restart,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expiry {
    Never,
    Far,
    Past,
}

fn act() -> impl Strategy<Value = Act> {
    let key = || prop_oneof!["[ab]{1,3}", Just("ÿ\u{10ffff}".to_owned()), Just("a\0".to_owned())];
    let value = || prop_oneof![prop::collection::vec(any::<u8>(), 0..20), Just(b"41".to_vec())];
    let expiry = prop_oneof![Just(Expiry::Never), Just(Expiry::Far), Just(Expiry::Past)];
    let scope = || 0..4_u8;
    prop_oneof![
        4 => (scope(), key(), value(), expiry).prop_map(|(s, k, v, e)| Act::Set(s, k, v, e)),
        2 => (scope(), key(), value()).prop_map(|(s, k, v)| Act::Insert(s, k, v)),
        2 => (scope(), key(), value()).prop_map(|(s, k, v)| Act::Swap(s, k, v)),
        2 => (scope(), key()).prop_map(|(s, k)| Act::Delete(s, k)),
        2 => (scope(), key(), -5..5_i64).prop_map(|(s, k, by)| Act::Add(s, k, by)),
        4 => (scope(), key()).prop_map(|(s, k)| Act::Get(s, k)),
        2 => (scope(), prop_oneof![key(), Just(String::new())]).prop_map(|(s, k)| Act::List(s, k)),
        1 => (scope(), prop_oneof![key(), Just(String::new())]).prop_map(|(s, k)| Act::Clear(s, k)),
        1 => any::<bool>().prop_map(Act::Forget),
        1 => Just(Act::Restart),
    ]
}

/// A request in one of four scopes: global, of a server, of a user, of a member.
pub(super) fn request(scope: u8, action: KeysAction, key: &str) -> Keys {
    Keys {
        action,
        guild_id: (scope & 1 != 0).then(|| GuildId::new(u64::MAX).unwrap()),
        user_id: (scope & 2 != 0).then(|| UserId::new(7).unwrap()),
        key: key.to_owned(),
        ..Keys::default()
    }
}

type Model = BTreeMap<(u8, String), Vec<u8>>;

fn matching<'a>(model: &'a Model, scope: u8, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Vec<u8>)> {
    let within = move |&((of, key), _): &(&(u8, String), _)| *of == scope && key.starts_with(prefix);
    model
        .iter()
        .filter(within)
        .map(|((_, key), value)| (key.as_str(), value))
}

/// Does one act with the store and with the model, and compares.
fn step(stores: &Stores, runtime: &Handle, model: &mut Model, act: Act) {
    match act {
        Act::Set(scope, key, value, expiry) => {
            let head = Keys {
                expires_in_millis: match expiry {
                    Expiry::Never => None,
                    Expiry::Far => Some(u64::MAX),
                    Expiry::Past => Some(0),
                },
                ..request(scope, KeysAction::Set, &key)
            };
            self::key(stores, runtime, head, &value);
            match expiry {
                Expiry::Past => model.remove(&(scope, key)),
                _ => model.insert((scope, key), value),
            };
        }
        Act::Insert(scope, key, value) => {
            let head = Keys {
                expected_version: Some(0),
                ..request(scope, KeysAction::Set, &key)
            };
            let (answer, there) = self::key(stores, runtime, head, &value);
            let known = model.get(&(scope, key.clone()));
            assert_eq!(answer.conflict, known.is_some());
            assert_eq!(&there, known.unwrap_or(&Vec::new()), "a conflict shows what is there");
            model.entry((scope, key)).or_insert(value);
        }
        Act::Swap(scope, key, value) => {
            let (read, _) = self::key(stores, runtime, request(scope, KeysAction::Get, &key), &[]);
            let head = |expected| Keys {
                expected_version: Some(expected),
                keeps_expiry: true,
                ..request(scope, KeysAction::Set, &key)
            };
            let (stale, _) = self::key(stores, runtime, head(read.version + 1), b"stale");
            assert!(stale.conflict);
            let (fresh, _) = self::key(stores, runtime, head(read.version), &value);
            assert!(!fresh.conflict && fresh.version != read.version);
            model.insert((scope, key), value);
        }
        Act::Delete(scope, key) => {
            let (answer, _) = self::key(stores, runtime, request(scope, KeysAction::Delete, &key), &[]);
            assert_eq!(answer.deleted, u64::from(model.remove(&(scope, key)).is_some()));
        }
        Act::Add(scope, key, by) => {
            let head = Keys {
                by,
                ..request(scope, KeysAction::Increment, &key)
            };
            let done = keys(stores, runtime, vec![(head, Vec::new())]).remove(0);
            let known = model.get(&(scope, key.clone())).map_or(Some(0), |value| {
                std::str::from_utf8(value)
                    .ok()
                    .and_then(|text| text.parse::<i64>().ok())
            });
            match known {
                Some(number) => {
                    assert_eq!(done.unwrap().0.number, number + by);
                    model.insert((scope, key), (number + by).to_string().into_bytes());
                }
                None => assert_eq!(done.unwrap_err().code, ProblemCode::Conflict),
            }
        }
        Act::Get(scope, key) => {
            let (answer, value) = self::key(stores, runtime, request(scope, KeysAction::Get, &key), &[]);
            let known = model.get(&(scope, key));
            assert_eq!((answer.version != 0).then_some(&value), known);
        }
        Act::List(scope, prefix) => {
            let known: Vec<_> = matching(model, scope, &prefix)
                .map(|(key, value)| (key.to_owned(), value.clone()))
                .collect();
            assert_eq!(listed(stores, runtime, scope, &prefix), known);
        }
        Act::Clear(scope, prefix) => {
            let (answer, _) = self::key(stores, runtime, request(scope, KeysAction::Clear, &prefix), &[]);
            assert_eq!(answer.deleted as usize, matching(model, scope, &prefix).count());
            model.retain(|(of, key), _| *of != scope || !key.starts_with(&prefix));
        }
        Act::Forget(user) => {
            let (whom, bit) = if user {
                (Whom::User(UserId::new(7).unwrap()), 2)
            } else {
                (Whom::Guild(GuildId::new(u64::MAX).unwrap()), 1)
            };
            runtime.block_on(stores.forget(whom)).unwrap();
            model.retain(|(scope, _), _| scope & bit == 0);
        }
        Act::Restart => runtime.block_on(stores.close()),
    }
}

/// All keys of a scope by a prefix, page by page.
fn listed(stores: &Stores, runtime: &Handle, scope: u8, prefix: &str) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let head = Keys {
            limit: 2,
            after,
            ..request(scope, KeysAction::List, prefix)
        };
        let (answer, values) = self::key(stores, runtime, head, &[]);
        let mut rest = &values[..];
        for entry in answer.entries {
            let (value, behind) = rest.split_at(entry.bytes);
            rest = behind;
            all.push((entry.key, value.to_vec()));
        }
        if !answer.more {
            return all;
        }
        after = all.last().map(|(key, _)| key.clone());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn keys_are_those_of_a_map_also_after_restarts(acts in prop::collection::vec(act(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let stores = stores(&folder);
        let mut model = Model::new();
        for act in acts {
            step(&stores, runtime.handle(), &mut model, act);
        }
        runtime.block_on(stores.close());
    }
}

#[test]
fn what_is_asked_at_once_is_all_done_and_expired_values_are_swept() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let stores = stores(&folder);
    let add = || {
        (
            Keys {
                by: 1,
                ..request(0, KeysAction::Increment, "n")
            },
            Vec::new(),
        )
    };
    let mut numbers: Vec<_> = keys(&stores, runtime.handle(), (0..3_000).map(|_| add()).collect())
        .into_iter()
        .map(|done| done.unwrap().0.number)
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=3_000).collect::<Vec<_>>());
    let brief = |number: usize| Keys {
        expires_in_millis: Some(0),
        ..request(1, KeysAction::Set, &format!("k{number}"))
    };
    let brief = (0..2_500).map(|number| (brief(number), b"1".to_vec())).collect();
    assert!(keys(&stores, runtime.handle(), brief).iter().all(Result::is_ok));
    assert_eq!(listed(&stores, runtime.handle(), 1, ""), []);
    let swept = runtime.block_on(stores.sweep()).unwrap();
    // Some may have been swept behind the writes already.
    assert!((1..=2_500).contains(&swept), "{swept}");
    assert_eq!(runtime.block_on(stores.sweep()), Ok(0));
    for (key, code) in [
        (String::new(), ProblemCode::Invalid),
        ("k".repeat(257), ProblemCode::Invalid),
    ] {
        let refused = keys(
            &stores,
            runtime.handle(),
            vec![(request(0, KeysAction::Get, &key), Vec::new())],
        )
        .remove(0);
        assert_eq!(refused.unwrap_err().code, code);
    }
    runtime.block_on(stores.close());
}

pub(super) fn migration(name: &str, sql: &str, backward_compatible: bool) -> Migration {
    Migration {
        name: name.to_owned(),
        sql: sql.to_owned(),
        backward_compatible,
    }
}

#[tokio::test]
async fn steps_that_are_undone_leave_the_older_data() {
    let folder = tempfile::tempdir().unwrap();
    let (stores, plugin) = (stores(&folder), plugin());
    let first = migration("notes", "CREATE TABLE notes (text)", false);
    let second = migration(
        "authors",
        "ALTER TABLE notes ADD COLUMN author; DELETE FROM notes",
        false,
    );
    let broken = migration("broken", "INSERT INTO nowhere VALUES (1)", false);

    assert_eq!(stores.migrations_due(&plugin, &[]).await, Ok(false));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "asking makes nothing");
    let one = [first.clone()];
    assert_eq!(stores.migrations_due(&plugin, &one).await, Ok(true));
    // A first start that fails leaves nothing.
    stores.migrate(&plugin, &one).await.unwrap();
    stores.undo_migrations(&plugin).await.unwrap();
    assert_eq!(stores.migrations_due(&plugin, &one).await, Ok(true));
    stores.migrate(&plugin, &one).await.unwrap();
    stores.keep_migrations(&plugin).await;
    assert_eq!(stores.migrations_due(&plugin, &one).await, Ok(false));
    sql(&stores, &["INSERT INTO notes VALUES ('kept')"]).await.unwrap();

    let three = [first.clone(), second.clone(), broken];
    let error = stores.migrate(&plugin, &three).await.unwrap_err();
    assert_eq!(
        error,
        "step 3 of its database (\"broken\") failed: no such table: nowhere"
    );
    assert_eq!(
        sql(&stores, &["SELECT count(*) FROM notes"]).await.unwrap(),
        "Integer(0) "
    );
    stores.undo_migrations(&plugin).await.unwrap();
    assert_eq!(sql(&stores, &["SELECT * FROM notes"]).await.unwrap(), "Text(\"kept\") ");
    assert_eq!(stores.migrations_due(&plugin, &one).await, Ok(false), "as before");

    let two = [first.clone(), second];
    stores.migrate(&plugin, &two).await.unwrap();
    stores.keep_migrations(&plugin).await;
    let files: Vec<_> = fs::read_dir(folder.path().join("keeper")).unwrap().flatten().collect();
    assert!(
        files
            .iter()
            .all(|file| !file.file_name().to_string_lossy().contains("before")),
        "{files:?}"
    );
    let older = stores.migrations_due(&plugin, &one).await.unwrap_err();
    assert!(
        older.starts_with("its database is newer than this version: it has the step 2 (\"authors\")"),
        "{older}"
    );
    let changed = [migration("notes", "CREATE TABLE notes (text, more)", false)];
    let changed = stores.migrations_due(&plugin, &changed).await.unwrap_err();
    assert!(
        changed.starts_with("step 1 of its database was made as \"notes\""),
        "{changed}"
    );
    stores.close().await;
}

#[tokio::test]
async fn a_step_may_not_do_what_statements_may_not() {
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(&folder);
    for (statement, why) in [
        ("ATTACH ':memory:' AS other", "a plugin has this one database"),
        ("COMMIT", "COMMIT, ROLLBACK and SAVEPOINT are not allowed"),
        ("PRAGMA journal_mode = DELETE", "PRAGMAs are not allowed"),
    ] {
        let error = stores
            .migrate(&plugin(), &[migration("bad", statement, false)])
            .await
            .unwrap_err();
        assert!(
            error.starts_with("step 1 of its database (\"bad\") failed: ") && error.contains(why),
            "{error}"
        );
    }
    stores.close().await;
}
