//! Whole invocations against a fake Discord, with the clock under control.
//!
//! They call the public methods and read what was sent as lines; tokio's paused clock makes the deadlines exact.

mod deletions;
#[path = "suspension_tests.rs"]
mod suspension;

use std::{collections::VecDeque, future};

use futures_util::{FutureExt, future::BoxFuture};
use plugin_protocol::{
    Action, ApplicationId, ChannelId, Defer, Door, GuildId, InteractionId, PanicReport, User, UserId,
};
use tokio::sync::mpsc;

use super::*;
use crate::{
    commands::InteractionToken,
    interactions::{DeletedAfter, InteractionRef, Request, Response},
};

/// A Discord that tells of every request and answers as it was told to, else with success.
struct Fake {
    requests: mpsc::UnboundedSender<Request>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

enum Answer {
    Refused(u16, &'static str),
    Lost,
    Never,
}

impl DiscordApi for Fake {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, String>> {
        let makes_message = request.path.ends_with("/messages")
            || request.method == "PATCH"
            || (request.path.starts_with("/webhooks") && request.method == "POST");
        self.requests.send(request).unwrap();
        let body = if makes_message {
            r#"{"id":"500","channel_id":"20","content":""}"#
        } else {
            ""
        };
        let response = match self.answers.lock().unwrap().pop_front() {
            Some(Answer::Never) => return future::pending().boxed(),
            Some(Answer::Lost) => Err("connection reset".to_owned()),
            Some(Answer::Refused(status, body)) => Ok(Response {
                status,
                body: body.into(),
            }),
            None => Ok(Response {
                status: if body.is_empty() { 204 } else { 200 },
                body: body.into(),
            }),
        };
        async { response }.boxed()
    }
}

struct World {
    invocations: Invocations,
    requests: mpsc::UnboundedReceiver<Request>,
    incidents: Arc<Mutex<Vec<Incident>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

impl World {
    fn new() -> Self {
        let (sender, requests) = mpsc::unbounded_channel();
        let answers = Arc::new(Mutex::new(VecDeque::new()));
        let incidents = Arc::new(Mutex::new(Vec::new()));
        let api = Fake {
            requests: sender,
            answers: Arc::clone(&answers),
        };
        let told = Arc::clone(&incidents);
        Self {
            invocations: Invocations::new(api, move |incident, _| told.lock().unwrap().push(incident)),
            requests,
            incidents,
            answers,
        }
    }

    /// Discord will answer the next request so.
    fn next_answer(&self, answer: Answer) {
        self.answers.lock().unwrap().push_back(answer);
    }

    /// The requests since the last look, as lines.
    fn sent(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.requests.try_recv().ok().map(|request| line(&request))).collect()
    }

    async fn respond(&self, id: u64, action: Action, body: &str) -> Result<Responded, Problem> {
        self.respond_as(&plugin(), respond(id, action), body).await
    }

    async fn respond_as(&self, plugin: &PluginName, head: Respond, body: &str) -> Result<Responded, Problem> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        self.invocations.respond(plugin, head, body).await
    }

