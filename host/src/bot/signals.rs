//! What tells the process to stop, and what is done about panics: the hold of the whole process on itself.
//!
//! Apart from the bot, since tests run bots without it.

use std::time::Duration;

use crate::process;

/// How often it is looked whether signals still reach the bot.
const SIGNALS: Duration = Duration::from_secs(1);

/// Puts back what a plugin has changed about the signals that stop the bot: else nobody could stop it any more.
pub(super) async fn keep_signals() {
    let ours = process::Signals::remember();
    loop {
        tokio::time::sleep(SIGNALS).await;
        for name in ours.put_back() {
            tracing::warn!(
                signal = name,
                "a plugin changed what this signal does, it was put back: plugins hear of the bot's end in their stop function"
            );
        }
    }
}

/// Panics of built-in plugins' handlers are reports; all others are logged before the default hook speaks.
pub(super) fn note_panics() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if let Some(report) = plugin_api::linked::record_panic(info) {
            tracing::error!(location = %report.location, thread = %report.thread, "the host panicked: {}", report.message);
            default(info);
        }
    }));
}

/// What tells the process to stop.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    pub(super) fn listen() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    pub(super) async fn stop(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}
