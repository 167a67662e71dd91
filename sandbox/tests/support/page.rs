//! Who uses the page in these tests: its requests as a person makes them, and its live connection.
//!
//! What only one file of tests asks for stands there, in an `impl` of its own.

use futures_util::StreamExt;
use sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::Rest;

/// Who asks, and where.
pub struct Page {
    pub rest: Rest,
    pub guild: String,
    pub channel: String,
}

impl Page {
    pub fn of(sandbox: &Sandbox) -> Self {
        Self {
            rest: Rest::page(sandbox),
            guild: sandbox.guild().id().to_string(),
            channel: sandbox.guild().channel("general").id().to_string(),
        }
    }

    pub async fn post(&self, path: &str, who: &str, mut body: Value) -> Value {
        body["as"] = json!(who);
        let answer = self.rest.send("POST", path, body.clone()).await;
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.body);
        answer.body
    }

    /// Why it is refused.
    pub async fn refused(&self, path: &str, who: &str, mut body: Value) -> String {
        body["as"] = json!(who);
        let answer = self.rest.send("POST", path, body.clone()).await;
        assert_eq!(answer.status, 400, "{path} {body}: {}", answer.body);
        answer.body["message"].as_str().unwrap().to_owned()
    }

    pub async fn change(&self, who: &str, mut body: Value) -> Value {
        body["guild_id"] = json!(self.guild);
        self.post("/page/settings", who, body).await
    }

    pub async fn change_refused(&self, who: &str, mut body: Value) -> String {
        body["guild_id"] = json!(self.guild);
        self.refused("/page/settings", who, body).await
    }
}

/// A live connection of the page.
pub struct Live(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Live {
    pub async fn open(sandbox: &Sandbox, path: &str) -> Self {
        let url = format!("{}{path}", sandbox.gateway_url());
        Self(tokio_tungstenite::connect_async(url).await.unwrap().0)
    }

    /// The data of the next note of this type; others are passed over.
    pub async fn next(&mut self, wanted: &str) -> Value {
        loop {
            let text = self.0.next().await.unwrap().unwrap().into_text().unwrap();
            let note: Value = serde_json::from_str(&text).unwrap();
            if note["type"] == wanted {
                return note["data"].clone();
            }
        }
    }
}
