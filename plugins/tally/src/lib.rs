//! A fixture: counts in memory, and hands its count from generation to generation.
//!
//! What is counted twice or not at all while it is replaced shows in the numbers that it answers with.

mod services;

use std::cell::Cell;

use plugin_api::prelude::*;

/// Its length is fixed, so that tests make other versions of the compiled file by overwriting the digits.
#[used]
static REVISION: [u8; 17] = *b"REVISION-00000000";

/// How it starts, the same way: 0 well, 1 with an error.
#[used]
static START: [u8; 14] = *b"START-00000000";

struct Tally {
    count: Cell<u64>,
}

/// Count one more.
#[command]
async fn tally(ctx: Ctx<Tally>) -> Result {
    let count = &ctx.state().count;
    count.set(count.get() + 1);
    let text = format!("{} by {}", count.get(), revision());
    ctx.reply(text).await
}

fn revision() -> &'static str {
    std::str::from_utf8(std::hint::black_box(&REVISION)).unwrap_or_default()
}

#[start]
async fn start(ctx: StartCtx) -> Result<Tally> {
    let count = Cell::new(ctx.saved()?.unwrap_or(0));
    if std::hint::black_box(&START)[13] == b'1' {
        return Err(Error::new("the tally was asked to fail at its start"));
    }
    Ok(Tally { count })
}

#[stop]
async fn stop(_ctx: StopCtx, state: Tally) -> Result<Saved> {
    Saved::json(&state.count.get())
}

plugin! {
    state: Tally,
    state_version: 1,
    commands: [tally],
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
    ],
    depends: ["relay-00000000000000000000000001?"],
}
