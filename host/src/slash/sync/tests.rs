//! What is written to Discord, and what is remembered of it.
//!
//! Against a Discord that keeps sets of commands and counts requests.

use std::{path::Path, sync::Mutex};

use futures_util::{FutureExt, future::BoxFuture};
use plugin_protocol::{Command, Doors, PluginName};

use super::*;
use crate::{
    interactions::Response,
    slash::plan::{Limits, plan},
    storage::database::Synchronous,
};

/// A Discord that gives ids in the order of names.
#[derive(Default)]
struct Fake {
    refuses: Mutex<Option<u16>>,
    requests: Mutex<Vec<Request>>,
    /// What is registered there.
    there: Mutex<Vec<Value>>,
}

impl Fake {
    fn writes(&self) -> Vec<Request> {
        let requests = self.requests.lock().unwrap();
        requests
            .iter()
            .filter(|request| request.method == "PUT")
            .cloned()
            .collect()
    }
}

impl DiscordApi for Fake {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, String>> {
        let refuses = *self.refuses.lock().unwrap();
        if refuses.is_none() && request.method == "PUT" {
            let commands: Vec<Value> = serde_json::from_slice(&request.body).unwrap();
            let numbered = commands.into_iter().enumerate().map(|(at, mut command)| {
                command["id"] = (at + 1).to_string().into();
                command["version"] = "1".into();
                command
            });
            *self.there.lock().unwrap() = numbered.collect();
        }
        self.requests.lock().unwrap().push(request);
        let response = match refuses {
            Some(0) => Err("connection reset".to_owned()),
            Some(status) => Ok(Response {
                status,
                body: r#"{"code":50035,"message":"Invalid Form Body"}"#.into(),
            }),
            None => Ok(Response {
                status: 200,
                body: serde_json::to_vec(&*self.there.lock().unwrap()).unwrap().into(),
            }),
        };
        async { response }.boxed()
    }
}

fn set(commands: &[(&str, &str)]) -> Set {
    let commands: Vec<_> = commands
        .iter()
        .map(|(name, description)| Command {
            name: (*name).to_owned(),
            description: (*description).to_owned(),
            doors: Doors {
                prefix: false,
                slash: true,
            },
            ..Command::default()
        })
        .collect();
    let name: PluginName = "a".parse().unwrap();
    let plan = plan([(&name, commands.as_slice(), &[][..])], Limits::default());
    Set::new(&plan.commands, &plan.menus, BTreeMap::new(), Vec::new())
}

fn application(id: u64) -> ApplicationId {
    ApplicationId::new(id).unwrap()
}

fn written(added: &[&str], changed: &[&str], removed: &[&str]) -> Synced {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Synced::Written {
        added: owned(added),
        changed: owned(changed),
        removed: owned(removed),
    }
}

async fn tables(folder: &Path) -> Tables {
    Tables::open(&folder.join("bot.db"), Synchronous::Normal).await.unwrap()
}

#[tokio::test]
async fn a_set_is_written_once_and_after_a_restart_not_again() {
    let folder = tempfile::tempdir().unwrap();
    let discord = Fake::default();
    let set = set(&[("ping", "Pings"), ("warn add", "Warns")]);
    let all = |sync: SlashSync, set: Set| {
        let discord = &discord;
        async move { (sync.sync(discord, application(9), None, set, None).await.unwrap(), sync) }
    };
    let tables = tables(folder.path()).await;
    let sync = SlashSync::open(tables.clone()).await.unwrap();
    let (first, sync) = all(sync, set.clone()).await;
    assert_eq!(first, written(&["ping", "warn"], &[], &[]));
    let (again, _) = all(sync, set.clone()).await;
    assert_eq!(again, Synced::Unchanged);
    tables.close().await;

    let tables = self::tables(folder.path()).await;
    let sync = SlashSync::open(tables.clone()).await.unwrap();
    let (again, sync) = all(sync, set.clone()).await;
    assert_eq!(again, Synced::Unchanged);
    let known = sync.known(application(9), None).await.unwrap();
    assert_eq!(known.commands["warn"].id.as_deref(), Some("2"));
    let requests = discord.requests.lock().unwrap().clone();
    assert_eq!(requests.len(), 1);
    assert_eq!(
        (requests[0].method, requests[0].path.as_str()),
        ("PUT", "/applications/9/commands")
    );
    assert_eq!(requests[0].body, set.body());
    tables.close().await;
}

#[tokio::test]
async fn what_changed_is_reported_and_applications_are_apart() {
    let folder = tempfile::tempdir().unwrap();
    let discord = Fake::default();
    let sync = SlashSync::open(tables(folder.path()).await).await.unwrap();
    let old = set(&[("a", "1"), ("b", "1"), ("c", "1")]);
    let new = set(&[("b", "2"), ("c", "1"), ("d", "1")]);
    let write = async |id, set: &Set| {
        let synced = sync.sync(&discord, application(id), None, set.clone(), None).await;
        synced.unwrap()
    };
    write(9, &old).await;
    assert_eq!(write(9, &new).await, written(&["d"], &["b"], &["a"]));
    assert_eq!(write(8, &old).await, written(&["a", "b", "c"], &[], &[]));
    assert_eq!(write(9, &new).await, Synced::Unchanged);
    sync.forget(application(9)).await;
    assert_eq!(write(9, &new).await, written(&["b", "c", "d"], &[], &[]));
}

