//! How this part and the slash commands reach Discord: one method, so that tests can be Discord.
//!
//! Nothing here names an HTTP client. Any status that comes back is an answer; Debug shows no interaction's token.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use futures_util::future::BoxFuture;

/// A REST request with a JSON body.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// The path behind the API's version, such as `/channels/1/messages`.
    pub path: String,
    /// The JSON body; empty for none.
    pub body: Vec<u8>,
    /// The files of a message, by name.
    pub files: Vec<(String, Bytes)>,
}

/// Discord's answer, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

/// The way to Discord: sends, waits for rate limits, and comes back with the answer.
pub trait DiscordApi: Send + Sync {
    /// Sends a request.
    ///
    /// # Errors
    ///
    /// There was no answer: what went wrong on the way. Whether Discord acted on the request is unknown then.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, String>>;
}

impl<T: DiscordApi + ?Sized> DiscordApi for Arc<T> {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, String>> {
        (**self).send(request)
    }
}

impl Response {
    /// Whether Discord did what was asked.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Request {
    /// The path without the tokens of interactions, for logs.
    #[must_use]
    pub fn shown_path(&self) -> String {
        let mut parts: Vec<_> = self.path.split('/').collect();
        if let ["", "interactions" | "webhooks", _, token, ..] = parts.as_mut_slice() {
            *token = "TOKEN";
        }
        parts.join("/")
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {}",
            self.method,
            self.shown_path(),
            String::from_utf8_lossy(&self.body)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_not_shown() {
        for path in [
            "/interactions/1/SECRET/callback",
            "/webhooks/2/SECRET",
            "/webhooks/2/SECRET/messages/@original",
        ] {
            let request = Request {
                method: "POST",
                path: path.to_owned(),
                body: b"{}".to_vec(),
                files: Vec::new(),
            };
            let shown = format!("{request:?}");
            assert_eq!(shown, format!("POST {} {{}}", path.replace("SECRET", "TOKEN")));
        }
    }
}
