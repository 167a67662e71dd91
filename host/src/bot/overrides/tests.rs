//! Look-ups that fail, are slow, or are overtaken by events; without Discord, and on a clock that stands.
//!
//! Against a REST client that answers when it is told to, under a paused clock.

#![allow(clippy::unwrap_used, reason = "tests")]

use futures_util::{FutureExt, future::join_all};
use tokio::{net::TcpListener, time::advance};

use super::*;
use crate::config::ApiAddress;

const APPLICATION: ApplicationId = ApplicationId::new(42).unwrap();

fn guild(id: u64) -> GuildId {
    GuildId::new(id).unwrap()
}

/// Asks a service that takes connections and answers nothing.
async fn unanswered() -> (Administrators, TcpListener) {
    let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = ApiAddress {
        authority: service.local_addr().unwrap().to_string(),
        is_plain_http: true,
    };
    let token = "MTIz.GAbCdE.abcdefghijklmnopqrstuvwxyz".parse().unwrap();
    (
        Administrators::new(Rest::new(&token, Some(&api), 1000).unwrap()),
        service,
    )
}

fn look_ups(administrators: &Administrators) -> u64 {
    administrators.inner.last_asked.load(Ordering::Relaxed)
}

fn updated(guild: GuildId) -> String {
    format!(
        r#"{{"d":{{"id":"7","application_id":"42","guild_id":"{guild}","permissions":[{{"id":"5","type":1,"permission":true}}]}}}}"#
    )
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_to_all_who_wait_and_stands_for_a_while() {
    let (administrators, _service) = unanswered().await;
    let ask = || administrators.of(APPLICATION, guild(1));
    assert!(join_all((0..100).map(|_| ask())).await.iter().all(Option::is_none));
    assert_eq!(look_ups(&administrators), 1);
    assert!(ask().now_or_never().is_some(), "nobody waits a second time");
    advance(FAILED_FOR).await;
    assert_eq!(ask().await, None);
    assert_eq!(look_ups(&administrators), 2);
}

#[tokio::test(start_paused = true)]
async fn a_look_up_ends_though_all_who_waited_are_gone() {
    let (administrators, _service) = unanswered().await;
    assert!(administrators.of(APPLICATION, guild(1)).now_or_never().is_none());
    assert_eq!(administrators.of(APPLICATION, guild(1)).await, None);
    assert_eq!(look_ups(&administrators), 1);
}

#[tokio::test(start_paused = true)]
async fn only_so_many_wait() {
    let (administrators, _service) = unanswered().await;
    let mut waiting: Vec<_> = (0..MOST_WAITING)
        .map(|_| Box::pin(administrators.of(APPLICATION, guild(1))))
        .collect();
    assert!(waiting.iter_mut().all(|one| one.now_or_never().is_none()));
    assert_eq!(administrators.of(APPLICATION, guild(1)).now_or_never(), Some(None));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_an_update_overtakes_is_remembered_by_nobody() {
    let (administrators, _service) = unanswered().await;
    let Entry::Asked(number, _) = administrators.entry(APPLICATION, guild(1)) else {
        panic!("it is asked");
    };
    administrators.apply("APPLICATION_COMMAND_PERMISSIONS_UPDATE", &updated(guild(1)), (0, 1));
    administrators.inner.note(guild(1), number, Some(Arc::default()));
    assert_eq!(administrators.known(guild(1)), None);
    let Entry::Asked(next, _) = administrators.entry(APPLICATION, guild(1)) else {
        panic!("it is asked again");
    };
    administrators.inner.note(guild(1), number, Some(Arc::default()));
    assert_eq!(administrators.known(guild(1)), None, "nor in place of the next");
    administrators.inner.note(guild(1), next, Some(Arc::default()));
    administrators.apply("APPLICATION_COMMAND_PERMISSIONS_UPDATE", &updated(guild(1)), (0, 1));
    let known = administrators.known(guild(1)).unwrap();
    assert!(!known.of(APPLICATION, Some("7")).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_new_session_forgets_the_servers_of_its_shard_and_a_resumed_one_none() {
    let (administrators, _service) = unanswered().await;
    let guilds = [guild(4 << 22), guild(5 << 22), guild(6 << 22)];
    administrators.restore(KnownIntegrations(guilds.map(|id| (id, Integrations::default())).into()));
    let known = || guilds.map(|guild| administrators.known(guild).is_some());
    administrators.apply("RESUMED", "{}", (0, 2));
    assert_eq!(known(), [true; 3]);
    administrators.apply("READY", "{}", (1, 2));
    assert_eq!(known(), [true, false, true]);
    let json = serde_json::to_vec(&administrators.snapshot()).unwrap();
    administrators.apply("GUILD_DELETE", &format!(r#"{{"d":{{"id":"{}"}}}}"#, guilds[0]), (0, 2));
    assert_eq!(known(), [false, false, true]);
    administrators.apply("READY", "{}", (0, 2));
    assert_eq!(known(), [false; 3]);
    administrators.restore(serde_json::from_slice(&json).unwrap());
    assert_eq!(known(), [true, false, true]);
}
