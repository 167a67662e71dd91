//! The bot opens a plugin's file in a process of its own first, and starts its own program for that. Here that program is
//! the test's, so a test's program has to be able to be that process.
//!
//! It is decided before `main`, since `main` belongs to the test harness.

use std::{env, path::Path};

use host::plugins::probe;

#[ctor::ctor(unsafe)]
fn probe_if_asked() {
    let arguments: Vec<_> = env::args_os().skip(1).take(4).collect();
    let [verb, child, file] = arguments.as_slice() else {
        return;
    };
    if verb == "probe" && child == "--child" {
        let failed = probe::child(Path::new(file)).is_err();
        host::process::exit_now(i32::from(failed));
    }
}
