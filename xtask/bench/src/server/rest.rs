//! REST: canned answers over HTTP/1.1, with rate limits that never bind.
//!
//! The answer to a message is a whole message, as Discord's is. What bots ask for at their start is answered, too.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use anyhow::{Context, Result, bail};
use bytes::{Buf, BytesMut};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::Shared;
use crate::payloads;

/// Discord's headers, with limits that are out of the way.
const HEADERS: &str = "content-type: application/json\r\nx-ratelimit-bucket: 80c17d2f203122d936070c88c8d10f33\r\n\
    x-ratelimit-limit: 60000\r\nx-ratelimit-remaining: 59999\r\nx-ratelimit-reset: 4102444800.000\r\n\
    x-ratelimit-reset-after: 1.000\r\nvia: 1.1 google\r\nserver: bench\r\n";

static MESSAGES: AtomicU64 = AtomicU64::new(0);

/// Serves one connection.
pub(super) async fn serve(mut stream: TcpStream, shared: Arc<Shared>) -> Result<()> {
    shared.connections.fetch_add(1, Ordering::Relaxed);
    let mut received = BytesMut::with_capacity(16 * 1024);
    let mut answers = Vec::with_capacity(16 * 1024);
    loop {
        if stream.read_buf(&mut received).await? == 0 {
            return Ok(());
        }
        while let Some(length) = handle(&received, &mut answers, &shared)? {
            received.advance(length);
        }
        stream.write_all(&answers).await?;
        answers.clear();
    }
}

/// Answers the first request, if it is complete, and says how long it is.
fn handle(received: &[u8], answers: &mut Vec<u8>, shared: &Shared) -> Result<Option<usize>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = request.parse(received)? else {
        return Ok(None);
    };
    let mut length = 0;
    for header in request.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            length = std::str::from_utf8(header.value)?.trim().parse()?;
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            bail!("a request in chunks is not understood here");
        }
    }
    let Some(body) = received.get(head..head + length) else {
        return Ok(None);
    };
    let (method, path) = (
        request.method.context("a request has a method")?,
        request.path.context("a request has a path")?,
    );
    let (status, answer) = answer(method, path, body, shared)?;
    answers.extend_from_slice(b"HTTP/1.1 ");
    answers.extend_from_slice(status.as_bytes());
    answers.extend_from_slice(b"\r\ncontent-length: ");
    answers.extend_from_slice(answer.len().to_string().as_bytes());
    answers.extend_from_slice(b"\r\n");
    answers.extend_from_slice(HEADERS.as_bytes());
    answers.extend_from_slice(b"\r\n");
    answers.extend_from_slice(answer.as_bytes());
    Ok(Some(head + length))
}

fn answer(method: &str, path: &str, body: &[u8], shared: &Shared) -> Result<(&'static str, String)> {
    let path = path.split('?').next().unwrap_or_default();
    let path = path.strip_prefix("/api/v10/").unwrap_or(path);
    let segments: Vec<&str> = path.split('/').collect();
    let answer = match (method, segments.as_slice()) {
        ("POST", ["channels", channel, "messages"]) => {
            let channel = channel.parse()?;
            let message = replied_to(body);
            // What the host tells its owner by itself is no answer.
            if message.is_some() || channel != payloads::DIRECT {
                shared.ledger.answered(message, body);
            }
            payloads::created(MESSAGES.fetch_add(1, Ordering::Relaxed), channel)
        }
        ("POST", ["interactions", id, _, "callback"]) => {
            shared.ledger.answered(id.parse().ok(), body);
            return Ok(("204 No Content", String::new()));
        }
        ("GET", ["users", "@me"]) => payloads::bot_user().to_string(),
        ("GET", ["applications" | "oauth2", .., "@me"]) => payloads::application().to_string(),
        ("GET", ["gateway", "bot"]) => json!({
            "url": shared.gateway_url, "shards": 1,
            "session_start_limit": {"total": 1000, "remaining": 999, "reset_after": 86_400_000, "max_concurrency": 1},
        })
        .to_string(),
        ("POST", ["users", "@me", "channels"]) => {
            json!({"id": payloads::DIRECT.to_string(), "type": 1, "last_message_id": null, "flags": 0, "recipients": []})
                .to_string()
        }
        ("GET", ["applications", .., "commands"]) => "[]".to_owned(),
        ("PUT", ["applications", .., "commands"]) => registered(body)?,
        _ => {
            return Ok((
                "404 Not Found",
                json!({"message": "404: Not Found", "code": 0}).to_string(),
            ));
        }
    };
    Ok(("200 OK", answer))
}

/// The message to which a body replies.
fn replied_to(body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Reply<'b> {
        #[serde(borrow)]
        message_reference: Reference<'b>,
    }
    #[derive(Deserialize)]
    struct Reference<'b> {
        message_id: &'b str,
    }
    let reply: Reply<'_> = serde_json::from_slice(body).ok()?;
    reply.message_reference.message_id.parse().ok()
}

/// What Discord makes of commands that are registered.
fn registered(body: &[u8]) -> Result<String> {
    let mut commands: Vec<Value> = serde_json::from_slice(body)?;
    for (number, command) in commands.iter_mut().enumerate() {
        command["id"] = (payloads::BOT + 100 + number as u64).to_string().into();
        command["application_id"] = payloads::BOT.to_string().into();
        command["version"] = "1".into();
    }
    Ok(Value::from(commands).to_string())
}

#[cfg(test)]
mod tests {
    use super::replied_to;

    #[test]
    fn an_answer_names_the_message_it_replies_to() {
        let body = br#"{"content":"a \"message_id\":\"1\"","message_reference":{"message_id":"7","fail_if_not_exists":false}}"#;
        assert_eq!(replied_to(body), Some(7));
        assert_eq!(replied_to(br#"{"content":"pong"}"#), None);
    }
}
