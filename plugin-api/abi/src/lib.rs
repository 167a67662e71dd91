//! The stable boundary between the host and a plugin.
//!
//! Exactly two function tables cross it, [`PluginModule`] and [`HostModule`], both prefix types that may only grow at
//! their end, and what they carry are [`Envelope`]s: a fixed header, a small JSON head and a raw tail. This crate knows
//! neither side: it turns the tables into the safe traits [`Plugin`], [`Lane`] and [`Receiver`], catches every panic
//! before it reaches the boundary, and holds all of its unsafe code. What the envelopes mean is `plugin-protocol`'s.
//!
//! Its version is the version of the ABI and stays 1.x: a field is added behind the last one, never changed or removed.

mod envelope;
pub mod heap;
mod host;
mod plugin;
#[cfg(test)]
mod versions;

pub use envelope::{Delivery, Envelope};
pub use host::{Host, HostModule, HostModuleRef, Receiver};
pub use plugin::{HeaderAddress, Lane, LaneHandle, LoadError, Plugin, PluginModule, PluginModuleRef, header, module};

/// The symbol under which a plugin's library exports its [`header`].
pub const HEADER_SYMBOL: &str = abi_stable::library::ROOT_MODULE_LOADER_NAME;

/// The version of the boundary: the version of this crate.
pub const ABI_VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a plugin's library exports under [`HEADER_SYMBOL`]; named here so that only this crate spells the symbol.
pub type Header = abi_stable::library::LibHeader;

/// Exports the header of the [`Plugin`] type `$plugin` from the library that this is expanded in.
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        // SAFETY: the symbol is looked for by the host alone, and a library holds it once.
        #[allow(unsafe_code, missing_docs, reason = "the one exported symbol of a plugin")]
        #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
        pub static BOTHOST_PLUGIN_HEADER: $crate::Header = $crate::header::<$plugin>();
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_exported_symbol_is_the_one_that_is_looked_for() {
        assert_eq!(crate::HEADER_SYMBOL, "_1as_0lib_1header_0root_bmodule_bloader");
    }
}
