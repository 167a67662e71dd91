//! `cargo xtask tidy`: the invariants of the tree that a script can check, each with file and line.
//!
//! A rule is a function from a file's path and text to findings, so that each is tested on strings;
//! `tree` reads the files, `masked` tells code from comments, the others hold the rules by kind.

mod code;
mod document;
mod manifest;
mod masked;
mod text;
mod tree;

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::workspace::Workspace;
use tree::{Document, Tree};

/// Check the invariants of the tree that a script can check
#[derive(clap::Args)]
pub(crate) struct Arguments {}

/// A broken rule, at a place.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    /// From 1; 0 for the file as a whole.
    line: usize,
    message: String,
}

impl Finding {
    fn new(document: &Document, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: document.path.clone(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(formatter, "{}: {}", self.path, self.message),
            line => write!(formatter, "{}:{line}: {}", self.path, self.message),
        }
    }
}

pub(crate) fn run(_arguments: &Arguments) -> Result<ExitCode> {
    let count = findings(&Workspace::read()?.root)?;
    if count > 0 {
        eprintln!("{count} findings");
        return Ok(ExitCode::FAILURE);
    }
    eprintln!("tidy");
    Ok(ExitCode::SUCCESS)
}

/// Prints what is wrong in the tree and returns how much.
pub(crate) fn findings(root: &Path) -> Result<usize> {
    let findings = check(&Tree::read(root)?);
    for finding in &findings {
        eprintln!("{finding}");
    }
    Ok(findings.len())
}

fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = tree.documents.iter().flat_map(check_one).collect();
    findings.extend(document::check(tree));
    findings.sort();
    findings
}

fn check_one(document: &Document) -> Vec<Finding> {
    let mut findings = text::check(document);
    if document.is_rust() {
        findings.extend(code::check(document));
    }
    if document.name() == "Cargo.toml" {
        findings.extend(manifest::check(document));
    }
    findings
}

/// What a file of this path and text would be told; for what writes source files.
#[cfg(test)]
pub(crate) fn source_findings(path: &str, text: &str) -> Vec<String> {
    check_one(&Document::new(path, text))
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::tree::Tree;
    use super::{check, source_findings};

    /// A tree that keeps every rule.
    fn good() -> Vec<(&'static str, &'static str)> {
        vec![
            (
                ".gitignore",
                "target/\nnode_modules/\n/data/*\n/plugins/*.so\n/plugins/*.dll\n/plugins/*.dylib\n.env\n",
            ),
            (
                "ARCHITECTURE.md",
                "# Architecture\n\n## Code map\n\n```\nhost/src/   the bot\n```\n",
            ),
            ("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n- All of it.\n"),
            (
                "host/Cargo.toml",
                "[package]\nname = \"host\"\n\n[lints]\nworkspace = true\n",
            ),
            ("host/src/lib.rs", "//! The bot.\n//! All of it.\n"),
        ]
    }

    fn findings_of(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_tidy_tree_has_no_findings() {
        assert_eq!(findings_of(&good()), Vec::<String>::new());
    }

    #[test]
    fn every_kind_of_rule_is_applied_to_the_tree() {
        let mut files = good();
        files.retain(|(path, _)| *path != "CHANGELOG.md");
        files.push(("host/src/utils.rs", "//! One.\n//! Two.\nfn f() { dbg!(1); }\n"));
        files.push(("sandbox/Cargo.toml", "[package]\nname = \"sandbox\"\n"));
        let findings = findings_of(&files);
        assert_eq!(findings.len(), 4, "{findings:#?}");
        assert!(findings[0].starts_with("CHANGELOG.md: "), "{findings:#?}");
        assert!(findings[1].starts_with("host/src/utils.rs: "), "{findings:#?}");
        assert!(findings[2].starts_with("host/src/utils.rs:3: "), "{findings:#?}");
        assert!(findings[3].starts_with("sandbox/Cargo.toml: "), "{findings:#?}");
    }

    #[test]
    fn a_single_source_can_be_asked_about() {
        assert_eq!(
            source_findings("host/src/lib.rs", "//! One.\n//! Two.\n"),
            Vec::<String>::new()
        );
        assert_eq!(source_findings("host/src/lib.rs", "fn f() {}\n").len(), 1);
    }
}
