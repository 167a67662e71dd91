//! A fixture: calls services of `tally`, and answers with what comes back; or with the error's text.
//!
//! Its name is so long that its bytes lie in one piece, by which tests make plugins of other names of the compiled file.

use std::time::Duration;

use plugin_api::{
    ServiceError, ServiceFailure, client,
    prelude::*,
    serde::Deserialize,
    serde_json::{Value, json},
};

/// Something that no service of `tally` answers with.
#[derive(Debug, Deserialize)]
#[serde(crate = "plugin_api::serde")]
struct Purse {
    #[allow(dead_code, reason = "it is never there")]
    coins: u64,
}

/// What it calls by a function.
#[client("tally")]
trait Tally {
    #[service(name = "by-way")]
    async fn by_way() -> Result<u64>;
}

/// Call a service of the plugin tally.
#[command(name = "relay-00000000000000000000000001", prefix)]
async fn relay(ctx: Ctx, what: String) -> Result {
    if what == "by-way" {
        let count = Tally::of(&ctx).by_way().await?;
        return ctx.reply(count.to_string()).await;
    }
    let tally = ctx.service("tally");
    let answer: Result<Value> = match what.as_str() {
        "wrong-answer" => tally.call::<_, Purse>("purse", &()).await.map(|_| Value::Null),
        "wrong-request" => tally.call("add", &json!({ "by": { "much": "a lot" } })).await,
        "slow" => tally.call("never", &()).time_limit(Duration::from_millis(50)).await,
        "undeclared" => ctx.service("stress").call("any", &()).await,
        "absent" => ctx.service("levels").call("any", &()).await,
        "courier" => ctx.service("courier").call("add", &json!({ "by": 1 })).await,
        service => tally.call(service, &json!({ "by": 1 })).await,
    };
    match answer {
        Ok(answer) => ctx.reply(answer.to_string()).await,
        Err(error) if error.refusal().is_some() => Err(error),
        Err(error) => ctx.reply(error.to_string()).await,
    }
}

/// Counts one more in the plugin that calls.
#[service]
async fn back(ctx: ServiceCtx) -> Result<u64> {
    ctx.service(ctx.caller()).call("add", &json!({ "by": 1 })).await
}

/// Calls what fails in the plugin that calls.
#[service]
async fn through(ctx: ServiceCtx) -> Result<u64> {
    ctx.service(ctx.caller()).call("fails", &()).await
}

/// Calls the plugin that calls, which calls this one, without end.
#[service]
async fn circle(ctx: ServiceCtx) -> Result<Value> {
    let error = match ctx.service(ctx.caller()).call("circle", &()).await {
        Err(error) => error,
        answered => return answered,
    };
    match error.service().and_then(ServiceError::failure) {
        Some(ServiceFailure::TooDeep { limit }) => refuse(format!("It ends after {limit}.")),
        _ => Err(error),
    }
}

/// Counts the messages that begin with `count me`.
#[event(filter = guild && !bot)]
async fn listen(ctx: EventCtx, message: MessageCreate) -> Result {
    if message.content.starts_with("count me") {
        ctx.service("tally").call::<_, u64>("add", &json!({ "by": 1 })).await?;
    }
    Ok(())
}

plugin! {
    commands: [relay],
    events: [listen],
    services: [back, circle, through],
    depends: ["tally", "levels?", "courier?"],
}
