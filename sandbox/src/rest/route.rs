//! What a row of the table of routes is: method, template of its path, its query's parameters, how true it is to Discord,
//! and the function that answers.
//!
//! Each resource's file holds the rows of its own routes; `routes` finds the row of a request.

use super::{Call, Outcome};
use crate::world::World;

/// What answers a call; it is handed the parts of the path that stand where the template has parameters, in order.
pub(crate) type Handler = fn(&mut World, &Call, &[&str]) -> Outcome;

/// How true a route is to Discord's, for the ledger (`FIDELITY.md`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fidelity {
    /// It does what Discord documents.
    Same,
    /// It differs on purpose, in this way and for this reason.
    Differs(&'static str),
}

/// One route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// As Discord's documentation writes it: `/channels/{channel_id}/messages`.
    pub(crate) template: &'static str,
    /// The parameters that its query may have.
    pub(crate) query: &'static [&'static str],
    pub(crate) fidelity: Fidelity,
    pub(crate) handler: Handler,
}

impl Route {
    const fn new(method: &'static str, template: &'static str, handler: Handler) -> Self {
        Self {
            method,
            template,
            query: &[],
            fidelity: Fidelity::Same,
            handler,
        }
    }

    pub(super) const fn get(template: &'static str, handler: Handler) -> Self {
        Self::new("GET", template, handler)
    }

    pub(super) const fn post(template: &'static str, handler: Handler) -> Self {
        Self::new("POST", template, handler)
    }

    pub(super) const fn put(template: &'static str, handler: Handler) -> Self {
        Self::new("PUT", template, handler)
    }

    pub(super) const fn patch(template: &'static str, handler: Handler) -> Self {
        Self::new("PATCH", template, handler)
    }

    pub(super) const fn delete(template: &'static str, handler: Handler) -> Self {
        Self::new("DELETE", template, handler)
    }

    /// Its query may have these parameters; without this it has none.
    pub(super) const fn query(mut self, names: &'static [&'static str]) -> Self {
        self.query = names;
        self
    }

    /// It differs from Discord's on purpose; says how, and why.
    pub(super) const fn differs(mut self, why: &'static str) -> Self {
        self.fidelity = Fidelity::Differs(why);
        self
    }

    /// The template in parts.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &'static str> {
        self.template.trim_start_matches('/').split('/')
    }
}
