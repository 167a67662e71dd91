//! Who on this lane waits for something that people do: what happens is handed to them, until this generation is about to
//! end.
//!
//! Watches for messages and reactions are registered at the host, which forwards what is meant for them; a click arrives as
//! any other, and is offered to those who wait for one on its message. Everything here belongs to the lane's thread.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use plugin_protocol::{Happening, MessageId, Occurrence, StopReason, Unwatch, kind::UNWATCH};
use tokio::sync::{Notify, mpsc};

use super::Core;

/// How many messages or reactions are kept for a function that has begun to wait and takes none yet; more are lost, since a
/// busy channel would fill the memory.
const MOST_KEPT: usize = 256;

/// A click on its way to a function that waits for it: the context of its handler.
pub(crate) type AnyClick = Box<dyn Any>;

/// Whether a function waits for this very click.
type Accepts = Box<dyn Fn(&dyn Any) -> bool>;

#[derive(Default)]
pub(crate) struct Waits {
    last_id: Cell<u64>,
    watches: RefCell<HashMap<u64, mpsc::Sender<Happening>>>,
    clicks: RefCell<Vec<ClickWait>>,
    /// Told when somebody begins to wait for a click, and at the end.
    changed: Notify,
    ended: Cell<Option<StopReason>>,
}

struct ClickWait {
    id: u64,
    message: MessageId,
    accepts: Accepts,
    taker: mpsc::Sender<AnyClick>,
}

/// What became of a click that was offered.
pub(crate) enum Offer {
    /// Who waits for it is given what is sent here.
    To(mpsc::Sender<AnyClick>),
    /// Somebody waits for a click on this message, but not for this one.
    Unwanted,
    /// Nobody waits for a click on this message.
    Unexpected,
}

/// Somebody waits: until this is dropped.
pub(crate) struct Waiting {
    core: Rc<Core>,
    pub(crate) id: u64,
}

impl Waits {
    /// Why nobody can wait any more, once that is so.
    pub(crate) fn ended(&self) -> Option<StopReason> {
        self.ended.get()
    }

    /// This generation is about to end: nothing comes any more.
    pub(crate) fn end(&self, why: StopReason) {
        self.ended.set(Some(why));
        self.watches.take();
        self.clicks.take();
        self.changed.notify_waiters();
    }

    /// Something happened that is waited for; perhaps not any more.
    pub(crate) fn occurred(&self, Occurrence { watch, what }: Occurrence) {
        if let Some(taker) = self.watches.borrow().get(&watch) {
            // It may have had enough meanwhile, or take nothing for too long.
            let _ = taker.try_send(what);
        }
    }

    /// What asked for this function's waiting asks no more: nothing comes to it.
    pub(crate) fn end_one(&self, id: u64) {
        let watch = self.watches.borrow_mut().remove(&id);
        let click = self.take_click(id);
        // Outside of the borrows: what the author's code has captured is dropped with it.
        drop((watch, click));
        self.changed.notify_waiters();
    }

    fn take_click(&self, id: u64) -> Option<ClickWait> {
        let mut clicks = self.clicks.borrow_mut();
        let at = clicks.iter().position(|wait| wait.id == id)?;
        Some(clicks.remove(at))
    }

    /// A click on a message: who waits for it, the first first.
    pub(crate) fn offer(&self, message: MessageId, click: &dyn Any) -> Offer {
        let clicks = self.clicks.borrow();
        let mut waiting = clicks
            .iter()
            .filter(|wait| wait.message == message && !wait.taker.is_closed())
            .peekable();
        if waiting.peek().is_none() {
            return Offer::Unexpected;
        }
        match waiting.find(|wait| (wait.accepts)(click)) {
            Some(wait) => Offer::To(wait.taker.clone()),
            None => Offer::Unwanted,
        }
    }

    /// Waits until somebody begins to wait for a click, or this generation is about to end.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn next_id(&self) -> u64 {
        self.last_id.set(self.last_id.get() + 1);
        self.last_id.get()
    }
}

impl Waiting {
    /// Somebody waits for what the host forwards.
    pub(crate) fn for_events(core: Rc<Core>) -> Result<(Self, mpsc::Receiver<Happening>), StopReason> {
        let (taker, happenings) = mpsc::channel(MOST_KEPT);
        let waiting = Self::begin(core)?;
        waiting.core.waits.watches.borrow_mut().insert(waiting.id, taker);
        Ok((waiting, happenings))
    }

    /// Somebody waits for a click on this message.
    pub(crate) fn for_click(
        core: Rc<Core>,
        message: MessageId,
        accepts: Accepts,
    ) -> Result<(Self, mpsc::Receiver<AnyClick>), StopReason> {
        // The first one is taken, and ends it.
        let (taker, clicks) = mpsc::channel(1);
        let waiting = Self::begin(core)?;
        waiting.core.waits.clicks.borrow_mut().push(ClickWait {
            id: waiting.id,
            message,
            accepts,
            taker,
        });
        waiting.core.waits.changed.notify_waiters();
        Ok((waiting, clicks))
    }

    fn begin(core: Rc<Core>) -> Result<Self, StopReason> {
        match core.waits.ended() {
            Some(why) => Err(why),
            None => Ok(Self {
                id: core.waits.next_id(),
                core,
            }),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let waits = &self.core.waits;
        let watch = waits.watches.borrow_mut().remove(&self.id);
        let click = waits.take_click(self.id);
        // Outside of the borrows: what the author's code has captured is dropped with it.
        drop((watch, click));
        self.core.link.notify(UNWATCH, &Unwatch { id: self.id });
    }
}
