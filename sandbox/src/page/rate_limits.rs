//! The bot's rate limits, seen and switched by people and by scripts.
//!
//! How they are counted is `rest::limits`' matter; here they only get names.

use std::sync::Arc;

use axum::{Json, body::Bytes, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::acts::{Answer, read};
use crate::{RateLimits, Sandbox, shared::Shared};

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Profile {
    Off,
    Generous,
    Real,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    profile: Profile,
}

/// What the live connection says of them.
pub(crate) const fn name(limits: RateLimits) -> &'static str {
    match limits {
        RateLimits::Off => "off",
        RateLimits::Generous => "generous",
        RateLimits::Real => "real",
    }
}

/// `GET /page/rate-limits`: how they are counted, and what is used up of those that are running.
pub(crate) async fn show(State(shared): State<Arc<Shared>>) -> Answer {
    let world = shared.world();
    let mut used = world.limits.usage(world.time.now());
    used["profile"] = json!(name(world.limits.mode()));
    Ok(Json(used))
}

/// `POST /page/rate-limits`: counts them in another way from now on, from nothing.
pub(crate) async fn switch(State(shared): State<Arc<Shared>>, body: Bytes) -> Answer {
    let Asked { profile } = read(&body)?;
    Sandbox::of(shared).set_rate_limits(match profile {
        Profile::Off => RateLimits::Off,
        Profile::Generous => RateLimits::Generous,
        Profile::Real => RateLimits::Real,
    });
    Ok(Json(Value::Object(serde_json::Map::new())))
}
