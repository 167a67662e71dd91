//! Recorded sessions done again with the bot, reloads injected, transcripts compared.
//!
//! What a recording is, is the sandbox's; here it meets a bot.

use std::sync::Arc;

use sandbox::Recording;

use crate::{TestBot, bot::Inner};

/// A recording that is to be done again; awaiting it does so.
#[must_use = "nothing is done again unless this is awaited"]
#[derive(Debug)]
pub struct Replaying {
    bot: TestBot,
    recording: Recording,
    reloads: Vec<usize>,
    speed: f64,
}

/// What came of it.
#[must_use = "what is expected of it? `expect_same_transcript`"]
pub struct Replayed {
    bot: Arc<Inner>,
    before: String,
    now: String,
}

impl std::fmt::Debug for Replayed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replayed")
            .field("transcript", &self.now)
            .finish_non_exhaustive()
    }
}

impl TestBot {
    /// Begins a recording of what people do from now on.
    pub fn start_recording(&self) {
        self.inner.sandbox.start_recording();
    }

    /// Ends the recording, once the bot has come to the end of what it does.
    ///
    /// # Panics
    ///
    /// If none was begun.
    #[must_use]
    #[track_caller]
    pub fn stop_recording(&self) -> Recording {
        self.settles();
        let recording = self.inner.sandbox.stop_recording();
        recording.unwrap_or_else(|| panic!("nothing is being recorded: call `start_recording` first"))
    }

    /// Does a recorded session again, as fast as the bot answers, unless told otherwise: await it.
    pub fn replay(&self, recording: &Recording) -> Replaying {
        Replaying {
            bot: self.clone(),
            recording: recording.clone(),
            reloads: Vec::new(),
            speed: 0.0,
        }
    }
}

impl Replaying {
    /// Reloads the bot's plugins before this step, from 0; the number of steps is behind the last one.
    pub fn reload_at(mut self, step: usize) -> Self {
        self.reloads.push(step);
        self
    }

    /// 1 is as fast as people were, 2 twice as fast, 0 as fast as the bot answers.
    pub fn speed(mut self, speed: f64) -> Self {
        self.speed = speed;
        self
    }

    #[track_caller]
    fn run(self) -> Replayed {
        let bot = &self.bot;
        let mut replay = bot.inner.sandbox.replay(self.recording.clone());
        loop {
            if self.reloads.contains(&replay.position()) {
                bot.reload_all();
            }
            match replay.step(self.speed) {
                Ok(true) => bot.settles(),
                Ok(false) => break,
                Err(why) => bot
                    .inner
                    .fail(&format!("expected the recording to be done again, but {why};")),
            }
        }
        bot.settles();
        Replayed {
            bot: Arc::clone(&bot.inner),
            before: crate::bot::without_codes(&self.recording.transcript),
            now: crate::bot::without_codes(&replay.transcript()),
        }
    }
}

impl IntoFuture for Replaying {
    type Output = Replayed;
    type IntoFuture = std::future::Ready<Replayed>;

    #[track_caller]
    fn into_future(self) -> Self::IntoFuture {
        std::future::ready(self.run())
    }
}

impl Replayed {
    /// What could be read in the end, without ids and times.
    #[must_use]
    pub fn transcript(&self) -> &str {
        &self.now
    }

    /// Expects that the same can be read as in the recording.
    ///
    /// # Panics
    ///
    /// If not; the text shows where they begin to differ, and both.
    #[track_caller]
    pub fn expect_same_transcript(&self) {
        assert!(
            !self.before.is_empty(),
            "the recording has no transcript to compare with (one made of a log of events has none): \
             replay it once, look at `transcript()`, and keep that as a snapshot"
        );
        if self.before != self.now {
            let differs = self
                .before
                .lines()
                .zip(self.now.lines())
                .position(|(before, now)| before != now);
            let line = differs.unwrap_or_else(|| self.before.lines().count().min(self.now.lines().count()));
            self.bot.fail(&format!(
                "expected the same transcript, it differs from line {} on; in the recording it was:\n{}",
                line + 1,
                self.before
            ));
        }
    }
}
