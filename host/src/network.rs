//! Why a service can't be reached, in words that say what to do: one place for REST and the gateway.
//!
//! It reads errors, whichever library they come from, and connects nowhere itself. TLS is set up here for the whole
//! process, so that nothing depends on who connects first.

use std::{error::Error, fmt, io};

use rustls::{AlertDescription, CertificateError, InvalidMessage};
use tracing_subscriber::fmt::{
    format::Writer,
    time::{FormatTime, SystemTime},
};

/// Chooses the cryptography behind TLS for the whole process; a choice that was made before stays.
pub fn choose_cryptography() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A service of Discord's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// REST.
    Api,
    /// The gateway.
    Gateway,
}

impl Service {
    const fn name(self) -> &'static str {
        match self {
            Self::Api => "Discord's API",
            Self::Gateway => "Discord's gateway",
        }
    }

    const fn variable(self) -> &'static str {
        match self {
            Self::Api => "DISCORD_API_URL",
            Self::Gateway => "DISCORD_GATEWAY_URL",
        }
    }
}

/// There is no connection to a service, or it broke. Its text says what to do, where that is known.
#[derive(Debug)]
pub struct Unreachable {
    service: Service,
    address: String,
    trouble: Option<Trouble>,
    source: Box<dyn Error + Send + Sync>,
}

/// What is known of the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody whom this system trusts has signed the certificate.
    Untrusted,
    /// The certificate's time is over, by this computer's clock.
    Expired,
    /// The certificate's time has not begun, by this computer's clock.
    NotYetValid,
    /// The certificate is another name's.
    WrongName,
    /// Something else is wrong with the certificate.
    Certificate(String),
    /// TLS was spoken to a service that does not speak it.
    SpeaksNoTls,
    /// The service does not answer in HTTP: it probably speaks TLS.
    SpeaksNoHttp,
    /// The name has no address.
    UnknownName,
    /// Nothing listens there.
    Refused,
}

impl Trouble {
    /// What is known of an error and its sources.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = Self::of_one(error) {
                return Some(found);
            }
            next = error.source();
        }
        None
    }

    fn of_one(error: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Self::of_tls(error);
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            // `source` passes over what an error of I/O carries.
            if let Some(inner) = error.get_ref() {
                return Self::of(inner);
            }
            if error.kind() == io::ErrorKind::ConnectionRefused {
                return Some(Self::Refused);
            }
        }
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) || error.is::<httparse::Error>() {
            return Some(Self::SpeaksNoHttp);
        }
        // Names that have no address have no type of error of their own.
        let text = error.to_string();
        let unknown = ["failed to lookup address", "DNS lookup failed", "dns error"];
        unknown
            .iter()
            .any(|part| text.contains(part))
            .then_some(Self::UnknownName)
    }

    fn of_tls(error: &rustls::Error) -> Option<Self> {
        match error {
            rustls::Error::InvalidCertificate(error) => Some(match error {
                CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::Untrusted,
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Self::WrongName,
                other => Self::Certificate(other.to_string()),
            }),
            rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)
            | rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) => Some(Self::SpeaksNoTls),
            _ => None,
        }
    }

    /// Whether the address or the service must be changed before another try makes sense; else it may pass by itself.
    #[must_use]
    pub const fn needs_the_owner(&self) -> bool {
        !matches!(self, Self::UnknownName | Self::Refused)
    }

    fn write(&self, service: Service, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variable = service.variable();
        match self {
            Self::Untrusted => f.write_str(
                "its certificate is signed by nobody whom this system trusts. For Discord itself, install or update the \
                 system's certificates (package ca-certificates) and see whether a proxy or a virus scanner opens \
                 connections; for a service of your own, add its authority to the system's certificates, or name a file \
                 with it in SSL_CERT_FILE",
            ),
            Self::Expired => write!(
                f,
                "its certificate has expired. Check this computer's clock, which says {}; if that is right, the service \
                 needs a new certificate",
                today()
            ),
            Self::NotYetValid => write!(
                f,
                "its certificate is not valid yet. Check this computer's clock, which says {}",
                today()
            ),
            Self::WrongName => write!(
                f,
                "its certificate is another name's. Check the address in {variable}; without one, see whether a proxy \
                 opens connections"
            ),
            Self::Certificate(why) => write!(
                f,
                "its certificate is not accepted ({why}). The service needs another one; for Discord itself, see whether \
                 a proxy opens connections"
            ),
            Self::SpeaksNoTls => write!(
                f,
                "it speaks no TLS. Write http:// or ws:// into {variable}, without the s, or give the service a \
                 certificate"
            ),
            Self::SpeaksNoHttp => write!(
                f,
                "it does not answer in HTTP. If it speaks TLS, write https:// or wss:// into {variable}; else check the \
                 port"
            ),
            Self::UnknownName => write!(
                f,
                "its name has no address. Check this computer's network and name server, and {variable} if it is set"
            ),
            Self::Refused => write!(
                f,
                "nothing listens there. Check this computer's network and firewall, and {variable} if it is set"
            ),
        }
    }
}

