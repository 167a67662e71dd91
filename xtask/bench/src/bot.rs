//! The bots that are measured: programs of their own, in a folder of their own, each with a Discord of its own.
//!
//! A bot that fails is told with the end of its log; one that is dropped is killed.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::Serialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::{
    null, payloads,
    server::Server,
    usage::{self, Holding},
};

/// How many lines of a bot's log are kept for when something fails.
const TAIL: usize = 40;
/// How long a bot may take to end.
const END: Duration = Duration::from_secs(20);
/// How long a bot may take to come to rest.
const REST: Duration = Duration::from_secs(30);

/// Which bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// This project's, with plugins.
    Host,
    /// The least bot that twilight makes.
    Twilight,
    /// The same, on the allocator that the host has.
    #[serde(rename = "twilight-mimalloc")]
    TwilightMimalloc,
    /// No bot at all: shows what the generator can do.
    #[value(skip)]
    Null,
}

impl Kind {
    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Twilight => "twilight",
            Self::TwilightMimalloc => "twilight + mimalloc",
            Self::Null => "null client",
        }
    }
}

/// The compiled programs and plugins.
#[derive(Clone, Debug, clap::Args)]
pub struct Programs {
    /// The compiled host
    #[arg(long, value_name = "FILE")]
    pub host: PathBuf,
    /// The compiled peer
    #[arg(long, value_name = "FILE")]
    pub twilight: PathBuf,
    /// The compiled peer on the host's allocator; left out without it
    #[arg(long, value_name = "FILE")]
    pub twilight_mimalloc: Option<PathBuf>,
    /// The folder with the compiled plugins `example`, `stress`, `tally`, `relay` and `courier`, and in `uncounted` one more
    /// `courier`, without the counting allocator
    #[arg(long, value_name = "DIR")]
    pub plugins: PathBuf,
}

impl Programs {
    /// The bytes of a compiled plugin.
    pub fn plugin(&self, name: &str) -> Result<Vec<u8>> {
        let file = self.plugins.join(file_name(name));
        fs::read(&file).with_context(|| format!("{} can't be read: build it first", file.display()))
    }
}

