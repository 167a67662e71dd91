//! Rules for Rust source: who may name what, and what no source may hold.
//!
//! They look at code only, not at comments and strings, but for the opening lines. A rule that has to
//! give way somewhere names the place here, with the reason.

use std::ops::RangeInclusive;

use super::Finding;
use super::masked::{code_only, has_word};
use super::tree::Document;

const MAX_LINES: usize = 600;

/// How many lines say what a file is and why it stands apart.
const OPENING: RangeInclusive<usize> = 2..=8;

/// Longer files: tables only, each with its reason.
const TABLES: &[&str] = &[];

/// Where `abi_stable` may be named: the boundary and the loader on its other side.
const BOUNDARY: &[&str] = &["plugin-api/abi/", "host/src/plugins/", "host/src/plugins.rs"];

/// Where `unsafe` may stand besides: what the process needs of its system, what a test's program does before its `main`
/// (the harness owns that), and fixtures that do what safe code can't.
const UNSAFE: &[&str] = &[
    "plugin-api/abi/",
    "host/src/plugins/",
    "host/src/plugins.rs",
    "host/src/process.rs",
    "plugin-api/testing/src/probe.rs",
    "plugins/stress/",
    "plugins/unruly/",
];

/// The deciding code: functions from values to values.
const PURE: &[&str] = &[
    "host/src/plugins/registry",
    "host/src/commands/prefix",
    "host/src/permissions/",
    "host/src/permissions.rs",
    "host/src/slash/plan",
];
const NOT_PURE: &[&str] = &[
    "tokio",
    "rusqlite",
    "twilight_http",
    "twilight_gateway",
    "reqwest",
    "hyper",
    "axum",
];

/// The host's own commands are written as any plugin's: these are the ways around `plugin_api`.
const BUILTINS: &[&str] = &["host/src/builtins/", "host/src/builtins.rs"];
const NOT_FOR_BUILTINS: &[&str] = &[
    "tokio",
    "rusqlite",
    "reqwest",
    "hyper",
    "axum",
    "host",
    "plugin_abi",
    "plugin_protocol",
    "plugin_macros",
    "abi_stable",
    "twilight_gateway",
    "twilight_http",
    "twilight_model",
    "twilight_util",
];

/// Where printing is the purpose.
const PRINTING: &[&str] = &["xtask/", "sandbox/src/bin/"];

pub(super) fn check(document: &Document) -> Vec<Finding> {
    let code = code_only(&document.text);
    let mut findings = Vec::new();
    findings.extend(opening(document));
    findings.extend(length(document));
    for (number, line) in code.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        let mut say = |message: String| findings.push(Finding::new(document, number, message));
        for word in ["todo!", "unimplemented!", "dbg!"] {
            if has_word(line, word) {
                say(format!("{word} has no place in committed code"));
            }
        }
        if has_word(line, "abi_stable") && !document.begins(BOUNDARY) {
            say("abi_stable is named only in plugin-api/abi and host/src/plugins".to_owned());
        }
        if has_word(&without_sections(document, line), "unsafe") && !document.begins(UNSAFE) {
            say("unsafe stands only in plugin-api/abi, host/src/plugins and host/src/process.rs".to_owned());
        }
        if document.begins(PURE)
            && let Some(name) = NOT_PURE.iter().find(|name| has_word(line, name))
        {
            say(format!("deciding code is pure: it does not know {name}"));
        }
        if document.begins(BUILTINS)
            && let Some(name) = around_plugin_api(line)
        {
            say(format!(
                "built-in commands use plugin_api only, like any plugin: not {name}"
            ));
        }
        if !may_print(document)
            && ["println!", "eprintln!", "print!", "eprint!"]
                .iter()
                .any(|word| has_word(line, word))
        {
            say("printing is for main.rs, xtask and sandbox/src/bin; elsewhere use tracing".to_owned());
        }
    }
    findings.extend(sleeps(document, &code));
    findings
}

/// A source file opens with what it is and why it stands apart; a crate's own page may be longer.
fn opening(document: &Document) -> Option<Finding> {
    if !document.is_within("src") {
        return None;
    }
    let lines = document.text.lines().take_while(|line| line.starts_with("//!")).count();
    let belongs = match lines {
        lines if lines < *OPENING.start() => "what it is, why it stands apart",
        lines if lines > *OPENING.end() && document.name() != "lib.rs" => "the rest belongs to the items",
        _ => return None,
    };
    let message = format!(
        "opens with {lines} lines of //!, not {} to {}: {belongs}",
        OPENING.start(),
        OPENING.end()
    );
    Some(Finding::new(document, 1, message))
}

