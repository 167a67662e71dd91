//! The ledger of fidelity, `FIDELITY.md`: made of the table of routes, the events that the sources send, Discord's
//! `OpenAPI` file and the results of the foreign clients. Only its test is here: the file is read by people.
//!
//! `WRITE_FIDELITY=1 cargo test -p sandbox --lib ledger` writes it anew. Where `discord-openapi.json` is not there,
//! what needs it is left out of the comparison.

#![allow(
    clippy::format_push_string,
    clippy::unwrap_used,
    reason = "a text is made once, in a test"
)]

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    rest::ledger::{Fidelity, Route, routes},
    specification::ledger::{Operation, operations, validated_parts},
};

const AGAIN: &str = "WRITE_FIDELITY=1 cargo test -p sandbox --lib ledger";

/// Events that Discord documents as sent to bots
/// (<https://discord.com/developers/docs/events/gateway-events#receive-events>).
const EVENTS: &str = "READY RESUMED RATE_LIMITED APPLICATION_COMMAND_PERMISSIONS_UPDATE AUTO_MODERATION_RULE_CREATE \
    AUTO_MODERATION_RULE_UPDATE AUTO_MODERATION_RULE_DELETE AUTO_MODERATION_ACTION_EXECUTION CHANNEL_CREATE CHANNEL_UPDATE CHANNEL_INFO \
    CHANNEL_DELETE CHANNEL_PINS_UPDATE THREAD_CREATE THREAD_UPDATE THREAD_DELETE THREAD_LIST_SYNC THREAD_MEMBER_UPDATE \
    THREAD_MEMBERS_UPDATE ENTITLEMENT_CREATE ENTITLEMENT_UPDATE ENTITLEMENT_DELETE GUILD_CREATE GUILD_UPDATE GUILD_DELETE \
    GUILD_AUDIT_LOG_ENTRY_CREATE GUILD_BAN_ADD GUILD_BAN_REMOVE GUILD_EMOJIS_UPDATE GUILD_STICKERS_UPDATE \
    GUILD_INTEGRATIONS_UPDATE GUILD_MEMBER_ADD GUILD_MEMBER_REMOVE GUILD_MEMBER_UPDATE GUILD_MEMBERS_CHUNK \
    GUILD_ROLE_CREATE GUILD_ROLE_UPDATE GUILD_ROLE_DELETE GUILD_SCHEDULED_EVENT_CREATE GUILD_SCHEDULED_EVENT_UPDATE \
    GUILD_SCHEDULED_EVENT_DELETE GUILD_SCHEDULED_EVENT_USER_ADD GUILD_SCHEDULED_EVENT_USER_REMOVE \
    GUILD_SOUNDBOARD_SOUND_CREATE GUILD_SOUNDBOARD_SOUND_UPDATE GUILD_SOUNDBOARD_SOUND_DELETE \
    GUILD_SOUNDBOARD_SOUNDS_UPDATE SOUNDBOARD_SOUNDS INTEGRATION_CREATE INTEGRATION_UPDATE INTEGRATION_DELETE \
    INTERACTION_CREATE INVITE_CREATE INVITE_DELETE MESSAGE_CREATE MESSAGE_UPDATE MESSAGE_DELETE MESSAGE_DELETE_BULK \
    MESSAGE_REACTION_ADD MESSAGE_REACTION_REMOVE MESSAGE_REACTION_REMOVE_ALL MESSAGE_REACTION_REMOVE_EMOJI \
    MESSAGE_POLL_VOTE_ADD MESSAGE_POLL_VOTE_REMOVE PRESENCE_UPDATE STAGE_INSTANCE_CREATE STAGE_INSTANCE_UPDATE \
    STAGE_INSTANCE_DELETE SUBSCRIPTION_CREATE SUBSCRIPTION_UPDATE SUBSCRIPTION_DELETE TYPING_START USER_UPDATE \
    VOICE_CHANNEL_EFFECT_SEND VOICE_STATE_UPDATE VOICE_SERVER_UPDATE WEBHOOKS_UPDATE";

