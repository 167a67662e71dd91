//! How a plugin's build stands, told by whoever builds it (`cargo xtask dev`) and shown by every open page.
//!
//! The last word of each plugin is kept, so that a page which is opened later shows it, too.

use std::sync::Arc;

use axum::{Json, body::Bytes, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Audience,
    acts::{Answer, Refused, read},
};
use crate::shared::Shared;

/// Builds that are remembered: plugins that one computer works on at a time.
const KEPT: usize = 16;
/// The longest text that is shown, in bytes: what compilers say of one mistake is longer than of two.
const LONGEST: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    Building,
    Ok,
    Failed,
    Installed,
}

/// How one plugin's build stands.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Build {
    state: Standing,
    plugin: String,
    /// What the compiler says, or what went wrong besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// From 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<f64>,
}

/// `POST /page/build`
pub(crate) async fn note(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let mut build: Build = read(&body)?;
    if build.plugin.is_empty() {
        return Err("`plugin` is empty: say whose build it is".into());
    }
    if build.progress.is_some_and(|progress| !(0.0..=1.0).contains(&progress)) {
        return Err(Refused("`progress` goes from 0 to 1".to_owned()));
    }
    if let Some(message) = &mut build.message
        && message.len() > LONGEST
    {
        let end = (0..=LONGEST).rev().find(|&end| message.is_char_boundary(end));
        message.truncate(end.unwrap_or(0));
    }
    let note = json!(build);
    let mut world = shared.world();
    let builds = &mut world.pages.builds;
    builds.retain(|one| one["plugin"] != note["plugin"]);
    builds.push(note.clone());
    let excess = builds.len().saturating_sub(KEPT);
    builds.drain(..excess);
    world.pages.tell(&Audience::Everyone, "build", || note);
    Ok(Json(Value::Null))
}
