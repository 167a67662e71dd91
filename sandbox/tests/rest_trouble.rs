//! What REST does to a bot when it is busy or broken: rate limits as Discord's, and the faults that tests ask for.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use sandbox::{RateLimits, RestFault, Scope};
use serde_json::{Value, json};
use support::{ALL_INTENTS, Answered, Rest, Socket, Strict};

const MESSAGES: &str = "/channels/{channel_id}/messages";

/// Its clock stands, so that windows end when a test says so.
async fn real() -> Strict {
    let sandbox = support::builder().rate_limits(RateLimits::Real).start().await.unwrap();
    sandbox.stop_clock();
    Strict::from(sandbox)
}

fn header<'a>(answer: &'a Answered, name: &str) -> Option<&'a str> {
    answer.headers.get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_route_is_limited_by_its_channel() {
    let sandbox = real().await;
    let rest = Rest::new(&sandbox);
    let guild = sandbox.guild();
    let path = |channel: &str| format!("/channels/{}/messages", guild.channel(channel).id());
    let say = json!({ "content": "x" });
    for left in ["4", "3", "2", "1", "0"] {
        let answer = rest.send("POST", &path("general"), say.clone()).await;
        assert_eq!(
            (answer.status, header(&answer, "x-ratelimit-remaining")),
            (200, Some(left))
        );
    }
    let limited = rest.send("POST", &path("general"), say.clone()).await;
    assert_eq!((limited.status, &limited.body["global"]), (429, &json!(false)));
    let after = limited.body["retry_after"].as_f64().unwrap();
    assert!(after > 0.0 && after <= 5.0, "{limited:?}");
    assert_eq!(header(&limited, "x-ratelimit-scope"), Some("user"));
    assert_eq!(header(&limited, "retry-after"), Some("5"));
    assert_eq!(
        rest.send("POST", &path("bots"), say.clone()).await.status,
        200,
        "another channel"
    );
    assert_eq!(guild.channel("general").messages().len(), 5);
    sandbox.advance(Duration::from_secs_f64(after));
    assert_eq!(rest.send("POST", &path("general"), say).await.status, 200);
}

#[tokio::test]
async fn all_routes_together_are_limited_but_not_interactions() {
    let sandbox = real().await;
    let rest = Rest::new(&sandbox);
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    rest.register(&sandbox, json!([{ "name": "hi", "description": "d" }]))
        .await;
    sandbox.guild().channel("general").user("alice").slash("hi", &[]).await;
    let interaction = socket.event("INTERACTION_CREATE").await;
    // All within one second of the sandbox's clock; each has a bucket of its own.
    sandbox.advance(Duration::from_secs(1));
    for number in 1..=50 {
        let answer = rest.get(&format!("/guilds/{number}/roles")).await;
        assert_ne!(answer.status, 429, "{number}: {answer:?}");
    }
    let limited = rest.get("/guilds/51/roles").await;
    assert_eq!(limited.status, 429, "{limited:?}");
    assert_eq!(
        (&limited.body["global"], header(&limited, "x-ratelimit-scope")),
        (&json!(true), Some("global"))
    );
    assert_eq!(
        (
            header(&limited, "x-ratelimit-global"),
            header(&limited, "x-ratelimit-bucket")
        ),
        (Some("true"), None)
    );
    let answer = rest
        .answer(&interaction, json!({ "type": 4, "data": { "content": "hi" } }))
        .await;
    assert_eq!(answer.status, 204, "{answer:?}");
    sandbox.advance(Duration::from_secs(1));
    assert_eq!(rest.get("/users/@me").await.status, 200);
}