fn length(document: &Document) -> Option<Finding> {
    let lines = document.text.lines().count();
    (lines > MAX_LINES && !TABLES.contains(&document.path.as_str())).then(|| {
        let message = format!("{lines} lines: over {MAX_LINES} a file is cut in two, unless it is a table");
        Finding::new(document, MAX_LINES + 1, message)
    })
}

/// In what the macros write for plugins, the attribute that puts the manifest into its link section is
/// no unsafe code: there is nothing to get wrong in it but the section's name.
fn without_sections(document: &Document, line: &str) -> String {
    if document.begins(&["plugin-api/macros/"]) {
        line.replace("unsafe(link_section", "")
    } else {
        line.to_owned()
    }
}

fn around_plugin_api(line: &str) -> Option<&'static str> {
    if line.contains("super::super") {
        return Some("super::super");
    }
    let crate_paths = line
        .match_indices("crate::")
        .filter(|(at, _)| !line[..*at].ends_with('$'));
    if crate_paths
        .into_iter()
        .any(|(at, _)| !line[at..].starts_with("crate::builtins"))
    {
        return Some("crate::");
    }
    // What plugin_api hands on is every plugin's.
    let line = line.replace("plugin_api::tokio::", "");
    NOT_FOR_BUILTINS
        .iter()
        .find(|name| has_word(&line, &format!("{name}::")))
        .copied()
}

fn may_print(document: &Document) -> bool {
    document.begins(PRINTING)
        || ["main.rs", "build.rs"].contains(&document.name())
        // Tests report figures that they do not assert.
        || document.is_within("tests")
}

