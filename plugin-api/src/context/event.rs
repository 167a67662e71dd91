//! The context of an event's handler.
//!
//! It has no `reply`, since nobody asked; what several handlers of one event read is parsed once for all of them.

use std::{fmt, ops::Deref, panic::Location, rc::Rc};

use serde::de::DeserializeOwned;

use super::Host;
use crate::{Result, event::Payload, runtime::Core};

/// What the handler of a gateway event is given; it dereferences to [`Host`].
///
/// The ids within an event are twilight's. What takes an id takes those, too; elsewhere
/// [`into_id`](crate::IntoId::into_id) makes them this crate's.
///
/// ```
/// use plugin_api::prelude::*;
///
/// #[event(filter = guild && !bot)]
/// async fn cheer(ctx: EventCtx, message: MessageCreate) -> Result {
///     if message.content != "hooray" {
///         return Ok(());
///     }
///     let author: UserId = message.author.id.into_id();
///     ctx.send(message.channel_id, format!("{} is happy.", author.mention())).await
/// }
/// # mod linked { plugin_api::plugin!(linked; events: [super::cheer]); }
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
    #[track_caller]
    pub fn read<T: DeserializeOwned + Clone + 'static>(&self) -> Result<T> {
        let place = Location::caller();
        self.payload.read().map_err(|error| error.at(place))
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
