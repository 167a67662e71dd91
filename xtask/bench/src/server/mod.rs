//! The generator's Discord: a gateway and a REST server on loopback, for one bot.
//!
//! Lean on purpose, so that it is not what is measured: it checks nothing, its answers are canned and its events are
//! written and compressed before the clock starts. The `sandbox` crate is the one that judges what bots send.

mod compression;
mod gateway;
mod ledger;
mod rest;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time::timeout};

pub use gateway::{Frame, Link, Slash, Text};
pub use ledger::{Answers, Ledger, Reply};

use compression::Encoder;

/// How long a bot may take to connect.
const CONNECT: Duration = Duration::from_secs(30);

/// A Discord with so many servers. Ends when dropped.
pub struct Server {
    shared: Arc<Shared>,
    link: watch::Receiver<Option<Arc<Link>>>,
    _tasks: JoinSet<()>,
}

struct Shared {
    gateway_url: String,
    api_url: String,
    guilds: u64,
    ledger: Ledger,
    link: watch::Sender<Option<Arc<Link>>>,
    /// The first frames of a connection, compressed already: the bot's start does not wait for that.
    greeting: std::sync::Mutex<Option<gateway::Greeting>>,
    connections: AtomicUsize,
}

impl Server {
    /// Listens on two free ports.
    pub async fn start(guilds: u64) -> Result<Self> {
        let gateway = TcpListener::bind("127.0.0.1:0")
            .await
            .context("no port for the gateway")?;
        let rest = TcpListener::bind("127.0.0.1:0").await.context("no port for REST")?;
        let gateway_url = format!("ws://{}", gateway.local_addr()?);
        let greeting = gateway::Greeting::write(Encoder::zstd()?, guilds, &gateway_url)?;
        let (sender, link) = watch::channel(None);
        let shared = Arc::new(Shared {
            api_url: format!("http://{}", rest.local_addr()?),
            gateway_url,
            guilds,
            ledger: Ledger::default(),
            link: sender,
            greeting: std::sync::Mutex::new(Some(greeting)),
            connections: AtomicUsize::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(gateway, Arc::clone(&shared), gateway::serve));
        tasks.spawn(accept(rest, Arc::clone(&shared), rest::serve));
        Ok(Self {
            shared,
            link,
            _tasks: tasks,
        })
    }

    /// Where the bot finds the gateway.
    pub fn gateway_url(&self) -> &str {
        &self.shared.gateway_url
    }

    /// Where the bot finds the API.
    pub fn api_url(&self) -> &str {
        &self.shared.api_url
    }

    /// What was asked and answered.
    pub fn ledger(&self) -> &Ledger {
        &self.shared.ledger
    }

    /// How many HTTP connections the bot has made.
    pub fn http_connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// The bot's connection, once it has identified and every server has been sent.
    pub async fn link(&self) -> Result<Arc<Link>> {
        let mut link = self.link.clone();
        let found = timeout(CONNECT, link.wait_for(Option::is_some)).await;
        let found = found.context("the bot did not connect to the gateway in time")??;
        found.clone().context("the connection is there")
    }
}

/// Serves every connection in a task of its own. They end with this one.
async fn accept<F>(listener: TcpListener, shared: Arc<Shared>, serve: fn(tokio::net::TcpStream, Arc<Shared>) -> F)
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                // Without it, an answer may wait for the acknowledgement of the one before.
                let _ = stream.set_nodelay(true);
                connections.spawn(serve(stream, Arc::clone(&shared)));
            }
            Some(ended) = connections.join_next(), if !connections.is_empty() => {
                // A bot that ends breaks its connections off; what it failed at is told by its missing answers.
                drop(ended);
            }
        }
    }
}
