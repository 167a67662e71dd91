//! Keeps the log as config.json says while the bot runs, and tells the owner when it can't be written.
//!
//! The one place where settings, log and plugins' log levels meet; it decides nothing itself.

use std::pin::pin;

use crate::{
    config,
    plugins::Plugins,
    telemetry::{Logs, NoticeKind, Notices},
};

/// Takes over every change of the settings, and tells of a log that can't be written, for ever.
pub async fn follow(live: config::Live, logs: Logs, plugins: Plugins, notices: Notices) {
    let settings = pin!(follow_settings(live, &logs, &plugins));
    let trouble = pin!(tell_trouble(&logs, &notices));
    tokio::join!(settings, trouble);
}

async fn follow_settings(live: config::Live, logs: &Logs, plugins: &Plugins) {
    let mut changes = live.subscribe();
    while changes.changed().await.is_ok() {
        let config = changes.borrow_and_update().clone();
        // Before any plugin is handed them.
        logs.secrets().learn(config.plugins.secrets());
        logs.configure(&config.logging);
        plugins.configure().await;
    }
}

async fn tell_trouble(logs: &Logs, notices: &Notices) {
    let mut trouble = logs.trouble();
    loop {
        let told = trouble.borrow_and_update().clone();
        if let Some(why) = told {
            let text = format!(
                "The log can't be written ({why}): lines are lost until it can, only the terminal has them. Make room on \
                 the disk, or see who may write to data/logs; the bot goes on, and says in the log how many were lost."
            );
            notices.tell(NoticeKind::Logs, text);
        }
        if trouble.changed().await.is_err() {
            return;
        }
    }
}
