//! Rules for Cargo.toml files: who depends on whom, and that every crate keeps the workspace's lints.
//!
//! The files are read line by line: a heading, or a key with its value, is all that the rules need.

use super::Finding;
use super::tree::Document;

/// Crates that may depend on `abi_stable`; the root only fixes its version.
const BOUNDARY: &[&str] = &["Cargo.toml", "plugin-api/abi/Cargo.toml", "host/Cargo.toml"];

/// Crates with lints of their own: inherited ones cannot be changed in part, and the boundary is where
/// the unsafe code is.
const OWN_LINTS: &[&str] = &["plugin-api/abi/Cargo.toml"];

/// What the sandbox must not know, to stay an independent opinion about Discord.
const OTHER_SIDE: &[&str] = &["host", "plugin-api", "plugin-abi", "plugin-protocol", "plugin-macros"];

pub(super) fn check(document: &Document) -> Vec<Finding> {
    let entries: Vec<Entry<'_>> = entries(&document.text).collect();
    let is_package = entries.iter().any(|entry| entry.section == "package");
    let stands_alone = document.path != "Cargo.toml" && document.text.lines().any(|line| line.trim() == "[workspace]");
    let mut findings = Vec::new();
    if is_package
        && !stands_alone
        && !OWN_LINTS.contains(&document.path.as_str())
        && !entries
            .iter()
            .any(|entry| entry.section == "lints" && entry.is("workspace", "true"))
    {
        findings.push(Finding::new(
            document,
            0,
            "a crate keeps the workspace's lints: [lints] workspace = true",
        ));
    }
    for entry in &entries {
        let Some((kind, name)) = entry.dependency() else {
            continue;
        };
        let mut say = |message: String| findings.push(Finding::new(document, entry.line, message));
        if name == "abi_stable" && !BOUNDARY.contains(&document.path.as_str()) {
            say("only plugin-api/abi and host depend on abi_stable".to_owned());
        }
        if document.path == "sandbox/Cargo.toml" {
            // Clients of Discord may test it; what it is made of may not be one.
            if name.starts_with("twilight-") && name != "twilight-model" && kind != "dev-dependencies" {
                say(format!(
                    "the sandbox is no client of Discord: of twilight it uses twilight-model, not {name}"
                ));
            }
            if OTHER_SIDE.contains(&name) {
                say(format!(
                    "the sandbox is an independent opinion about Discord: it does not know {name}"
                ));
            }
        }
    }
    findings
}

/// `key = value` in a section, or the section's own heading (with an empty key).
struct Entry<'a> {
    line: usize,
    section: &'a str,
    key: &'a str,
    value: &'a str,
}

impl<'a> Entry<'a> {
    fn is(&self, key: &str, value: &str) -> bool {
        self.key == key && self.value == value
    }

    /// The kind of table and the crate, if the entry names a dependency: `name = ...`,
    /// `name.workspace = true` or `[dependencies.name]`.
    fn dependency(&self) -> Option<(&'a str, &'a str)> {
        const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
        // What stands before the kind: nothing, `workspace.` or `target.'cfg(...)'.`
        let at_kind = |path: &'a str| {
            KINDS.iter().find_map(|kind| {
                let at = path.find(kind)?;
                let whole = at == 0 || path[..at].ends_with('.');
                whole.then(|| (*kind, path[at + kind.len()..].trim_start_matches('.')))
            })
        };
        let (kind, rest) = at_kind(self.section)?;
        match (rest, self.key) {
            ("", "") => None,
            ("", key) => Some((kind, key.split('.').next().unwrap_or(key).trim_matches('"'))),
            (name, "") => Some((kind, name)),
            // Inside [dependencies.name]: told at its heading.
            _ => None,
        }
    }
}

fn entries(text: &str) -> impl Iterator<Item = Entry<'_>> {
    let mut section = "";
    text.lines().enumerate().filter_map(move |(index, line)| {
        let line = line.split(" #").next().unwrap_or(line).trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.trim_matches(['[', ']']);
            return Some(Entry {
                line: index + 1,
                section,
                key: "",
                value: "",
            });
        }
        let (key, value) = line.split_once('=')?;
        Some(Entry {
            line: index + 1,
            section,
            key: key.trim(),
            value: value.trim(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::tree::Document;

    const LINTS: &str = "[lints]\nworkspace = true\n";

    fn told(path: &str, text: &str) -> Vec<String> {
        check(&Document::new(path, text))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[track_caller]
    fn one(path: &str, text: &str, part: &str) {
        let told = told(path, text);
        assert!(told.len() == 1 && told[0].contains(part), "{path}: {told:?}");
    }

    #[track_caller]
    fn none(path: &str, text: &str) {
        assert_eq!(told(path, text), Vec::<String>::new(), "{path}");
    }

    #[test]
    fn every_crate_keeps_the_lints() {
        one("host/Cargo.toml", "[package]\nname = \"host\"\n", "lints");
        one(
            "host/Cargo.toml",
            "[package]\nname = \"host\"\n[lints]\nworkspace = false\n",
            "lints",
        );
        none("host/Cargo.toml", &format!("[package]\nname = \"host\"\n{LINTS}"));
        none(
            "plugin-api/abi/Cargo.toml",
            "[package]\nname = \"plugin-abi\"\n[lints.rust]\nunsafe_code = \"allow\"\n",
        );
        none("Cargo.toml", "[workspace]\nmembers = []\n");
        none(
            "host/tests/outside/Cargo.toml",
            "[package]\nname = \"outside\"\n[workspace]\n",
        );
    }

    #[test]
    fn only_the_boundary_depends_on_abi_stable() {
        for dependency in [
            "[dependencies]\nabi_stable.workspace = true",
            "[dependencies]\nabi_stable = \"0.11\"",
            "[dev-dependencies.abi_stable]\nversion = \"0.11\"",
            "[target.'cfg(unix)'.dependencies]\nabi_stable = \"0.11\"",
        ] {
            let text = format!("[package]\nname = \"x\"\n{LINTS}{dependency}\n");
            one("plugin-api/Cargo.toml", &text, "abi_stable");
            none("host/Cargo.toml", &text);
        }
        none("Cargo.toml", "[workspace.dependencies]\nabi_stable = \"0.11\"\n");
        none(
            "plugin-api/Cargo.toml",
            &format!("[package]\ndescription = \"hides abi_stable\"\n{LINTS}"),
        );
    }

    #[test]
    fn the_sandbox_knows_neither_side() {
        let with = |dependency: &str| format!("[package]\nname = \"sandbox\"\n{LINTS}{dependency}\n");
        one(
            "sandbox/Cargo.toml",
            &with("[dependencies]\ntwilight-http.workspace = true"),
            "sandbox/Cargo.toml:6: ",
        );
        one(
            "sandbox/Cargo.toml",
            &with("[dependencies]\nplugin-protocol.workspace = true"),
            "plugin-protocol",
        );
        one(
            "sandbox/Cargo.toml",
            &with("[dev-dependencies]\nhost = { path = \"../host\" }"),
            "host",
        );
        none(
            "sandbox/Cargo.toml",
            &with("[dependencies]\ntwilight-model.workspace = true"),
        );
        none(
            "sandbox/Cargo.toml",
            &with("[dev-dependencies]\ntwilight-gateway.workspace = true"),
        );
        none(
            "host/Cargo.toml",
            &with("[dependencies]\ntwilight-http.workspace = true"),
        );
    }
}
