//! A fixture: a plugin that misbehaves on demand, so that tests can show that only its own commands suffer.
//!
//! Each command is one fault that an author could commit, by the public interface alone; `flood` has those of too much,
//! `process` those that concern the whole process, `loading` what happens before anything is asked of it. It is no
//! example to follow. What `measured` and `storage` have is for the bench.

mod events;
mod files;
mod flood;
mod loading;
mod measured;
mod process;
mod storage;
mod timed;

use std::{
    cell::{Cell, RefCell},
    path::PathBuf,
    time::Duration,
};

use plugin_api::{
    prelude::*,
    tokio,
    tracing::{debug, info, info_span},
};
use serde::Deserialize;

/// Its length is fixed, so that tests make other versions of the compiled file by overwriting the digits.
#[used]
static REVISION: [u8; 17] = *b"REVISION-00000000";

/// How it starts, the same way: 0 well, 1 with an error, 2 with a panic, 3 never, 4 well once it may, 5 with an error once
/// it may.
#[used]
static START: [u8; 14] = *b"START-00000000";

/// How it ends: 0 well, 1 with an error, 2 with a panic, 3 never, 4 with a panic in the drop of its state.
#[used]
static STOP: [u8; 13] = *b"STOP-00000000";

#[derive(Default)]
struct State {
    commands: Cell<u64>,
    /// The numbers of the events that it was told, in order.
    told: RefCell<Vec<u64>>,
    /// Memory that it holds.
    held: RefCell<Vec<u8>>,
}

impl Drop for State {
    fn drop(&mut self) {
        assert!(
            std::hint::black_box(&STOP)[12] != b'4' || std::thread::panicking(),
            "the stress plugin was asked to panic in the drop of its state"
        );
    }
}

fn count(ctx: &Ctx<State>) {
    ctx.state().commands.set(ctx.state().commands.get() + 1);
}

/// Panic in the handler.
#[command(name = "panic")]
async fn panic_now(ctx: Ctx<State>) -> Result {
    count(&ctx);
    panic!("the stress plugin was asked to panic");
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        // A second panic while unwinding would abort the process.
        assert!(
            std::thread::panicking(),
            "the stress plugin was asked to panic in a drop"
        );
    }
}

/// Answer, then panic in the drop of a value.
#[command(name = "panic-in-drop")]
async fn panic_in_drop(ctx: Ctx<State>) -> Result {
    count(&ctx);
    let _value = PanicsInDrop;
    ctx.reply("about to drop").await
}

/// Panic in a spawned task.
#[command(name = "spawn-panic")]
async fn spawn_panic(ctx: Ctx<State>) -> Result {
    count(&ctx);
    ctx.spawn(async { panic!("the stress plugin was asked to panic in a spawned task") });
    ctx.reply("spawned").await
}

/// Block the thread of this plugin.
#[command]
async fn block(
    ctx: Ctx<State>,
    #[description = "For how long"]
    #[min = 0]
    #[max = 600]
    seconds: f64,
) -> Result {
    count(&ctx);
    std::thread::sleep(Duration::try_from_secs_f64(seconds)?);
    ctx.reply("unblocked").await
}

/// Answer after a while, without blocking.
#[command]
async fn slow(ctx: Ctx<State>, #[description = "After how long"] milliseconds: u32) -> Result {
    count(&ctx);
    tokio::time::sleep(Duration::from_millis(milliseconds.into())).await;
    ctx.reply("slept").await
}

/// Never answer, without blocking.
#[command]
async fn hang(ctx: Ctx<State>) -> Result {
    count(&ctx);
    std::future::pending().await
}

/// Answer twice, and once more when the command has ended.
#[command]
async fn twice(ctx: Ctx<State>) -> Result {
    count(&ctx);
    let later = ctx.clone();
    ctx.spawn(async move { later.reply("three times").await });
    ctx.reply("once").await?;
    ctx.reply("twice").await
}

