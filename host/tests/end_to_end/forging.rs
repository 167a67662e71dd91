//! Files that no compiler makes: plugins under other names and with other words, damaged and foreign ones.
//!
//! All of them are made of the compiled fixtures by overwriting bytes, so that a test needs no compiler.

use std::{
    fs::File,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};

use crate::harness::{World, compiled, file_name};

/// How long the texts are that `unruly` holds.
const ROOM: usize = 4096;

/// The fixture `unruly` with another manifest and another description, as texts.
pub fn forged(manifest: &str, description: &str) -> Vec<u8> {
    let mut bytes = compiled("unruly");
    for (start, text) in [
        (r#"{"name":"unruly","version":"1.0.0","abi""#, manifest),
        (r#"{"name":"unruly","version":"1.0.0","commands""#, description),
    ] {
        let at = find(&bytes, start.as_bytes());
        assert!(text.len() <= ROOM, "the fixture has room for {ROOM} bytes");
        bytes[at..at + ROOM].fill(b' ');
        bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    bytes
}

/// A plugin of that name, with these keys added to its manifest, that offers a command for each of `commands`, by
/// prefix.
pub fn plugin(name: &str, version: &str, more: &Value, commands: &[&str]) -> Vec<u8> {
    let mut manifest = json!({ "name": name, "version": version, "abi": "1.0.0", "target": "", "panic": "unwind" });
    let keys = manifest.as_object_mut().unwrap();
    keys.extend(more.as_object().unwrap().clone());
    forged(&manifest.to_string(), &description(name, version, commands).to_string())
}

/// What a plugin of that name says it offers.
pub fn description(name: &str, version: &str, commands: &[&str]) -> Value {
    let commands: Vec<Value> = commands
        .iter()
        .map(|command| {
            // `linger PORT` has the one argument that a breach needs.
            let arguments = if *command == "linger" {
                json!([{ "name": "port", "kind": "string", "required": true }])
            } else {
                json!([])
            };
            json!({ "name": command, "description": "A breach", "doors": { "prefix": true }, "arguments": arguments })
        })
        .collect();
    json!({ "name": name, "version": version, "commands": commands })
}

/// The same bytes with the first `from` replaced by `to`, which is as long.
pub fn replaced(original: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = find(original, from);
    let mut bytes = original.to_vec();
    bytes[at..at + to.len()].copy_from_slice(to);
    bytes
}

/// The same bytes with other ones at a place.
pub fn overwritten(original: &[u8], at: usize, with: &[u8]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    bytes[at..at + with.len()].copy_from_slice(with);
    bytes
}

/// A library for Windows: its headers, and nothing in it.
pub fn windows() -> Vec<u8> {
    let mut bytes = vec![0; 1024];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[60] = 64;
    bytes[64..68].copy_from_slice(b"PE\0\0");
    // x86_64, an optional header of 240 bytes, an executable image that is a library.
    bytes[68..70].copy_from_slice(&0x8664_u16.to_le_bytes());
    bytes[84..86].copy_from_slice(&240_u16.to_le_bytes());
    bytes[86..88].copy_from_slice(&0x2022_u16.to_le_bytes());
    bytes[88..90].copy_from_slice(&0x020b_u16.to_le_bytes());
    bytes[196] = 16;
    bytes
}

/// A library for macOS on ARM: its header, and nothing in it.
pub fn macos() -> Vec<u8> {
    let words: [u32; 8] = [0xfeed_facf, 0x0100_000c, 0, 6, 0, 0, 0, 0];
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

/// Drops a file that nobody has written to for an hour: what is incomplete then stays so.
pub fn drop_old(world: &World, plugin: &str, content: &[u8]) {
    let folder = world.root().join("plugins");
    let hidden = folder.join(format!(".{plugin}.part"));
    std::fs::write(&hidden, content).unwrap();
    let hour = Duration::from_secs(3600);
    File::options()
        .write(true)
        .open(&hidden)
        .unwrap()
        .set_modified(SystemTime::now() - hour)
        .unwrap();
    std::fs::rename(hidden, folder.join(file_name(plugin))).unwrap();
}

fn find(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
        .unwrap_or_else(|| panic!("{:?} is not in the file", String::from_utf8_lossy(wanted)))
}
