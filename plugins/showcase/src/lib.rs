//! Each part of the plugin API once: groups, an argument of each kind, menus, controls, forms, answers, checks and hooks,
//! events of hooks, waiting for people, settings of servers, the gateway.
//!
//! Each command of `kind` says what it was given, so that tests can compare the doors: the same text by prefix and slash.

mod answer;
mod around;
mod controls;
mod events;
mod form;
mod gateway;
mod kind;
mod menu;
mod policy;
mod preferences;
mod waiting;
mod warn;

use plugin_api::prelude::*;

/// Commands of a group in a group.
mod config {
    /// The roles of the server.
    pub(crate) mod role {
        use plugin_api::prelude::*;

        /// Name a role.
        #[command(aliases("plus"))]
        pub(crate) async fn add(ctx: Ctx, role: Role) -> Result {
            ctx.reply(format!("added {}", role.name)).await
        }

        /// Say which roles there are.
        #[command(prefix, owner_only)]
        pub(crate) async fn list(ctx: Ctx) -> Result {
            ctx.reply("no roles").await
        }
    }
}

#[start]
async fn start(ctx: StartCtx) -> Result {
    ctx.spawn(preferences::follow(ctx.host().clone()));
    Ok(())
}

/// Say hello.
#[command]
async fn hello(ctx: Ctx) -> Result {
    ctx.reply("Hello.").await
}

plugin! {
    commands: [
        hello,
        controls::selects,
        controls::remember,
        controls::pages,
        controls::ask,
        answer::files,
        answer::measure,
        answer::long,
        answer::fleeting,
        answer::vanish,
        answer::react,
        answer::everybody,
        answer::late,
        answer::promise,
        answer::idle,
        answer::card,
        answer::forever,
        form::report,
        form::note,
        policy::warden,
        policy::openly,
        policy::bound,
        policy::privately,
        policy::adults,
        policy::seldom,
        policy::often,
        policy::alone,
        policy::release,
        preferences::preferences,
        preferences::prefer,
        gateway::display,
        gateway::lounge,
        gateway::namesakes,
        gateway::headcount,
        gateway::those,
        waiting::favourite,
        waiting::impatient,
        waiting::race,
        waiting::side,
        /// Warnings of members.
        warn::{add, list},
        config::role::{add, list},
        menu::wave,
        menu::quote,
        menu::flag,
        menu::userkind,
        /// What runs around commands.
        #[name_localized("de", "drumherum")]
        #[description_localized("de", "Was um Befehle herum geschieht.")]
        around::{checked, button, vetoed, before_panics, after_panics, after_fails, ends},
        /// What plugins tell each other.
        events::{emit, guard, unguard, follow, recent},
        kind::{
            text, number, channel, mentionable, point, emoji, colour, wait, when, local, user, size, one_of, sum, purge, code, file, hex,
            fruit,
        },
    ],
    components: [controls::size, controls::whom, controls::recall, controls::done, form::sent, form::noted, form::edit, answer::nothing, answer::promised, answer::restyle, around::pressed],
    hooks: [events::loaded, events::reloaded, events::unloaded, events::refused, events::greeted],
    checks: [around::is_welcome],
    before: around::before,
    after: around::after,
    on_error: around::on_error,
    settings: preferences::Preferences,
    // For reactions that are waited for: no event of theirs is handled.
    intents: [GUILD_MESSAGE_REACTIONS, DIRECT_MESSAGE_REACTIONS],
}
