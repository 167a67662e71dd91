//! The null client: what the generator can do when nothing behind it works.
//!
//! It finds commands by a search for their text, without compression and JSON, and posts a fixed answer over 64
//! connections that it keeps. It runs as a process of its own, as bots do.

use std::env;

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    task::JoinSet,
};
use tokio_websockets::{ClientBuilder, Message};

/// The argument that makes the program this client.
pub const ARGUMENT: &str = "null-client";

/// As many connections as the bots have requests under way.
const CONNECTIONS: usize = 64;

/// Runs it until it is killed.
pub fn run() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let gateway = env::var("DISCORD_GATEWAY_URL").context("DISCORD_GATEWAY_URL is not set")?;
        let api = env::var("DISCORD_API_URL").context("DISCORD_API_URL is not set")?;
        let api = api
            .strip_prefix("http://")
            .context("DISCORD_API_URL is no http:// address")?;

        let mut posters = Vec::new();
        let mut tasks = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let (sender, commands) = mpsc::unbounded_channel();
            tasks.spawn(post(api.to_owned(), commands));
            posters.push(sender);
        }
        let (mut socket, _) = ClientBuilder::new()
            .uri(&format!("{gateway}/?v=10&encoding=json"))?
            .connect()
            .await?;
        socket.send(Message::text(r#"{"op":2,"d":{}}"#)).await?;
        let mut turns = (0..CONNECTIONS).cycle();
        while let Some(message) = socket.next().await {
            let message = message?;
            if let Some((channel, id)) = message.as_text().and_then(commanded)
                && let Some(turn) = turns.next()
            {
                posters[turn]
                    .send((channel.to_owned(), id.to_owned()))
                    .context("a poster ended")?;
            }
        }
        Ok(())
    })
}

/// The channel and the id of a command.
fn commanded(event: &str) -> Option<(&str, &str)> {
    let (before, behind) = event.split_once(r#""content":"!ping","#)?;
    let (_, channel) = behind.split_once(r#""channel_id":""#)?;
    // Of the ids before the text, the message's own is the last.
    let (_, id) = before.rsplit_once(r#""id":""#)?;
    Some((channel.split('"').next()?, id.split('"').next()?))
}

async fn post(api: String, mut commands: mpsc::UnboundedReceiver<(String, String)>) -> Result<()> {
    let mut stream = TcpStream::connect(&api).await?;
    stream.set_nodelay(true)?;
    let mut answer = vec![0; 8 * 1024];
    while let Some((channel, id)) = commands.recv().await {
        let body = format!(r#"{{"content":"pong","message_reference":{{"message_id":"{id}"}}}}"#);
        let request = format!(
            "POST /api/v10/channels/{channel}/messages HTTP/1.1\r\nhost: {api}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut length = 0;
        while !is_whole(&answer[..length])? {
            match stream.read(&mut answer[length..]).await? {
                0 => return Ok(()),
                read => length += read,
            }
        }
    }
    Ok(())
}

fn is_whole(answer: &[u8]) -> Result<bool> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(answer)? else {
        return Ok(false);
    };
    let length = response.headers.iter().find(|header| header.name == "content-length");
    let length: usize = std::str::from_utf8(length.context("no length")?.value)?.parse()?;
    Ok(answer.len() >= head + length)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::payloads;

    #[test]
    fn it_knows_commands_from_chatter() {
        let command = payloads::message(1, 4, payloads::person(1), "!ping", false);
        let (channel, id) = (payloads::channel_id(4).to_string(), payloads::message_id(1).to_string());
        assert_eq!(commanded(&command), Some((channel.as_str(), id.as_str())));
        assert_eq!(
            commanded(&payloads::message(
                1,
                4,
                payloads::person(1),
                payloads::chatter(3),
                false
            )),
            None
        );
    }

    #[test]
    fn an_answer_is_whole_with_its_last_byte() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        assert!(is_whole(answer).unwrap());
        assert!(!is_whole(&answer[..answer.len() - 1]).unwrap() && !is_whole(b"HTTP/1.1 2").unwrap());
    }
}