impl Unreachable {
    /// Nothing came of a connection to the service at `address`.
    pub fn new(service: Service, address: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source = source.into();
        Self {
            service,
            address: address.into(),
            trouble: Trouble::of(source.as_ref()),
            source,
        }
    }

    /// Whether the address or the service must be changed before another try makes sense; else it may pass by itself.
    #[must_use]
    pub fn needs_the_owner(&self) -> bool {
        self.trouble.as_ref().is_some_and(Trouble::needs_the_owner)
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no connection to {} ({}): ", self.service.name(), self.address)?;
        match &self.trouble {
            Some(trouble) => trouble.write(self.service, f),
            None => f.write_str(&chain(self.source.as_ref())),
        }
    }
}

impl Error for Unreachable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

/// An error with its reasons, each once.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let reason = error.to_string();
        if !text.ends_with(&reason) {
            text.push_str(": ");
            text.push_str(&reason);
        }
        source = error.source();
    }
    text
}

/// The day by this computer's clock, in UTC, such as `2026-11-22`.
fn today() -> String {
    let mut now = String::new();
    let _ = SystemTime.format_time(&mut Writer::new(&mut now));
    now.truncate(10);
    now
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn every_trouble_says_what_to_do() {
        let tls = |error: CertificateError| -> Box<dyn Error + Send + Sync> {
            io::Error::new(io::ErrorKind::InvalidData, rustls::Error::InvalidCertificate(error)).into()
        };
        let errors: Vec<(Service, Box<dyn Error + Send + Sync>)> = vec![
            (Service::Api, tls(CertificateError::UnknownIssuer)),
            (Service::Gateway, tls(CertificateError::NotValidForName)),
            (Service::Api, tls(CertificateError::Revoked)),
            (
                Service::Gateway,
                rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType).into(),
            ),
            (Service::Gateway, httparse::Error::Version.into()),
            (
                Service::Api,
                io::Error::other("failed to lookup address information: Name or service not known").into(),
            ),
            (
                Service::Gateway,
                io::Error::from(io::ErrorKind::ConnectionRefused).into(),
            ),
            (Service::Api, io::Error::from(io::ErrorKind::ConnectionReset).into()),
        ];
        let mut texts = String::new();
        for (service, error) in errors {
            let error = Unreachable::new(service, "https://127.0.0.1:1", error);
            write!(texts, "{error}\nneeds the owner: {}\n\n", error.needs_the_owner()).unwrap();
        }
        insta::assert_snapshot!("troubles", texts);
        for error in [CertificateError::Expired, CertificateError::NotValidYet] {
            let text = Unreachable::new(Service::Api, "https://127.0.0.1:1", tls(error)).to_string();
            assert!(text.contains("clock") && text.contains(&today()), "{text}");
        }
    }
}
