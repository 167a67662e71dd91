//! Bot and local Discord together: whatever ends, both end, in order, and it is said why.
//!
//! Neither is reached by the terminal's Ctrl-C. This process hears it and asks the bot to stop; the
//! local Discord goes after the bot, which closes its connections to it properly.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::local_discord::LocalDiscord;
use crate::process::{self, LOOK_EVERY, Stop};

/// How long a bot may take to drain before it is ended by force.
const DRAIN_LIMIT: Duration = Duration::from_secs(60);

/// The exit code by which a bot asks to be started again.
const RESTART: i32 = 75;
/// The exit code of a bot whose configuration is wrong; it has said what.
const BAD_CONFIGURATION: i32 = 78;

/// Why a bot's run is over.
enum Ended {
    /// The user asked for it.
    Asked(ExitStatus),
    /// The bot ended by itself.
    Bot(ExitStatus),
    /// The local Discord ended under it.
    LocalDiscord(ExitStatus),
}

/// Runs the bot until it ends, again if it asks for that; returns the exit code to pass on.
pub(crate) fn run(mut bot: Command, mut local: Option<LocalDiscord>, stop: &Stop) -> Result<u8> {
    process::apart_from_the_terminal(bot.stdin(Stdio::null()));
    let ended = loop {
        let child = process::spawn(&mut bot);
        let ended = child.and_then(|child| run_once(child, local.as_mut(), stop));
        match ended {
            Ok(Ended::Bot(status)) if status.code() == Some(RESTART) => eprintln!("the bot asks to be started again"),
            other => break other,
        }
    };
    // However the bot ended, the local Discord goes with it; the bot's own end is what to tell first.
    let local = match (&ended, local) {
        (Ok(Ended::LocalDiscord(_)), _) | (_, None) => Ok(()),
        (_, Some(local)) => local.end(),
    };
    let ended = ended?;
    local?;
    Ok(match ended {
        Ended::Asked(status) if status.success() => {
            eprintln!("stopped");
            0
        }
        Ended::Asked(status) => {
            eprintln!("the bot did not stop cleanly: {}", process::describe(status));
            process::code(status)
        }
        Ended::Bot(status) => {
            if !status.success() && status.code() != Some(BAD_CONFIGURATION) {
                eprintln!("the bot ended by itself: {}", process::describe(status));
            }
            process::code(status)
        }
        Ended::LocalDiscord(status) => process::code(status).max(1),
    })
}

