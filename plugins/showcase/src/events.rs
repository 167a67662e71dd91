//! Hooks: what the bot does, what other plugins emit, and callbacks that come and go while the plugin runs.
//!
//! By prefix only: nobody but a developer has use for these commands.

use std::cell::RefCell;

use plugin_api::{
    BeforeCommand, CommandExecuted, ExtensionLoaded, ExtensionRefused, ExtensionReloaded, ExtensionUnloaded,
    HookHandle, UserId, prelude::*, tracing::info,
};
use serde::{Deserialize, Serialize};

thread_local! {
    /// The callback that was registered last: the lane has its thread for itself.
    static GUARD: RefCell<Option<HookHandle>> = const { RefCell::new(None) };
}

/// What `showcase.greeted` tells: other plugins read it into a type of their own.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Greeted {
    by: UserId,
    words: String,
}

/// An event of the bot's own, before those of lower priority.
#[hook("extension_loaded", priority = 5)]
pub(crate) async fn loaded(_ctx: HookCtx, event: ExtensionLoaded) -> Result {
    let (name, number) = (event.extension_name, event.generation);
    info!("heard: {name} {} is there as generation {number}", event.version);
    Ok(())
}

/// By its type alone.
#[hook]
pub(crate) async fn reloaded(ctx: HookCtx, event: ExtensionReloaded) -> Result {
    let (name, now, before) = (event.extension_name, event.generation, event.previous_generation);
    info!(
        "heard by generation {}: {name} went from {before} to {now}",
        ctx.generation()
    );
    Ok(())
}

#[hook]
pub(crate) async fn unloaded(_ctx: HookCtx, event: ExtensionUnloaded) -> Result {
    info!(
        "heard: {} is gone, generation {} was the last",
        event.extension_name, event.generation
    );
    Ok(())
}

#[hook]
pub(crate) async fn refused(_ctx: HookCtx, event: ExtensionRefused) -> Result {
    info!("heard: {} is refused: {}", event.extension_name, event.reason);
    Ok(())
}

/// An event that a plugin emits: here, this one itself.
#[hook("showcase.greeted")]
pub(crate) async fn greeted(_ctx: HookCtx, event: Greeted) -> Result {
    if event.words == "nonsense" {
        return Err(Error::new("that is no greeting"));
    }
    info!("{} says {}", event.by, event.words);
    Ok(())
}

/// Emit an event.
#[command(prefix)]
pub(crate) async fn emit(ctx: Ctx, #[rest] words: String) -> Result {
    let by = ctx.author().id;
    ctx.emit("greeted", &Greeted { by, words }).await?;
    ctx.reply("Emitted.").await
}

/// Let nobody use `hello` any more.
#[command(prefix)]
pub(crate) async fn guard(ctx: Ctx) -> Result {
    let handle = ctx
        .hooks()
        .register("before_command", 10, async |_ctx: HookCtx, event: BeforeCommand| {
            if event.command_name == "hello" {
                return refuse("Nobody says hello now.");
            }
            Ok(())
        })
        .await?;
    let text = format!("On guard as {}.", handle.id());
    GUARD.replace(Some(handle));
    ctx.reply(text).await
}

/// Let everybody use it again.
#[command(prefix)]
pub(crate) async fn unguard(ctx: Ctx) -> Result {
    let Some(handle) = GUARD.take() else {
        return refuse("Nobody is on guard.");
    };
    handle.unregister();
    ctx.reply("Off guard.").await
}

/// Tell of each command that is used from now on, until the next reload.
#[command(prefix)]
pub(crate) async fn follow(ctx: Ctx) -> Result {
    let follow = async |_ctx: HookCtx, event: CommandExecuted| {
        info!(
            "{} was used by {:?} in {:?}",
            event.command_name,
            event.kind,
            event.took()
        );
        Ok(())
    };
    ctx.hooks().register("command_executed", 0, follow).await?;
    ctx.reply("Following.").await
}

/// Say what callbacks of this plugin ran last.
#[command(prefix)]
pub(crate) async fn recent(ctx: Ctx) -> Result {
    let history = ctx.hooks().history(50).await?;
    let own = history.runs.iter().filter(|run| run.callback.starts_with("showcase."));
    let lines: Vec<_> = own
        .map(|run| {
            let how = run.error.as_ref().or(run.veto.as_ref()).map_or("well", String::as_str);
            format!("{} on {}: {how}", run.callback, run.event)
        })
        .collect();
    ctx.reply(lines.join("\n")).await
}
