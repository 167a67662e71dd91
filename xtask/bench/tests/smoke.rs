//! The generator from end to end, on its null client: events out, answers in, figures as JSON.
//!
//! The bots themselves need release builds; `.ci/run` measures them shortly.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{fs, process::Command};

use serde_json::Value;

#[test]
fn every_command_is_answered_once_and_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("figures.json");
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args([
            "--quick",
            "--only",
            "generator",
            "--host",
            "none",
            "--twilight",
            "none",
            "--plugins",
            "none",
            "--json",
        ])
        .arg(&json)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("64 in flight"), "{text}");

    let report: Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    assert!(report["machine"]["cores"].as_u64().unwrap() > 0);
    assert!(report["machine"]["date"].as_str().unwrap().ends_with('Z'));
    let ceilings = report["generator"].as_array().unwrap();
    assert_eq!(ceilings.len(), 3);
    for ceiling in ceilings {
        let sample = &ceiling["sample"];
        assert_eq!(sample["answered"], sample["wanted"], "{ceiling}");
        assert_eq!(
            (&sample["unasked"], &sample["refused"]),
            (&0.into(), &0.into()),
            "{ceiling}"
        );
        assert_eq!(sample["p50_ms"].is_null(), ceiling["load"] == "plain", "{ceiling}");
        for figure in ["per_second", "cpu_us", "generator_cores"] {
            assert!(sample[figure].as_f64().unwrap() > 0.0, "{figure}: {ceiling}");
        }
    }
}

#[test]
fn a_bot_that_cannot_be_started_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("plugins")).unwrap();
    fs::write(folder.path().join("plugins/libexample.so"), "no plugin").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args([
            "--only",
            "flight",
            "--host",
            "/no/such/host",
            "--twilight",
            "none",
            "--json",
            "none",
        ])
        .arg("--plugins")
        .arg(folder.path().join("plugins"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && text.contains("the bot host can't be started"),
        "{text}"
    );
}
