//! What a plugin may know of its own lane: how long its handlers take, what waits, what it has allocated.
//! The host counts it; nothing here measures.

use plugin_protocol::lane::LaneFigures;

use super::Host;
use crate::Result;

impl Host {
    /// The figures of this plugin's own lane, which `plugininfo` shows, too. Asked now and then, not for every event.
    ///
    /// ```
    /// use plugin_api::prelude::*;
    ///
    /// /// How quick am I?
    /// #[command]
    /// async fn quick(ctx: Ctx) -> Result {
    ///     let metrics = ctx.metrics().await?;
    ///     let events = metrics.handlers.iter().find(|handler| handler.kind == "event");
    ///     let micros = events.map_or(0, |events| events.p99_micros);
    ///     ctx.reply(format!("{micros} µs, {} events were dropped.", metrics.events.dropped)).await
    /// }
    /// # mod linked { plugin_api::plugin!(linked; commands: [super::quick]); }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// The host is older than that, or is starting.
    #[track_caller]
    pub fn metrics(&self) -> impl Future<Output = Result<LaneFigures>> {
        self.call("plugins.metrics", &())
    }
}