/// Events that differ on purpose.
const DIFFERING: &[(&str, &str)] = &[
    ("READY", "Its `resume_gateway_url` is the sandbox's own."),
    ("VOICE_SERVER_UPDATE", "Its endpoint is null: there is no voice server."),
    ("CHANNEL_INFO", "Always empty: voice channels have no status here."),
    ("SOUNDBOARD_SOUNDS", "Always empty: none can be made here."),
    (
        "GUILD_CREATE",
        "People are online unless they are told to go; above `large_threshold`, those who are offline do not come.",
    ),
];

/// What the simcord run has shown; see `.ci/clients/clients.test.mjs`.
const COMPARED: &str = include_str!("../../.ci/clients/simcord.md");

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Discord's own specification, where the environment names it or it lies beside the repository.
fn specification() -> Option<Value> {
    let named = env::var_os("DISCORD_OPENAPI").filter(|file| !file.is_empty());
    let file = named.map_or_else(|| folder().join("../../shared/discord-openapi.json"), PathBuf::from);
    let bytes = fs::read(file).ok()?;
    Some(serde_json::from_slice(&bytes).expect("the specification is JSON"))
}

/// All that the sources of the gateway and of the world say, without this file.
fn sources() -> String {
    let mut folders: Vec<PathBuf> = ["src/gateway", "src/world", "src/rest"]
        .iter()
        .map(|name| folder().join(name))
        .collect();
    let mut text = String::new();
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|end| end == "rs") {
                text.push_str(&fs::read_to_string(entry).unwrap());
            }
        }
    }
    text
}

/// Whether a row and an operation are of one shape: parameters may have other names.
fn is_of(row: &Route, operation: &Operation) -> bool {
    let mut theirs = operation.template.trim_start_matches('/').split('/');
    let same = row.parts().all(|part| {
        theirs
            .next()
            .is_some_and(|other| part == other || part.starts_with('{') && other.starts_with('{'))
    });
    row.method == operation.method && same && theirs.next().is_none()
}

/// The ledger; without the specification, what needs it is missing.
fn ledger(specification: Option<&Value>) -> String {
    let operations = specification.map(operations);
    let mut rows: Vec<&Route> = routes().collect();
    rows.sort_by_key(|row| (row.template, row.method));
    let mut text = format!(
        "# How true the local Discord is\n\n\
         Made by `{AGAIN}` from the table of routes, the events that the sources send, Discord's OpenAPI file and the runs of \
         foreign clients; don't edit it by hand.\n\n\
         In every test run where `discord-openapi.json` is at hand, each request, each answer and each event below that has a \
         mark is checked against it; `sandbox/tests/every_route.rs` calls every route. Unknown keys in bodies, which Discord passes over, are refused everywhere: a misspelt key \
         is a bug. Rate limits are generous unless `--rate-limits real` is asked for. What else the gateway does differently \
         is told in the documentation of the crate (`sandbox/src/lib.rs`).\n\n"
    );
    text += &format!("## Routes that are implemented ({})\n\n", rows.len());
    text += "✓: checked against the specification.\n\n| route | differs on purpose | ✓ |\n|---|---|---|\n";
    for row in &rows {
        let why = match row.fidelity {
            Fidelity::Same => "",
            Fidelity::Differs(why) => why,
        };
        let is_known = operations
            .as_ref()
            .is_some_and(|all| all.iter().any(|one| is_of(row, one)));
        let mark = if is_known { "✓" } else { "" };
        text += &format!("| `{} {}` | {why} | {mark} |\n", row.method, row.template);
    }
    text += BEGIN;
    let absent: Vec<&Operation> = operations
        .iter()
        .flatten()
        .filter(|one| !rows.iter().any(|row| is_of(row, one)))
        .collect();
    text += &format!("\n## Routes that are absent ({})\n\n", absent.len());
    text += "Operations of Discord's specification; they are answered with 404.\n\n";
    let mut of_resource: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for one in absent {
        let resource = one
            .template
            .trim_start_matches('/')
            .split('/')
            .next()
            .unwrap_or_default();
        let all = of_resource.entry(resource).or_default();
        all.push(format!("`{} {}`", one.method, one.template));
    }
    for (resource, all) in of_resource {
        text += &format!("- **{resource}** ({}): {}\n", all.len(), all.join(", "));
    }
    text += END;
    text += &events();
    text += "\n## Foreign clients\n\n";
    text += "Released versions, unchanged but for the address (`.ci/clients`); each runs the same scenario.\n\n";
    text += &clients();
    text += "\n## A discord.py bot in simcord and here\n\n";
    text += COMPARED;
    text
}