fn run_once(mut bot: Child, mut local: Option<&mut LocalDiscord>, stop: &Stop) -> Result<Ended> {
    loop {
        if stop.take() {
            eprintln!("stopping; once more to stop at once");
            return Ok(Ended::Asked(end(&mut bot, stop)?));
        }
        if let Some(status) = bot.try_wait()? {
            return Ok(Ended::Bot(status));
        }
        if let Some(local) = local.as_deref_mut()
            && let Some(status) = local.ended()?
        {
            eprintln!(
                "the local Discord ended by itself: {}; stopping the bot",
                process::describe(status)
            );
            end(&mut bot, stop)?;
            return Ok(Ended::LocalDiscord(status));
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Asks the bot to stop and waits; by force after the limit or a further Ctrl-C.
fn end(bot: &mut Child, stop: &Stop) -> Result<ExitStatus> {
    process::ask_to_stop(bot);
    let asked = Instant::now();
    loop {
        if let Some(status) = bot.try_wait()? {
            return Ok(status);
        }
        if stop.take() || asked.elapsed() > DRAIN_LIMIT {
            bot.kill()?;
        }
        thread::sleep(LOOK_EVERY);
    }
}

#[cfg(all(test, unix))]
mod tests {
    //! The children are shell scripts that keep a diary, so that the order of events can be read.

    use std::fs;
    use std::path::Path;
    use std::process::Command;
    use std::thread;

    use super::run;
    use crate::local_discord::LocalDiscord;
    use crate::process::Stop;

    const READY: &str = r#"echo '{"page_url":"p","api_url":"a","gateway_url":"g","token":"t","owner_id":"1"}'"#;
    /// Says that it is up (the reader of the fifo wakes), then waits for SIGTERM.
    const UNTIL_TOLD: &str = r#"
        tail -f /dev/null & waiting=$!
        trap 'kill $waiting; echo "bot stops" >> diary; exit 0' TERM
        echo up > up
        wait $waiting"#;

    struct Stage {
        folder: tempfile::TempDir,
        stop: Stop,
    }

    impl Stage {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let made = Command::new("mkfifo")
                .arg(folder.path().join("up"))
                .status()
                .expect("mkfifo runs");
            assert!(made.success());
            Self {
                folder,
                stop: Stop::default(),
            }
        }

        fn sh(&self, script: &str) -> Command {
            let mut command = Command::new("sh");
            command.args(["-c", script]).current_dir(self.folder.path());
            command
        }

        fn local(&self, script: &str) -> LocalDiscord {
            LocalDiscord::start(&mut self.sh(script), &self.stop).expect("it starts")
        }

        fn diary(&self) -> String {
            fs::read_to_string(self.folder.path().join("diary")).expect("the diary")
        }

        /// Calls `then` when the bot has said that it is up.
        fn when_up(&self, then: impl FnOnce() + Send + 'static) {
            let fifo = self.folder.path().join("up");
            thread::spawn(move || {
                wait_for(&fifo);
                then();
            });
        }
    }

    fn wait_for(fifo: &Path) {
        fs::read_to_string(fifo).expect("the bot says that it is up");
    }

    #[test]
    fn a_stop_ends_the_bot_first_and_the_local_discord_after_it() {
        let stage = Stage::new();
        let local = stage.local(&format!("{READY}; cat; echo 'local ends' >> diary"));
        let stop = stage.stop.clone();
        stage.when_up(move || stop.ask());
        assert_eq!(run(stage.sh(UNTIL_TOLD), Some(local), &stage.stop).expect("it ran"), 0);
        assert_eq!(stage.diary(), "bot stops\nlocal ends\n");
    }

    #[test]
    fn a_local_discord_that_dies_stops_the_bot_and_is_a_failure() {
        let stage = Stage::new();
        // It dies when the bot is up.
        let local = stage.local(&format!("{READY}; cat up > /dev/null; exit 9"));
        assert_eq!(run(stage.sh(UNTIL_TOLD), Some(local), &stage.stop).expect("it ran"), 9);
        assert_eq!(stage.diary(), "bot stops\n");
    }

    #[test]
    fn a_bot_that_ends_takes_the_local_discord_along_and_its_exit_code_is_passed_on() {
        for (script, code) in [("exit 0", 0), ("exit 78", 78), ("exit 1", 1), ("kill -9 $$", 137)] {
            let stage = Stage::new();
            let local = stage.local(&format!("{READY}; cat; echo 'local ends' >> diary"));
            assert_eq!(run(stage.sh(script), Some(local), &stage.stop).expect("it ran"), code);
            assert_eq!(stage.diary(), "local ends\n");
        }
    }

    #[test]
    fn a_bot_that_asks_for_it_is_started_again_beside_the_same_local_discord() {
        let stage = Stage::new();
        let local = stage.local(&format!("{READY}; echo 'local starts' >> diary; cat"));
        let script = "echo 'bot starts' >> diary; if [ -f again ]; then exit 0; fi; touch again; exit 75";
        assert_eq!(run(stage.sh(script), Some(local), &stage.stop).expect("it ran"), 0);
        let diary = stage.diary();
        assert_eq!(diary.matches("bot starts").count(), 2, "{diary}");
        assert_eq!(diary.matches("local starts").count(), 1, "{diary}");
    }

    #[test]
    fn a_second_stop_does_not_wait_for_a_bot_that_ignores_the_first() {
        let stage = Stage::new();
        let stop = stage.stop.clone();
        let told = stage.folder.path().join("told");
        let made = Command::new("mkfifo").arg(&told).status().expect("mkfifo runs");
        assert!(made.success());
        stage.when_up(move || {
            stop.ask();
            wait_for(&told);
            stop.ask();
        });
        let script = "trap 'echo told > told' TERM; echo up > up; while :; do tail -f /dev/null & wait; done";
        // Its orphaned tail would hold this test's output open.
        let script = format!("exec > /dev/null 2>&1; echo $$ > pid; {script}");
        assert_eq!(run(stage.sh(&script), None, &stage.stop).expect("it ran"), 137);
        let group = fs::read_to_string(stage.folder.path().join("pid")).expect("the bot's id");
        let swept = Command::new("sh")
            .args(["-c", &format!("kill -9 -{}", group.trim())])
            .status();
        assert!(swept.expect("sh runs").success());
    }

    #[test]
    fn without_a_local_discord_the_bot_runs_alone() {
        let stage = Stage::new();
        let stop = stage.stop.clone();
        stage.when_up(move || stop.ask());
        assert_eq!(run(stage.sh(UNTIL_TOLD), None, &stage.stop).expect("it ran"), 0);
        assert_eq!(stage.diary(), "bot stops\n");
    }
}
