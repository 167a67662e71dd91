//! Why a sandbox does not start.
//!
//! It is the crate's only public error: later, clients get Discord's errors, and tests panic with the conversation.

use std::{error, io, net::SocketAddr, path::Path};

/// A sandbox could not be started.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    text: String,
    source: Box<dyn error::Error + Send + Sync>,
}

impl Error {
    pub(crate) fn bind(address: SocketAddr, source: io::Error) -> Self {
        let text = if source.kind() == io::ErrorKind::AddrInUse {
            format!(
                "port {} on {} is taken, perhaps by another sandbox: stop that, or start this one with another port (0 takes a free one)",
                address.port(),
                address.ip()
            )
        } else {
            format!("can't listen on {address}: {source}")
        };
        Self {
            text,
            source: source.into(),
        }
    }

    pub(crate) fn specification(path: &Path, why: String) -> Self {
        Self {
            text: format!(
                "the specification {} can't be used: {why}; name Discord's openapi.json (github.com/discord/discord-api-spec), or start without one",
                path.display()
            ),
            source: why.into(),
        }
    }
}

impl From<rustls::Error> for Error {
    fn from(source: rustls::Error) -> Self {
        Self {
            text: format!(
                "TLS can't be served: {source}; give a certificate chain and its private key, both as PEM, that belong together"
            ),
            source: source.into(),
        }
    }
}