#[tokio::test]
async fn faults_are_for_a_route_a_number_or_a_while() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let general = sandbox.guild().channel("general");
    let messages = format!("/channels/{}/messages", general.id());
    let status = async |path: &str| rest.get(path).await.status;
    sandbox.fail_rest(RestFault::status(503).on("GET", MESSAGES).times(2));
    assert_eq!(status("/users/@me").await, 200, "another route");
    assert_eq!(
        rest.send("POST", &messages, json!({ "content": "x" })).await.status,
        200,
        "another method"
    );
    assert_eq!((status(&messages).await, status(&messages).await), (503, 503));
    assert_eq!(status(&messages).await, 200);
    sandbox.fail_rest(RestFault::status(500).until_cleared());
    sandbox.fail_rest(RestFault::status(502).on("GET", "/users/@me"));
    for _ in 0..3 {
        assert_eq!((status("/users/@me").await, status(&messages).await), (500, 500));
    }
    sandbox.clear_rest_faults();
    assert_eq!(status("/users/@me").await, 200);
    // The gateway's address and interactions need no token: they have faults only by name.
    sandbox.fail_rest(RestFault::status(500));
    assert_eq!(status("/gateway").await, 200);
    sandbox.fail_rest(RestFault::status(500).on("POST", "/interactions/{id}/{token}/callback"));
    assert_eq!(
        rest.send("POST", "/interactions/1/t/callback", json!({ "type": 4 }))
            .await
            .status,
        500
    );
    assert_eq!(status("/users/@me").await, 500);
}

#[tokio::test]
async fn what_is_answered_instead() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let me = async |fault: RestFault| {
        sandbox.fail_rest(fault);
        rest.get("/users/@me").await
    };
    let answer = me(RestFault::status(500)).await;
    assert_eq!((answer.status, answer.code()), (500, 0));
    for (fault, status) in [
        (RestFault::html(502), 502),
        (RestFault::html(503), 503),
        (RestFault::shut_out(Duration::from_secs(60)), 429),
    ] {
        let answer = me(fault).await;
        assert_eq!(
            (answer.status, header(&answer, "content-type")),
            (status, Some("text/html; charset=UTF-8"))
        );
        assert!(
            matches!(&answer.body, Value::String(page) if page.contains("<html>")),
            "{answer:?}"
        );
        if status == 429 {
            assert_eq!(
                (header(&answer, "retry-after"), header(&answer, "x-ratelimit-limit")),
                (Some("60"), None)
            );
        }
    }
    for (scope, name, global) in [
        (Scope::User, "user", false),
        (Scope::Global, "global", true),
        (Scope::Shared, "shared", false),
    ] {
        let answer = me(RestFault::rate_limited(scope, Duration::from_millis(1500))).await;
        assert_eq!((answer.status, header(&answer, "x-ratelimit-scope")), (429, Some(name)));
        assert_eq!(
            (&answer.body["retry_after"], &answer.body["global"]),
            (&json!(1.5), &json!(global))
        );
        assert_eq!(header(&answer, "retry-after"), Some("2"));
        assert_eq!(answer.headers.contains_key("x-ratelimit-bucket"), !global);
    }
    let answer = me(RestFault::garbled()).await;
    assert!(answer.status == 200 && answer.body.is_string(), "{answer:?}");
    let answer = me(RestFault::empty()).await;
    assert_eq!((answer.status, &answer.body), (200, &json!("")));
    assert_eq!(rest.get("/users/@me").await.body["username"], "sandbot");
}

#[tokio::test]
async fn an_answer_may_be_lost_after_the_request_was_served() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let general = sandbox.guild().channel("general");
    let messages = format!("/channels/{}/messages", general.id());
    sandbox.fail_rest(RestFault::cut().on("POST", MESSAGES));
    let request = rest.request("POST", &messages).json(&json!({ "content": "kept" }));
    let lost = async { request.send().await?.bytes().await }.await;
    assert!(lost.is_err(), "the body ends early: {lost:?}");
    assert_eq!(general.messages().len(), 1);
    // An answer without a body ends early too.
    sandbox.fail_rest(RestFault::cut());
    let request = rest.request("POST", &format!("/channels/{}/typing", general.id()));
    assert!(async { request.send().await?.bytes().await }.await.is_err());
    assert_eq!(rest.get("/users/@me").await.status, 200);
}

