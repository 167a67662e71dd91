//! The contexts of a generation's two ends, and what one generation hands to the next.
//!
//! Nobody can be answered here: at the start an older generation may still serve, at the stop a deadline runs.

use std::{ops::Deref, rc::Rc, time::Duration};

use plugin_protocol::StopReason;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;

use super::Host;
use crate::{
    Result,
    runtime::{Core, Owned},
};

/// What the start function is given; it dereferences to [`Host`].
///
/// An older generation may still be serving: build the state, read the configuration, but write nothing outside yet.
/// What is spawned here begins when this generation begins to serve.
#[derive(Debug)]
pub struct StartCtx {
    host: Host,
    saved_version: Option<u32>,
    envelope: Owned,
}

impl StartCtx {
    pub(crate) fn new(core: Rc<Core>, saved_version: Option<u32>, envelope: Owned) -> Self {
        Self {
            host: Host::new(core),
            saved_version,
            envelope,
        }
    }

    /// The `state_version` of the generation that handed something over; `None` if none did.
    #[must_use]
    pub fn saved_version(&self) -> Option<u32> {
        self.saved_version
    }

    /// What the older generation's stop function handed over by [`Saved::json`]; `None` if nothing.
    ///
    /// # Errors
    ///
    /// It doesn't fit `T`: look at [`saved_version`](Self::saved_version) first.
    pub fn saved<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        if self.saved_version.is_none() {
            return Ok(None);
        }
        Ok(Some(serde_json::from_slice(self.envelope.tail())?))
    }
}

impl Deref for StartCtx {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

/// What the stop function is given, with the state; it dereferences to [`Host`].
#[derive(Debug)]
pub struct StopCtx {
    host: Host,
    why: StopReason,
    deadline: Instant,
}

impl StopCtx {
    pub(crate) fn new(core: Rc<Core>, why: StopReason, deadline: Instant) -> Self {
        Self {
            host: Host::new(core),
            why,
            deadline,
        }
    }

    /// Why this generation ends.
    #[must_use]
    pub fn why(&self) -> StopReason {
        self.why
    }

    /// When the stop function is cut off.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// How long until then.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

impl Deref for StopCtx {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

/// What a stop function hands to the next generation; `()` hands over nothing.
///
/// It needs `state_version` in `plugin!`: the number that tells the next generation what it gets.
///
/// ```
/// use std::cell::Cell;
///
/// use plugin_api::prelude::*;
///
/// struct Visits(Cell<u64>);
///
/// #[start]
/// async fn start(ctx: StartCtx) -> Result<Visits> {
///     Ok(Visits(Cell::new(ctx.saved()?.unwrap_or(0))))
/// }
///
/// #[stop]
/// async fn stop(_ctx: StopCtx, state: Visits) -> Result<Saved> {
///     Saved::json(&state.0.get())
/// }
/// # mod linked { use super::*;
/// # plugin_api::plugin!(linked; state: Visits, state_version: 1, start: super::start, stop: super::stop);
/// # } #[cfg(any())]
/// plugin! { state: Visits, state_version: 1 }
/// # fn main() {}
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved(Option<Vec<u8>>);

impl Saved {
    /// Hands over a value as JSON.
    ///
    /// # Errors
    ///
    /// It can't be written as JSON, such as a map whose keys are no texts.
    pub fn json(value: &impl Serialize) -> Result<Self> {
        Ok(Self(Some(serde_json::to_vec(value)?)))
    }

    pub(crate) fn into_bytes(self) -> Option<Vec<u8>> {
        self.0
    }
}

impl From<()> for Saved {
    fn from((): ()) -> Self {
        Self(None)
    }
}
