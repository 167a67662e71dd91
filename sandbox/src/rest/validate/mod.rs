//! What Discord refuses in bodies. Each check is a function from a JSON value to what it means, noting faults by path;
//! nothing here knows the world beyond what it is handed.
//!
//! Stricter than Discord in one thing, on purpose: **unknown keys are refused**, since a misspelt key is a bug that
//! Discord would hide. Keys of Discord's own answers are known too, because clients send objects back that they read.

mod attachment;
mod command;
mod component;
mod embed;
mod fields;
mod message;
mod modal;
mod option;
mod poll;
mod select;

pub(crate) use self::{
    command::{check_set, command},
    fields::{Fields, checked, checked_query, id_of},
    message::{Place, draft, overwrites, revision, users_only},
    modal::{choices, modal},
};

/// Characters as Discord counts them.
pub(crate) fn text_length(text: &str) -> usize {
    text.chars().count()
}
