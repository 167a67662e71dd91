//! Rules for every text file: names that say nothing, notes left behind, places of one machine.
//!
//! They read plain lines, comments and all: what must not be written must not be written anywhere.

use super::Finding;
use super::tree::Document;

/// These rules quote what they forbid.
const RULES: &[&str] = &["xtask/src/tidy/"];

/// A file is called by what it holds.
const SAYS_NOTHING: &[&str] = &["util", "utils", "helper", "helpers", "common", "manager", "misc"];

/// Folders that exist on one machine only.
const MACHINE: &[&str] = &["/work/", "/root/", "/home/", "/Users/"];

/// Where packages come from for everybody.
const CRATES: &str = "registry+https://github.com/rust-lang/crates.io-index";
const NPM: &str = "https://registry.npmjs.org/";

pub(super) fn check(document: &Document) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(name(document));
    if document.begins(RULES) {
        return findings;
    }
    for (number, line) in document.text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        let mut say = |message: String| findings.push(Finding::new(document, number, message));
        if ["FIXME", "XXX:"].iter().any(|note| line.contains(note)) {
            say("a note to fix something is an issue, not a comment".to_owned());
        }
        if let Some(folder) = MACHINE.iter().find(|folder| names_folder(line, folder)) {
            say(format!("{folder} is a folder of one machine"));
        }
        if let Some(host) = foreign_registry(document, line) {
            say(format!("packages come from the public registries, not from {host}"));
        }
    }
    findings
}

fn name(document: &Document) -> Option<Finding> {
    let word = document
        .path
        .split('/')
        .flat_map(|part| part.split(['_', '-', '.']))
        .find(|word| SAYS_NOTHING.contains(word))?;
    Some(Finding::new(
        document,
        0,
        format!("`{word}` says nothing: a file is called by what it holds"),
    ))
}

/// Whether an absolute path into the folder stands in the line; `./work/` and `$HOME/work/` are none.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder)
        .any(|(at, _)| !line[..at].ends_with(|before: char| before.is_alphanumeric() || "._-~/}*$)".contains(before)))
}

/// The source that a lock file or a setting takes packages from, if it is not everybody's.
fn foreign_registry<'a>(document: &Document, line: &'a str) -> Option<&'a str> {
    let value = |key: &str, separator: char| {
        let (name, value) = line.trim().trim_end_matches(',').split_once(separator)?;
        (name.trim().trim_matches('"') == key).then(|| value.trim().trim_matches('"'))
    };
    match document.name() {
        "Cargo.lock" => value("source", '=').filter(|source| *source != CRATES),
        "package-lock.json" => {
            value("resolved", ':').filter(|source| source.starts_with("http") && !source.starts_with(NPM))
        }
        "config.toml" => value("replace-with", '=').or_else(|| value("registry", '=')),
        ".npmrc" => value("registry", '=').filter(|source| !source.starts_with(NPM)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::tree::Document;

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
    fn names_say_what_a_file_holds() {
        for path in [
            "host/src/utils.rs",
            "host/tests/common/mod.rs",
            "host/src/plugin_manager.rs",
            "sandbox/misc.js",
        ] {
            one(path, "", "says nothing");
        }
        none("host/src/utility_bill.rs", "");
    }

    #[test]
    fn notes_and_machine_folders_are_found_with_their_line() {
        one("README.md", "fine\n<!-- FIXME -->", "README.md:2: a note");
        one("README.md", "see `/home/someone/bot`", "/home/");
        one("host/src/a.rs", "let path = \"/root/bot\";", "/root/");
        one(".ci/run", "cd /work/main", "/work/");
        none(
            "README.md",
            "~/work/bot, ./home/x, $HOME/work/x, example.org/home/ and the root/ of it",
        );
    }

    #[test]
    fn packages_come_from_the_public_registries() {
        none(
            "Cargo.lock",
            "source = \"registry+https://github.com/rust-lang/crates.io-index\"",
        );
        one(
            "Cargo.lock",
            "source = \"registry+https://mirror.example/index\"",
            "mirror.example",
        );
        none(
            ".ci/browser/package-lock.json",
            "  \"resolved\": \"https://registry.npmjs.org/x/-/x-1.tgz\",",
        );
        one(
            ".ci/browser/package-lock.json",
            "  \"resolved\": \"https://mirror.example/x-1.tgz\",",
            "mirror.example",
        );
        one(".cargo/config.toml", "replace-with = \"mirror\"", "mirror");
        one(".npmrc", "registry=https://mirror.example/", "mirror.example");
        none("host/src/config.toml", "prefix = \"!\"");
    }
}
