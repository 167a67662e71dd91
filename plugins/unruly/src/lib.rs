//! A fixture: a plugin that speaks the boundary by itself, without plugin-api, and breaks its rules on demand.
//!
//! Its manifest and its description are texts of a fixed length in the compiled file, which tests overwrite: one compiled
//! file becomes any plugin. Each command is one breach that plugin-api would not let an author commit. No example to
//! follow.

mod breach;
mod lane;

use std::{hint::black_box, sync::Arc};

use plugin_abi::{Host, Lane, Plugin};

/// Room for whatever a test writes.
const ROOM: usize = 4096;

/// Read by the host without running a line of this.
#[used]
#[allow(unsafe_code, reason = "a link section of its own, which the host reads")]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".bothost"))]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__bothost"))]
static MANIFEST: [u8; ROOM] =
    padded(r#"{"name":"unruly","version":"1.0.0","abi":"1.0.0","target":"","panic":"unwind"}"#);

/// What it says it offers, when it is asked.
#[used]
static DESCRIPTION: [u8; ROOM] = padded(r#"{"name":"unruly","version":"1.0.0","commands":[]}"#);

const fn padded(text: &str) -> [u8; ROOM] {
    let mut room = [b' '; ROOM];
    let mut at = 0;
    while at < text.len() {
        room[at] = text.as_bytes()[at];
        at += 1;
    }
    room
}

struct Unruly;

impl Plugin for Unruly {
    fn describe() -> Vec<u8> {
        // Behind a black box, or the compiler would copy the text into the code.
        let description = black_box(&DESCRIPTION).trim_ascii();
        assert!(
            description != b"panic",
            "the plugin was asked to panic when it is described"
        );
        description.to_vec()
    }

    fn start(host: Host, _head: &[u8]) -> Arc<dyn Lane> {
        Arc::new(lane::Unruly::new(host))
    }
}

plugin_abi::export!(Unruly);