/// Around what needs the specification.
const BEGIN: &str = "\n<!-- from the specification -->\n";
const END: &str = "\n<!-- from the sources -->\n";

fn events() -> String {
    let sources = sources();
    let is_sent = |name: &&str| sources.contains(&format!("\"{name}\""));
    let (sent, absent): (Vec<&str>, Vec<&str>) = EVENTS.split_whitespace().partition(is_sent);
    let mut text = format!("\n## Gateway events that are sent ({})\n\n", sent.len());
    text += "| event | parts checked against the specification | differs on purpose |\n|---|---|---|\n";
    for name in &sent {
        let parts: Vec<String> = validated_parts(name)
            .map(|(place, schema)| {
                let place = if place.is_empty() { "all" } else { place };
                format!("{place}: {schema}")
            })
            .collect();
        let why = DIFFERING.iter().find(|(of, _)| of == name).map_or("", |(_, why)| *why);
        text += &format!("| `{name}` | {} | {why} |\n", parts.join(", "));
    }
    let absent: Vec<String> = absent.iter().map(|name| format!("`{name}`")).collect();
    text += &format!(
        "\n## Gateway events that are never sent ({})\n\n{}\n",
        absent.len(),
        absent.join(", ")
    );
    text
}

/// The table of what the foreign clients' runs have written.
fn clients() -> String {
    let file = folder().join("../.ci/clients/results.json");
    let results: Value = serde_json::from_slice(&fs::read(file).unwrap()).expect("the results are JSON");
    let clients = results["clients"].as_array().unwrap();
    let mut text = String::from("| |");
    for one in clients {
        text += &format!(" {} |", one["client"].as_str().unwrap());
    }
    text += &format!("\n|---|{}\n", "---|".repeat(clients.len()));
    for step in results["steps"].as_array().unwrap() {
        let step = step.as_str().unwrap();
        text += &format!("| {step} |");
        for one in clients {
            text += &format!(" {} |", one["steps"][step].as_str().unwrap_or("not run"));
        }
        text += "\n";
    }
    text
}

/// What can be told without the specification.
fn without_specification(text: &str) -> String {
    let (before, rest) = text.split_once(BEGIN).unwrap_or((text, ""));
    let after = rest.split_once(END).map_or("", |(_, after)| after);
    let unmarked = before.replace("| ✓ |\n", "|  |\n");
    unmarked + after
}

#[test]
fn it_is_current() {
    let file = folder().join("FIDELITY.md");
    let specification = specification();
    let made = ledger(specification.as_ref());
    if env::var_os("WRITE_FIDELITY").is_some() {
        assert!(
            specification.is_some(),
            "name Discord's openapi.json with DISCORD_OPENAPI: without it half of the ledger is missing"
        );
        fs::write(&file, &made).unwrap();
        return;
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    let (made, kept) = if specification.is_some() {
        (made, kept)
    } else {
        // Without the specification its columns are not compared.
        (without_specification(&made), without_specification(&kept))
    };
    let difference = made
        .lines()
        .zip(kept.lines().chain(std::iter::repeat("(nothing)")))
        .find(|(made, kept)| made != kept);
    assert!(
        made == kept,
        "sandbox/FIDELITY.md is stale; the first difference is {difference:?}. Write it anew with: {AGAIN}"
    );
}
