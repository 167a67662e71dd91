//! The context of an event's handler.
//!
//! It has no `reply`, since nobody asked; what several handlers of one event read is parsed once for all of them.

use std::{fmt, ops::Deref, rc::Rc};

use serde::de::DeserializeOwned;

use super::Host;
use crate::{Result, event::Payload, runtime::Core};

/// What the handler of a gateway event is given; it dereferences to [`Host`].
///
/// ```
/// use plugin_api::prelude::*;
///
/// #[event(guild, !bot)]
/// async fn greet(ctx: EventCtx, joined: MemberAdd) -> Result {
///     plugin_api::tracing::info!(guild = joined.guild_id.get(), "{} joined", joined.user.name);
///     Ok(())
/// }
/// # mod linked { plugin_api::plugin!(linked; events: [super::greet]); }
/// # fn main() {}
/// ```
pub struct EventCtx<S = ()> {
    host: Host,
    state: Rc<S>,
    payload: Rc<Payload>,
}

impl<S> EventCtx<S> {
    pub(crate) fn new(core: Rc<Core>, state: Rc<S>, payload: Rc<Payload>) -> Self {
        Self {
            host: Host::new(core),
            state,
            payload,
        }
    }

    /// The plugin's state, as the start function built it.
    #[must_use]
    pub fn state(&self) -> &S {
        &self.state
    }

    /// Discord's name of the event.
    #[must_use]
    pub fn name(&self) -> &str {
        self.payload.name()
    }

    /// The shard it came by.
    #[must_use]
    pub fn shard(&self) -> u32 {
        self.payload.event().shard
    }

    /// Its number in the shard's session.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.payload.event().sequence
    }

    /// The gateway's payload as received: JSON with the event under `d`.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.payload.bytes()
    }

    /// The event as `T`, for generated code.
    #[doc(hidden)]
    pub fn read<T: DeserializeOwned + Clone + 'static>(&self) -> Result<T> {
        self.payload.read()
    }
}

impl<S> Clone for EventCtx<S> {
    fn clone(&self) -> Self {
        Self {
            host: self.host.clone(),
            state: self.state.clone(),
            payload: self.payload.clone(),
        }
    }
}

impl<S> Deref for EventCtx<S> {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

impl<S> fmt::Debug for EventCtx<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventCtx")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
