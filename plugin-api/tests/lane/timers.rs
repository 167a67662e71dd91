//! What runs for nobody in particular: timers with what they are about, and the function that erases; each end of both.

use plugin_api::{
    GuildId, Subject, UserId,
    linked::LinkedPlugin,
    prelude::{EraseCtx, Error, Result, TimerCtx, erase, every, timer},
    serde_json::Value,
};
use plugin_protocol::{
    Call, Outcome, Problem, ProblemCode, RestAnswer, Sql, SqlAnswer, TimerId, TimerRun, Verdict, kind,
};
use serde_json::json;

use crate::{
    host::FakeHost,
    plugin::{State, linked_plugin},
};

#[timer(retry = "1m")]
pub(crate) async fn tell(ctx: TimerCtx<State>, what: String) -> Result {
    match &*what {
        "panic" => panic!("the hour has come"),
        "wait" => std::future::pending().await,
        "fail" => Err(Error::new("no such hour")),
        "discord" => ctx.raw().get("/users/@me").await.map(drop),
        _ => {
            let told = json!([what, ctx.id().0, ctx.key(), ctx.missed()]);
            ctx.call::<Value>("test.told", &told).await.map(drop)
        }
    }
}

#[every("1h")]
pub(crate) async fn hourly(ctx: TimerCtx<State>) -> Result {
    ctx.raw().get("/users/@me").await.map(drop)
}

#[erase]
pub(crate) async fn forget(ctx: EraseCtx<State>, who: Subject) -> Result {
    if who == Subject::User(UserId::new(13).unwrap()) {
        return Err(Error::new("they are unforgettable"));
    }
    ctx.call::<Value>("test.forgotten", &who).await.map(drop)
}

/// A plugin whose statements say all of what is erased.
mod rows {
    plugin_api::plugin!(
        linked;
        erase: [user => "DELETE FROM a WHERE u = ?1", user => "DELETE FROM b WHERE u = ?1", guild => "DELETE FROM a WHERE g = ?1"],
    );
}

/// One that can erase nobody.
mod bare {
    plugin_api::plugin!(linked;);
}

fn run(name: &str) -> TimerRun {
    TimerRun {
        id: TimerId(7),
        name: name.to_owned(),
        due_ms: 1000,
        missed: 2,
        key: Some("tea".to_owned()),
    }
}

/// What becomes of a run of `tell` about something that asks for nothing.
fn told(host: &mut FakeHost, payload: &str) -> Outcome {
    host.put(kind::TIMER, 0, 2, &run("tell"), payload.as_bytes());
    host.outcome(2)
}

#[test]
fn a_timer_runs_with_what_it_is_about_and_each_end_is_told() {
    let mut host = FakeHost::started(linked_plugin());
    host.put(kind::TIMER, 0, 2, &run("tell"), b"\"good morning\"");
    let call = host.request(kind::CALL);
    assert_eq!(call.head::<Call>().arguments, json!(["good morning", 7, "tea", 2]));
    host.reply(&call, &json!(null), b"");
    assert_eq!(host.outcome(2), Outcome::default());

    let failed = told(&mut host, "\"fail\"");
    assert_eq!((failed.verdict, failed.retry_ms), (Verdict::Failed, None));
    assert!(failed.text.unwrap().starts_with("no such hour ("));
    let panicked = told(&mut host, "\"panic\"");
    assert_eq!((panicked.verdict, panicked.retry_ms), (Verdict::Panicked, None));
    let unfit = told(&mut host, "{}");
    assert!(
        unfit
            .text
            .unwrap()
            .starts_with("the payload of timer 7 doesn't fit `tell`")
    );
    host.put(kind::TIMER, 0, 3, &run("gone"), b"null");
    assert_eq!(host.answer(3).map(drop).unwrap_err().code, ProblemCode::NotFound);
    host.put(kind::TIMER, 0, 4, &run("tell"), b"\"wait\"");
    host.stop(5, 0);
    assert_eq!(host.outcome(4).verdict, Verdict::Interrupted);
    assert!(host.joined());
}

#[test]
fn what_may_pass_is_to_be_tried_again_and_what_is_final_is_not() {
    let mut host = FakeHost::started(linked_plugin());
    let mut fails = |name: &str, answer: &dyn Fn(&FakeHost, &crate::host::Sent)| {
        host.put(kind::TIMER, 0, 2, &run(name), b"\"discord\"");
        let rest = host.request(kind::REST);
        answer(&host, &rest);
        let outcome = host.outcome(2);
        assert_eq!(outcome.verdict, Verdict::Failed);
        outcome.retry_ms
    };
    let refused = |status| move |host: &FakeHost, rest: &_| host.reply(rest, &RestAnswer { status }, b"{}");
    let unanswered = |host: &FakeHost, rest: &crate::host::Sent| {
        let problem = Problem::new(ProblemCode::TimedOut, "nobody answers");
        let flags = kind::FLAG_UNBOUNDED | kind::FLAG_PROBLEM;
        host.put(kind::ANSWER, flags, rest.id, &problem, b"");
    };
    assert_eq!(fails("tell", &refused(503)), Some(60_000));
    assert_eq!(fails("tell", &unanswered), Some(60_000));
    assert_eq!(fails("tell", &refused(404)), None);
    // What runs by a rule comes again by itself.
    assert_eq!(fails("hourly", &refused(503)), None);
}

#[test]
fn whoever_is_to_be_forgotten_is_handed_over_and_failures_are_told() {
    let mut host = FakeHost::started(linked_plugin());
    let who = Subject::Guild(GuildId::new(9).unwrap());
    host.put(kind::ERASE, 0, 2, &who, b"");
    let call = host.request(kind::CALL);
    assert_eq!(call.head::<Call>().arguments, json!(who));
    host.reply(&call, &json!(null), b"");
    assert_eq!(host.outcome(2), Outcome::default());
    host.put(kind::ERASE, 0, 3, &Subject::User(UserId::new(13).unwrap()), b"");
    let failed = host.outcome(3);
    assert_eq!(failed.verdict, Verdict::Failed);
    assert!(failed.text.unwrap().starts_with("they are unforgettable"));
}

#[test]
fn rows_are_erased_by_the_statements_that_are_about_whom_it_is() {
    let plugin: fn() -> LinkedPlugin = rows::linked_plugin;
    let mut host = FakeHost::started(plugin());
    let mut asked = |who: Subject| {
        host.put(kind::ERASE, 0, 2, &who, b"");
        let request = host.request(kind::SQL);
        let sql: Sql = request.head();
        host.reply(&request, &SqlAnswer::default(), b"");
        host.outcome(2);
        sql.statements
            .into_iter()
            .map(|one| (one.sql, one.parameters))
            .collect::<Vec<_>>()
    };
    let statement = |sql: &str| (sql.to_owned(), 1);
    assert_eq!(
        asked(Subject::User(UserId::new(8).unwrap())),
        [
            statement("DELETE FROM a WHERE u = ?1"),
            statement("DELETE FROM b WHERE u = ?1")
        ]
    );
    assert_eq!(
        asked(Subject::Guild(GuildId::new(9).unwrap())),
        [statement("DELETE FROM a WHERE g = ?1")]
    );

    let mut host = FakeHost::started(bare::linked_plugin());
    host.put(kind::ERASE, 0, 2, &Subject::User(UserId::new(8).unwrap()), b"");
    assert_eq!(host.answer(2).map(drop).unwrap_err().code, ProblemCode::NotFound);
}
