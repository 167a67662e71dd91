//! Plugins that are linked into a program instead of loaded from a file: the host's own commands, and tests.
//!
//! `plugin!(linked; ...)` makes nothing but a function `linked_plugin`; `plugin! { ... }` makes it beside the library's
//! exports. Either way it is the same lane, the same envelopes, the same dispatch.

use std::panic::PanicHookInfo;

use plugin_abi::PluginModuleRef;
use plugin_protocol::PanicReport;

use crate::{definition::Module, export::Linked, runtime::panics};

/// A plugin in this very program.
#[derive(Clone, Copy)]
pub struct LinkedPlugin {
    manifest: &'static [u8],
    module: fn() -> PluginModuleRef,
}

impl LinkedPlugin {
    #[doc(hidden)]
    #[must_use]
    pub fn new<M: Module>(manifest: &'static [u8]) -> Self {
        Self {
            manifest,
            module: plugin_abi::module::<Linked<M>>,
        }
    }

    /// The manifest, as JSON of `plugin-protocol`.
    #[must_use]
    pub fn manifest(&self) -> &'static [u8] {
        self.manifest
    }

    /// The plugin's table, as a file's would be.
    #[must_use]
    pub fn module(&self) -> PluginModuleRef {
        (self.module)()
    }
}

impl std::fmt::Debug for LinkedPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkedPlugin").finish_non_exhaustive()
    }
}

/// For the panic hook of a program with linked plugins: notes a panic of a plugin's handler, which is then told with
/// its place in the code. Returns the report if no handler is running on this thread: then it is the program's own.
///
/// ```
/// let default = std::panic::take_hook();
/// std::panic::set_hook(Box::new(move |info| {
///     if plugin_api::linked::record_panic(info).is_some() {
///         default(info);
///     }
/// }));
/// ```
#[must_use]
pub fn record_panic(info: &PanicHookInfo<'_>) -> Option<PanicReport> {
    panics::record(info)
}
