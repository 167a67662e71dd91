//! Faults that tests ask for: what Discord and networks do to bots.
//!
//! Each is put into the sessions or the world, and reaches the bot over the wire, as a real one would.

use super::Sandbox;
use crate::RestFault;

impl Sandbox {
    /// [`super::Gateway::drop_connection`] for all connections.
    pub fn drop_connection(&self) {
        self.gateway().drop_connection();
    }

    /// [`super::Gateway::ask_reconnect`] for all connections.
    pub fn ask_reconnect(&self) {
        self.gateway().ask_reconnect();
    }

    /// [`super::Gateway::invalidate_session`] for all connections.
    pub fn invalidate_session(&self, resumable: bool) {
        self.gateway().invalidate_session(resumable);
    }

    /// [`super::Gateway::close_with`] for all connections.
    pub fn close_with(&self, code: u16) {
        self.gateway().close_with(code);
    }

    /// Lets REST requests go wrong; several faults are given out in the order in which they were asked for.
    pub fn fail_rest(&self, fault: RestFault) {
        self.with(|world| world.rest_faults.arm(fault));
    }

    /// Forgets all faults of REST that wait for their requests.
    pub fn clear_rest_faults(&self) {
        self.with(|world| world.rest_faults.clear());
    }

    /// Serves and answers the requests that [`RestFault::held`] holds, and holds no more.
    pub fn release_rest(&self) {
        self.with(|world| {
            world.rest_faults.release();
            world.changed();
        });
    }

    /// Waits until so many requests are held at once.
    ///
    /// # Panics
    ///
    /// If that does not happen in time.
    pub async fn expect_held_rest(&self, count: usize) {
        self.until("requests are held", |world| world.rest_faults.held >= count)
            .await;
    }
}
