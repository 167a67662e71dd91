//! Controls: a handler's function is also the factory of its buttons and selects.
//!
//! `#[component]` turns `async fn count(ctx, n)` into a function that returns [`Handled`], whose type names the handler;
//! [`ButtonFactory`] is implemented for all functions of that shape, so that `count.button("Count")` is a button whose
//! click runs `count`, with the state that was given to its style.

use std::{
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use plugin_protocol::Defer;
use serde::Serialize;

use crate::{
    ChannelSelect, ClickCtx, MentionableSelect, Result, RoleSelect, StringSelect, UserSelect,
    definition::{ControlPolicyDef, Running},
    message::ButtonOf,
    modal::Form,
};

/// A handler of controls, as `#[component]` declares it; not for implementing by hand.
pub trait Handler: 'static {
    /// The type of the plugin's state.
    type State: 'static;
    /// The name by which custom ids find it.
    const NAME: &'static str;
    #[doc(hidden)]
    const ANYONE: bool;
    #[doc(hidden)]
    const EXPIRES_SECONDS: Option<u32>;
    #[doc(hidden)]
    const DEFER: Defer = Defer::Public;
    #[doc(hidden)]
    const POLICY: ControlPolicyDef = ControlPolicyDef::DEFAULT;
    /// Of a form's handler: what the form is.
    #[doc(hidden)]
    const FORM: Option<fn() -> Form> = None;
    /// And the name of the handler whose buttons open it.
    #[doc(hidden)]
    const OPENER: Option<&'static str> = None;
    #[doc(hidden)]
    fn run(ctx: ClickCtx<Self::State>) -> Running;
}

/// What the function of a `#[component]` returns: a future of [`Result`].
#[must_use = "a handler runs when it is awaited"]
pub struct Handled<H> {
    future: Running,
    handler: PhantomData<fn() -> H>,
}

impl<H> Handled<H> {
    #[doc(hidden)]
    pub fn new(future: impl Future<Output = Result> + 'static) -> Self {
        Self {
            future: Box::pin(future),
            handler: PhantomData,
        }
    }
}

impl<H> Future for Handled<H> {
    type Output = Result;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result> {
        self.future.as_mut().poll(cx)
    }
}

impl<H> std::fmt::Debug for Handled<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handled").finish_non_exhaustive()
    }
}

/// Makes buttons of a `#[component]` function.
///
/// The state travels in the button's custom id, as JSON of at most 48 bytes, so that buttons go on working after a
/// reload and a restart; the host keeps longer ones, of up to 16 KiB, for half a year, at most 64 MiB of a plugin's. Only the
/// one who asked for the message may use them, unless the handler says `anyone` or the button
/// [`for_user`](crate::Button::for_user).
///
/// ```
/// use plugin_api::prelude::*;
///
/// /// Toss a coin.
/// #[command(slash, prefix)]
/// async fn toss(ctx: Ctx) -> Result {
///     ctx.reply("Heads.").button(again.button("Again").primary(&1)).await
/// }
///
/// #[component(anyone, expires = "10m")]
/// async fn again(ctx: ClickCtx, tosses: u32) -> Result {
///     let side = if tosses % 2 == 0 { "Heads." } else { "Tails." };
///     ctx.update(side).button(again.button("Again").primary(&(tosses + 1))).await
/// }
/// # mod linked { plugin_api::plugin!(linked; commands: [super::toss], components: [super::again]); }
/// # fn main() {}
/// ```
pub trait ButtonFactory<Kind> {
    /// The state that a click hands to the handler.
    type State;

    /// A button with this label, of at most 80 characters; its style takes the state.
    fn button(self, label: impl Into<String>) -> ButtonOf<Self::State>;
}

impl<F, S, T, H> ButtonFactory<(S, T, H)> for F
where
    F: FnOnce(ClickCtx<S>, T) -> Handled<H>,
    T: Serialize,
    H: Handler<State = S>,
{
    type State = T;

    fn button(self, label: impl Into<String>) -> ButtonOf<T> {
        ButtonOf::new(H::NAME, label.into())
    }
}

impl<F, S, H> ButtonFactory<(S, H)> for F
where
    F: FnOnce(ClickCtx<S>) -> Handled<H>,
    H: Handler<State = S>,
{
    type State = ();

    fn button(self, label: impl Into<String>) -> ButtonOf<()> {
        ButtonOf::new(H::NAME, label.into())
    }
}

/// Makes selects of a `#[component]` function, each with the state that the handler gets.
///
/// What was chosen are [`ClickCtx::values`], and what they mean [`users`](ClickCtx::users),
/// [`members`](ClickCtx::members), [`roles`](ClickCtx::roles) and [`channels`](ClickCtx::channels).
///
/// ```
/// use plugin_api::{ChannelKind, prelude::*};
///
/// /// Choose a colour, and where it is told.
/// #[command(slash, prefix)]
/// async fn colour(ctx: Ctx) -> Result {
///     let colours = picked.string_select(&()).placeholder("Colour").options(["red", "green", "blue"]);
///     let channels = told.channel_select(&7).channel_kinds([ChannelKind::Text]);
///     ctx.reply("Which one?").select(colours).select(channels).await
/// }
///
/// #[component]
/// async fn picked(ctx: ClickCtx) -> Result {
///     ctx.update(format!("{} it is.", ctx.value().unwrap_or_default())).without_controls().await
/// }
///
/// #[component]
/// async fn told(ctx: ClickCtx, number: u8) -> Result {
///     let names: Vec<_> = ctx.channels().map(|channel| channel.mention()).collect();
///     ctx.reply(format!("{number}: {}", names.join(", "))).await
/// }
/// # mod linked { plugin_api::plugin!(linked; commands: [super::colour], components: [super::picked, super::told]); }
/// # fn main() {}
/// ```
pub trait SelectFactory<Kind> {
    /// The state that a choice hands to the handler.
    type State;

    /// A select of texts; give it options.
    fn string_select(self, state: &Self::State) -> StringSelect;
    /// A select of users.
    fn user_select(self, state: &Self::State) -> UserSelect;
    /// A select of roles.
    fn role_select(self, state: &Self::State) -> RoleSelect;
    /// A select of channels.
    fn channel_select(self, state: &Self::State) -> ChannelSelect;
    /// A select of users and roles.
    fn mentionable_select(self, state: &Self::State) -> MentionableSelect;
}

macro_rules! selects {
    () => {
        fn string_select(self, state: &Self::State) -> StringSelect {
            StringSelect::of_strings(H::NAME, state)
        }

        fn user_select(self, state: &Self::State) -> UserSelect {
            UserSelect::of_users(H::NAME, state)
        }

        fn role_select(self, state: &Self::State) -> RoleSelect {
            RoleSelect::of_roles(H::NAME, state)
        }

        fn channel_select(self, state: &Self::State) -> ChannelSelect {
            ChannelSelect::of_channels(H::NAME, state)
        }

        fn mentionable_select(self, state: &Self::State) -> MentionableSelect {
            MentionableSelect::of_mentionables(H::NAME, state)
        }
    };
}

impl<F, S, T, H> SelectFactory<(S, T, H)> for F
where
    F: FnOnce(ClickCtx<S>, T) -> Handled<H>,
    T: Serialize,
    H: Handler<State = S>,
{
    type State = T;

    selects!();
}

impl<F, S, H> SelectFactory<(S, H)> for F
where
    F: FnOnce(ClickCtx<S>) -> Handled<H>,
    H: Handler<State = S>,
{
    type State = ();

    selects!();
}
