//! The context of the function that erases what a plugin keeps of somebody.
//!
//! The owner has asked, not a person in a channel: what it returns is told to the owner.

use std::{fmt, ops::Deref, rc::Rc};

use plugin_protocol::Subject;

use super::Host;
use crate::{Result, runtime::Core};

/// What the function of [`erase`](crate::erase) is given; it dereferences to [`Host`].
///
/// ```
/// use plugin_api::prelude::*;
///
/// #[erase]
/// async fn forget(ctx: EraseCtx, who: Subject) -> Result {
///     if let Subject::User(user) = who {
///         ctx.files().delete(&format!("pictures/{user}.png")).await?;
///     }
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

/// What `erase: [user => .., guild => ..]` of `plugin!` says, for generated code.
#[doc(hidden)]
pub async fn erase_rows<S>(ctx: EraseCtx<S>, who: Subject, of_user: &[&str], of_guild: &[&str]) -> Result {
    let (statements, id) = match who {
        Subject::User(user) => (of_user, user.get()),
        Subject::Guild(guild) => (of_guild, guild.get()),
    };
    if statements.is_empty() {
        return Ok(());
    }
    let batch = ctx.db().batch();
    statements
        .iter()
        .fold(batch, |batch, sql| batch.statement(sql, id))
        .await?;
    Ok(())
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
