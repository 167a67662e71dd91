//! What the fixture does for other plugins: it counts, and fails in each of the ways in which a service can.
//!
//! It calls back the fixture `relay`, which the tests put beside it.

use std::{fs, time::Duration};

use plugin_api::{prelude::*, serde::Deserialize, serde_json::Value, tokio::time::sleep};

use crate::Tally;

/// The plugin that it calls back: the fixture `relay`.
const RELAY: &str = "relay-00000000000000000000000001";

#[derive(Deserialize)]
#[serde(crate = "plugin_api::serde")]
pub(crate) struct Add {
    by: u64,
}

/// Count some more.
#[service]
pub(crate) async fn add(ctx: ServiceCtx<Tally>, request: Add) -> Result<u64> {
    let count = &ctx.state().count;
    count.set(count.get() + request.by);
    Ok(count.get())
}

/// Answer with what is no purse.
#[service]
pub(crate) async fn purse(_ctx: ServiceCtx<Tally>) -> Result<Value> {
    Ok(plugin_api::serde_json::json!({ "coins": "none" }))
}

/// Say no.
#[service]
pub(crate) async fn refuses(ctx: ServiceCtx<Tally>) -> Result<u64> {
    refuse(format!(
        "Nothing is counted for {} {}.",
        ctx.caller(),
        ctx.caller_version()
    ))
}

/// Fail.
#[service]
pub(crate) async fn fails(_ctx: ServiceCtx<Tally>) -> Result<u64> {
    Err(Error::new("the abacus is broken"))
}

/// Panic.
#[service]
pub(crate) async fn panics(_ctx: ServiceCtx<Tally>) -> Result<u64> {
    panic!("the abacus is on fire")
}

/// Never answer.
#[service]
pub(crate) async fn never(_ctx: ServiceCtx<Tally>) -> Result<u64> {
    std::future::pending().await
}

/// Wait until the file is there that `plugins.tally.goes_on_with` names, then count by way of the caller.
#[service]
pub(crate) async fn around(ctx: ServiceCtx<Tally>) -> Result<u64> {
    plugin_api::tracing::info!("goes around");
    let section: Value = ctx.config()?;
    let gate = section["goes_on_with"].as_str().unwrap_or_default().to_owned();
    while fs::metadata(&gate).is_err() {
        sleep(Duration::from_millis(5)).await;
    }
    ctx.service(RELAY).call("back", &()).await
}

/// Call the caller, which calls this one, without end.
#[service]
pub(crate) async fn circle(ctx: ServiceCtx<Tally>) -> Result<Value> {
    ctx.service(RELAY).call("circle", &()).await
}

/// Call by way of the caller what fails here.
#[service(name = "by-way")]
pub(crate) async fn by_way(ctx: ServiceCtx<Tally>) -> Result<u64> {
    ctx.service(RELAY).call("through", &()).await
}

#[derive(Deserialize)]
#[serde(crate = "plugin_api::serde")]
pub(crate) struct Message {
    channel: u64,
    number: u64,
}

/// Count a message that another plugin has heard.
#[service]
pub(crate) async fn heard(ctx: ServiceCtx<Tally>, message: Message) -> Result<()> {
    ctx.state().heard.borrow_mut().add(message.channel, message.number);
    Ok(())
}
