//! The plugin's half of the boundary: describe, start, run, deliver.
//!
//! A plugin implements [`Plugin`] and [`Lane`] in safe code; [`module`] makes the table that crosses, in which every
//! entry catches panics. The host opens the library by its [`header`] and calls the table's safe methods.

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use abi_stable::{
    StableAbi,
    abi_stability::check_layout_compatibility,
    declare_root_module_statics,
    library::{AbiHeaderRef, CheckTypeLayout, LibHeader, LibraryError, RootModule, RootModuleResult},
    package_version_strings,
    prefix_type::PrefixTypeTrait,
    sabi_types::VersionStrings,
    std_types::{RSlice, RVec},
};

use crate::{Delivery, Envelope, Host};

/// The functions that the host calls in a plugin. It grows at its end only: behind `deliver`, which stays the last field of
/// the prefix, each with `#[sabi(missing_field(option))]`, since a plugin of an earlier version lacks it.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginModuleRef)))]
#[sabi(missing_field(option))]
pub struct PluginModule {
    /// What the plugin offers, as JSON; empty after a panic.
    pub describe: extern "C" fn() -> RVec<u8>,
    /// Makes a lane that answers to the host given; runs nothing yet.
    pub start: extern "C" fn(host: Host, head: RSlice<'_, u8>) -> LaneHandle,
    /// Runs the lane on the calling thread until it has been stopped: true for an orderly end.
    pub run: extern "C" fn(lane: LaneHandle) -> bool,
    /// Puts a batch into the lane's queue and wakes it once; from any thread, without waiting.
    #[sabi(last_prefix_field)]
    pub deliver: extern "C" fn(lane: LaneHandle, batch: RSlice<'_, Envelope<'_>>) -> Delivery,
}

impl fmt::Debug for PluginModuleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginModule").finish_non_exhaustive()
    }
}

impl RootModule for PluginModuleRef {
    declare_root_module_statics! {PluginModuleRef}
    const BASE_NAME: &'static str = "plugin";
    const NAME: &'static str = "plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}

/// What stands behind a plugin's table.
pub trait Plugin: 'static {
    /// What the plugin offers, as JSON of `plugin-protocol`.
    fn describe() -> Vec<u8>;
    /// Makes a lane; `head` is JSON of `plugin-protocol` and says which plugin and generation this is.
    fn start(host: Host, head: &[u8]) -> Arc<dyn Lane>;
}

/// One running generation of a plugin, seen from the boundary.
pub trait Lane: Send + Sync + 'static {
    /// Runs on the calling thread until the lane has been stopped.
    fn run(&self);
    /// Queues a batch, all of it or nothing, and wakes the lane once. Must neither block nor run the plugin's code.
    fn deliver(&self, batch: &[Envelope<'_>]) -> Delivery;
}

/// A lane as the host holds it. It is never freed: a late delivery finds a lane that says closed.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneHandle(usize);

impl LaneHandle {
    const NONE: Self = Self(0);

    fn leak(lane: Arc<dyn Lane>) -> Self {
        let lane: &'static Arc<dyn Lane> = Box::leak(Box::new(lane));
        Self(std::ptr::from_ref(lane).expose_provenance())
    }

    fn lane(self) -> Option<&'static dyn Lane> {
        if self == Self::NONE {
            return None;
        }
        // SAFETY: a handle other than NONE is made by `leak` alone, from a leaked reference to exactly this type, in
        // the same library; a `Lane` is `Sync`.
        let lane = unsafe { &*std::ptr::with_exposed_provenance::<Arc<dyn Lane>>(self.0) };
        Some(&**lane)
    }
}

/// The table of the plugin `P`.
#[must_use]
pub fn module<P: Plugin>() -> PluginModuleRef {
    PluginModule {
        describe: describe::<P>,
        start: start::<P>,
        run,
        deliver,
    }
    .leak_into_prefix()
}

/// The header that the library of the plugin `P` exports; see [`export!`](crate::export).
#[must_use]
pub const fn header<P: Plugin>() -> LibHeader {
    // SAFETY: `construct` returns a `PluginModuleRef`, erased.
    unsafe { LibHeader::from_constructor::<PluginModuleRef>(construct::<P>, CheckTypeLayout::Yes) }
}

/// A lane that is none, for plugins of tests that make none.
#[cfg(test)]
pub(crate) fn tests_lane() -> LaneHandle {
    LaneHandle(1)
}

extern "C" fn construct<P: Plugin>() -> RootModuleResult {
    abi_stable::library::__call_root_module_loader(module::<P>)
}

extern "C" fn describe<P: Plugin>() -> RVec<u8> {
    catch_unwind(P::describe).map_or_else(
        |payload| {
            discard(payload);
            RVec::new()
        },
        RVec::from,
    )
}

