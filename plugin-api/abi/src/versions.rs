//! Plugins and hosts of different versions of this crate: tables that have grown on one side.
//!
//! `later` is what this crate may once be: both of its tables with one more function at the end. The layouts are compared
//! as between a host and a library that was built with another version, and calls go across in both directions.

#![allow(
    dead_code,
    clippy::trivially_copy_pass_by_ref,
    clippy::cast_ptr_alignment,
    reason = "accessors that `StableAbi` makes for tables, which are public elsewhere"
)]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use abi_stable::library::{CheckTypeLayout, LibHeader, RootModuleResult};

use crate::{Delivery, Envelope, Host, Lane, Plugin, PluginModuleRef, Receiver, plugin};

/// A later version of the two tables, with the names that they have.
mod later {
    use abi_stable::{
        StableAbi, declare_root_module_statics,
        library::RootModule,
        package_version_strings,
        prefix_type::PrefixTypeTrait,
        sabi_types::VersionStrings,
        std_types::{RSlice, RVec},
    };

    use crate::{Delivery, Envelope, LaneHandle};

    #[repr(C)]
    #[derive(StableAbi)]
    #[sabi(kind(Prefix(prefix_ref = HostModuleRef)))]
    #[sabi(missing_field(option))]
    pub(super) struct HostModule {
        #[sabi(last_prefix_field)]
        pub(super) send: extern "C" fn(context: usize, batch: RSlice<'_, Envelope<'_>>) -> Delivery,
        #[sabi(missing_field(option))]
        pub(super) more: extern "C" fn(context: usize) -> u32,
    }

    #[repr(C)]
    #[derive(StableAbi, Clone, Copy)]
    pub(super) struct Host {
        pub(super) module: HostModuleRef,
        pub(super) context: usize,
    }

    #[repr(C)]
    #[derive(StableAbi)]
    #[sabi(kind(Prefix(prefix_ref = PluginModuleRef)))]
    #[sabi(missing_field(option))]
    pub(super) struct PluginModule {
        pub(super) describe: extern "C" fn() -> RVec<u8>,
        pub(super) start: extern "C" fn(host: Host, head: RSlice<'_, u8>) -> LaneHandle,
        pub(super) run: extern "C" fn(lane: LaneHandle) -> bool,
        #[sabi(last_prefix_field)]
        pub(super) deliver: extern "C" fn(lane: LaneHandle, batch: RSlice<'_, Envelope<'_>>) -> Delivery,
        #[sabi(missing_field(option))]
        pub(super) more: extern "C" fn() -> u32,
    }

    impl RootModule for PluginModuleRef {
        declare_root_module_statics! {PluginModuleRef}
        const BASE_NAME: &'static str = "plugin";
        const NAME: &'static str = "plugin";
        const VERSION_STRINGS: VersionStrings = package_version_strings!();
    }

    pub(super) extern "C" fn more() -> u32 {
        7
    }

    pub(super) extern "C" fn more_of_the_host(_: usize) -> u32 {
        8
    }

    pub(super) fn host(context: usize, send: extern "C" fn(usize, RSlice<'_, Envelope<'_>>) -> Delivery) -> Host {
        let module = HostModule {
            send,
            more: more_of_the_host,
        };
        Host {
            module: module.leak_into_prefix(),
            context,
        }
    }
}

/// A plugin of which a field has another type than ours: no other version, but another boundary.
mod other {
    use abi_stable::{
        StableAbi, declare_root_module_statics,
        library::{RootModule, RootModuleResult},
        package_version_strings,
        prefix_type::PrefixTypeTrait,
        sabi_types::VersionStrings,
        std_types::RVec,
    };

    #[repr(C)]
    #[derive(StableAbi)]
    #[sabi(kind(Prefix(prefix_ref = PluginModuleRef)))]
    #[sabi(missing_field(option))]
    pub(super) struct PluginModule {
        #[sabi(last_prefix_field)]
        pub(super) describe: extern "C" fn(u64) -> RVec<u8>,
    }

    impl RootModule for PluginModuleRef {
        declare_root_module_statics! {PluginModuleRef}
        const BASE_NAME: &'static str = "plugin";
        const NAME: &'static str = "plugin";
        const VERSION_STRINGS: VersionStrings = package_version_strings!();
    }

    extern "C" fn describe(_: u64) -> RVec<u8> {
        RVec::new()
    }

    pub(super) extern "C" fn construct() -> RootModuleResult {
        abi_stable::library::__call_root_module_loader(|| PluginModule { describe }.leak_into_prefix())
    }
}

struct Echo;

/// Sends one envelope when it is run, and remembers whether it was given one.
struct EchoLane {
    host: Host,
    is_delivered: AtomicBool,
}

impl Plugin for Echo {
    fn describe() -> Vec<u8> {
        b"{}".to_vec()
    }

