//! Controls: a handler's function is also the factory of its buttons.
//!
//! `#[component]` turns `async fn count(ctx, n)` into a function that returns [`Handled`], whose type names the handler;
//! [`ButtonFactory`] is implemented for all functions of that shape, so that `count.button("Count")` is a button whose
//! click runs `count`, with the state that was given to its style.

use std::{
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use serde::Serialize;

use crate::{ClickCtx, Result, definition::Running, message::ButtonOf};

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
/// The state travels in the button's custom id, as JSON of at most 54 bytes, so that buttons go on working after a
/// reload and a restart. Only the one who asked for the message may use them, unless the handler says `anyone`.
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
