//! Messages as tests read them, and the stream of everything that the bot says.
//!
//! A message never changes in a test's hands: the newer form is asked for or waited for.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::mpsc;

use super::conversation;
use crate::{shared::Shared, world::Stored};

/// A message as it stood when it was read; cheap to clone.
#[derive(Clone, Debug)]
pub struct Message {
    shared: Arc<Shared>,
    stored: Arc<Stored>,
}

impl Message {
    pub(crate) const fn new(shared: Arc<Shared>, stored: Arc<Stored>) -> Self {
        Self { shared, stored }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.stored.id
    }

    /// The channel that it is in.
    #[must_use]
    pub fn channel_id(&self) -> u64 {
        self.stored.channel_id
    }

    /// Who wrote it.
    #[must_use]
    pub fn author_id(&self) -> u64 {
        self.stored.author_id
    }

    /// Its text.
    #[must_use]
    pub fn content(&self) -> &str {
        self.stored.value["content"].as_str().unwrap_or_default()
    }

    /// Whether it is an answer that has not come yet ("is thinking").
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.stored.is_loading()
    }

    /// Everything that people read in it: its text, its embeds', its text components', line by line.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = vec![self.content().to_owned()];
        for embed in self.embeds() {
            let part = |of: &Value| of.as_str().map(str::to_owned);
            lines.extend(part(&embed["author"]["name"]));
            lines.extend(part(&embed["title"]));
            lines.extend(part(&embed["description"]));
            for field in embed["fields"].as_array().into_iter().flatten() {
                lines.extend(part(&field["name"]));
                lines.extend(part(&field["value"]));
            }
            lines.extend(part(&embed["footer"]["text"]));
        }
        collect_texts(&self.stored.value["components"], &mut lines);
        lines.retain(|line| !line.is_empty());
        lines.join("\n")
    }

    /// Its embeds.
    #[must_use]
    pub fn embeds(&self) -> &[Value] {
        self.stored.value["embeds"].as_array().map_or(&[], Vec::as_slice)
    }

    /// Its components.
    #[must_use]
    pub fn components(&self) -> &[Value] {
        self.stored.value["components"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The control with this label, placeholder or custom id.
    #[must_use]
    pub fn component(&self, name: &str) -> Option<&Value> {
        find_component(&self.stored.value["components"], name)
    }

    /// Whether only its asker sees it.
    #[must_use]
    pub fn is_ephemeral(&self) -> bool {
        self.stored.ephemeral_to.is_some()
    }

    /// The message that it replies to.
    #[must_use]
    pub fn replies_to(&self) -> Option<u64> {
        self.stored.reference
    }

    /// Whether it answers nothing: it replies to no message and belongs to no interaction.
    #[must_use]
    pub fn is_unasked(&self) -> bool {
        self.stored.reference.is_none() && self.stored.interaction.is_none()
    }

    /// Those whom it pings.
    #[must_use]
    pub fn mentions(&self) -> &[u64] {
        &self.stored.mentions
    }

    /// How often it was changed.
    #[must_use]
    pub fn edits(&self) -> u32 {
        self.stored.edits
    }

    /// Discord's message object.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.stored.value
    }

    /// The message as it stands now; `None` if it was deleted.
    #[must_use]
    pub fn refresh(&self) -> Option<Self> {
        let stored = self
            .shared
            .world()
            .message(self.stored.channel_id, self.stored.id)
            .map(Arc::clone)?;
        Some(Self::new(Arc::clone(&self.shared), stored))
    }

    /// Waits until it is edited once more than now, and gives the new form.
    ///
    /// # Panics
    ///
    /// If that does not happen in time; the text tells the conversation.
    pub async fn expect_edit(&self) -> Self {
        let (channel, id, edits) = (self.stored.channel_id, self.stored.id, self.stored.edits);
        let found = self
            .shared
            .until(self.patience(), |world| {
                world
                    .message(channel, id)
                    .filter(|one| one.edits > edits)
                    .map(Arc::clone)
            })
            .await;
        match found {
            Some(stored) => Self::new(Arc::clone(&self.shared), stored),
            None => self.fail("was not edited"),
        }
    }

    /// Waits until it is deleted.
    ///
    /// # Panics
    ///
    /// If that does not happen in time; the text tells the conversation.
    pub async fn expect_deleted(&self) {
        let (channel, id) = (self.stored.channel_id, self.stored.id);
        let gone = self
            .shared
            .until(self.patience(), |world| {
                world.message(channel, id).is_none().then_some(())
            })
            .await;
        if gone.is_none() {
            self.fail("was not deleted");
        }
    }

    fn patience(&self) -> Duration {
        self.shared.settings.patience
    }

    fn fail(&self, what: &str) -> ! {
        let world = self.shared.world();
        let (said, errors) = (
            conversation::of(&world, self.stored.channel_id),
            conversation::errors(&world),
        );
        drop(world);
        panic!(
            "the message \"{}\" {what} within {:?}\n{said}{errors}",
            self.content(),
            self.patience()
        )
    }
}

/// The control with this label, placeholder or custom id, wherever it stands.
pub(crate) fn find_component<'a>(components: &'a Value, name: &str) -> Option<&'a Value> {
    components.as_array().into_iter().flatten().find_map(|component| {
        let has_name = ["label", "custom_id", "placeholder"]
            .iter()
            .any(|key| component[*key] == name);
        if has_name {
            return Some(component);
        }
        let accessory = &component["accessory"];
        if ["label", "custom_id"].iter().any(|key| accessory[*key] == name) {
            return Some(accessory);
        }
        find_component(&component["components"], name)
    })
}

/// The texts of components that are texts.
fn collect_texts(components: &Value, lines: &mut Vec<String>) {
    for component in components.as_array().into_iter().flatten() {
        if component["type"] == 10 {
            lines.extend(component["content"].as_str().map(str::to_owned));
        }
        collect_texts(&component["components"], lines);
    }
}

/// Everything that the bot sends or edits, in order; see [`super::Sandbox::watch`].
#[derive(Debug)]
pub struct Watch {
    shared: Arc<Shared>,
    receiver: mpsc::UnboundedReceiver<Arc<Stored>>,
}

impl Watch {
    pub(crate) const fn new(shared: Arc<Shared>, receiver: mpsc::UnboundedReceiver<Arc<Stored>>) -> Self {
        Self { shared, receiver }
    }

    /// The next message; waits for it. An edited message comes again, with [`Message::edits`] above 0.
    ///
    /// Cancel safe: no message is lost.
    pub async fn next(&mut self) -> Option<Message> {
        let stored = self.receiver.recv().await?;
        Some(Message::new(Arc::clone(&self.shared), stored))
    }

    /// The next message if there is one already.
    pub fn try_next(&mut self) -> Option<Message> {
        let stored = self.receiver.try_recv().ok()?;
        Some(Message::new(Arc::clone(&self.shared), stored))
    }
}
