//! What `#[service]` makes of a function, and what the host is told of it.
//!
//! Generated code names these; authors see the attribute alone.

use plugin_protocol::ServiceDescription;

use super::Running;
use crate::{Result, ServiceCtx};

/// What `#[service]` makes of a function.
pub struct ServiceDef<S: 'static> {
    pub name: &'static str,
    pub description: &'static str,
    pub run: fn(ServiceCtx<S>) -> Running<Result<Vec<u8>>>,
}

impl<S> ServiceDef<S> {
    pub(super) fn describe(&self) -> ServiceDescription {
        ServiceDescription {
            name: self.name.to_owned(),
            description: self.description.to_owned(),
        }
    }
}

/// Refuses a second service of one name, for generated code: an error of the compiler.
#[track_caller]
pub const fn check_service(name: &str, earlier: &[&str]) {
    let mut at = 0;
    while at < earlier.len() {
        assert!(
            !super::same_in_all("", name, "", earlier[at]),
            "two services of this plugin have the same name"
        );
        at += 1;
    }
}
