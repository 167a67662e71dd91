//! The host's half of the boundary: one function, `send`, by which a plugin hands envelopes to the host.
//!
//! A [`Host`] is the table together with a context that the host made for one generation of one plugin. Contexts are
//! never freed, so that a thread which a plugin left behind can still call and is told that the way is closed.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use abi_stable::{StableAbi, prefix_type::PrefixTypeTrait, std_types::RSlice};

use crate::{Delivery, Envelope};

/// The functions that a plugin may call in the host. It grows at its end only: behind `send`, which stays the last field of
/// the prefix, each with `#[sabi(missing_field(option))]`, since an earlier host lacks it.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = HostModuleRef)))]
#[sabi(missing_field(option))]
pub struct HostModule {
    /// Hands a batch of envelopes to the host; from any thread, at any time, without waiting.
    #[sabi(last_prefix_field)]
    pub send: extern "C" fn(context: usize, batch: RSlice<'_, Envelope<'_>>) -> Delivery,
}

/// What the host does with the envelopes of one generation of one plugin.
pub trait Receiver: Send + Sync + 'static {
    /// Takes a batch or refuses it; called on threads of the plugin, so it must neither block nor run long.
    fn receive(&self, batch: &[Envelope<'_>]) -> Delivery;
}

/// A way from a plugin to the host, for one generation of that plugin.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct Host {
    module: HostModuleRef,
    context: usize,
}

impl Host {
    /// Makes the way to `receiver`, which lives for the rest of the process.
    #[must_use]
    pub fn leak(receiver: Box<dyn Receiver>) -> Self {
        let context = Box::leak(Box::new(receiver));
        Self {
            module: HostModule { send }.leak_into_prefix(),
            context: std::ptr::from_ref(context).expose_provenance(),
        }
    }

    /// Hands a batch to the host: all of it is taken, in order, or none.
    #[must_use]
    pub fn send(&self, batch: &[Envelope<'_>]) -> Delivery {
        (self.module.send())(self.context, RSlice::from_slice(batch))
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

extern "C" fn send(context: usize, batch: RSlice<'_, Envelope<'_>>) -> Delivery {
    // SAFETY: `context` comes from `Host::leak`, the only place that makes a `Host`, where it was taken from a leaked
    // reference to exactly this type; it is shared, and a `Receiver` is `Sync`.
    let receiver = unsafe { &*std::ptr::with_exposed_provenance::<Box<dyn Receiver>>(context) };
    catch_unwind(AssertUnwindSafe(|| receiver.receive(batch.as_slice()))).unwrap_or_else(|payload| {
        crate::plugin::discard(payload);
        Delivery::CLOSED
    })
}
