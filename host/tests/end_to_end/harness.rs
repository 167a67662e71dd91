//! What the scenarios share: a local Discord, a bot that runs as its own process in a folder of its own, and plugins to
//! drop into it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sandbox::{Builder, Channel, Person, Sandbox};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::Notify,
    time::timeout,
};

/// How long anything that must happen may take: a limit for hangs, never a measure.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A local Discord to set up, with Discord's own specification enforced where the environment names its file.
pub fn discord() -> Builder {
    match std::env::var_os("DISCORD_OPENAPI").filter(|file| !file.is_empty()) {
        Some(file) => Sandbox::builder().specification(file),
        None => Sandbox::builder(),
    }
}

/// A folder for a bot and the local Discord it talks to. The bot may be started, stopped and started again.
pub struct World {
    pub sandbox: Sandbox,
    root: TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        let found = self.sandbox.violations();
        let told: Vec<String> = found.iter().map(ToString::to_string).collect();
        // A scenario that fails already says why.
        let is_right = found.is_empty() || std::thread::panicking();
        assert!(is_right, "against Discord's specification:\n{}", told.join("\n"));
    }
}

/// A bot that runs.
pub struct Bot {
    child: Child,
    sandbox: Sandbox,
    log: Arc<Log>,
}

/// What the bot has logged.
#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    /// How many of the two outputs have ended.
    ended: AtomicUsize,
    more: Notify,
}

impl World {
    /// A local Discord and an empty folder.
    pub async fn new() -> Self {
        Self::on(discord().start().await.expect("the sandbox starts"))
    }

    /// The same for hundreds of commands a second: without the specification, whose checks are slower than that where
    /// they are not optimised.
    pub async fn under_load() -> Self {
        Self::on(Sandbox::start().await.expect("the sandbox starts"))
    }

    /// An empty folder beside a local Discord that was set up otherwise.
    pub fn on(sandbox: Sandbox) -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("plugins")).unwrap();
        let world = Self { sandbox, root };
        world.configure(&serde_json::json!({}));
        world
    }

    /// The bot's folder.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Writes config.json. Unless it says otherwise, commands without a cooldown of their own have none: scenarios ask
    /// more quickly than people do.
    pub fn configure(&self, config: &serde_json::Value) {
        let mut config = config.clone();
        if let Some(config) = config.as_object_mut() {
            config
                .entry("cooldowns")
                .or_insert_with(|| serde_json::json!({ "default_per": 0 }));
        }
        let config = &config;
        fs::write(
            self.root().join("config.json"),
            serde_json::to_vec_pretty(config).unwrap(),
        )
        .unwrap();
    }

    /// Drops a compiled plugin of this repository into the folder, in one step.
    pub fn drop_plugin(&self, name: &str) {
        self.drop_file(&file_name(name), &compiled(name));
    }

    /// Drops a file into the plugins' folder, in one step.
    pub fn drop_file(&self, name: &str, content: &[u8]) {
        let folder = self.root().join("plugins");
        let hidden = folder.join(format!(".{name}.part"));
        fs::write(&hidden, content).unwrap();
        fs::rename(hidden, folder.join(name)).unwrap();
    }

    /// Takes a plugin's file away.
    pub fn remove_plugin(&self, name: &str) {
        fs::remove_file(self.root().join("plugins").join(file_name(name))).unwrap();
    }

    /// Starts the bot and waits until it is online.
    pub async fn start(&self) -> Bot {
        self.start_as(self.command()).await
    }

    /// Starts the bot by this command line and waits until it is online.
    pub async fn start_as(&self, command: Command) -> Bot {
        let mut bot = Bot::spawn(command, self.sandbox.clone());
        tokio::select! {
            () = self.sandbox.expect_online() => {}
            status = bot.child.wait() => panic!("the bot ended with {status:?} before it was online:\n{}", bot.log.text()),
        }
        bot
    }

    /// Starts the bot without waiting.
    pub fn spawn(&self) -> Bot {
        Bot::spawn(self.command(), self.sandbox.clone())
    }

    /// The bot's command line, with what its environment says.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bothost"));
        command.args(["run", "--root"]).arg(self.root());
        command.env("DISCORD_TOKEN", self.sandbox.token());
        command.env("DISCORD_API_URL", self.sandbox.api_url());
        command.env("DISCORD_GATEWAY_URL", self.sandbox.gateway_url());
        command.env("BOT_OWNER_ID", self.sandbox.owner().id().to_string());
        command
    }

    /// A person in the default channel.
    pub fn person(&self, name: &str) -> Person {
        self.channel().user(name)
    }

    /// The bot's owner in the default channel.
    pub fn owner(&self) -> Person {
        self.sandbox.owner()
    }

    /// The default channel.
    pub fn channel(&self) -> Channel {
        self.sandbox.guild().channel("general")
    }
}

