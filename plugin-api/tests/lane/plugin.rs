//! The plugin under test: one handler for each thing that can happen to a lane.

use std::{
    cell::{Cell, RefCell},
    sync::{Condvar, Mutex, mpsc},
};

use plugin_api::{prelude::*, serde_json::Value, tracing};

pub(crate) struct State {
    greeting: String,
    calls: Cell<u64>,
}

#[start]
async fn start(ctx: StartCtx) -> Result<State> {
    #[derive(serde::Deserialize)]
    struct Config {
        #[serde(default)]
        greeting: String,
        #[serde(default)]
        fail: bool,
        #[serde(default)]
        panic: bool,
    }
    let config: Config = ctx.config()?;
    if config.fail {
        return Err(Error::new("no such greeting"));
    }
    assert!(!config.panic, "asked to panic");
    let host = ctx.host().clone();
    ctx.spawn(async move { host.call::<Value>("test.began", &()).await.map(drop) });
    Ok(State {
        greeting: config.greeting,
        calls: Cell::new(ctx.saved()?.unwrap_or(0)),
    })
}

#[stop]
async fn stop(ctx: StopCtx, state: State) -> Result<Saved> {
    assert_eq!(ctx.why(), StopReason::Reload);
    let told: Value = ctx.call("test.stopping", &state.calls.get()).await?;
    if told == "fail" {
        return Err(Error::new("could not stop"));
    }
    Saved::json(&state.calls.get())
}

/// Answer with the greeting and the arguments.
#[command(name = "greet", aliases("hi", "hey"))]
async fn greet(
    ctx: Ctx<State>,
    #[description = "Who is greeted"] who: User,
    #[min = -1] times: Option<i32>,
    #[rest] text: Option<String>,
) -> Result {
    ctx.state().calls.set(ctx.state().calls.get() + 1);
    let greeting = &ctx.state().greeting;
    ctx.reply(format!("{greeting} {} {times:?} {text:?}", who.mention()))
        .await
}

/// Follow the configuration.
#[command]
async fn following(ctx: Ctx<State>) -> Result {
    #[derive(serde::Deserialize)]
    struct Config {
        greeting: String,
    }
    let mut changes = ctx.config_changes();
    ctx.host().clone().spawn(async move {
        loop {
            match changes.changed::<Config>().await {
                Ok(config) => tracing::warn!("greeting {}", config.greeting),
                Err(error) => tracing::warn!("{error}"),
            }
        }
    });
    Ok(())
}

/// Say no.
#[command(prefix, owner_only)]
async fn refusing(_ctx: Ctx<State>) -> Result {
    refuse("Not today.")
}

/// Fail.
#[command]
async fn failing(_ctx: Ctx<State>) -> Result {
    let number: u32 = "x".parse()?;
    panic!("{number} should not exist");
}

/// Panic.
#[command]
async fn panicking(_ctx: Ctx<State>) -> Result {
    panic!("the sky is {}", "falling");
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "boom in drop");
    }
}

/// Panic when dropped, at the end or when cut off.
#[command(name = "drop bomb")]
async fn bomb(_ctx: Ctx<State>, wait: bool) -> Result {
    let _bomb = Bomb;
    if wait {
        std::future::pending::<()>().await;
    }
    Ok(())
}

/// Ask Discord who the bot is.
#[command]
async fn me(ctx: Ctx<State>) -> Result {
    let me: Value = ctx.raw().get("/users/@me").reason("curious").json().await?;
    ctx.reply(me["username"].as_str().unwrap_or("?")).await
}

pub(crate) static GATE: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

/// Block the lane's thread until the test lets go.
#[command]
async fn blocking(ctx: Ctx<State>) -> Result {
    ctx.spawn(async {});
    let open = GATE.0.lock().map_err(|_| Error::new("poisoned"))?;
    drop(GATE.1.wait_while(open, |open| !*open));
    Ok(())
}

/// Log at each level.
#[command]
async fn logging(_ctx: Ctx<State>, marker: i64) -> Result {
    tracing::debug!("quiet");
    let _outer = tracing::info_span!("outer", depth = 1, only = "outer").entered();
    let _inner = tracing::info_span!("inner", depth = 2).entered();
    tracing::warn!(marker, ratio = 0.5, fine = true, name = "x", list = ?[1, 2], "loud {marker}");
    Ok(())
}

/// Spawn a task that panics and one that fails.
#[command]
async fn spawning(ctx: Ctx<State>) -> Result {
    ctx.spawn(async { panic!("in the background") });
    ctx.spawn(async {
        let _: u32 = "x".parse()?;
        Ok(())
    });
    Ok(())
}

