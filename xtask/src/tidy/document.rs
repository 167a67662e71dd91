//! Rules for the documents at the root: the map shows what is there, the changelog has a place for
//! what is new, git ignores what is made.

use super::Finding;
use super::tree::{Document, Tree};

/// What git must never take: what cargo and npm make, what the bot writes, compiled plugins, secrets.
const IGNORED: &[&str] = &[
    "target/",
    "node_modules/",
    "/data/*",
    "/plugins/*.so",
    "/plugins/*.dll",
    "/plugins/*.dylib",
    ".env",
];

type Rule = fn(&Document, &Tree) -> Vec<Finding>;

const RULES: &[(&str, Rule)] = &[
    ("ARCHITECTURE.md", code_map),
    ("CHANGELOG.md", changelog),
    (".gitignore", ignored),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    RULES
        .iter()
        .flat_map(|(path, rule)| match tree.document(path) {
            Some(document) => rule(document, tree),
            None => vec![Finding {
                path: (*path).to_owned(),
                line: 0,
                message: "is missing".to_owned(),
            }],
        })
        .collect()
}

/// What the code map names exists.
fn code_map(document: &Document, tree: &Tree) -> Vec<Finding> {
    let named = mapped(&document.text);
    if named.is_empty() {
        return vec![Finding::new(
            document,
            0,
            "has no section `Code map` that names folders",
        )];
    }
    let missing = named
        .into_iter()
        .filter(|(_, path)| !tree.folders.contains(path) && tree.document(path).is_none());
    missing
        .map(|(line, path)| Finding::new(document, line, format!("there is no {path}")))
        .collect()
}

/// The paths named below the heading `Code map`, with their lines: code spans in the first column of a
/// table, code spans elsewhere if they have a slash within, and the folders of a fenced tree, where
/// deeper lines lie within.
fn mapped(text: &str) -> Vec<(usize, String)> {
    let mut paths = Vec::new();
    let mut in_map = false;
    let mut in_fence = false;
    // The folders around the present line of a tree, with how far each is indented.
    let mut around: Vec<(usize, String)> = Vec::new();
    for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        if line.starts_with("```") {
            in_fence = !in_fence;
            around.clear();
        } else if in_fence && in_map {
            let indent = line.len() - line.trim_start().len();
            around.retain(|(outer, _)| *outer < indent);
            let within = around.last().map_or(String::new(), |(_, folder)| format!("{folder}/"));
            let names = line
                .split_whitespace()
                .map_while(folder_name)
                .map(|name| format!("{within}{name}"));
            let names: Vec<String> = names.collect();
            around.extend(names.last().map(|name| (indent, name.clone())));
            paths.extend(names.into_iter().map(|name| (number, name)));
        } else if line.starts_with("## ") {
            in_map = line.to_lowercase().contains("code map");
        } else if in_map {
            let row = line.strip_prefix('|').map(|row| row.split('|').next().unwrap_or(row));
            let spans = row.unwrap_or(line).split('`').skip(1).step_by(2);
            let spans = spans
                .map(|span| span.trim_end_matches('/'))
                .filter(|span| is_path(span));
            let spans = spans.filter(|span| row.is_some() || span.contains('/'));
            paths.extend(spans.map(|span| (number, span.to_owned())));
        }
    }
    paths
}

fn is_path(word: &str) -> bool {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "_-./".contains(character);
    !word.is_empty() && word.chars().all(allowed)
}

/// A word of a tree that is a folder's name: it ends in a slash.
fn folder_name(word: &str) -> Option<&str> {
    word.strip_suffix('/').filter(|name| is_path(name))
}

/// What is new is written down as it is made.
fn changelog(document: &Document, _tree: &Tree) -> Vec<Finding> {
    let first = document
        .text
        .lines()
        .enumerate()
        .find(|(_, line)| line.starts_with("## "));
    match first {
        Some((_, line)) if line.trim_start_matches("## ").trim().trim_matches(['[', ']']) == "Unreleased" => Vec::new(),
        first => {
            let line = first.map_or(0, |(index, _)| index + 1);
            vec![Finding::new(document, line, "the first section is `## Unreleased`")]
        }
    }
}

