//! Keeps over a restart what is to become of messages: deleted, or their controls disabled, at their time.
//!
//! What has changed is written once a second, in one transaction; most is over before that, and never written. No token is
//! written: after a restart, messages are changed as any other of the bot's.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::{interactions::Invocations, storage::Tables};

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(1);

/// Takes over what the process before this one has left, then keeps what is there, for ever.
pub async fn keep(invocations: Invocations, tables: Tables) {
    match tables.message_times().await {
        Ok(left) => invocations.restore_later(left),
        Err(error) => {
            tracing::warn!(%error, "what was to become of messages can't be read: they stay as they are");
        }
    }
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        write(&invocations, &tables).await;
    }
}

/// Writes down what has changed since the last look.
pub async fn write(invocations: &Invocations, tables: &Tables) {
    let changes = invocations.later_changes();
    if changes.is_empty() {
        return;
    }
    let ids: Vec<_> = changes.iter().map(|(id, _)| *id).collect();
    if let Err(error) = tables.keep_message_times(changes).await {
        invocations.keep_later_again(ids);
        tracing::debug!(%error, "what becomes of messages can't be written down, it is tried again");
    }
}
