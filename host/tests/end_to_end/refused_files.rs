//! Each file that can't be a plugin here, and the text that its owner reads: one snapshot to be read from top to bottom.
//!
//! The host and what runs answer on, whatever lies beside them.

use std::{collections::BTreeMap, fs, os::unix::fs::symlink};

use rustix::fs::{CWD, Mode};
use serde_json::json;

use crate::{
    forging::{description, drop_old, forged, macos, overwritten, plugin, replaced, windows},
    harness::{Bot, PATIENCE, World, compiled, example_answers, file_name, patched},
};

/// Files by what is wrong with them. Names are those of files; plugins in them have the same.
fn broken() -> Vec<(&'static str, Vec<u8>)> {
    let (stress, unruly) = (compiled("stress"), compiled("unruly"));
    let offers = |name| description(name, "1.0.0", &[]).to_string();
    let said = |manifest: &str, name| forged(manifest, &offers(name));
    let renamed = |name: &str, bytes: &[u8]| {
        let name = format!("\"name\":\"{name}\"");
        replaced(bytes, b"\"name\":\"stress\"", name.as_bytes())
    };
    let loading = |name: &str, how| renamed(name, &patched(&stress, "LOAD", how));
    let needs = |name, list| plugin(name, "1.0.0", &json!({ "depends": list }), &[]);
    let section_headers = 0x28;
    vec![
        ("empty", Vec::new()),
        ("text", b"#!/bin/sh\necho hello\n".to_vec()),
        ("cut-in-its-header", unruly[..40].to_vec()),
        ("cut-in-the-middle", unruly[..unruly.len() / 2].to_vec()),
        ("cut-before-its-end", unruly[..unruly.len() - 1].to_vec()),
        (
            "header-beyond-the-end",
            overwritten(&unruly, section_headers, &[0xff; 7]),
        ),
        (
            "header-elsewhere",
            overwritten(&unruly, section_headers, &0x1000_u64.to_le_bytes()),
        ),
        ("header-of-a-segment", overwritten(&unruly, 64 + 56 + 4, &[0, 0, 0, 0])),
        ("object-file", overwritten(&unruly, 0x10, &[1, 0])),
        ("for-arm", overwritten(&unruly, 0x12, &[0xb7, 0])),
        ("for-32-bits", overwritten(&unruly, 4, &[1])),
        ("for-windows", windows()),
        ("for-macos", macos()),
        ("no-plugin", replaced(&unruly, b"\0.bothost\0", b"\0.nothing\0")),
        ("manifest-no-json", said("{\"name\":", "x")),
        (
            "manifest-without-abi",
            said(r#"{"name":"without-abi","version":"1.0.0"}"#, "x"),
        ),
        (
            "manifest-bad-name",
            said(
                r#"{"name":"Bad Name","version":"1.0.0","abi":"1.0.0","target":""}"#,
                "x",
            ),
        ),
        (
            "manifest-bad-version",
            said(r#"{"name":"a","version":"one","abi":"1.0.0","target":""}"#, "x"),
        ),
        (
            "manifest-other-abi",
            said(r#"{"name":"a","version":"1.0.0","abi":"2.1.0","target":""}"#, "x"),
        ),
        (
            "manifest-panic-abort",
            said(
                r#"{"name":"a","version":"1.0.0","abi":"1.0.0","target":"","panic":"abort"}"#,
                "x",
            ),
        ),
        (
            "lies-name",
            said(
                r#"{"name":"lies-name","version":"1.0.0","abi":"1.0.0","target":""}"#,
                "truly",
            ),
        ),
        (
            "lies-version",
            said(
                r#"{"name":"lies-version","version":"9.0.0","abi":"1.0.0","target":""}"#,
                "lies-version",
            ),
        ),
        (
            "lies-abi",
            replaced(
                &plugin("lies-abi", "1.0.0", &json!({}), &[]),
                b"abi stable library",
                b"abi-stable-library",
            ),
        ),
        (
            "no-header",
            replaced(
                &plugin("no-header", "1.0.0", &json!({}), &[]),
                b"_1as_0lib_1header_",
                b"_1as_0lib_1Header_",
            ),
        ),
        (
            "twice-one-command",
            plugin("twice-one-command", "1.0.0", &json!({}), &["ask", "ask"]),
        ),
        (
            "description-no-json",
            forged(
                r#"{"name":"description-no-json","version":"1.0.0","abi":"1.0.0","target":""}"#,
                "{\"name\":",
            ),
        ),
        (
            "description-panics",
            forged(
                r#"{"name":"description-panics","version":"1.0.0","abi":"1.0.0","target":""}"#,
                "panic",
            ),
        ),
        (
            "missing-symbol",
            replaced(
                &plugin("missing-symbol", "1.0.0", &json!({}), &[]),
                b"\0malloc\0",
                b"\0mallok\0",
            ),
        ),
        (
            "missing-library",
            replaced(
                &plugin("missing-library", "1.0.0", &json!({}), &[]),
                b"libgcc_s.so.1",
                b"libgone.so.12",
            ),
        ),
        (
            "newer-glibc",
            replaced(
                &plugin("newer-glibc", "1.0.0", &json!({}), &[]),
                b"\0GLIBC_2.",
                b"\0GLIBC_9.",
            ),
        ),
        ("loading-crashes", loading("load-1", 1)),
        ("loading-aborts", loading("load-2", 2)),
        ("loading-exits", loading("load-3", 3)),
        ("loading-hangs", loading("load-4", 4)),
        ("loading-forks", loading("load-5", 5)),
        ("loading-chatters", loading("load-6", 6)),
        ("loading-forks-hidden", loading("load-7", 7)),
        ("loading-panics", loading("load-8", 8)),
        ("loading-copies", loading("load-9", 9)),
        ("needs-nobody", needs("needs-nobody", json!([{ "name": "nobody" }]))),
        (
            "needs-newer",
            needs("needs-newer", json!([{ "name": "example", "range": ">=2" }])),
        ),
        (
            "needs-nonsense",
            needs("needs-nonsense", json!([{ "name": "example", "range": "new" }])),
        ),
        (
            "needs-refused",
            needs("needs-refused", json!([{ "name": "needs-nobody" }])),
        ),
        ("needs-crashing", needs("needs-crashing", json!([{ "name": "load-1" }]))),
        ("circle-a", needs("circle-a", json!([{ "name": "circle-b" }]))),
        ("circle-b", needs("circle-b", json!([{ "name": "circle-c" }]))),
        ("circle-c", needs("circle-c", json!([{ "name": "circle-a" }]))),
        (
            "conflict-one",
            plugin(
                "conflict-one",
                "1.0.0",
                &json!({ "conflicts": [{ "name": "conflict-two" }] }),
                &[],
            ),
        ),
        ("conflict-two", plugin("conflict-two", "1.0.0", &json!({}), &[])),
        ("double", plugin("double", "1.0.0", &json!({}), &[])),
        ("double-again", plugin("double", "1.0.1", &json!({}), &[])),
        ("built-in", plugin("host", "1.0.0", &json!({}), &[])),
        ("blacklisted", plugin("blacklisted", "1.0.0", &json!({}), &[])),
    ]
}

/// What lies in the folder under a plugin's name and is no file. Answers with their names.
fn no_files(world: &World) -> [&'static str; 5] {
    let path = |name: &str| world.root().join("plugins").join(file_name(name));
    fs::create_dir(path("folder")).unwrap();
    rustix::fs::mknodat(
        CWD,
        path("pipe"),
        rustix::fs::FileType::Fifo,
        Mode::RUSR | Mode::WUSR,
        0,
    )
    .unwrap();
    symlink("/nonexistent/target/release/built.so", path("link-to-nothing")).unwrap();
    symlink(path("link-to-itself"), path("link-to-itself")).unwrap();
    fs::File::create(path("sparse")).unwrap().set_len(1 << 40).unwrap();
    ["folder", "pipe", "link-to-nothing", "link-to-itself", "sparse"]
}

/// The texts that the owner was told, by the file's name.
fn told(bot: &Bot) -> BTreeMap<String, String> {
    let lines = bot.lines_with("notice to the owner");
    let texts = lines
        .iter()
        .filter_map(|line| line.split_once(" text=\""))
        .map(|(_, text)| {
            let text = text.trim_end_matches('"').replace("\\\"", "\"");
            text.replace("\\\\", "\\")
        });
    texts
        .filter_map(|text| Some((text.split('`').nth(1)?.to_owned(), text.clone())))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_broken_file_is_refused_with_cause_and_remedy() {
    let world = World::new().await;
    world.configure(&json!({ "extensions": { "blacklist": ["blacklisted"] } }));
    world.drop_plugin("example");
    let broken = broken();
    for (name, bytes) in &broken {
        drop_old(&world, name, bytes);
    }
    let mut names: Vec<&str> = broken.iter().map(|(name, _)| *name).collect();
    names.extend(no_files(&world));
    let mut notices = world.sandbox.watch();
    let bot = world.start().await;
    for name in &names {
        bot.logs(&format!("`{}` is refused", file_name(name))).await;
    }
    example_answers(&world.person("alice")).await;

    let told = told(&bot);
    let paragraphs = names
        .iter()
        .map(|name| format!("{name}\n    {}", stable(&told[&file_name(name)])));
    let text = paragraphs.collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(text);
    // And by direct message.
    let told = async {
        while !notices
            .next()
            .await
            .is_some_and(|notice| notice.content().starts_with("**Plugin lib"))
        {}
    };
    tokio::time::timeout(PATIENCE, told).await.expect("the owner is told");
    bot.stop().await;
}

/// Without what differs from build to build.
fn stable(text: &str) -> String {
    let mut stable = String::new();
    let mut number = false;
    for letter in text.chars() {
        let is_digit = letter.is_ascii_digit();
        // Sizes and offsets have many digits; versions, signals and limits few.
        stable.push(letter);
        number = is_digit
            && (number || stable.len() > 4 && stable[stable.len() - 5..].bytes().all(|byte| byte.is_ascii_digit()));
        if number {
            let digits = stable.len() - stable.trim_end_matches(|digit: char| digit.is_ascii_digit()).len();
            stable.truncate(stable.len() - digits);
            stable.push('#');
        }
    }
    while stable.contains("##") {
        stable = stable.replace("##", "#");
    }
    // The number of a thread, and the line of the fixture.
    match stable.split_once("<unnamed>' (") {
        Some((before, after)) => {
            let after = after.split_once(')').map_or("", |(_, after)| after);
            let (file, rest) = after.split_once(".rs:").unwrap_or_default();
            let message = rest.split_once(": ").map_or(rest, |(_, message)| message);
            format!("{before}<unnamed>' (#){file}.rs:# {message}")
        }
        None => stable,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_dropped_over_a_running_version_leaves_it_answering() {
    let world = World::new().await;
    world.drop_plugin("example");
    world.drop_plugin("stress");
    let bot = world.start().await;
    let alice = world.person("alice");
    let stress = compiled("stress");
    let variants: [(&str, Vec<u8>); 9] = [
        ("the file is incomplete", stress[..stress.len() / 3].to_vec()),
        ("the file is empty", Vec::new()),
        ("it crashes while loading (signal 11", patched(&stress, "LOAD", 1)),
        ("it ends the process while loading", patched(&stress, "LOAD", 3)),
        ("it starts another process while loading", patched(&stress, "LOAD", 5)),
        ("it prints while loading", patched(&stress, "LOAD", 6)),
        ("it does not finish loading", patched(&stress, "LOAD", 4)),
        ("of the plugin ABI", replaced(&stress, b"\"abi\":\"1.", b"\"abi\":\"2.")),
        (
            "its unwinding tables",
            overwritten(&stress, header_of(&stress, 0x6474_e550) + 16, &[0]),
        ),
    ];
    for (why, bytes) in variants {
        drop_old(&world, "stress", &bytes);
        // While it is looked at, too.
        assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
        let line = bot.logs(why).await;
        assert!(line.contains("Generation 1 of `stress` goes on."), "{line}");
        let reply = alice.says("!revision").await.expect_reply().await;
        assert_eq!(reply.content(), "REVISION-00000000");
    }
    example_answers(&alice).await;
    bot.stop().await;
}

/// Where the program header of that type begins.
fn header_of(bytes: &[u8], kind: u32) -> usize {
    let mut headers = (64..1024).step_by(56);
    headers
        .find(|&at| bytes[at..at + 4] == kind.to_le_bytes())
        .expect("the header is there")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_that_conflicts_with_what_runs_is_told_so_and_disturbs_neither() {
    let world = World::new().await;
    drop_old(&world, "first", &plugin("first", "1.0.0", &json!({}), &["ask-first"]));
    drop_old(
        &world,
        "second",
        &plugin("second", "1.0.0", &json!({}), &["ask-second"]),
    );
    let bot = world.start().await;
    let alice = world.person("alice");
    let newer = plugin(
        "first",
        "2.0.0",
        &json!({ "conflicts": [{ "name": "second" }] }),
        &["ask-first"],
    );
    drop_old(&world, "first", &newer);
    let line = bot.logs("is refused").await;
    assert!(
        line.contains(
            "it can't run beside `second`, which is running: unload that one first, or remove this one. Generation 1 of \
             `first` goes on."
        ),
        "{line}"
    );
    for command in ["!ask-first", "!ask-second"] {
        alice.says(command).await.expect_reply().await;
    }
    assert!(bot.lines_with("is unloaded").is_empty(), "nobody else is told to go");
    // Once the other one is gone, it comes.
    assert_eq!(
        world
            .owner()
            .says("!unload second")
            .await
            .expect_reply()
            .await
            .content(),
        "Unloaded `second`."
    );
    bot.logs("loaded plugin=first version=2.0.0 generation=2").await;
    let reply = world.owner().says("!reload first").await.expect_reply().await;
    assert_eq!(reply.content(), "`first` 2.0.0 reloaded (generation 3).");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_only_wish_for_each_other_both_run() {
    let world = World::new().await;
    for (name, other) in [("first", "second"), ("second", "first")] {
        let wishes = json!({ "depends": [{ "name": other, "optional": true }] });
        let command = format!("ask-{name}");
        drop_old(&world, name, &plugin(name, "1.0.0", &wishes, &[&command]));
    }
    let bot = world.start().await;
    for command in ["!ask-first", "!ask-second"] {
        world.person("alice").says(command).await.expect_reply().await;
    }
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_cant_run_beside_each_other_the_one_that_ran_last_runs_after_a_restart() {
    let world = World::new().await;
    drop_old(
        &world,
        "second",
        &plugin("second", "1.0.0", &json!({}), &["ask-second"]),
    );
    let bot = world.start().await;
    let alice = world.person("alice");
    alice.says("!ask-second").await.expect_reply().await;
    bot.stop().await;
    // It comes while nobody looks, and is the first by name.
    let conflicts = json!({ "conflicts": [{ "name": "second" }] });
    drop_old(&world, "first", &plugin("first", "1.0.0", &conflicts, &["ask-first"]));
    let bot = world.start().await;
    let line = bot.logs("is refused").await;
    assert!(
        line.contains("it can't run beside `second`, which is running"),
        "{line}"
    );
    alice.says("!ask-second").await.expect_reply().await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_overwritten_while_it_is_read_is_loaded_when_it_is_whole() {
    let world = World::new().await;
    world.drop_plugin("example");
    world.drop_plugin("stress");
    let bot = world.start().await;
    let path = world.root().join("plugins").join(file_name("stress"));
    let writing = tokio::task::spawn_blocking(move || {
        let original = compiled("stress");
        for number in 1..=60 {
            // Truncated and written in place, as a careless copy does.
            fs::write(&path, patched(&original, "REVISION", number)).unwrap();
        }
    });
    let alice = world.person("alice");
    while !writing.is_finished() {
        assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
        assert!(
            alice
                .says("!revision")
                .await
                .expect_reply()
                .await
                .content()
                .starts_with("REVISION-")
        );
    }
    writing.await.unwrap();
    let last = async { while alice.says("!revision").await.expect_reply().await.content() != "REVISION-00000060" {} };
    tokio::time::timeout(PATIENCE, last)
        .await
        .expect("the last version serves");
    let log = bot.stop().await;
    assert!(!log.contains("is refused"), "{log}");
}