    async fn finish(&self, id: u64, verdict: Verdict, text: Option<&str>) {
        let outcome = Outcome {
            verdict,
            text: text.map(str::to_owned),
            ..Outcome::default()
        };
        self.invocations.finish(id, outcome).await;
    }
}

fn line(request: &Request) -> String {
    format!("{request:?}").trim_end().to_owned()
}

fn plugin() -> PluginName {
    "example".parse().unwrap()
}

fn respond(invocation: u64, action: Action) -> Respond {
    Respond::new(invocation, action)
}

fn origin(door: Door) -> Origin {
    let interaction = (door != Door::Prefix).then(|| InteractionRef {
        id: InteractionId::new(50).unwrap(),
        token: InteractionToken::new("SECRET"),
        application_id: ApplicationId::new(9).unwrap(),
    });
    Origin {
        plugin: plugin(),
        command: "ping".to_owned(),
        door,
        menu: None,
        guild_id: GuildId::new(30),
        channel_id: ChannelId::new(20).unwrap(),
        message_id: (door != Door::Slash).then(|| MessageId::new(10).unwrap()),
        author: User {
            id: UserId::new(1).unwrap(),
            username: "alice".to_owned(),
            global_name: None,
            avatar: None,
            bot: false,
        },
        interaction,
        asked: None,
        run: 0,
        defer: Defer::Public,
        typing: false,
        bot_may: None,
        began: tokio::time::Instant::now(),
        deleted_after: DeletedAfter::default(),
        slot: None,
        taken: None,
        may_ping_everyone: false,
    }
}

const HI: &str = r#"{"content":"hi"}"#;

#[tokio::test(start_paused = true)]
async fn a_prefix_command_is_answered_by_replies() {
    let mut world = World::new();
    let id = world.invocations.open(origin(Door::Prefix), 3);
    assert_ne!(id, 0);
    let first = world.respond(id, Action::Reply, HI).await.unwrap();
    assert_eq!(
        (first.message_id, first.channel_id),
        (MessageId::new(500), ChannelId::new(20))
    );
    let custom = r#"{"content":"hi","allowed_mentions":{"parse":["users"]},"flags":68}"#;
    world.respond(id, Action::Reply, custom).await.unwrap();
    world.respond(id, Action::Edit, HI).await.unwrap();
    world.respond(id, Action::Defer, "").await.unwrap();
    world.respond(id, Action::Delete, "").await.unwrap();
    world.finish(id, Verdict::Done, None).await;
    insta::assert_snapshot!(world.sent().join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_slash_command_is_answered_by_callback_then_webhook() {
    let mut world = World::new();
    let id = world.invocations.open(origin(Door::Slash), 3);
    let ephemeral = Respond {
        ephemeral: true,
        ..respond(id, Action::Reply)
    };
    let first = world.respond_as(&plugin(), ephemeral.clone(), HI).await.unwrap();
    assert_eq!(first.message_id, None, "Discord does not tell");
    let further = world.respond_as(&plugin(), ephemeral, HI).await.unwrap();
    world.respond(id, Action::Edit, HI).await.unwrap();
    let edit_further = Respond {
        message_id: further.message_id,
        ..respond(id, Action::Edit)
    };
    world.respond_as(&plugin(), edit_further, HI).await.unwrap();
    world.respond(id, Action::Delete, "").await.unwrap();
    world.finish(id, Verdict::Done, None).await;
    insta::assert_snapshot!(world.sent().join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_control_updates_its_message() {
    let mut world = World::new();
    let first = world.invocations.open(origin(Door::Component), 3);
    world.respond(first, Action::UpdateMessage, HI).await.unwrap();
    world.respond(first, Action::UpdateMessage, HI).await.unwrap();
    world.respond(first, Action::Reply, HI).await.unwrap();
    let second = world.invocations.open(origin(Door::Component), 3);
    world.respond(second, Action::Defer, "").await.unwrap();
    world.respond(second, Action::UpdateMessage, HI).await.unwrap();
    let third = world.invocations.open(origin(Door::Component), 3);
    world
        .respond(third, Action::Reply, r#"{"content":"psst","flags":64}"#)
        .await
        .unwrap();
    world.respond(third, Action::UpdateMessage, HI).await.unwrap();
    insta::assert_snapshot!(world.sent().join("\n"));
}

#[tokio::test(start_paused = true)]
async fn what_is_slow_is_deferred_after_two_seconds() {
    let mut world = World::new();
    let begin = Instant::now();
    for door in [Door::Prefix, Door::Slash, Door::Component] {
        let _ = world.invocations.open(origin(door), 3);
    }
    let answered = world.invocations.open(origin(Door::Slash), 3);
    world.respond(answered, Action::Reply, HI).await.unwrap();
    let finished = world.invocations.open(origin(Door::Slash), 3);
    world.finish(finished, Verdict::Refused, Some("No.")).await;
    let never = Origin {
        defer: Defer::Never,
        ..origin(Door::Slash)
    };
    let _ = world.invocations.open(never, 3);
    let ephemeral = Origin {
        defer: Defer::Ephemeral,
        ..origin(Door::Slash)
    };
    let _ = world.invocations.open(ephemeral, 3);
    assert_eq!(world.sent().len(), 2);

    let mut deferred = Vec::new();
    for _ in 0..4 {
        deferred.push(line(&world.requests.recv().await.unwrap()));
    }
    assert_eq!(begin.elapsed(), SLOW_AFTER);
    deferred.sort();
    assert_eq!(
        deferred,
        [
            "POST /channels/20/typing",
            r#"POST /interactions/50/TOKEN/callback {"type":5,"data":{"flags":64}}"#,
            r#"POST /interactions/50/TOKEN/callback {"type":5}"#,
            r#"POST /interactions/50/TOKEN/callback {"type":6}"#,
        ]
    );
    tokio::time::sleep(SLOW_AFTER * 2).await;
    assert_eq!(world.sent(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_takes_long_says_so_and_the_answer_takes_its_place() {
    let mut world = World::new();
    let begin = Instant::now();
    let doors = [Door::Prefix, Door::Slash, Door::Component];
    let ids = doors.map(|door| world.invocations.open(origin(door), 3));
    for _ in 0..3 {
        world.requests.recv().await.unwrap();
    }
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(line(&world.requests.recv().await.unwrap()));
    }
    assert_eq!(begin.elapsed(), LONG_AFTER);
    told.sort();
    for id in ids {
        world.respond(id, Action::Reply, r#"{"embeds":[]}"#).await.unwrap();
    }
    told.push("then:".to_owned());
    told.extend(world.sent());
    insta::assert_snapshot!(told.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_note_was_deleted_is_a_message_of_its_own() {
    let mut world = World::new();
    let id = world.invocations.open(origin(Door::Prefix), 3);
    for _ in 0..2 {
        world.requests.recv().await.unwrap();
    }
    world.next_answer(Answer::Refused(404, r#"{"message":"Unknown Message","code":10008}"#));
    for text in [r#"{"content":"first"}"#, r#"{"content":"second"}"#] {
        world.respond(id, Action::Reply, text).await.unwrap();
    }
    world
        .respond(id, Action::Edit, r#"{"content":"edited"}"#)
        .await
        .unwrap();
    let sent = world.sent();
    let begins: Vec<_> = sent
        .iter()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    let (edit, send) = ("PATCH /channels/20/messages/500", "POST /channels/20/messages");
    assert_eq!(begins, [edit, send, send, edit]);
}

#[tokio::test(start_paused = true)]
async fn a_form_is_the_first_answer_or_none() {
    let mut world = World::new();
    let form = r#"{"custom_id":"f","title":"T","components":[]}"#;
    for door in [Door::Slash, Door::Component] {
        let id = world.invocations.open(origin(door), 3);
        world.respond(id, Action::OpenModal, form).await.unwrap();
        let again = world.respond(id, Action::OpenModal, form).await.unwrap_err();
        assert!(again.message.contains("only be opened as the first answer"), "{again}");
        world.finish(id, Verdict::Done, None).await;
    }
    for door in [Door::Prefix, Door::Modal] {
        let id = world.invocations.open(origin(door), 3);
        let refused = world.respond(id, Action::OpenModal, form).await.unwrap_err();
        assert_eq!(refused.code, ProblemCode::Invalid, "{refused}");
    }
    let opened =
        r#"POST /interactions/50/TOKEN/callback {"type":9,"data":{"custom_id":"f","title":"T","components":[]}}"#;
    assert_eq!(world.sent(), [opened; 2]);
}

#[tokio::test(start_paused = true)]
async fn one_slow_deferral_does_not_hold_up_others() {
    let mut world = World::new();
    world.next_answer(Answer::Never);
    let _ = world.invocations.open(origin(Door::Slash), 3);
    let _ = world.invocations.open(origin(Door::Slash), 3);
    for _ in 0..2 {
        world.requests.recv().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_deferral_the_answer_fills_it() {
    let mut world = World::new();
    let public = world.invocations.open(origin(Door::Slash), 3);
    world.requests.recv().await.unwrap();
    let answer = world.respond(public, Action::Reply, HI).await.unwrap();
    assert_eq!(answer.message_id, MessageId::new(500));
    let filled = world.sent();
    assert_eq!(
        filled,
        [r#"PATCH /webhooks/9/TOKEN/messages/@original {"content":"hi","allowed_mentions":{"parse":[]}}"#]
    );

    let private = world.invocations.open(origin(Door::Slash), 3);
    world.sent();
    world.requests.recv().await.unwrap();
    let ephemeral = Respond {
        ephemeral: true,
        ..respond(private, Action::Reply)
    };
    world.respond_as(&plugin(), ephemeral, HI).await.unwrap();
    insta::assert_snapshot!(world.sent().join("\n"));
}

#[tokio::test(start_paused = true)]
async fn ends_without_an_answer() {
    let mut world = World::new();
    for door in [Door::Prefix, Door::Slash, Door::Component] {
        let id = world.invocations.open(origin(door), 3);
        world.finish(id, Verdict::Done, None).await;
    }
    insta::assert_snapshot!("at_once", world.sent().join("\n"));

    let slow = world.invocations.open(origin(Door::Slash), 3);
    world.requests.recv().await.unwrap();
    world.finish(slow, Verdict::Done, None).await;
    let promised = world.invocations.open(origin(Door::Slash), 3);
    world.respond(promised, Action::Defer, "").await.unwrap();
    world.finish(promised, Verdict::Done, None).await;
    insta::assert_snapshot!("late", world.sent().join("\n"));
}

#[tokio::test(start_paused = true)]
async fn refusals_and_interruptions_are_told() {
    let mut world = World::new();
    for door in [Door::Prefix, Door::Slash, Door::Component] {
        let id = world.invocations.open(origin(door), 3);
        world
            .finish(id, Verdict::Refused, Some("Not below you, @everyone."))
            .await;
        let id = world.invocations.open(origin(door), 3);
        world.finish(id, Verdict::Interrupted, None).await;
    }
    insta::assert_snapshot!(world.sent().join("\n"));
    assert!(world.incidents.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_incident_has_one_code_for_the_asker_and_the_owner() {
    let mut world = World::new();
    let id = world.invocations.open(origin(Door::Slash), 3);
    let panic = PanicReport {
        message: "index out of bounds".to_owned(),
        location: "src/lib.rs:7:9".to_owned(),
        thread: "example#3".to_owned(),
        invocation: None,
        is_error: false,
    };
    let outcome = Outcome {
        verdict: Verdict::Panicked,
        text: None,
        panic: Some(panic.clone()),
        ..Outcome::default()
    };
    world.invocations.finish(id, outcome.clone()).await;
    world.invocations.finish(id, outcome).await;
    let incidents = world.incidents.lock().unwrap().clone();
    assert_eq!(incidents.len(), 1, "finished once");
    let incident = &incidents[0];
    assert_eq!((incident.plugin.as_str(), incident.generation), ("example", 3));
    assert_eq!(incident.panic.as_ref(), Some(&panic));
    let sent = world.sent();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].contains(&format!("Code `{}`.", incident.code)), "{sent:?}");
    assert!(
        sent[0].contains(r#""flags":64"#) && !sent[0].contains("bounds"),
        "{sent:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_discord_refuses_comes_back_to_the_plugin() {
    let world = World::new();
    let id = world.invocations.open(origin(Door::Slash), 3);
    let body = r#"{"code":50035,"message":"Invalid Form Body","errors":{"content":{"_errors":[{"code":"BASE_TYPE_MAX_LENGTH","message":"Must be 2000 or fewer in length."}]}}}"#;
    world.next_answer(Answer::Refused(400, body));
    let problem = world.respond(id, Action::Reply, HI).await.unwrap_err();
    assert_eq!(problem.code, ProblemCode::Failed);
    insta::assert_snapshot!(problem.message, @"Discord refused it with status 400, code 50035: Invalid Form Body; `content`: Must be 2000 or fewer in length. (BASE_TYPE_MAX_LENGTH)");
    assert!(
        world.respond(id, Action::Reply, HI).await.is_ok(),
        "it can be tried again"
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_fate_was_unknown_is_not_given_twice() {
    let mut world = World::new();
    let id = world.invocations.open(origin(Door::Slash), 3);
    world.next_answer(Answer::Lost);
    assert_eq!(
        world.respond(id, Action::Reply, HI).await.unwrap_err().code,
        ProblemCode::Failed
    );
    let acknowledged = r#"{"code":40060,"message":"Interaction has already been acknowledged."}"#;
    world.next_answer(Answer::Refused(400, acknowledged));
    assert!(world.respond(id, Action::Reply, HI).await.is_err());
    world.sent();
    world.respond(id, Action::Reply, HI).await.unwrap();
    assert!(world.sent()[0].starts_with("POST /webhooks/9/TOKEN "));
}

#[tokio::test(start_paused = true)]
async fn senseless_requests_are_named() {
    let mut world = World::new();
    let prefix = world.invocations.open(origin(Door::Prefix), 3);
    let slash = world.invocations.open(origin(Door::Slash), 3);
    let foreign = Respond {
        message_id: MessageId::new(77),
        ..respond(prefix, Action::Delete)
    };
    let problems = [
        world.respond(99, Action::Reply, HI).await,
        world
            .respond_as(&"other".parse().unwrap(), respond(prefix, Action::Reply), HI)
            .await,
        world.respond(prefix, Action::Reply, "").await,
        world.respond(prefix, Action::Reply, "[]").await,
        world.respond(prefix, Action::Edit, HI).await,
        world.respond_as(&plugin(), foreign, "").await,
        world.respond(slash, Action::UpdateMessage, HI).await,
        world.respond(slash, Action::Unknown, HI).await,
    ]
    .map(|result| {
        let problem = result.unwrap_err();
        format!("{:?}: {problem}", problem.code)
    });
    insta::assert_snapshot!(problems.join("\n"));
    assert_eq!(world.sent(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn finished_invocations_can_be_answered_for_15_minutes() {
    let mut world = World::new();
    let finished = world.invocations.open(origin(Door::Prefix), 3);
    let running = world.invocations.open(origin(Door::Slash), 3);
    world.finish(finished, Verdict::Done, None).await;
    assert_eq!(world.invocations.of_generation(&plugin(), 3), [running]);
    assert_eq!(world.invocations.of_generation(&plugin(), 2), [0; 0]);
    world.respond(finished, Action::Reply, HI).await.unwrap();
    world.respond(running, Action::Reply, HI).await.unwrap();

    tokio::time::sleep(ANSWERABLE).await;
    tokio::task::yield_now().await;
    let problem = world.respond(finished, Action::Reply, HI).await.unwrap_err();
    assert_eq!(problem.code, ProblemCode::NotFound);
    assert!(world.invocations.origin(finished).is_none(), "it is forgotten");
    world.sent();
    let problem = world.respond(running, Action::Reply, HI).await.unwrap_err();
    assert!(problem.message.contains("15 minutes"), "{problem}");
    assert_eq!(world.sent(), [""; 0]);
}

#[tokio::test]
async fn what_nothing_can_answer_any_more_is_forgotten_at_once() {
    let mut world = World::new();
    let released = || Outcome {
        released: true,
        ..Outcome::default()
    };
    let id = world.invocations.open(origin(Door::Prefix), 3);
    assert_eq!(world.invocations.finish_silently(id, released()), None);
    assert!(world.invocations.origin(id).is_none());
    // One that something can still answer is remembered.
    let id = world.invocations.open(origin(Door::Prefix), 3);
    assert_eq!(world.invocations.finish_silently(id, Outcome::default()), None);
    world
        .respond(id, Action::Reply, r#"{"content":"later"}"#)
        .await
        .unwrap();
    assert_eq!(world.sent().len(), 1);
    // An answer that was on its way arrives, though the invocation has ended before.
    let id = world.invocations.open(origin(Door::Prefix), 3);
    let body = Bytes::from_static(br#"{"content":"sent, then forgotten"}"#);
    let answer = world.invocations.respond(&plugin(), respond(id, Action::Reply), body);
    assert_eq!(world.invocations.finish_silently(id, released()), None);
    answer.await.unwrap();
    assert_eq!(world.sent().len(), 1);
    // Where the asker has to be told something, the outcome comes back.
    let id = world.invocations.open(origin(Door::Slash), 3);
    let outcome = world.invocations.finish_silently(id, released()).unwrap();
    world.invocations.finish(id, outcome).await;
    assert_eq!(world.sent().len(), 1, "a slash command without an answer gets one");
    assert!(world.invocations.origin(id).is_none());
}

#[tokio::test(start_paused = true)]
async fn finished_invocations_are_bounded() {
    let world = World::new();
    let first = world.invocations.open(origin(Door::Prefix), 3);
    let running = world.invocations.open(origin(Door::Prefix), 3);
    world.finish(first, Verdict::Done, None).await;
    for _ in 0..MOST_FINISHED {
        let id = world.invocations.open(origin(Door::Prefix), 3);
        world.finish(id, Verdict::Done, None).await;
    }
    assert!(world.invocations.origin(first).is_none());
    assert!(world.invocations.origin(running).is_some());
    assert_eq!(world.invocations.inner.table().entries.len(), MOST_FINISHED + 1);
}

#[tokio::test(start_paused = true)]
async fn answers_without_an_invocation() {
    let mut world = World::new();
    for door in [Door::Prefix, Door::Slash, Door::Component] {
        world
            .invocations
            .answer_directly(&origin(door), texts::BUSY, true)
            .await
            .unwrap();
    }
    insta::assert_snapshot!(world.sent().join("\n"));
    world.next_answer(Answer::Refused(
        403,
        r#"{"code":50013,"message":"Missing Permissions"}"#,
    ));
    assert!(
        world
            .invocations
            .answer_directly(&origin(Door::Prefix), "x", true)
            .await
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn the_timer_ends_with_the_last_clone() {
    let world = World::new();
    let deadlines = Arc::downgrade(&world.invocations.inner.deadlines);
    drop(world);
    tokio::task::yield_now().await;
    assert!(deadlines.upgrade().is_none());
}
