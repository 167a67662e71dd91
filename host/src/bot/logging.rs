//! Tells the owner when the log can't be written.
//!
//! The one place where the log meets the notices; it decides nothing itself.

use crate::telemetry::{Logs, NoticeKind, Notices};

/// Tells of a log that can't be written, for ever.
pub async fn tell_trouble(logs: Logs, notices: Notices) {
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