extern "C" fn start<P: Plugin>(host: Host, head: RSlice<'_, u8>) -> LaneHandle {
    catch_unwind(AssertUnwindSafe(|| LaneHandle::leak(P::start(host, head.as_slice())))).unwrap_or_else(|payload| {
        discard(payload);
        LaneHandle::NONE
    })
}

extern "C" fn run(lane: LaneHandle) -> bool {
    let Some(lane) = lane.lane() else { return false };
    catch_unwind(AssertUnwindSafe(|| lane.run())).map_err(discard).is_ok()
}

extern "C" fn deliver(lane: LaneHandle, batch: RSlice<'_, Envelope<'_>>) -> Delivery {
    let Some(lane) = lane.lane() else {
        return Delivery::CLOSED;
    };
    catch_unwind(AssertUnwindSafe(|| lane.deliver(batch.as_slice()))).unwrap_or_else(|payload| {
        discard(payload);
        Delivery::CLOSED
    })
}

/// Drops what a panic carried; a payload whose own drop panics is forgotten, so that nothing unwinds further.
pub(crate) fn discard(payload: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}

/// The type of the value to look up under [`HEADER_SYMBOL`](crate::HEADER_SYMBOL): an address.
pub type HeaderAddress = AbiHeaderRef;

/// Why a library that was opened holds no plugin that this host can run.
#[derive(Debug)]
pub struct LoadError(String);

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LoadError {}

/// Reads a library's header as one of the table `M` and checks the layout of everything that crosses, whichever side has the
/// longer tables.
pub(crate) fn checked<M: RootModule>(header: &'static LibHeader) -> Result<M, LoadError> {
    // What abi_stable takes is a library whose tables are as long as ours, or longer: one of a later version.
    let unlike = match header.init_root_module::<M>() {
        Err(LibraryError::AbiInstability(unlike)) => unlike,
        read => return read.map_err(|error| LoadError(error.to_string())),
    };
    // Those of an earlier version are shorter. All that they have must be ours, which is the same question the other way
    // round; what they lack, the accessor of such a field tells whoever asks for it.
    let theirs = header.layout();
    if !theirs.is_some_and(|theirs| check_layout_compatibility(theirs, M::LAYOUT).is_ok()) {
        return Err(LoadError(unlike.to_string()));
    }
    // SAFETY: the layouts were compared just now: the fields that both have are the same, and begin both tables.
    unsafe { header.init_root_module_with_unchecked_layout::<M>() }.map_err(|error| LoadError(error.to_string()))
}

impl PluginModuleRef {
    /// Checks that what a library exports under [`HEADER_SYMBOL`](crate::HEADER_SYMBOL) is a header of this ABI.
    ///
    /// # Errors
    ///
    /// Built with an incompatible `abi_stable`, or the C ABI differs.
    pub fn header(address: HeaderAddress) -> Result<&'static LibHeader, LoadError> {
        address.upgrade().map_err(|error| LoadError(error.to_string()))
    }

    /// Reads a library's header and checks the layout of everything that crosses. For the probe only: the checker keeps
    /// pointers into the library for the rest of the process.
    ///
    /// # Errors
    ///
    /// Another version of `abi_stable` or of the boundary, a layout that differs, or a panic in the constructor.
    pub fn checked(header: &'static LibHeader) -> Result<Self, LoadError> {
        checked(header)
    }

    /// Reads a library's header without the check of the layout.
    ///
    /// # Safety
    ///
    /// The same file has passed [`checked`](Self::checked), in this process or in another of the same build.
    ///
    /// # Errors
    ///
    /// Another major version of the boundary, or a panic in the constructor.
    pub unsafe fn unchecked(header: &'static LibHeader) -> Result<Self, LoadError> {
        // SAFETY: the caller's promise.
        unsafe { header.init_root_module_with_unchecked_layout::<Self>() }.map_err(|error| LoadError(error.to_string()))
    }

    /// What the plugin offers, copied out of the plugin's memory; `None` after a panic.
    #[must_use]
    pub fn description(self) -> Option<Vec<u8>> {
        let theirs = (self.describe())();
        let ours = theirs.as_slice().to_vec();
        (!ours.is_empty()).then_some(ours)
    }

    /// Makes a lane that answers to `host`; `None` after a panic.
    #[must_use]
    pub fn make_lane(self, host: Host, head: &[u8]) -> Option<LaneHandle> {
        let lane = (self.start())(host, RSlice::from_slice(head));
        (lane != LaneHandle::NONE).then_some(lane)
    }

    /// Runs a lane of this plugin on the calling thread until it has been stopped; false after a panic.
    #[must_use]
    pub fn run_lane(self, lane: LaneHandle) -> bool {
        (self.run())(lane)
    }

    /// Hands a batch to a lane of this plugin: all of it is taken, in order, or none.
    #[must_use]
    pub fn hand_over(self, lane: LaneHandle, batch: &[Envelope<'_>]) -> Delivery {
        (self.deliver())(lane, RSlice::from_slice(batch))
    }
}