/// Return an error.
#[command]
async fn fail(ctx: Ctx<State>) -> Result {
    count(&ctx);
    let _span = info_span!("failing", patience = "none").entered();
    info!("about to fail");
    debug!("nobody wants to know");
    Err(Error::new("the stress plugin was asked to fail"))
}

/// Refuse.
#[command(name = "refuse")]
async fn refuse_politely(ctx: Ctx<State>) -> Result {
    count(&ctx);
    refuse("The stress plugin refuses.")
}

/// Have a member looked up, which Discord is asked for.
#[command]
async fn member(ctx: Ctx<State>, #[description = "Whom"] member: Member) -> Result {
    count(&ctx);
    ctx.reply(format!("found {}", member.user.username)).await
}

/// Answer with the marker that tests overwrite in the compiled file.
#[command]
async fn revision(ctx: Ctx<State>) -> Result {
    count(&ctx);
    // Behind a black box, or the compiler would copy the marker into the code.
    let marker: &[u8; 17] = std::hint::black_box(&REVISION);
    ctx.reply(String::from_utf8_lossy(marker)).await
}

/// Tells of a reaction, so that tests see which it was given, by which generation, in which order.
#[event]
async fn reacted(ctx: EventCtx<State>, reaction: ReactionAdd) -> Result {
    info!("reaction {:?} seen by generation {}", reaction.emoji, ctx.generation());
    Ok(())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    /// It may start once this file is there.
    starts_with: Option<PathBuf>,
}

async fn may_start(ctx: &StartCtx) -> Result {
    let file = ctx.config::<Config>()?.starts_with;
    while file.as_ref().is_some_and(|file| !file.exists()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

#[start]
async fn start(ctx: StartCtx) -> Result<State> {
    let how: &[u8; 14] = std::hint::black_box(&START);
    if matches!(how[13], b'4' | b'5') {
        may_start(&ctx).await?;
    }
    match how[13] {
        b'1' | b'5' => Err(Error::new("the stress plugin was asked to fail at its start")),
        b'2' => panic!("the stress plugin was asked to panic at its start"),
        b'3' => std::future::pending().await,
        b'6' => {
            let called = ctx.service("tally").call::<_, u64>("add", &()).await;
            called.map(|_| State::default())
        }
        _ => Ok(State::default()),
    }
}

#[stop]
async fn stop(ctx: StopCtx, state: State) -> Result {
    info!(why = ?ctx.why(), commands = state.commands.get(), "stress stopped");
    match std::hint::black_box(&STOP)[12] {
        b'1' => Err(Error::new("the stress plugin was asked to fail at its stop")),
        b'2' => panic!("the stress plugin was asked to panic at its stop"),
        b'3' => std::future::pending().await,
        _ => Ok(()),
    }
}

plugin! {
    state: State,
    commands: [
        panic_now, panic_in_drop, spawn_panic, block, slow, hang, twice, fail, refuse_politely, member, revision,
        files::file_count, files::file_read,
        storage::measure_storage,
        timed::later, timed::later_many, timed::later_list,
        flood::flood_rest, flood::flood_calls, flood::flood_logs, flood::flood_tasks, flood::huge, flood::allocate,
        events::told_events, events::metrics, events::hold_memory, events::block_in_task,
        process::stuck, process::leave_thread, process::take_over,
        measured::required, measured::ruled, measured::limited,
        measured::takes_text, measured::takes_integer, measured::takes_number, measured::takes_bool,
        measured::takes_user, measured::takes_member, measured::takes_role, measured::takes_channel,
        measured::takes_mentionable, measured::takes_link, measured::takes_emoji, measured::takes_colour,
        measured::takes_time, measured::takes_date, measured::takes_choice, measured::takes_many,
        measured::takes_code, measured::takes_several, measured::takes_file, measured::takes_flags,
    ],
    events: [reacted, events::told, events::also_told, events::block_in_event, events::takes_turns],
    event_queue: ("64 KiB", drop_oldest),
    timers: [timed::hourly, timed::nightly, timed::tell_later],
    erase: timed::forget,
}
