//! What every part of a running sandbox holds: the world behind its lock, the signal that something changed, and the
//! signal to end.
//!
//! A `std::sync::Mutex`: critical sections are short and never wait, and nobody holds it across an await. A panic
//! inside one leaves a state that is still good for a test's last words, so poisoning is passed over.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::{handle::Settings, page::Traffic, specification::Specification, world::World};

/// The running sandbox, without the handle that ends it.
#[derive(Debug)]
pub(crate) struct Shared {
    world: Mutex<World>,
    changes: watch::Receiver<u64>,
    closing: watch::Sender<bool>,
    /// The wire, for the page.
    pub(crate) traffic: Traffic,
    /// The gateway's connections.
    pub(crate) connections: TaskTracker,
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
    pub(crate) settings: Settings,
    /// A recording is being done again for the page.
    pub(crate) replaying: AtomicBool,
}

impl Shared {
    pub(crate) fn new(settings: Settings, address: SocketAddr, specification: Option<Arc<Specification>>) -> Arc<Self> {
        let (sender, changes) = watch::channel(0);
        let world = World::new(&settings, sender, specification);
        let token = world.token.clone();
        Arc::new(Self {
            world: Mutex::new(world),
            changes,
            closing: watch::channel(false).0,
            traffic: Traffic::new(&token),
            connections: TaskTracker::new(),
            address,
            token,
            settings,
            replaying: AtomicBool::new(false),
        })
    }

    /// The world, until the guard is dropped. Never held across an await.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells when anything changes.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    /// Becomes true when the sandbox ends.
    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    pub(crate) fn http_url(&self) -> String {
        let scheme = if self.settings.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    pub(crate) fn gateway_url(&self) -> String {
        let scheme = if self.settings.tls.is_some() { "wss" } else { "ws" };
        format!("{scheme}://{}", self.address)
    }

    /// Waits until `look` finds something, at most `limit`.
    pub(crate) async fn until<T>(
        &self,
        limit: std::time::Duration,
        mut look: impl FnMut(&World) -> Option<T>,
    ) -> Option<T> {
        let mut changes = self.changes();
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            changes.mark_unchanged();
            if let Some(found) = look(&self.world()) {
                return Some(found);
            }
            match tokio::time::timeout_at(deadline, changes.changed()).await {
                Ok(Ok(())) => {}
                _ => return look(&self.world()),
            }
        }
    }
}

/// Waits until the sandbox ends.
pub(crate) async fn ended(closing: &mut watch::Receiver<bool>) {
    // The guard that this gives must not live across an await of the caller.
    drop(closing.wait_for(|closing| *closing).await);
}

/// Lets happen what is due as time goes by: interactions that nobody answered, polls that end. Ends with the sandbox.
pub(crate) async fn keep_time(shared: Arc<Shared>) {
    let mut closing = shared.closing();
    let added = Arc::clone(&shared.world().expiry);
    loop {
        let next = {
            let mut world = shared.world();
            let next = world.elapse();
            next.map(|at| world.time.real(at))
        };
        let due = async {
            match next {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            () = added.notified() => {}
            () = ended(&mut closing) => return,
        }
    }
}
