//! REST calls by method and path: what the rest of this crate has no word for.
//!
//! The host sends them with the bot's token and within its rate limits, after checking the path: callbacks, command
//! registration and token routes are refused, since their state is the host's.

use std::{future::IntoFuture, panic::Location, pin::Pin, sync::Arc};

use plugin_protocol::{Rest, RestAnswer, kind::REST};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Error, HttpError, Result,
    runtime::{Link, Scope},
};

/// Makes REST calls; see [`Host::raw`](crate::Host::raw).
///
/// ```
/// use plugin_api::{prelude::*, serde_json::{Value, json}};
///
/// /// Show the topic of this channel, or set it.
/// #[command(slash, prefix)]
/// async fn topic(ctx: Ctx, #[rest] text: Option<String>) -> Result {
///     let path = format!("/channels/{}", ctx.channel_id());
///     if let Some(text) = text {
///         ctx.raw().patch(&path, &json!({ "topic": text })).reason("asked by command").await?;
///         return ctx.reply("Done.").await;
///     }
///     let channel: Value = ctx.raw().get(&path).json().await?;
///     ctx.reply(channel["topic"].as_str().unwrap_or("No topic.")).await
/// }
/// # mod linked { plugin_api::plugin!(linked; commands: [super::topic]); }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Raw {
    link: Arc<Link>,
}

impl Raw {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { link }
    }

    /// A GET; `path` is what comes behind the version, with its query: `/channels/1/messages?limit=5`.
    #[track_caller]
    pub fn get(&self, path: &str) -> RawRequest {
        self.request("GET", path)
    }

    /// A POST with a JSON body; `&()` for none.
    #[track_caller]
    pub fn post(&self, path: &str, body: &impl Serialize) -> RawRequest {
        self.request("POST", path).body(body)
    }

    /// A PUT with a JSON body; `&()` for none.
    #[track_caller]
    pub fn put(&self, path: &str, body: &impl Serialize) -> RawRequest {
        self.request("PUT", path).body(body)
    }

    /// A PATCH with a JSON body; `&()` for none.
    #[track_caller]
    pub fn patch(&self, path: &str, body: &impl Serialize) -> RawRequest {
        self.request("PATCH", path).body(body)
    }

    /// A DELETE.
    #[track_caller]
    pub fn delete(&self, path: &str) -> RawRequest {
        self.request("DELETE", path)
    }

    /// A call of any method, such as a DELETE with a body.
    #[track_caller]
    pub fn request(&self, method: &str, path: &str) -> RawRequest {
        RawRequest {
            link: self.link.clone(),
            head: Rest {
                method: method.to_owned(),
                path: path.to_owned(),
                reason: None,
                content_type: None,
                invocation: Scope::current().invocation(),
            },
            body: Ok(Vec::new()),
            place: Location::caller(),
        }
    }
}

impl std::fmt::Debug for Raw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Raw").finish_non_exhaustive()
    }
}

/// A REST call on its way: await it, or its [`json`](Self::json) or [`response`](Self::response).
#[must_use = "a call is made when it is awaited"]
pub struct RawRequest {
    link: Arc<Link>,
    head: Rest,
    body: Result<Vec<u8>>,
    /// The line of the plugin that makes the call.
    place: &'static Location<'static>,
}

impl RawRequest {
    /// The reason for the server's audit log, up to 512 characters.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.head.reason = Some(reason.into());
        self
    }

    /// A body of JSON; `&()` for none.
    pub fn body(mut self, body: &impl Serialize) -> Self {
        self.body = serde_json::to_vec(body).map_err(Into::into);
        // `()` is written as null, which is no body that Discord takes.
        if self.body.as_ref().is_ok_and(|body| body == b"null") {
            self.body = Ok(Vec::new());
        }
        self
    }

    /// A body of any type, such as `multipart/form-data; boundary=...` for files.
    pub fn bytes(mut self, content_type: impl Into<String>, body: Vec<u8>) -> Self {
        self.head.content_type = Some(content_type.into());
        self.body = Ok(body);
        self
    }

    /// Makes the call and reads the body of a success as `T`.
    ///
    /// # Errors
    ///
    /// The host refused it, Discord did (see [`Error::http`]), or the body doesn't fit `T`.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let place = self.place;
        self.await?.json().map_err(|error| error.at(place))
    }

    /// Makes the call and returns Discord's answer, whatever its status.
    ///
    /// # Errors
    ///
    /// The host refused it, or no answer came.
    pub async fn response(self) -> Result<RawAnswer> {
        let place = self.place;
        self.send().await.map_err(|error| error.at(place))
    }

    async fn send(self) -> Result<RawAnswer> {
        let body = self.body?;
        let (RestAnswer { status }, answer) = self.link.ask_for(REST, &self.head, &body).await?;
        Ok(RawAnswer {
            status,
            body: answer.tail().to_vec(),
        })
    }
}

impl IntoFuture for RawRequest {
    type Output = Result<RawAnswer>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<RawAnswer>>>>;

    fn into_future(self) -> Self::IntoFuture {
        let place = self.place;
        Box::pin(async move {
            let answer = self.response().await?;
            if (200..300).contains(&answer.status) {
                return Ok(answer);
            }
            Err(Error::new(HttpError::read(answer.status, &answer.body)).at(place))
        })
    }
}

impl std::fmt::Debug for RawRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawRequest")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

/// Discord's answer to a REST call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body as received.
    pub body: Vec<u8>,
}

impl RawAnswer {
    /// Reads the body as `T`; an empty one is null.
    ///
    /// # Errors
    ///
    /// The body doesn't fit `T`.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let place = Location::caller();
        let body = if self.body.is_empty() { b"null" } else { &self.body[..] };
        serde_json::from_slice(body)
            .map_err(|error| Error::new(format!("Discord's answer can't be read: {error}")).at(place))
    }
}
