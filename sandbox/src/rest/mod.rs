//! REST, version 10 (and 9): what a request and an answer are. `serve` is the one entry for every request; routes are rows of a
//! table with plain functions from the world and a call to an answer; none of them waits.

mod account;
mod audit_log;
mod bans;
mod channel_shape;
mod channels;
mod commands;
mod community;
mod emojis;
mod errors;
pub(crate) mod faults;
mod guilds;
mod image;
mod interactions;
mod invites;
pub(crate) mod limits;
mod members;
mod messages;
mod pins;
mod polls;
mod reactions;
mod roles;
mod route;
mod routes;
mod scheduled_events;
mod serve;
mod stages;
mod template;
mod threads;
mod upload;
mod validate;
mod voice;
mod webhooks;

use serde_json::Value;

use self::{errors::Refusal, route::Route};
pub(crate) use self::{
    serve::answer,
    upload::{MAX_BODY, Upload, read as read_body},
    validate::text_length,
};

/// What the ledger of fidelity is made of.
#[cfg(test)]
pub(crate) mod ledger {
    pub(crate) use super::{
        route::{Fidelity, Route},
        routes::all as routes,
    };
}

/// A request, read.
#[derive(Debug)]
pub(crate) struct Call {
    method: String,
    /// The path's parts below the version.
    path: Vec<String>,
    query: Vec<(String, String)>,
    body: Value,
    files: Vec<Upload>,
    /// `X-Audit-Log-Reason`, decoded.
    reason: Option<String>,
    /// `X-Discord-Locale`.
    locale: Option<String>,
    /// Where the bot is reached, for addresses in answers.
    http_url: String,
    gateway_url: String,
}

impl Call {
    /// A parameter of the query.
    fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// A number of the query, within bounds.
    fn number(&self, name: &str, default: u64, least: u64, most: u64) -> Result<u64, Refusal> {
        let Some(text) = self.query(name) else {
            return Ok(default);
        };
        match text.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            Ok(_) => Err(Refusal::at(
                name,
                "NUMBER_TYPE_RANGE",
                &format!("int value should be between {least} and {most}."),
            )),
            Err(_) => Err(Refusal::at(
                name,
                "NUMBER_TYPE_COERCE",
                &format!("Value \"{text}\" is not int."),
            )),
        }
    }

    /// Yes or no in the query; no if it is not there.
    fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.query(name) {
            Some("true" | "True" | "1") => Ok(true),
            None | Some("false" | "False" | "0") => Ok(false),
            Some(_) => Err(Refusal::at(
                name,
                "BOOLEAN_TYPE_CONVERT",
                "Must be either true or false.",
            )),
        }
    }

    /// An id of the query.
    fn id(&self, name: &str) -> Result<Option<u64>, Refusal> {
        self.query(name).map(|text| snowflake(name, text)).transpose()
    }
}

/// What a route answers.
#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    body: Option<String>,
}

impl Answer {
    fn ok(body: &Value) -> Self {
        Self {
            status: 200,
            body: Some(body.to_string()),
        }
    }

    fn created(body: &Value) -> Self {
        Self {
            status: 201,
            body: Some(body.to_string()),
        }
    }

    const fn empty() -> Self {
        Self {
            status: 204,
            body: None,
        }
    }
}

/// What routes return.
type Outcome = Result<Answer, Refusal>;

/// Reads an id out of a path or query.
fn snowflake(name: &str, text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| {
        Refusal::at(
            name,
            "NUMBER_TYPE_COERCE",
            &format!("Value \"{text}\" is not snowflake."),
        )
    })
}
