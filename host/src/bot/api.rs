//! The REST client as `interactions` and `slash` see Discord.
//!
//! The two parts must not know the HTTP client: here a request changes its type and nothing else.

use futures_util::future::{BoxFuture, FutureExt};
use plugin_protocol::upload;

use crate::{
    interactions::{DiscordApi, Request, Response},
    rest::{self, Rest},
};

impl DiscordApi for Rest {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, String>> {
        async move {
            let method = request
                .method
                .parse()
                .map_err(|problem: plugin_protocol::Problem| problem.to_string())?;
            let (content_type, body) = if request.files.is_empty() {
                (None, request.body)
            } else {
                let files = request.files.iter().map(|(name, bytes)| (name.as_str(), &**bytes));
                let (content_type, body) = upload::multipart(&request.body, files);
                (Some(content_type), body)
            };
            let request = rest::Request {
                method,
                path: request.path,
                body,
                content_type,
                reason: None,
            };
            let response = Self::send(self, request).await.map_err(|error| error.to_string())?;
            Ok(Response {
                status: response.status,
                body: response.body,
            })
        }
        .boxed()
    }
}
