//! Why a sandbox does not start.
//!
//! It is the crate's only public error: later, clients get Discord's errors, and tests panic with the conversation.

use std::{error, io, net::SocketAddr};

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