#[tokio::test]
async fn servers_have_sets_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let discord = Fake::default();
    let home = GuildId::new(5).unwrap();
    let load = set(&[("load", "1")]);
    let tables = tables(folder.path()).await;
    let sync = SlashSync::open(tables.clone()).await.unwrap();
    let write = async |sync: &SlashSync, set: &Set| {
        let synced = sync.sync(&discord, application(9), Some(home), set.clone(), None).await;
        synced.unwrap()
    };
    write(&sync, &load).await;
    assert_eq!(
        discord.requests.lock().unwrap()[0].path,
        "/applications/9/guilds/5/commands"
    );
    assert_eq!(sync.guilds(application(9)).await, [home]);

    let again = SlashSync::open(tables).await.unwrap();
    assert_eq!(write(&again, &load).await, Synced::Unchanged);
    assert_eq!(write(&again, &Set::default()).await, written(&[], &[], &["load"]));
    assert_eq!(again.guilds(application(9)).await, []);
}

#[tokio::test]
async fn a_failure_keeps_the_old_memory_and_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let discord = Fake::default();
    let sync = SlashSync::open(tables(folder.path()).await).await.unwrap();
    let (old, new) = (set(&[("a", "1")]), set(&[("b", "1")]));
    let write = async |set: &Set| sync.sync(&discord, application(9), None, set.clone(), None).await;
    write(&old).await.unwrap();
    for status in [400, 0] {
        *discord.refuses.lock().unwrap() = Some(status);
        assert!(write(&new).await.is_err());
        let known = sync.known(application(9), None).await.unwrap();
        assert!(known.commands.contains_key("a"));
    }
    *discord.refuses.lock().unwrap() = None;
    assert_eq!(write(&new).await.unwrap(), written(&["b"], &[], &["a"]));
}

#[tokio::test]
async fn a_process_that_ends_while_it_writes_knows_afterwards_whose_commands_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let discord = Fake::default();
    let tables = tables(folder.path()).await;
    let sync = SlashSync::open(tables.clone()).await.unwrap();
    let (old, new) = (set(&[("a", "1")]), set(&[("b", "1")]));
    let write = async |sync: &SlashSync, set: &Set| sync.sync(&discord, application(9), None, set.clone(), None).await;
    write(&sync, &old).await.unwrap();
    *discord.refuses.lock().unwrap() = Some(0);
    write(&sync, &new).await.unwrap_err();
    *discord.refuses.lock().unwrap() = None;
    let again = SlashSync::open(tables).await.unwrap();
    let known = again.known(application(9), None).await.unwrap();
    assert!(known.commands.contains_key("a") && known.commands.contains_key("b"));
    assert!(again.agrees(application(9), &[]).await, "that is not known");
    assert!(matches!(write(&again, &new).await.unwrap(), Synced::Written { .. }));
}

#[tokio::test]
async fn what_others_registered_is_found_kept_and_given_up_by_order() {
    let folder = tempfile::tempdir().unwrap();
    let discord = Fake::default();
    let foreign = serde_json::json!({ "id": "77", "name": "old", "type": 1, "description": "By another program" });
    discord.there.lock().unwrap().push(foreign.clone());
    let sync = SlashSync::open(tables(folder.path()).await).await.unwrap();
    let found = sync.registered(&discord, application(9), None).await.unwrap();
    assert_eq!(found.foreign, std::slice::from_ref(&foreign));
    let mut mine = set(&[("a", "1")]);
    mine.foreign = found.foreign;
    let synced = sync.sync(&discord, application(9), None, mine.clone(), None).await;
    assert_eq!(synced.unwrap(), written(&["a"], &[], &[]));
    let body: Vec<Value> = serde_json::from_slice(&discord.writes()[0].body).unwrap();
    assert_eq!(body[1], foreign, "as it was, with its id");
    // Known from then on, without asking.
    let asked = discord.requests.lock().unwrap().len();
    let known = sync.registered(&discord, application(9), None).await.unwrap();
    assert_eq!(known.foreign.len(), 1);
    assert_eq!(discord.requests.lock().unwrap().len(), asked);

    let there = sync.there(&discord, application(9), None).await.unwrap();
    let synced = sync
        .sync(&discord, application(9), None, set(&[("a", "1")]), Some(&there))
        .await;
    assert_eq!(synced.unwrap(), written(&[], &[], &["old"]));
    // What somebody else changed at Discord meanwhile is seen by order only.
    discord.there.lock().unwrap()[0]["version"] = "2".into();
    let there = sync.there(&discord, application(9), None).await.unwrap();
    let write = async |there| {
        sync.sync(&discord, application(9), None, set(&[("a", "1")]), there)
            .await
            .unwrap()
    };
    assert_eq!(write(None).await, Synced::Unchanged);
    assert_eq!(write(Some(there.as_slice())).await, written(&[], &[], &[]));
}

#[tokio::test]
async fn nothing_is_written_for_nothing_and_what_is_not_understood_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let tables = tables(folder.path()).await;
    tables.keep_slash_set(9, 0, Some("{broken".to_owned())).await.unwrap();
    let discord = Fake::default();
    let sync = SlashSync::open(tables).await.unwrap();
    let write = async |set: Set| sync.sync(&discord, application(9), None, set, None).await.unwrap();
    assert_eq!(write(Set::default()).await, Synced::Unchanged);
    assert!(discord.requests.lock().unwrap().is_empty());
    write(set(&[("a", "1")])).await;
    assert_eq!(write(Set::default()).await, written(&[], &[], &["a"]));
}
