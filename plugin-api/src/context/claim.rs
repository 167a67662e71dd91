//! A message whose control is acted upon once: two quick clicks do not do a thing twice.
//!
//! Kept in memory, for the last messages only: it is about clicks that come within a moment of each other.

use std::{collections::VecDeque, fmt, rc::Rc};

use plugin_protocol::MessageId;

use super::ClickCtx;
use crate::{Result, refuse, runtime::Core};

/// How many messages are remembered; the oldest are forgotten first.
pub(crate) const MOST: usize = 256;

/// A message that is acted upon, by [`ClickCtx::claim`]. Dropped without [`done`](Self::done), it can be claimed again.
#[must_use = "it is given back when it is dropped"]
pub struct Claim {
    core: Rc<Core>,
    message: Option<MessageId>,
}

impl<S> ClickCtx<S> {
    /// Claims the message that the control is on: until it is given back, further clicks on it are refused.
    ///
    /// ```
    /// use plugin_api::prelude::*;
    ///
    /// /// Pay out a prize, once.
    /// #[component]
    /// async fn pay(ctx: ClickCtx) -> Result {
    ///     let claim = ctx.claim()?;
    ///     // What fails in between can be tried again.
    ///     let account = ctx.user_data(ctx.author().id);
    ///     account.update(|coins: &mut u64| Ok(*coins += 10)).await?;
    ///     claim.done();
    ///     ctx.update("Paid.").without_controls().await
    /// }
    /// # mod linked { plugin_api::plugin!(linked; components: [super::pay]); }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// A refusal: it is claimed already.
    pub fn claim(&self) -> Result<Claim> {
        let (core, message) = (Rc::clone(&self.host().core), self.message_id());
        if let Some(message) = message {
            let mut claimed = core.claimed.borrow_mut();
            if claimed.contains(&message) {
                return refuse("That is being done already.");
            }
            if claimed.len() == MOST {
                claimed.pop_front();
            }
            claimed.push_back(message);
        }
        Ok(Claim { core, message })
    }
}

impl Claim {
    /// It is done: the message stays claimed.
    pub fn done(mut self) {
        self.message = None;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(message) = self.message {
            self.core.claimed.borrow_mut().retain(|claimed| *claimed != message);
        }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

/// The messages that are claimed, oldest first.
pub(crate) type Claimed = VecDeque<MessageId>;
