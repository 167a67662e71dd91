//! The context of a function that runs by time.
//!
//! Nobody asked, so there is no `reply`; what a one-off timer is about is the function's second parameter.

use std::{
    fmt,
    ops::Deref,
    panic::Location,
    rc::Rc,
    time::{Duration, SystemTime},
};

use plugin_protocol::{TimerId, TimerRun};
use serde::de::DeserializeOwned;

use super::Host;
use crate::{
    Error, Result,
    runtime::{Core, Owned},
};

/// What a function of [`every`](crate::every), [`cron`](crate::cron) or [`timer`](crate::timer) is given; it dereferences to
/// [`Host`].
///
/// ```
/// use plugin_api::prelude::*;
///
/// /// Points get fewer.
/// #[every("1h", missed = run_late)]
/// async fn decay(ctx: TimerCtx) -> Result {
///     // After a night without the bot, one run stands for all that were missed.
///     let hours = 1 + ctx.missed();
///     let sql = "UPDATE points SET amount = amount * pow(0.9, ?1)";
///     ctx.db().execute(sql, hours).await?;
///     Ok(())
/// }
///
/// #[cron("0 9 * * mon", zone = "Europe/Berlin")]
/// async fn good_week(ctx: TimerCtx) -> Result {
///     let channel: ChannelId = "1100000000000000001".parse()?;
///     ctx.send(channel, "A good week to everybody.").await
/// }
/// # mod linked { plugin_api::plugin!(linked; timers: [super::decay, super::good_week]); }
/// # fn main() {}
/// ```
pub struct TimerCtx<S = ()> {
    host: Host,
    state: Rc<S>,
    run: Rc<(TimerRun, Owned)>,
}

impl<S> TimerCtx<S> {
    pub(crate) fn new(core: Rc<Core>, state: Rc<S>, run: TimerRun, envelope: Owned) -> Self {
        Self {
            host: Host::new(core),
            state,
            run: Rc::new((run, envelope)),
        }
    }

    /// The plugin's state, as the start function built it.
    #[must_use]
    pub fn state(&self) -> &S {
        &self.state
    }

    /// The timer's number, by which its owner knows it.
    #[must_use]
    pub fn id(&self) -> TimerId {
        self.run.0.id
    }

    /// When it was to run. Later runs are reckoned from here, so that none drifts.
    #[must_use]
    pub fn due(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.run.0.due_ms)
    }

    /// How many earlier runs were missed for which this one makes up; 0 for a run in time, and for one-off timers.
    #[must_use]
    pub fn missed(&self) -> u32 {
        self.run.0.missed
    }

    /// The key of a one-off timer that was set with one.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.run.0.key.as_deref()
    }

    /// What it is about, for generated code.
    #[doc(hidden)]
    #[track_caller]
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T> {
        let place = Location::caller();
        serde_json::from_slice(self.run.1.tail()).map_err(|error| {
            let text = format!(
                "the payload of timer {} doesn't fit `{}`: {error}",
                self.run.0.id, self.run.0.name
            );
            Error::new(text).at(place)
        })
    }
}

impl<S> Clone for TimerCtx<S> {
    fn clone(&self) -> Self {
        Self {
            host: self.host.clone(),
            state: self.state.clone(),
            run: self.run.clone(),
        }
    }
}

impl<S> Deref for TimerCtx<S> {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

impl<S> fmt::Debug for TimerCtx<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerCtx")
            .field("id", &self.run.0.id)
            .field("name", &self.run.0.name)
            .finish_non_exhaustive()
    }
}
