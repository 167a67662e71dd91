//! A fixture: counts in memory, and hands its count from generation to generation.
//!
//! What is counted twice or not at all while it is replaced shows in the numbers that it answers with.

mod heard;
mod services;

use std::cell::{Cell, RefCell};

use heard::Heard;
use plugin_api::{
    prelude::*,
    serde::{Deserialize, Serialize},
    serde_json::json,
};

/// Its length is fixed, so that tests make other versions of the compiled file by overwriting the digits.
#[used]
static REVISION: [u8; 17] = *b"REVISION-00000000";

/// How it starts, the same way: 0 well, 1 with an error.
#[used]
static START: [u8; 14] = *b"START-00000000";

struct Tally {
    count: Cell<u64>,
    heard: RefCell<Heard>,
}

/// What it hands over.
#[derive(Default, Deserialize, Serialize)]
#[serde(crate = "plugin_api::serde")]
struct Counted {
    count: u64,
    heard: Heard,
}

/// Count one more.
#[command]
async fn tally(ctx: Ctx<Tally>) -> Result {
    let count = &ctx.state().count;
    count.set(count.get() + 1);
    let text = format!("{} by {}", count.get(), revision());
    ctx.reply(text).await
}

/// Tell what was counted, as JSON.
#[command]
async fn tallied(ctx: Ctx<Tally>) -> Result {
    let heard = ctx.state().heard.borrow().sum_up();
    let text = json!({ "count": ctx.state().count.get(), "heard": heard }).to_string();
    ctx.reply(text).await
}

/// Counts the messages that begin with `heard`, which are numbered by channel.
#[event(filter = guild && !bot)]
async fn hears(ctx: EventCtx<Tally>, message: MessageCreate) -> Result {
    if let Some(number) = message.content.strip_prefix("heard ") {
        let number = number.parse()?;
        ctx.state().heard.borrow_mut().add(message.channel_id.get(), number);
    }
    Ok(())
}

fn revision() -> &'static str {
    std::str::from_utf8(std::hint::black_box(&REVISION)).unwrap_or_default()
}

#[start]
async fn start(ctx: StartCtx) -> Result<Tally> {
    let Counted { count, heard } = ctx.saved()?.unwrap_or_default();
    if std::hint::black_box(&START)[13] == b'1' {
        return Err(Error::new("the tally was asked to fail at its start"));
    }
    Ok(Tally {
        count: Cell::new(count),
        heard: RefCell::new(heard),
    })
}

#[stop]
async fn stop(_ctx: StopCtx, state: Tally) -> Result<Saved> {
    Saved::json(&Counted {
        count: state.count.get(),
        heard: state.heard.into_inner(),
    })
}

plugin! {
    state: Tally,
    state_version: 1,
    commands: [tally, tallied],
    events: [hears],
    services: [
        services::add,
        services::purse,
        services::refuses,
        services::fails,
        services::panics,
        services::never,
        services::around,
        services::circle,
        services::by_way,
        services::heard,
    ],
    depends: ["relay-00000000000000000000000001?"],
}
