//! Calls about what the host remembers and what it can throw away: for built-in plugins and granted ones.
//!
//! They look at the disk, so the work is done on threads that may wait for it.

use plugin_protocol::{Call, Problem, ProblemCode};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::{Access, Calls, unknown};

/// The calls answered here.
pub(super) const CALLS: &[(&str, Access)] = &[("caches.figures", Access::Granted), ("cleanup.run", Access::Changes)];

impl Calls {
    pub(super) async fn about_files(&self, call: Call) -> Result<Value, Problem> {
        let (files, upkeep) = (self.files.clone(), self.upkeep.clone());
        let answer = match call.name.as_str() {
            "caches.figures" => spawn_blocking(move || json!(upkeep.caches(&files))).await,
            "cleanup.run" => {
                let expired = self.stores.sweep().await;
                spawn_blocking(move || json!(upkeep.clean_up(expired))).await
            }
            name => return Err(unknown(name)),
        };
        answer.map_err(|_| Problem::new(ProblemCode::Failed, "the host panicked at this: see the log"))
    }
}
