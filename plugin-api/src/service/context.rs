//! The context of a service's function.
//!
//! It has no `reply`: a plugin asked, and what the function returns is the answer.

use std::{fmt, ops::Deref, rc::Rc};

use plugin_protocol::ServiceRequest;
use serde::de::DeserializeOwned;

use super::{WrongRequest, read};
use crate::{
    Host, Result,
    runtime::{Core, Owned},
};

/// What a service is given; it dereferences to [`Host`].
///
/// ```
/// use std::{cell::RefCell, collections::HashMap};
///
/// use plugin_api::{prelude::*, serde::{Deserialize, Serialize}};
///
/// #[derive(Default)]
/// struct Accounts(RefCell<HashMap<UserId, u64>>);
///
/// #[derive(Deserialize)]
/// # #[serde(crate = "plugin_api::serde")]
/// struct BalanceRequest {
///     user: UserId,
/// }
///
/// #[derive(Serialize)]
/// # #[serde(crate = "plugin_api::serde")]
/// struct Balance {
///     coins: u64,
/// }
///
/// /// How much somebody has.
/// #[service]
/// async fn balance(ctx: ServiceCtx<Accounts>, request: BalanceRequest) -> Result<Balance> {
///     let accounts = ctx.state().0.borrow();
///     let Some(&coins) = accounts.get(&request.user) else {
///         return refuse("They have no account.");
///     };
///     Ok(Balance { coins })
/// }
/// # mod linked { use super::*; plugin_api::plugin!(linked; state: Accounts, services: [super::balance]); }
/// # #[cfg(any())]
/// plugin! { state: Accounts, services: [balance] }
/// # fn main() {}
/// ```
pub struct ServiceCtx<S = ()> {
    host: Host,
    state: Rc<S>,
    asked: Rc<Asked>,
}

struct Asked {
    head: ServiceRequest,
    envelope: Owned,
}

impl<S> ServiceCtx<S> {
    pub(crate) fn new(core: Rc<Core>, state: Rc<S>, head: ServiceRequest, envelope: Owned) -> Self {
        Self {
            host: Host::new(core),
            state,
            asked: Rc::new(Asked { head, envelope }),
        }
    }

    /// The plugin's state, as the start function built it.
    #[must_use]
    pub fn state(&self) -> &S {
        &self.state
    }

    /// The name of the plugin that calls.
    #[must_use]
    pub fn caller(&self) -> &str {
        &self.asked.head.caller
    }

    /// Its version.
    #[must_use]
    pub fn caller_version(&self) -> &str {
        &self.asked.head.caller_version
    }

    /// The service's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.asked.head.service
    }

    /// The request as `T`, for generated code.
    #[doc(hidden)]
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        read(self.asked.envelope.tail()).map_err(|(path, text)| WrongRequest { path, text }.into())
    }
}

impl<S> Clone for ServiceCtx<S> {
    fn clone(&self) -> Self {
        Self {
            host: self.host.clone(),
            state: self.state.clone(),
            asked: self.asked.clone(),
        }
    }
}

impl<S> Deref for ServiceCtx<S> {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

impl<S> fmt::Debug for ServiceCtx<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceCtx")
            .field("service", &self.name())
            .field("caller", &self.caller())
            .finish_non_exhaustive()
    }
}
