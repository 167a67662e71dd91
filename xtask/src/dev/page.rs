//! Tells the local Discord's page how the build stands.
//!
//! One small request over loopback each; a page that can't be told keeps nobody from building.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

/// How long a request may take.
const LIMIT: Duration = Duration::from_secs(2);

/// How a build stands.
#[derive(Clone, Copy)]
pub(super) enum Standing {
    Building,
    Ok,
    Failed,
    Installed,
}

impl Standing {
    const fn word(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Installed => "installed",
        }
    }
}

/// The page's server.
pub(super) struct Page {
    authority: String,
}

impl Page {
    /// The page at `http://HOST:PORT/`.
    pub(super) fn new(url: &str) -> Self {
        let authority = url.trim_start_matches("http://").trim_end_matches('/');
        Self {
            authority: authority.to_owned(),
        }
    }

    /// Tells how the build stands.
    pub(super) fn tell(&self, standing: Standing, plugin: &str, message: Option<&str>, progress: Option<f64>) {
        let request = request(&self.authority, standing, plugin, message, progress);
        // It may be ending: then nobody looks.
        let _ = self.send(&request);
    }

    fn send(&self, request: &str) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(&self.authority)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        stream.write_all(request.as_bytes())?;
        stream.read_to_end(&mut Vec::new()).map(drop)
    }
}

fn request(authority: &str, standing: Standing, plugin: &str, message: Option<&str>, progress: Option<f64>) -> String {
    let mut body = json!({ "state": standing.word(), "plugin": plugin });
    if let Some(message) = message {
        body["message"] = json!(message);
    }
    if let Some(progress) = progress {
        body["progress"] = json!(progress);
    }
    let body = body.to_string();
    format!(
        "POST /page/build HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::{Page, Standing, request};

    #[test]
    fn what_is_told_is_a_request_of_the_pages_contract() {
        let text = request("127.0.0.1:1", Standing::Failed, "levels", Some("error: \"no\""), None);
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("POST /page/build HTTP/1.1\r\n"), "{head}");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(body).expect("JSON"),
            serde_json::json!({ "state": "failed", "plugin": "levels", "message": "error: \"no\"" })
        );
        assert_eq!(Page::new("http://127.0.0.1:7800/").authority, "127.0.0.1:7800");
    }
}