fn ignored(document: &Document, _tree: &Tree) -> Vec<Finding> {
    let lines: Vec<&str> = document.text.lines().map(str::trim).collect();
    let missing = IGNORED.iter().filter(|pattern| !lines.contains(pattern));
    missing
        .map(|pattern| Finding::new(document, 0, format!("does not name {pattern}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{IGNORED, changelog, check, code_map, ignored, mapped};
    use crate::tidy::Finding;
    use crate::tidy::tree::{Document, Tree};

    fn tree() -> Tree {
        Tree::of(&[
            ("host/src/main.rs", ""),
            ("host/src/plugins/lane.rs", ""),
            ("sandbox/src/lib.rs", ""),
        ])
    }

    fn told(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_three_documents_must_be_there() {
        assert_eq!(check(&tree()).len(), 3);
    }

    #[test]
    fn a_tree_names_folders_by_indentation() {
        let text = "# A\n```\nnot/the/map/\n```\n## Code map\n```\nhost/src/   the bot: a/b\n  main.rs   in it\n  \
                    plugins/  lanes\n  hooks/  schedule/   later\nsandbox/    Discord\n```\n## Other\n`none/`\n";
        let folders: Vec<String> = mapped(text).into_iter().map(|(_, folder)| folder).collect();
        assert_eq!(
            folders,
            [
                "host/src",
                "host/src/plugins",
                "host/src/hooks",
                "host/src/schedule",
                "sandbox"
            ]
        );
    }

    #[test]
    fn a_table_names_paths_in_its_first_column_and_prose_names_those_with_a_slash_within() {
        let text = "## Code map\n| folder | knows |\n|---|---|\n| `host`, `sandbox/` | all but `builtins/` |\n\n\
                    `host/src/main.rs` is the start; `cargo xtask run`, `abi/` and `plugin!` are no paths.\n";
        let paths: Vec<String> = mapped(text).into_iter().map(|(_, path)| path).collect();
        assert_eq!(paths, ["host", "sandbox", "host/src/main.rs"]);
    }

    #[test]
    fn what_is_not_there_is_found_with_its_line() {
        let map = |text: &str| told(&code_map(&Document::new("ARCHITECTURE.md", text), &tree()));
        assert_eq!(
            map("## Code map\n\n- `host/src/plugins/` lanes, `sandbox/src/lib.rs`.\n"),
            Vec::<String>::new()
        );
        assert_eq!(
            map("## Code map\n\n- `host/src/gone/`: nothing.\n"),
            ["ARCHITECTURE.md:3: there is no host/src/gone"]
        );
        assert_eq!(
            map("## Code map\n| `host` | |\n| `gone` | |\n"),
            ["ARCHITECTURE.md:3: there is no gone"]
        );
        assert_eq!(
            map("## Code map\n```\nhost/\n  gone/\n```\n"),
            ["ARCHITECTURE.md:4: there is no host/gone"]
        );
        assert_eq!(
            map("# Architecture\n").len(),
            1,
            "a map that names nothing checks nothing"
        );
    }

    #[test]
    fn the_changelog_begins_with_what_is_unreleased() {
        let log = |text: &str| told(&changelog(&Document::new("CHANGELOG.md", text), &tree())).len();
        assert_eq!(log("# Changelog\n\n## Unreleased\n\n## 1.0\n"), 0);
        assert_eq!(log("# Changelog\n\n## [Unreleased]\n"), 0);
        assert_eq!(log("# Changelog\n\n## 1.0\n\n## Unreleased\n"), 1);
        assert_eq!(log("# Changelog\n"), 1);
    }

    #[test]
    fn each_ignored_pattern_is_asked_for() {
        let whole = IGNORED.join("\n");
        assert!(ignored(&Document::new(".gitignore", whole.as_str()), &tree()).is_empty());
        for pattern in IGNORED {
            let without = IGNORED
                .iter()
                .filter(|other| other != &pattern)
                .copied()
                .collect::<Vec<_>>()
                .join("\n");
            let told = told(&ignored(&Document::new(".gitignore", without), &tree()));
            assert!(told.len() == 1 && told[0].ends_with(pattern), "{told:?}");
        }
    }
}