#[tokio::test]
async fn a_held_request_is_answered_when_it_is_released() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let general = sandbox.guild().channel("general");
    sandbox.fail_rest(RestFault::held().on("POST", MESSAGES).times(5));
    let held = Rest::new(&sandbox);
    let path = format!("/channels/{}/messages", general.id());
    let waiting = tokio::spawn(async move { held.send("POST", &path, json!({ "content": "late" })).await });
    sandbox.expect_held_rest(1).await;
    assert_eq!(
        rest.get("/users/@me").await.status,
        200,
        "others are answered meanwhile"
    );
    assert!(general.messages().is_empty() && !waiting.is_finished());
    sandbox.release_rest();
    assert_eq!(waiting.await.unwrap().status, 200);
    assert_eq!(general.messages().len(), 1);
    let path = format!("/channels/{}/messages", general.id());
    assert_eq!(
        rest.send("POST", &path, json!({ "content": "more" })).await.status,
        200,
        "no more are held"
    );
    // The end of the sandbox does not wait for what is held.
    sandbox.fail_rest(RestFault::held());
    let held = Rest::new(&sandbox);
    let waiting = tokio::spawn(async move { held.request("GET", "/users/@me").send().await.is_ok() });
    sandbox.expect_held_rest(1).await;
    sandbox.stop().await;
    waiting.await.unwrap();
}

#[tokio::test]
async fn renaming_a_channel_is_limited_more_than_its_other_changes() {
    let sandbox = real().await;
    let rest = Rest::new(&sandbox);
    let path = format!("/channels/{}", sandbox.guild().channel("general").id());
    for name in ["one", "two"] {
        assert_eq!(rest.send("PATCH", &path, json!({ "name": name })).await.status, 200);
    }
    let limited = rest.send("PATCH", &path, json!({ "topic": "three" })).await;
    assert_eq!((limited.status, header(&limited, "retry-after")), (429, Some("600")));
    assert_eq!(rest.send("PATCH", &path, json!({ "nsfw": true })).await.status, 200);
    sandbox.advance(Duration::from_secs(600));
    assert_eq!(rest.send("PATCH", &path, json!({ "topic": "three" })).await.status, 200);
}

#[tokio::test]
async fn messages_are_deleted_at_a_pace_that_depends_on_their_age() {
    // By the fixed clock they are as old as the test says, however long it takes.
    let builder = support::builder()
        .rate_limits(RateLimits::Real)
        .clock(sandbox::Clock::Fixed);
    let sandbox = Strict::from(builder.start().await.unwrap());
    let rest = Rest::new(&sandbox);
    let alice = sandbox.guild().channel("general").user("alice");
    let mut paths = Vec::new();
    for _ in 0..6 {
        let said = alice.says("x").await;
        paths.push(format!(
            "/channels/{}/messages/{}",
            said.channel_id(),
            said.message_id()
        ));
    }
    let limit = async |at: usize| {
        let answer = rest.bare("DELETE", &paths[at]).await;
        (answer.status, header(&answer, "x-ratelimit-limit").map(str::to_owned))
    };
    assert_eq!(limit(0).await, (204, Some("3".to_owned())), "a moment old");
    sandbox.advance(Duration::from_secs(60));
    assert_eq!(limit(1).await, (204, Some("5".to_owned())));
    sandbox.advance(Duration::from_secs(15 * 24 * 60 * 60));
    assert_eq!(limit(2).await, (204, Some("30".to_owned())), "two weeks old");
}

#[tokio::test]
async fn limits_are_changed_while_it_runs() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    assert_eq!(
        header(&rest.get("/users/@me").await, "x-ratelimit-limit"),
        Some("100000")
    );
    sandbox.set_rate_limits(RateLimits::Off);
    assert_eq!(header(&rest.get("/users/@me").await, "x-ratelimit-limit"), None);
    sandbox.set_rate_limits(RateLimits::Real);
    sandbox.stop_clock();
    let path = format!("/channels/{}/typing", sandbox.guild().channel("general").id());
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(rest.bare("POST", &path).await.status);
    }
    assert_eq!(statuses, [204, 204, 204, 204, 204, 429]);
    sandbox.set_rate_limits(RateLimits::Generous);
    assert_eq!(rest.bare("POST", &path).await.status, 204);
}