impl Bot {
    /// Runs a command line of the bot, and collects what it logs.
    pub fn spawn(mut command: Command, sandbox: Sandbox) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().expect("the bot starts");
        let log = Arc::new(Log::default());
        collect(child.stdout.take().unwrap(), Arc::clone(&log));
        collect(child.stderr.take().unwrap(), Arc::clone(&log));
        Self { child, sandbox, log }
    }

    /// Waits for a line of the log that contains `text`, and answers with it.
    pub async fn logs(&self, text: &str) -> String {
        let found = timeout(PATIENCE, async {
            loop {
                let more = self.log.more.notified();
                tokio::pin!(more);
                more.as_mut().enable();
                if let Some(line) = self.log.find(text) {
                    return line;
                }
                more.await;
            }
        });
        found
            .await
            .unwrap_or_else(|_| panic!("the bot never logged {text:?}:\n{}", self.log.text()))
    }

    /// The lines of the log so far that contain `text`.
    pub fn lines_with(&self, text: &str) -> Vec<String> {
        let lines = self.log.lines.lock().unwrap();
        lines.iter().filter(|line| line.contains(text)).cloned().collect()
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("the bot runs")
    }

    /// Asks it to stop, as a service manager would, and waits for its end; answers with its log.
    pub async fn stop(mut self) -> String {
        self.signal(rustix::process::Signal::TERM);
        let status = self.ended().await;
        assert!(status.success(), "the bot ended with {status}:\n{}", self.log.text());
        self.sandbox.expect_offline().await;
        // Its last lines may still be on their way.
        let read = timeout(PATIENCE, self.log.closed()).await;
        assert!(read.is_ok(), "somebody keeps its outputs open:\n{}", self.log.text());
        self.log.text()
    }

    /// Kills it, as a power cut would.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
        // Only then does a later `start` wait for the next connection.
        self.sandbox.expect_offline().await;
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_raw(i32::try_from(self.id()).unwrap()).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// Waits until it ends by itself and has logged why; answers with its exit code and its log.
    pub async fn fails(mut self) -> (Option<i32>, String) {
        let status = self.ended().await;
        self.log.closed().await;
        (status.code(), self.log.text())
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        ended
            .unwrap_or_else(|_| panic!("the bot does not end:\n{}", self.log.text()))
            .unwrap()
    }
}

impl Log {
    fn find(&self, text: &str) -> Option<String> {
        self.lines
            .lock()
            .unwrap()
            .iter()
            .find(|line| line.contains(text))
            .cloned()
    }

    /// Waits until both outputs have ended.
    async fn closed(&self) {
        loop {
            let more = self.more.notified();
            tokio::pin!(more);
            more.as_mut().enable();
            if self.ended.load(Ordering::SeqCst) == 2 {
                return;
            }
            more.await;
        }
    }

    fn text(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }
}

fn collect(output: impl AsyncRead + Unpin + Send + 'static, log: Arc<Log>) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            log.lines.lock().unwrap().push(line);
            log.more.notify_waiters();
        }
        log.ended.fetch_add(1, Ordering::SeqCst);
        log.more.notify_waiters();
    });
}

/// Asserts that all that the example plugin offers, by prefix, is answered.
pub async fn example_answers(alice: &Person) {
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    assert_eq!(alice.says("!echo so").await.expect_reply().await.content(), "so");
    assert!(!alice.says("!whoami").await.expect_reply().await.embeds().is_empty());
    assert_eq!(alice.says("!counter").await.expect_reply().await.content(), "Count: 0");
}

/// The file name of a compiled plugin.
pub fn file_name(plugin: &str) -> String {
    format!(
        "{}{}{}",
        std::env::consts::DLL_PREFIX,
        plugin.replace('-', "_"),
        std::env::consts::DLL_SUFFIX
    )
}

/// A compiled plugin of this repository.
pub fn compiled(plugin: &str) -> Vec<u8> {
    let folder = std::env::var_os("BOTHOST_PLUGINS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/plugins"),
        PathBuf::from,
    );
    let file = folder.join(file_name(plugin));
    fs::read(&file).unwrap_or_else(|error| {
        panic!(
            "{} can't be read ({error}): `cargo xtask test` builds the plugins that tests need",
            file.display()
        )
    })
}

/// A compiled plugin with another number behind one of its markers, such as `REVISION-00000000`: another version.
pub fn patched(original: &[u8], marker: &str, number: u32) -> Vec<u8> {
    let was = format!("{marker}-00000000");
    let at = original
        .windows(was.len())
        .position(|window| window == was.as_bytes())
        .expect("the marker is in the file");
    let mut bytes = original.to_vec();
    bytes[at..at + was.len()].copy_from_slice(format!("{marker}-{number:08}").as_bytes());
    bytes
}
