//! A future whose panics end it instead of the lane: in a poll, and in the drop of it or of what it returned.
//!
//! All code of an author that is awaited runs within one; it must not log what its caller is told by the result.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use plugin_protocol::PanicReport;

use super::{
    at_work::Label,
    panics::{catch, guarded_drop},
    scope::Scope,
};
use crate::definition::Running;

pub(crate) struct Guarded<T> {
    future: Option<Running<T>>,
    scope: Scope,
    label: Label,
}

impl<T> Guarded<T> {
    /// In the scope of whoever makes it: a task belongs to the handler that spawns it.
    pub(crate) fn new(future: Running<T>) -> Self {
        Self::within(Scope::current(), future)
    }

    pub(crate) fn within(scope: Scope, future: Running<T>) -> Self {
        Self {
            future: Some(future),
            scope,
            label: Label::within(scope),
        }
    }

    /// What it is called where it blocks the lane.
    pub(crate) fn labelled(mut self, label: Label) -> Self {
        self.label = label;
        self
    }

    pub(crate) fn scope(&self) -> Scope {
        self.scope
    }
}

impl<T> Future for Guarded<T> {
    type Output = Result<T, PanicReport>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let _entered = (self.scope.enter(), self.label.enter());
        let Some(future) = self.future.as_mut() else {
            return Poll::Pending;
        };
        let polled = match catch(|| future.as_mut().poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(value)) => Ok(value),
            Err(panic) => Err(panic),
        };
        let dropped = self.future.take().and_then(guarded_drop);
        Poll::Ready(match (polled, dropped) {
            (Ok(value), Some(panic)) => {
                guarded_drop(value);
                Err(panic)
            }
            (polled, _) => polled,
        })
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        let _entered = (self.scope.enter(), self.label.enter());
        // Cut off: whoever waited for it is told so by others, so the panic of a destructor goes to the log.
        if let Some(panic) = self.future.take().and_then(guarded_drop) {
            tracing::error!(
                location = panic.location,
                "a task panicked while it was cut off: {}",
                panic.message
            );
        }
    }
}
