//! Arguments that are being typed: who types them, while their plugin is asked, and what Discord is told.
//!
//! Apart from the invocations, of which none is open: nothing is deferred, counted or told when it goes wrong.

use std::sync::{Arc, atomic::Ordering};

use plugin_protocol::{Argument, Choice, Problem, ProblemCode};

use super::{Invocations, calls};
use crate::interactions::Origin;

/// A question for suggestions, until it is dropped.
pub struct Typing {
    invocations: Invocations,
    id: u64,
}

impl Typing {
    /// Its id, which is no invocation's.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for Typing {
    fn drop(&mut self) {
        self.invocations.inner.table().typing.remove(&self.id);
    }
}

impl Invocations {
    /// Somebody types: until the guard is dropped, it is known who, for what their plugin asks of the host.
    #[must_use]
    pub fn types(&self, origin: Origin) -> Typing {
        let id = self.inner.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        self.inner.table().typing.insert(id, Arc::new(origin));
        Typing {
            invocations: self.clone(),
            id,
        }
    }

    /// Answers an argument that is being typed: as many of these choices as Discord takes.
    ///
    /// # Errors
    ///
    /// `Failed`: Discord refused it or did not answer. `Invalid`: the origin is no interaction.
    pub async fn suggest(&self, origin: &Origin, argument: &Argument, choices: Vec<Choice>) -> Result<(), Problem> {
        let no_interaction = || {
            Problem::new(
                ProblemCode::Invalid,
                "only an interaction can be answered with suggestions",
            )
        };
        let request = calls::suggestions(origin, argument, choices).ok_or_else(no_interaction)?;
        let failed = |text: String| Problem::new(ProblemCode::Failed, text);
        let response = self.inner.api.send(request).await.map_err(failed)?;
        if response.is_success() {
            return Ok(());
        }
        Err(failed(format!("Discord refuses them with status {}", response.status)))
    }
}
