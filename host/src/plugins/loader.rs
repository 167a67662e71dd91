//! The loader: opens a private copy of a plugin's library, for ever.
//!
//! A library is never closed: thread-local destructors, pthread keys and static call sites make unmapping Rust code
//! unsound. Opening runs the library's constructors, so it happens on the plugin's own thread, or in the probe's
//! process, and only with a copy that nobody else can write to.

use std::path::Path;

use libloading::Library;
use plugin_abi::{HEADER_SYMBOL, Header, HeaderAddress, PluginModuleRef};

/// Why a library could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadFailure {
    /// The system's loader refused it.
    #[error("{}", loader_text(.0))]
    System(String),
    /// It exports no header.
    #[error(
        "it does not export the header of a plugin: a plugin's crate calls `plugin!` of plugin-api and has crate-type cdylib"
    )]
    NoHeader,
    /// Its header or layout differ from this host's.
    #[error("it speaks another version of the plugin ABI: build it again with the plugin-api of this host ({0})")]
    Abi(String),
}

/// Opens a copy and checks header and layout of everything that crosses. For the probe's process only: the checker
/// keeps pointers into the library.
///
/// # Errors
///
/// [`LoadFailure`].
pub fn open_checked(copy: &Path) -> Result<PluginModuleRef, LoadFailure> {
    PluginModuleRef::checked(open(copy)?).map_err(|error| LoadFailure::Abi(first_line(&error)))
}

/// Opens a copy that the probe has passed.
///
/// # Errors
///
/// [`LoadFailure`].
pub fn open_probed(copy: &Path) -> Result<PluginModuleRef, LoadFailure> {
    #[cfg(test)]
    if let Some(module) = super::fake::module(copy) {
        return Ok(module);
    }
    let header = open(copy)?;
    // SAFETY: `life` opens no copy whose content the probe of this very build has not passed by `open_checked`.
    #[allow(unsafe_code, reason = "the loader is one of the places that may be unsafe")]
    unsafe { PluginModuleRef::unchecked(header) }.map_err(|error| LoadFailure::Abi(first_line(&error)))
}

#[allow(unsafe_code, reason = "the loader is one of the places that may be unsafe")]
fn open(copy: &Path) -> Result<&'static Header, LoadFailure> {
    // SAFETY: running a library's constructors is what loading a plugin means: plugins are trusted native code, and the
    // probe has run them before in a throw-away process.
    let library = unsafe { open_library(copy) }.map_err(|error| {
        // The private copy's path tells nobody anything, and differs from run to run.
        let text = chain(&error).replace(&copy.display().to_string(), "this plugin");
        LoadFailure::System(text.trim_start_matches("dlopen failed: ").to_owned())
    })?;
    // SAFETY: what is exported under this symbol is an `AbiHeader`, whose type is fixed for ever and which is checked
    // before anything behind it is read.
    let address = unsafe { library.get::<HeaderAddress>(HEADER_SYMBOL.as_bytes()) }.map(|symbol| *symbol);
    // Never closed, whatever comes.
    std::mem::forget(library);
    let address = address.map_err(|_| LoadFailure::NoHeader)?;
    PluginModuleRef::header(address).map_err(|_| LoadFailure::Abi("its header is another one".to_owned()))
}

/// The first line of a text that shows both layouts over hundreds of lines.
fn first_line(error: &impl ToString) -> String {
    let text = error.to_string();
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    line.trim_end_matches(':').chars().take(200).collect()
}

/// Opens a library with all of its symbols bound: one that is missing is an error now, and not the end of the process
/// when it is first called.
///
/// # Safety
///
/// As [`Library::new`].
#[allow(unsafe_code, reason = "the loader is one of the places that may be unsafe")]
unsafe fn open_library(copy: &Path) -> Result<Library, libloading::Error> {
    #[cfg(unix)]
    {
        use libloading::os::unix::{Library as Unix, RTLD_LOCAL, RTLD_NOW};
        // SAFETY: the caller's promise.
        unsafe { Unix::open(Some(copy), RTLD_NOW | RTLD_LOCAL) }.map(Library::from)
    }
    #[cfg(not(unix))]
    // SAFETY: the caller's promise.
    unsafe {
        Library::new(copy)
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |error| error.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn loader_text(error: &str) -> String {
    let remedy = if error.contains("version `GLIBC_") && error.contains("not found") {
        ": it was built against a newer C library; build it on this machine, or on the oldest system it is meant for"
    } else if error.contains("undefined symbol") {
        ": it needs a symbol that nothing provides; link the library it comes from into the plugin"
    } else if error.contains("cannot open shared object file") {
        ": it needs a library that is not installed here; install it, or link it into the plugin"
    } else {
        ": the file is damaged; copy it again, or build it again on this machine"
    };
    format!("the system can't load it ({error}){remedy}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_refuses_has_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("libtext.so");
        std::fs::write(&file, "no library").unwrap();
        assert!(matches!(open_checked(&file), Err(LoadFailure::System(_))));
        let told = |text: &str| LoadFailure::System(text.to_owned()).to_string();
        let text = told("libc.so.6: version `GLIBC_2.99' not found");
        assert!(text.contains("built against a newer C library"), "{text}");
        // A symbol that is missing in a C library that is new enough.
        let text = told("this plugin: undefined symbol: abc, version GLIBC_2.34");
        assert_eq!(
            text,
            "the system can't load it (this plugin: undefined symbol: abc, version GLIBC_2.34): it needs a symbol that nothing provides; link the library it comes from into the plugin"
        );
    }
}
