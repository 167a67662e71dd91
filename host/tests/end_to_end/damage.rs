//! Damaged files: cut at every 4 KiB, and with other bytes in their headers. None is taken for a plugin that then ends the
//! process.

use std::{fs, path::Path, process::Stdio};

use serde_json::json;
use tokio::process::Command;

use crate::{
    forging::{drop_old, plugin},
    harness::{World, compiled},
};

/// Asks the program whether it would load a file: its answer, and never a crash.
async fn probed(file: &Path) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bothost"));
    let output = command
        .arg("probe")
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    match output.status.code() {
        Some(0) => Ok(text(&output.stdout)),
        Some(1) => Err(text(&output.stderr)),
        other => panic!("ended with {other:?}: {}", text(&output.stderr)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_cut_anywhere_is_incomplete() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cut.so");
    let whole = compiled("unruly");
    fs::write(&file, &whole).unwrap();
    assert!(probed(&file).await.unwrap().contains("would be loaded"));
    // Every fourth through the program's front door; the reader of manifests has a test with all of them.
    for cut in (0..whole.len()).step_by(4 * 4096) {
        fs::write(&file, &whole[..cut]).unwrap();
        let text = probed(&file).await.unwrap_err();
        let cause = if cut == 0 {
            "the file is empty"
        } else {
            "the file is incomplete"
        };
        assert!(text.contains(cause), "cut at {cut}: {text}");
    }
}

/// Numbers that look random and are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % below
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_damaged_headers_is_refused_or_runs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("damaged.so");
    let whole = plugin("damaged", "1.0.0", &json!({}), &["ask"]);
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut refused, mut taken) = (0, Vec::new());
    for _ in 0..200 {
        let mut bytes = whole.clone();
        for _ in 0..=numbers.next(3) {
            let at = numbers.next(1024);
            bytes[at] = u8::try_from(numbers.next(256)).unwrap();
        }
        fs::write(&file, &bytes).unwrap();
        match probed(&file).await {
            Ok(_) if bytes == whole || taken.contains(&bytes) => {}
            Ok(_) => taken.push(bytes),
            Err(text) => {
                assert!(text.contains("would be refused: "), "{text}");
                refused += 1;
            }
        }
    }
    // Some bytes mean nothing to the system; most do.
    assert!(
        refused > 50 && !taken.is_empty(),
        "{refused} refused, {} taken",
        taken.len()
    );

    // What was taken runs, and whoever runs beside it does so, too.
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let alice = world.person("alice");
    for (number, bytes) in taken.iter().take(20).enumerate() {
        drop_old(&world, "damaged", bytes);
        bot.logs(&format!(
            "loaded plugin=damaged version=1.0.0 generation={}",
            number + 1
        ))
        .await;
        // The order is followed once the file has been taken over.
        let reply = world.owner().says("!load damaged").await.expect_reply().await;
        assert!(reply.content().contains("is running already"), "{}", reply.content());
        alice.says("!ask").await.expect_reply().await;
        assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    }
    println!("{refused} refused, {} taken", taken.len());
    bot.stop().await;
}