/// The file name of a compiled plugin.
pub fn file_name(plugin: &str) -> String {
    format!(
        "{}{plugin}{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    )
}

/// A bot's folder. May be used for several starts: the host remembers there what it has probed.
pub struct Home(TempDir);

impl Home {
    /// An empty one.
    pub fn new() -> Result<Self> {
        Self::with_rules(&json!({}))
    }

    /// One with the owner's rules for all servers, as `command_permissions` has them.
    pub fn with_rules(rules: &Value) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-").tempdir()?;
        fs::create_dir(folder.path().join("plugins"))?;
        let config = json!({
            // Few people use many commands here.
            "cooldowns": {"default_per": 0},
            "command_permissions": rules,
            "discord": {"global_requests_per_second": u16::MAX},
            "notices": {"dm_owner": false},
        });
        fs::write(folder.path().join("config.json"), serde_json::to_vec_pretty(&config)?)?;
        Ok(Self(folder))
    }

    /// One with the plugin that answers `!ping`.
    pub fn with_example(programs: &Programs) -> Result<Self> {
        let home = Self::new()?;
        home.drop_plugin("example", &programs.plugin("example")?)?;
        Ok(home)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Drops a compiled plugin into it, in one step, and says when that was.
    pub fn drop_plugin(&self, name: &str, bytes: &[u8]) -> Result<Instant> {
        let folder = self.path().join("plugins");
        let hidden = folder.join(format!(".{name}.part"));
        fs::write(&hidden, bytes)?;
        let now = Instant::now();
        fs::rename(hidden, folder.join(file_name(name)))?;
        Ok(now)
    }
}

/// A bot that runs, connected to its own Discord.
pub struct Bot {
    /// Which.
    pub kind: Kind,
    /// Its Discord.
    pub server: Server,
    child: Child,
    log: Log,
}

type Log = Arc<Mutex<VecDeque<String>>>;

impl Bot {
    /// Starts it in a folder, with a Discord of so many servers, and says when.
    pub async fn spawn(kind: Kind, programs: &Programs, home: &Home, guilds: u64) -> Result<(Self, Instant)> {
        let server = Server::start(guilds).await?;
        let mut command = match kind {
            Kind::Host => {
                let mut command = Command::new(std::path::absolute(&programs.host)?);
                command.args(["run", "--root"]).arg(home.path());
                command
            }
            Kind::Twilight => Command::new(std::path::absolute(&programs.twilight)?),
            Kind::TwilightMimalloc => {
                let program = programs.twilight_mimalloc.as_ref();
                let program = program.context("name the compiled peer on mimalloc: --twilight-mimalloc FILE")?;
                Command::new(std::path::absolute(program)?)
            }
            Kind::Null => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg(null::ARGUMENT);
                command
            }
        };
        command
            .env("DISCORD_TOKEN", payloads::TOKEN)
            .env("DISCORD_API_URL", server.api_url())
            .env("DISCORD_GATEWAY_URL", server.gateway_url())
            .env("BOT_OWNER_ID", payloads::OWNER.to_string())
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let began = Instant::now();
        let mut child = command
            .spawn()
            .with_context(|| format!("the bot {} can't be started", kind.name()))?;
        let log = Log::default();
        collect(child.stdout.take().context("piped")?, Arc::clone(&log));
        collect(child.stderr.take().context("piped")?, Arc::clone(&log));
        let bot = Self {
            kind,
            server,
            child,
            log,
        };
        Ok((bot, began))
    }

    /// Starts it and waits until it is connected.
    pub async fn start(kind: Kind, programs: &Programs, home: &Home, guilds: u64) -> Result<Self> {
        let (bot, _) = Self::spawn(kind, programs, home, guilds).await?;
        bot.connected().await?;
        Ok(bot)
    }

    /// Waits until it is connected and has been greeted.
    pub async fn connected(&self) -> Result<()> {
        let linked = self.server.link().await.map(drop);
        self.told(linked)
    }

    /// Its process.
    pub fn id(&self) -> Result<u32> {
        self.child.id().context("the bot has ended")
    }

    /// The CPU time it has used.
    pub fn cpu(&self) -> Result<Duration> {
        usage::cpu(self.id()?)
    }

    /// What it holds.
    pub fn holding(&self) -> Result<Holding> {
        Holding::of(self.id()?)
    }

    /// Waits until it does nothing any more.
    pub async fn comes_to_rest(&self) -> Result<()> {
        let quiet = async {
            let mut calm = 0;
            while calm < 5 {
                let before = self.cpu()?;
                sleep(Duration::from_millis(100)).await;
                calm = if self.cpu()?.saturating_sub(before) < Duration::from_millis(1) {
                    calm + 1
                } else {
                    0
                };
            }
            Ok(())
        };
        match timeout(REST, quiet).await {
            Ok(rested) => rested,
            Err(_) => bail!("the bot {} does not come to rest:\n{}", self.kind.name(), self.tail()),
        }
    }

    /// Asks it to stop, and waits for its end.
    pub async fn stop(mut self) -> Result<()> {
        let id = Pid::from_raw(i32::try_from(self.id().with_context(|| self.tail())?)?);
        kill(id, Signal::SIGTERM).context("the bot can't be told to stop")?;
        match timeout(END, self.child.wait()).await {
            Ok(ended) => {
                let status = ended?;
                // The peer has no handler: the signal ends it.
                if self.kind == Kind::Host && !status.success() {
                    bail!("the host ended with {status}:\n{}", self.tail());
                }
                Ok(())
            }
            Err(_) => bail!("the bot {} does not end:\n{}", self.kind.name(), self.tail()),
        }
    }

    /// A failure, with the end of the bot's log.
    pub fn told<T>(&self, outcome: Result<T>) -> Result<T> {
        outcome.with_context(|| format!("the bot {} said last:\n{}", self.kind.name(), self.tail()))
    }

    /// The end of its log.
    pub fn tail(&self) -> String {
        let lines = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect::<Vec<_>>().join("\n")
    }
}

/// Keeps the last lines. Ends with the bot.
fn collect(output: impl AsyncRead + Unpin + Send + 'static, log: Log) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            if log.len() == TAIL {
                log.pop_front();
            }
            log.push_back(line);
        }
    });
}
