//! A plugin as its library exports it: the same lane as a linked one, plus the library's own panic hook and subscriber.
//!
//! A loaded library shares no global with the host and sets its own; a linked plugin must set none.

use std::{marker::PhantomData, sync::Arc};

use crate::{
    definition::{Module, describe},
    runtime::{Form, Lane, logging},
};

/// The plugin `M` behind the table of a library.
pub struct Loaded<M>(PhantomData<fn() -> M>);

impl<M: Module> plugin_abi::Plugin for Loaded<M> {
    fn describe() -> Vec<u8> {
        logging::install();
        description::<M>()
    }

    fn start(host: plugin_abi::Host, head: &[u8]) -> Arc<dyn plugin_abi::Lane> {
        logging::install();
        Arc::new(Lane::<M>::new(host, head, Form::Loaded))
    }
}

/// The plugin `M` within the host's own process and libraries.
pub struct Linked<M>(PhantomData<fn() -> M>);

impl<M: Module> plugin_abi::Plugin for Linked<M> {
    fn describe() -> Vec<u8> {
        description::<M>()
    }

    fn start(host: plugin_abi::Host, head: &[u8]) -> Arc<dyn plugin_abi::Lane> {
        Arc::new(Lane::<M>::new(host, head, Form::Linked))
    }
}

fn description<M: Module>() -> Vec<u8> {
    // Empty means to the host that there is none; a description has no keys that could fail.
    serde_json::to_vec(&describe::<M>()).unwrap_or_default()
}
