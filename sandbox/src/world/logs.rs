//! What was said on the wire, bounded: REST calls and gateway payloads, newest last, and counters that never forget.
//!
//! It decides nothing; the oldest entries go first, so that a sandbox that runs for days does not grow by it.

use std::collections::VecDeque;

use crate::handle::{GatewayEntry, RestEntry};

const REST_KEPT: usize = 5_000;
const GATEWAY_KEPT: usize = 10_000;

/// The traffic of a sandbox.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    pub(crate) rest: VecDeque<RestEntry>,
    pub(crate) gateway: VecDeque<GatewayEntry>,
    pub(crate) connections: u64,
    pub(crate) identifies: u64,
    pub(crate) resumes: u64,
    pub(crate) bulk_overwrites: u64,
}

impl Logs {
    pub(crate) fn rest(&mut self, entry: RestEntry) {
        if self.rest.len() == REST_KEPT {
            self.rest.pop_front();
        }
        self.rest.push_back(entry);
    }

    pub(crate) fn gateway(&mut self, entry: GatewayEntry) {
        if self.gateway.len() == GATEWAY_KEPT {
            self.gateway.pop_front();
        }
        self.gateway.push_back(entry);
    }
}
