//! Hands the target triple and the compiler's version to the crate, which writes them into every plugin's manifest.

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = env::var("TARGET").unwrap_or_default();
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output();
    let compiler = version
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default();
    println!("cargo::rustc-env=PLUGIN_TARGET={target}");
    println!("cargo::rustc-env=PLUGIN_COMPILER={compiler}");
}
