//! The manifest: what a plugin says of itself in its file, readable without running a line of it.
//!
//! `plugin!` writes it as JSON into a link section of the library; the host reads it with an object file parser. What
//! the file's own headers tell (architecture, format, needed glibc) is taken from them and not repeated here.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The link section that holds the manifest in ELF and PE files.
pub const MANIFEST_SECTION: &str = ".bothost";
/// The section that holds it in Mach-O files (segment `__DATA`).
pub const MANIFEST_SECTION_MACHO: &str = "__bothost";

/// What a plugin says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The plugin's name: its crate's.
    pub name: PluginName,
    /// The plugin's semantic version.
    pub version: String,
    /// Who made it.
    #[serde(default)]
    pub authors: Vec<String>,
    /// What it is for, in a line.
    #[serde(default)]
    pub description: String,
    /// The version of the boundary it was built with.
    pub abi: String,
    /// The target triple it was built for.
    pub target: String,
    /// The compiler that built it.
    #[serde(default)]
    pub compiler: String,
    /// The panic strategy: `unwind`, since nothing else compiles.
    #[serde(default)]
    pub panic: String,
    /// Plugins that must run for this one to run.
    #[serde(default)]
    pub depends: Vec<Dependency>,
    /// Plugins that must not run beside this one.
    #[serde(default)]
    pub conflicts: Vec<Dependency>,
    /// Discord's intent bits that its events need, beyond what the host asks for by itself.
    #[serde(default)]
    pub intents: u64,
    /// How an older generation makes room.
    #[serde(default)]
    pub swap: Swap,
}

/// Another plugin that this one needs or can't stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The other plugin's name.
    pub name: PluginName,
    /// A semantic version range such as `>=1.2`; empty for any version.
    #[serde(default)]
    pub range: String,
    /// Whether this plugin runs without it, too.
    #[serde(default)]
    pub optional: bool,
}

/// How an older generation makes room for a newer one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Swap {
    /// The newer one starts beside the older one.
    #[default]
    Beside,
    /// The older one stops before the newer one starts: ports, voice, an own `SQLite`.
    Exclusive,
}

/// The name of a plugin: 1 to 32 of `a-z`, `0-9`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PluginName(String);

impl PluginName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PluginName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if (1..=32).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{text}` is no plugin's name: 1 to 32 of a-z, 0-9, _ and -"))
        }
    }
}

impl TryFrom<String> for PluginName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PluginName> for String {
    fn from(name: PluginName) -> Self {
        name.0
    }
}

impl fmt::Display for PluginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["a", "mod-log_2", &"x".repeat(32)] {
            assert!(good.parse::<PluginName>().is_ok(), "{good}");
        }
        for bad in ["", "Mod", "a b", "a.b", "../a", "ä", &"x".repeat(33)] {
            assert!(bad.parse::<PluginName>().is_err(), "{bad}");
        }
    }
}