    fn start(host: Host, _: &[u8]) -> Arc<dyn Lane> {
        Arc::new(EchoLane {
            host,
            is_delivered: AtomicBool::new(false),
        })
    }
}

impl Lane for EchoLane {
    fn run(&self) {
        assert!(self.is_delivered.load(Ordering::SeqCst));
        let sent = self.host.send(&[Envelope::new(1, 2, 3, b"head", b"tail")]);
        assert_eq!(sent, Delivery::ACCEPTED);
    }

    fn deliver(&self, batch: &[Envelope<'_>]) -> Delivery {
        self.is_delivered.store(batch.len() == 1, Ordering::SeqCst);
        Delivery::ACCEPTED
    }
}

/// What a host was sent.
static SENT: Mutex<Vec<(usize, Vec<u8>)>> = Mutex::new(Vec::new());

extern "C" fn send(context: usize, batch: abi_stable::std_types::RSlice<'_, Envelope<'_>>) -> Delivery {
    let tails = batch.iter().map(|envelope| (context, envelope.tail().to_vec()));
    SENT.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .extend(tails);
    Delivery::ACCEPTED
}

#[test]
fn an_earlier_plugin_runs_in_a_later_host_which_sees_what_it_lacks() {
    static HEADER: LibHeader = crate::header::<Echo>();
    let unlike = HEADER.ensure_layout::<later::PluginModuleRef>();
    assert!(unlike.is_err(), "by itself abi_stable refuses shorter tables");
    let plugin = plugin::checked::<later::PluginModuleRef>(&HEADER).expect("an earlier plugin fits");
    assert_eq!((plugin.describe())().as_slice(), b"{}");
    assert!(plugin.more().is_none());
    let lane = (plugin.start())(later::host(42, send), b"{}"[..].into());
    let batch = [Envelope::new(4, 5, 6, b"", b"")];
    assert_eq!((plugin.deliver())(lane, batch[..].into()), Delivery::ACCEPTED);
    assert!((plugin.run())(lane), "it does not panic");
    let sent = SENT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    assert_eq!(*sent, [(42, b"tail".to_vec())]);
}

/// A plugin that was built with the later version.
mod later_plugin {
    use super::{Delivery, Envelope, RootModuleResult, later};
    use crate::LaneHandle;
    use abi_stable::{
        prefix_type::PrefixTypeTrait,
        std_types::{RSlice, RVec},
    };

    extern "C" fn describe() -> RVec<u8> {
        RVec::from(b"later".to_vec())
    }

    extern "C" fn start(host: later::Host, _: RSlice<'_, u8>) -> LaneHandle {
        assert!(host.module.more().is_none(), "an earlier host has none");
        assert_eq!(
            (host.module.send())(host.context, RSlice::from_slice(&[])),
            Delivery::FULL
        );
        crate::plugin::tests_lane()
    }

    extern "C" fn run(_: LaneHandle) -> bool {
        true
    }

    extern "C" fn deliver(_: LaneHandle, _: RSlice<'_, Envelope<'_>>) -> Delivery {
        Delivery::CLOSED
    }

    pub(super) extern "C" fn construct() -> RootModuleResult {
        abi_stable::library::__call_root_module_loader(|| {
            later::PluginModule {
                describe,
                start,
                run,
                deliver,
                more: later::more,
            }
            .leak_into_prefix()
        })
    }
}

struct Full;

impl Receiver for Full {
    fn receive(&self, _: &[Envelope<'_>]) -> Delivery {
        Delivery::FULL
    }
}

#[test]
fn a_later_plugin_runs_in_an_earlier_host_and_sees_what_that_lacks() {
    // SAFETY: `construct` returns a `later::PluginModuleRef`, erased.
    static HEADER: LibHeader =
        unsafe { LibHeader::from_constructor::<later::PluginModuleRef>(later_plugin::construct, CheckTypeLayout::Yes) };
    let plugin = PluginModuleRef::checked(&HEADER).expect("a later plugin fits");
    assert_eq!(plugin.description().as_deref(), Some(&b"later"[..]));
    let lane = plugin.make_lane(Host::leak(Box::new(Full)), b"{}");
    assert!(lane.is_some_and(|lane| plugin.run_lane(lane)));
    // Whoever knows the field has it.
    let later = plugin::checked::<later::PluginModuleRef>(&HEADER).expect("one of the same version fits");
    assert_eq!(later.more().map(|more| more()), Some(7));
    assert_eq!(later::host(0, send).module.more().map(|more| more(0)), Some(8));
}

#[test]
fn a_shorter_table_with_another_function_is_refused() {
    // SAFETY: `construct` returns an `other::PluginModuleRef`, erased.
    static HEADER: LibHeader =
        unsafe { LibHeader::from_constructor::<other::PluginModuleRef>(other::construct, CheckTypeLayout::Yes) };
    assert!(PluginModuleRef::checked(&HEADER).is_err());
}
