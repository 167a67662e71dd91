//! The manifest reader: what a plugin says of itself, read from its file without running a line of it.
//!
//! It works on bytes alone, of a copy that nobody else writes to. Whatever is wrong with them is a [`Unreadable`] whose
//! text names the cause and what to do.

use std::env::consts::{ARCH, OS};

use object::{Architecture, BinaryFormat, Object, ObjectKind, ObjectSection};
use plugin_protocol::{MANIFEST_SECTION, MANIFEST_SECTION_MACHO, Manifest};

use super::segments;

/// Why a file is not a plugin that this host could run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// There is nothing in it.
    #[error("the file is empty: copy the compiled plugin again")]
    Empty,
    /// Its own headers speak of more bytes than it has.
    #[error(
        "the file is incomplete, {have} of at least {need} bytes: copy it again, best under another name and then rename it"
    )]
    Incomplete {
        /// Bytes that are there.
        have: u64,
        /// Bytes that its headers speak of.
        need: u64,
    },
    /// It is something else.
    #[error(
        "this is no compiled library ({0}): a plugin is what `cargo build --release` makes of a crate of type cdylib"
    )]
    NotALibrary(String),
    /// Its parts contradict each other.
    #[error("the file is damaged ({0}): copy it again, or build it again")]
    Damaged(&'static str),
    /// For another processor or system.
    #[error("built for {found}, this host runs on {host}: build it for this machine, or with `--target`")]
    OtherMachine {
        /// What the file is for.
        found: String,
        /// What this host is.
        host: String,
    },
    /// A library without a manifest.
    #[error("a library, but no plugin: it has no manifest. A plugin's crate calls `plugin!` of plugin-api")]
    NoManifest,
    /// A manifest that can't be read.
    #[error("its manifest can't be read ({0}): build it again with the plugin-api of this host")]
    BadManifest(String),
    /// Another major version of the boundary.
    #[error(
        "built for version {found} of the plugin ABI, this host speaks {host}: build it again with the plugin-api of this host"
    )]
    OtherAbi {
        /// The file's version.
        found: String,
        /// This host's version.
        host: String,
    },
    /// A version that is none.
    #[error("its version `{0}` is no semantic version such as 1.2.3: mend `version` in its Cargo.toml")]
    BadVersion(String),
    /// Panics would end the host.
    #[error("built with panic strategy `{0}`: plugins must unwind; remove `panic = \"abort\"` from its profile")]
    Panic(String),
}

/// Reads the manifest out of a library's bytes.
///
/// # Errors
///
/// Whatever makes this no plugin for this host.
pub fn read(bytes: &[u8]) -> Result<Manifest, Unreadable> {
    #[cfg(test)]
    if let Some(manifest) = super::fake::manifest(bytes) {
        return Ok(manifest);
    }
    if bytes.is_empty() {
        return Err(Unreadable::Empty);
    }
    let have = bytes.len() as u64;
    if let Some(need) = needed_length(bytes).filter(|&need| need > have) {
        return Err(Unreadable::Incomplete { have, need });
    }
    if cfg!(target_pointer_width = "64") && bytes.starts_with(b"\x7fELF\x01") {
        return Err(Unreadable::OtherMachine {
            found: "a processor of 32 bits".to_owned(),
            host: format!("{ARCH} ({OS})"),
        });
    }
    let file = object::File::parse(bytes).map_err(|error| Unreadable::NotALibrary(error.to_string()))?;
    if file.format() != native_format() || !is_native(file.architecture()) {
        return Err(Unreadable::OtherMachine {
            found: format!("{} ({})", processor(file.architecture()), system(file.format())),
            host: format!("{ARCH} ({OS})"),
        });
    }
    if file.kind() != ObjectKind::Dynamic {
        return Err(Unreadable::NotALibrary(
            format!("its kind is {:?}", file.kind()).to_lowercase(),
        ));
    }
    segments::check(bytes).map_err(Unreadable::Damaged)?;
    let section = file
        .section_by_name(MANIFEST_SECTION)
        .or_else(|| file.section_by_name(MANIFEST_SECTION_MACHO))
        .ok_or(Unreadable::NoManifest)?;
    let data = section
        .data()
        .map_err(|error| Unreadable::BadManifest(error.to_string()))?;
    // Linkers pad sections with zeros.
    let end = data.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let manifest: Manifest =
        serde_json::from_slice(&data[..end]).map_err(|error| Unreadable::BadManifest(error.to_string()))?;
    check(&manifest)?;
    Ok(manifest)
}

