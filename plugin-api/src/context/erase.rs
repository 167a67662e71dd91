//! The context of the function that erases what a plugin keeps of somebody.
//!
//! The owner has asked, not a person in a channel: what it returns is told to the owner.

use std::{fmt, ops::Deref, rc::Rc};

use super::Host;
use crate::runtime::Core;

/// What the function of [`erase`](crate::erase) is given; it dereferences to [`Host`].
///
/// ```
/// use plugin_api::prelude::*;
///
/// #[erase]
/// async fn forget(ctx: EraseCtx, who: Subject) -> Result {
///     match who {
///         Subject::User(user) => ctx.db().execute("DELETE FROM points WHERE user = ?1", user).await?,
///         Subject::Guild(guild) => ctx.db().execute("DELETE FROM points WHERE guild = ?1", guild).await?,
///     };
///     Ok(())
/// }
/// # mod linked { plugin_api::plugin!(linked; erase: super::forget); }
/// # fn main() {}
/// ```
pub struct EraseCtx<S = ()> {
    host: Host,
    state: Rc<S>,
}

impl<S> EraseCtx<S> {
    pub(crate) fn new(core: Rc<Core>, state: Rc<S>) -> Self {
        Self {
            host: Host::new(core),
            state,
        }
    }

    /// The plugin's state, as the start function built it.
    #[must_use]
    pub fn state(&self) -> &S {
        &self.state
    }
}

impl<S> Clone for EraseCtx<S> {
    fn clone(&self) -> Self {
        Self {
            host: self.host.clone(),
            state: self.state.clone(),
        }
    }
}

impl<S> Deref for EraseCtx<S> {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

impl<S> fmt::Debug for EraseCtx<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EraseCtx").finish_non_exhaustive()
    }
}