/// Tests wait for events.
fn sleeps(document: &Document, code: &str) -> Vec<Finding> {
    let mut in_tests = document.is_within("tests");
    let mut previous = "";
    let mut findings = Vec::new();
    for (index, line) in code.lines().enumerate() {
        // A file's own tests stand at its end.
        in_tests |= line.starts_with("mod tests") && previous.starts_with("#[cfg(") && previous.contains("test");
        if in_tests
            && ["sleep(", "sleep_until(", "sleep_ms("]
                .iter()
                .any(|word| has_word(line, word))
        {
            findings.push(Finding::new(
                document,
                index + 1,
                "tests never sleep: wait for the event",
            ));
        }
        previous = line;
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::tree::Document;

    const OPENING: &str = "//! What it is.\n//! Why it stands apart.\n";

    /// The lines and messages for a file of this path with this code behind a good opening.
    fn told(path: &str, code: &str) -> Vec<String> {
        let document = Document::new(path, format!("{OPENING}{code}\n"));
        check(&document)
            .iter()
            .map(|finding| format!("{} {}", finding.line, finding.message))
            .collect()
    }

    #[track_caller]
    fn one(path: &str, code: &str, part: &str) {
        let told = told(path, code);
        assert!(told.len() == 1 && told[0].contains(part), "{path}: {told:?}");
    }

    #[track_caller]
    fn none(path: &str, code: &str) {
        assert_eq!(told(path, code), Vec::<String>::new(), "{path}");
    }

    #[test]
    fn a_file_opens_with_two_to_eight_lines() {
        let lines = |path: &str, text: &str| check(&Document::new(path, text)).len();
        assert_eq!(lines("host/src/a.rs", "fn f() {}\n"), 1);
        assert_eq!(lines("host/src/a.rs", "//! One.\nfn f() {}\n"), 1);
        assert_eq!(lines("host/src/a.rs", "#![allow(x)]\n//! One.\n//! Two.\n"), 1);
        assert_eq!(lines("host/src/a.rs", &"//! Line.\n".repeat(8)), 0);
        assert_eq!(lines("host/src/a.rs", &"//! Line.\n".repeat(9)), 1);
        assert_eq!(lines("plugin-api/src/lib.rs", &"//! Line.\n".repeat(9)), 0);
        assert_eq!(lines("host/tests/a.rs", "fn f() {}\n"), 0);
    }

    #[test]
    fn six_hundred_lines_are_the_limit() {
        none("host/src/a.rs", &"// line\n".repeat(597));
        one("host/src/a.rs", &"// line\n".repeat(598), "601 lines");
    }

    #[test]
    fn unfinished_code_is_found_but_not_in_words_about_it() {
        for code in ["todo!()", "unimplemented!(\"x\")", "dbg!(x)"] {
            one("host/src/a.rs", code, "committed");
        }
        none("host/src/a.rs", "// a todo! here\nlet x = \"dbg!\";");
    }

    #[test]
    fn the_boundary_is_named_where_it_is() {
        one(
            "host/src/commands/router.rs",
            "use abi_stable::std_types::RVec;",
            "abi_stable",
        );
        one(
            "host/src/plugins_list.rs",
            "use abi_stable::std_types::RVec;",
            "abi_stable",
        );
        none("host/src/plugins/loader.rs", "use abi_stable::std_types::RVec;");
        none("plugin-api/abi/src/lib.rs", "use abi_stable::std_types::RVec;");
        none("plugin-api/src/lib.rs", "// abi_stable is hidden in plugin-abi");
    }

    #[test]
    fn unsafe_stands_where_it_may() {
        one("sandbox/src/lib.rs", "unsafe { f() }", "unsafe");
        one("plugin-api/src/lib.rs", "#[unsafe(no_mangle)]", "unsafe");
        one("plugin-api/testing/src/lib.rs", "#[ctor::ctor(unsafe)]", "unsafe");
        none("sandbox/src/lib.rs", "#![forbid(unsafe_code)]");
        none("plugin-api/macros/src/plugin.rs", "#[unsafe(link_section = \".x\")]");
        one("plugin-api/macros/src/plugin.rs", "#[unsafe(no_mangle)]", "unsafe");
        one("sandbox/src/lib.rs", "#[unsafe(link_section = \".x\")]", "unsafe");
        for path in [
            "plugin-api/abi/src/table.rs",
            "host/src/plugins/loader.rs",
            "host/src/process.rs",
            "plugin-api/testing/src/probe.rs",
        ] {
            none(path, "unsafe { f() }");
        }
    }

    #[test]
    fn deciding_code_is_pure() {
        for path in [
            "host/src/plugins/registry.rs",
            "host/src/plugins/registry/order.rs",
            "host/src/commands/prefix.rs",
            "host/src/permissions/evaluator.rs",
            "host/src/slash/plan.rs",
        ] {
            one(path, "use tokio::sync::Mutex;", "pure");
            one(path, "let client: twilight_http::Client;", "pure");
            none(path, "use std::collections::BTreeMap;");
        }
        none("host/src/slash/sync.rs", "use tokio::sync::Mutex;");
    }

    #[test]
    fn builtins_see_plugin_api_only() {
        for (code, part) in [
            ("use crate::plugins::Registry;", "crate::"),
            ("let x = super::super::config();", "super::super"),
            ("use twilight_model::id::Id;", "twilight_model"),
            ("let x = plugin_protocol::Head::default();", "plugin_protocol"),
        ] {
            one("host/src/builtins/admin.rs", code, part);
        }
        none(
            "host/src/builtins/admin.rs",
            "use plugin_api::prelude::*;\nuse super::card;\nuse crate::builtins::page;",
        );
        none("host/src/plugins/lane.rs", "use crate::plugins::Registry;");
    }

    #[test]
    fn printing_is_for_programs() {
        one("host/src/config/mod.rs", "println!(\"x\");", "tracing");
        one("plugins/example/src/lib.rs", "eprintln!(\"x\");", "tracing");
        for path in [
            "host/src/main.rs",
            "xtask/src/run.rs",
            "sandbox/src/bin/sandbox.rs",
            "host/tests/reload.rs",
        ] {
            none(path, "println!(\"x\");");
        }
    }

    #[test]
    fn tests_never_sleep() {
        one(
            "host/tests/reload.rs",
            "tokio::time::sleep(DELAY).await;",
            "3 tests never sleep",
        );
        let module = "fn f() { sleep(LONG) }\n#[cfg(test)]\nmod tests {\n    fn g() { thread::sleep(LONG) }\n}";
        one("host/src/lane.rs", module, "6 tests never sleep");
        none("host/src/lane.rs", "fn f() { thread::sleep(LONG) }");
    }
}