fn check(manifest: &Manifest) -> Result<(), Unreadable> {
    let host = plugin_abi::ABI_VERSION;
    let major = |version: &str| version.split('.').next().map(str::to_owned);
    if major(&manifest.abi) != major(host) {
        return Err(Unreadable::OtherAbi {
            found: manifest.abi.clone(),
            host: host.to_owned(),
        });
    }
    if semver::Version::parse(&manifest.version).is_err() {
        return Err(Unreadable::BadVersion(manifest.version.clone()));
    }
    if !manifest.panic.is_empty() && manifest.panic != "unwind" {
        return Err(Unreadable::Panic(manifest.panic.clone()));
    }
    Ok(())
}

/// How long a 64-bit little-endian ELF file must be to hold its own section headers, which linkers write last.
fn needed_length(bytes: &[u8]) -> Option<u64> {
    const MAGIC: &[u8] = b"\x7fELF\x02\x01";
    if !bytes.starts_with(MAGIC) && MAGIC.starts_with(&bytes[..bytes.len().min(MAGIC.len())]) {
        return Some(64);
    }
    if !bytes.starts_with(MAGIC) {
        return None;
    }
    if bytes.len() < 64 {
        return Some(64);
    }
    let number = |at: usize, length: usize| {
        bytes[at..at + length]
            .iter()
            .rev()
            .fold(0_u64, |value, &byte| (value << 8) | u64::from(byte))
    };
    let (offset, size, count) = (number(0x28, 8), number(0x3a, 2), number(0x3c, 2));
    Some(offset.saturating_add(size * count))
}

fn processor(architecture: Architecture) -> String {
    match architecture {
        Architecture::X86_64 => "x86_64".to_owned(),
        Architecture::I386 => "x86".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn system(format: BinaryFormat) -> &'static str {
    match format {
        BinaryFormat::Pe | BinaryFormat::Coff => "windows",
        BinaryFormat::MachO => "macos",
        BinaryFormat::Elf => "linux",
        _ => "an unknown system",
    }
}

fn native_format() -> BinaryFormat {
    match OS {
        "windows" => BinaryFormat::Pe,
        "macos" | "ios" => BinaryFormat::MachO,
        _ => BinaryFormat::Elf,
    }
}

fn is_native(architecture: Architecture) -> bool {
    match ARCH {
        "x86_64" => architecture == Architecture::X86_64,
        "x86" => architecture == Architecture::I386,
        "aarch64" => architecture == Architecture::Aarch64,
        "arm" => architecture == Architecture::Arm,
        "riscv64" => architecture == Architecture::Riscv64,
        // Unknown here: the loader decides.
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_library_is_told_apart() {
        assert_eq!(read(b""), Err(Unreadable::Empty));
        assert!(matches!(
            read(b"#!/bin/sh\necho hello\n"),
            Err(Unreadable::NotALibrary(_))
        ));
        assert_eq!(read(b"\x7fEL"), Err(Unreadable::Incomplete { have: 3, need: 64 }));
    }

    /// A compiled plugin of this repository.
    fn compiled() -> Vec<u8> {
        let folder = std::env::var_os("BOTHOST_PLUGINS").map_or_else(
            || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/plugins"),
            Into::into,
        );
        let name = format!(
            "{}example{}",
            std::env::consts::DLL_PREFIX,
            std::env::consts::DLL_SUFFIX
        );
        std::fs::read(folder.join(name)).expect("`cargo xtask test` builds the plugins that tests need")
    }

    #[test]
    fn a_plugin_cut_at_every_4_kib_is_incomplete() {
        let whole = compiled();
        assert_eq!(
            read(&whole).map(|manifest| manifest.name.to_string()),
            Ok("example".to_owned())
        );
        for cut in (4096..whole.len()).step_by(4096) {
            assert!(
                matches!(read(&whole[..cut]), Err(Unreadable::Incomplete { have, need }) if have == cut as u64 && need > have),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn no_byte_of_the_headers_makes_the_reader_panic() {
        let whole = compiled();
        let mut bytes = whole.clone();
        let mut taken = 0;
        for at in 0..1024 {
            for value in [0, 1, 0x7f, 0x80, 0xff, whole[at] ^ 4] {
                bytes[at] = value;
                taken += usize::from(read(&bytes).is_ok());
            }
            bytes[at] = whole[at];
        }
        // Many of them are program headers, which must agree with the sections; some mean nothing.
        assert!((1..1024 * 6 - 1000).contains(&taken), "{taken}");
    }

    #[test]
    fn this_test_itself_cut_anywhere_is_incomplete_and_whole_is_no_plugin() {
        let whole = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        for cut in (1..whole.len()).step_by(whole.len() / 50) {
            assert!(
                matches!(read(&whole[..cut]), Err(Unreadable::Incomplete { .. })),
                "cut at {cut}"
            );
        }
        assert!(
            matches!(read(&whole), Err(Unreadable::NoManifest)),
            "{:?}",
            read(&whole)
        );
    }
}