/// Keep the context where it outlives the handler.
#[command]
async fn leaking(ctx: Ctx<State>) -> Result {
    thread_local!(static KEPT: RefCell<Option<Ctx<State>>> = const { RefCell::new(None) });
    KEPT.set(Some(ctx));
    Ok(())
}

/// Show a counter.
#[command]
async fn counter(ctx: Ctx<State>) -> Result {
    ctx.reply("Count: 0")
        .button(count.button("Count").primary(&(0, "x".to_owned())))
        .button(Button::link("Docs", "https://example.org"))
        .await
}

#[component(expires = "60s")]
async fn count(ctx: ClickCtx<State>, (n, text): (u32, String)) -> Result {
    ctx.update(format!("Count: {}", n + 1))
        .button(count.button("Count").primary(&(n + 1, text)))
        .await
}

#[component(anyone)]
async fn close(ctx: ClickCtx<State>) -> Result {
    ctx.update("closed").without_buttons().await
}

/// Show buttons that can't be sent.
#[command]
async fn crowded(ctx: Ctx<State>, twice: bool) -> Result {
    if twice {
        let button = || close.button("Close").danger(&());
        return ctx.reply("x").button(button()).button(button()).await;
    }
    ctx.reply("x")
        .button(count.button("Count").success(&(1, "y".repeat(60))))
        .await
}

/// Answer, change the answer, take it back.
#[command]
async fn changing(ctx: Ctx<State>) -> Result {
    ctx.defer_ephemeral().await?;
    let answer = ctx.reply(embed("One")).ephemeral().handle().await?;
    answer.edit("Two").await?;
    answer.delete().await?;
    let sent = ctx
        .send(ctx.channel_id(), "hello")
        .ping_user(ctx.author().id)
        .handle()
        .await?;
    sent.edit("bye").await
}

#[event]
async fn on_message(ctx: EventCtx<State>, message: MessageDelete) -> Result {
    ctx.call::<Value>("test.deleted", &message.id.get()).await?;
    Ok(())
}

#[event("MESSAGE_DELETE", filter = guild)]
async fn on_guild_message(_ctx: EventCtx<State>, message: Value) -> Result {
    refuse(format!("seen in {}", message["guild_id"]))
}

#[event(filter = !bot)]
async fn on_join(_ctx: EventCtx<State>, joined: MemberAdd) -> Result {
    panic!("{} joined", joined.user.name);
}

#[event("TURN", unlisted, one_at_a_time = channel)]
async fn on_turn(ctx: EventCtx<State>, event: Value) -> Result {
    ctx.call::<Value>("test.turn", &event["number"]).await?;
    Ok(())
}

/// What the next event that blocks says when it does, and what it waits for.
static BLOCK: Mutex<Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>> = Mutex::new(None);

pub(crate) fn block_next(inside: mpsc::Sender<()>, gate: mpsc::Receiver<()>) {
    *BLOCK.lock().unwrap() = Some((inside, gate));
}

#[event("BLOCK", unlisted)]
async fn blocks_lane(_ctx: EventCtx<State>, _event: Value) -> Result {
    let Some((inside, gate)) = BLOCK.lock().unwrap().take() else {
        return Ok(());
    };
    inside.send(())?;
    gate.recv()?;
    Ok(())
}

/// Wait for a short message.
#[command]
async fn waiting(ctx: Ctx<State>) -> Result {
    let short = ctx
        .wait_for_message()
        .from_author()
        .filter(|message| message.content.len() < 6)
        .timeout(std::time::Duration::from_secs(60))
        .await?;
    ctx.reply(short.map_or_else(|| "nothing".to_owned(), |message| message.content))
        .await
}

plugin_api::plugin!(
    linked;
    state: State,
    state_version: 4,
    commands: [
        greet, refusing, failing, panicking, bomb, me, blocking, logging, spawning, leaking, counter, crowded, changing,
        following, waiting, crate::services::doubling, crate::settings::limit,
        crate::moderation::sweep,
    ],
    services: [crate::services::halve, crate::services::double],
    timers: [crate::timers::tell, crate::timers::hourly],
    erase: crate::timers::forget,
    settings: crate::settings::Limits,
    components: [count, close],
    events: [on_message, on_guild_message, on_join, on_turn, blocks_lane],
    depends: ["modlog >=1.2", "levels?"],
    conflicts: ["other"],
    intents: [GUILD_PRESENCES],
    swap: exclusive,
);
