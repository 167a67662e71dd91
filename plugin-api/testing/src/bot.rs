//! The bot under test and its Discord: started together, looked into, ended with the last handle.
//!
//! What people do, and what is expected of the bot, is in `member` and `exchange`: they hold this by its inner half.

use std::{
    fmt, fs,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use host::bot::{Dial, Embedding, Variables};
use plugin_api::linked::LinkedPlugin;
use sandbox::{RestEntry, RestFault, Sandbox};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    Builder, Member, Place,
    compiled::{self, Wanted},
    log::Log,
    report,
    running::Running,
};

/// How often it is looked whether a bot has come so far, where nothing tells.
const LOOK: Duration = Duration::from_millis(1);

/// A bot with plugins, and a Discord of its own. Clones are the same bot; it ends with the last of them, and with whatever
/// holds one: people, places, exchanges.
#[derive(Clone)]
pub struct TestBot {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) sandbox: Sandbox,
    pub(crate) log: Log,
    pub(crate) patience: Duration,
    running: Mutex<Option<Running>>,
    linked: Vec<LinkedPlugin>,
    variables: Variables,
    /// What was let pass in all, for a bot that is started again.
    passed: Mutex<Duration>,
    /// The names of the plugins that have to serve.
    names: Vec<String>,
    root: TempDir,
    /// The sandbox's; given up at the end without waiting.
    runtime: Option<Runtime>,
}

impl fmt::Debug for TestBot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestBot")
            .field("plugins", &self.inner.names)
            .finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running {
            running.stop(thread::panicking());
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl TestBot {
    /// A bot with the plugin of this package, as owners install it: see [`Builder::plugin`].
    ///
    /// # Panics
    ///
    /// As [`Builder::start`] does.
    #[track_caller]
    pub fn with_plugin(name: &str) -> impl Future<Output = Self> + use<> {
        Self::builder().plugin(name).start()
    }

    /// A bot with a plugin that is linked into the test, so that a debugger stops at breakpoints in it: in the plugin's own
    /// unit tests `TestBot::with_linked(crate::linked_plugin())`.
    ///
    /// # Panics
    ///
    /// As [`Builder::start`] does.
    #[track_caller]
    pub fn with_linked(plugin: LinkedPlugin) -> impl Future<Output = Self> {
        Self::builder().linked(plugin).start()
    }

    /// Sets one up differently: several plugins, settings, another Discord.
    pub fn builder() -> Builder {
        Builder::default()
    }

    #[track_caller]
    pub(crate) fn start(builder: Builder) -> Self {
        match Self::try_start(builder) {
            Ok(bot) => bot,
            Err(why) => panic!("the test's bot can't be started: {why}"),
        }
    }

    fn try_start(builder: Builder) -> Result<Self, String> {
        let Builder {
            plugins,
            linked,
            config,
            variables,
            discord,
            patience,
        } = builder;
        let written = |error: std::io::Error| {
            format!(
                "its folder can't be written ({error}): look at the permissions and the room of the temporary folder"
            )
        };
        let root = tempfile::tempdir().map_err(written)?;
        let folder = root.path().join("plugins");
        fs::create_dir(&folder).map_err(written)?;
        let mut names = Vec::new();
        for plugin in &plugins {
            let file = compiled::file_of(plugin)?;
            compiled::drop_into(&folder, &file).map_err(written)?;
            names.push(match plugin {
                Wanted::Named(name) => name.clone(),
                _ => name_in(&file)?,
            });
        }
        for plugin in &linked {
            names.push(name_of(plugin.manifest())?);
        }
        fs::write(root.path().join("config.json"), config.to_string()).map_err(written)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("discord")
            .enable_all()
            .build()
            .map_err(written)?;
        let (told, sandbox) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            let _ = told.send(discord.patience(patience).start().await);
        });
        let sandbox = match sandbox.recv() {
            Ok(Ok(sandbox)) => sandbox,
            Ok(Err(error)) => return Err(format!("its Discord does not start: {error}")),
            Err(_) => return Err("its Discord does not start".to_owned()),
        };
        let mut variables = variables;
        for (name, value) in [
            ("BOT_OWNER_ID", sandbox.owner().id().to_string()),
            ("DISCORD_API_URL", sandbox.api_url()),
            ("DISCORD_GATEWAY_URL", sandbox.gateway_url()),
        ] {
            variables.insert(name.to_owned(), value);
        }
        let bot = Self {
            inner: Arc::new(Inner {
                sandbox,
                log: Log::default(),
                patience,
                running: Mutex::new(None),
                linked,
                variables: Variables::These(variables),
                passed: Mutex::default(),
                names,
                root,
                runtime: Some(runtime),
            }),
        };
        bot.inner.launch()?;
        Ok(bot)
    }

    /// A person in the server's channel "general", who joins it if needed. There are `alice`, `bob` and the owner from the
    /// beginning; whoever else is named is new.
    #[must_use]
    pub fn member(&self, name: &str) -> Member {
        Member::new(&self.inner, self.inner.sandbox.guild().user(name))
    }

    /// The owner of the bot and of the server.
    #[must_use]
    pub fn owner(&self) -> Member {
        Member::new(&self.inner, self.inner.sandbox.owner())
    }

    /// A channel of the server by name; made if there is none.
    #[must_use]
    pub fn channel(&self, name: &str) -> Place {
        let guild = self.inner.sandbox.guild();
        let is_there = guild.channels().iter().any(|(_, known)| known == name);
        let channel = if is_there {
            guild.channel(name)
        } else {
            guild.add_channel(name)
        };
        Place::new(&self.inner, channel)
    }

    /// The local Discord itself, for what has no word here: guilds, threads, faults of the gateway, and more.
    #[must_use]
    pub fn discord(&self) -> &Sandbox {
        &self.inner.sandbox
    }

    /// The folder of the bot, with config.json, `plugins/` and `data/`.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.inner.root.path()
    }

    /// Lets time pass at once, to the millisecond: for what Discord counts, and for the bot's timers, cooldowns and
    /// controls that expire. Returns when all timers that are due have begun.
    pub fn advance(&self, by: Duration) {
        self.inner.sandbox.advance(by);
        *self.inner.passed.lock().unwrap_or_else(PoisonError::into_inner) += by;
        if let Some(running) = &*self.inner.running() {
            running.advance(by);
        }
    }

    /// Waits until the bot has done all that it has been told so far: every event was handled to its end. What plugins do
    /// in tasks of their own is not waited for.
    ///
    /// # Panics
    ///
    /// If something is still under way after the builder's patience.
    #[track_caller]
    pub fn settles(&self) {
        self.inner.settle(self.inner.patience);
    }

    /// Everything that was said and is still there, as text without ids and times: the same in each run. It can be compared,
    /// or kept as a snapshot by `insta::assert_snapshot!`.
    #[must_use]
    pub fn conversation(&self) -> String {
        self.inner.transcript()
    }

    /// What a server's owner sets for a plugin, as by `/serversettings`; `reset` is the default again. It is in no
    /// conversation.
    ///
    /// # Panics
    ///
    /// If the plugin has no such setting, or the value does not fit.
    #[track_caller]
    pub fn sets(&self, plugin: &str, setting: &str, value: &str) {
        let owner = self.inner.sandbox.owner();
        let value = crate::words::mentioned(&self.inner.sandbox, &self.inner.sandbox.guild(), value);
        // By a mention, whatever the server's prefix is.
        let bot = self.inner.sandbox.bot_id();
        let order = format!("<@{bot}> serversettings {plugin} {setting} {value}");
        let answer = self.inner.told(&owner, &order);
        let begins = format!("`{}` of `{}` is ", setting.to_lowercase(), plugin.to_lowercase());
        let ends = [" now.", " again, the default.", " is cleared."];
        assert!(
            answer.starts_with(&begins) && ends.iter().any(|end| answer.ends_with(end)),
            "`{setting}` of {plugin} can't be set to {value}: {answer}"
        );
    }

    /// Replaces a plugin by the same file, as an update does: the newer generation takes over what the older one hands it.
    /// It is in no conversation.
    ///
    /// # Panics
    ///
    /// If it does not come about, or the plugin is linked in.
    #[track_caller]
    pub fn reload(&self, plugin: &str) {
        let before = self.inner.generation(plugin);
        // Where nobody sees it, and no prefix is needed.
        let answer = self
            .inner
            .told(&self.inner.sandbox.owner().in_dm(), &format!("reload {plugin}"));
        let is_newer = || self.inner.generation(plugin) > before;
        let come = Inner::comes_about(self.inner.patience, is_newer);
        assert!(
            come,
            "{plugin} was not reloaded; the bot said: {answer}\nA plugin that is linked in can't be: use `Builder::plugin`.\n{}",
            report::failure(&self.inner, self.inner.patience, "expected a newer generation")
        );
    }

    /// [`TestBot::reload`] for each of its plugins that is no linked one.
    #[track_caller]
    pub(crate) fn reload_all(&self) {
        let linked = self.inner.linked.len();
        let from_files = self.inner.names.len() - linked;
        assert!(
            from_files > 0,
            "a plugin that is linked in can't be reloaded: use `TestBot::with_plugin`"
        );
        for name in &self.inner.names[..from_files] {
            self.reload(name);
        }
    }

    /// Ends the bot in order and starts it again in the same folder.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[track_caller]
    pub fn restart(&self) {
        let running = self.inner.running().take();
        if let Some(running) = running {
            running.stop(false);
        }
        if let Err(why) = self.inner.launch() {
            panic!("the bot can't be started again: {why}");
        }
    }

    /// Lets REST calls of the bot go wrong, such as `RestFault::status(500)`; see [`RestFault`].
    pub fn fail_rest(&self, fault: RestFault) {
        self.inner.sandbox.fail_rest(fault);
    }

    /// The bot's connection to the gateway ends without a word; it resumes by itself.
    pub fn drop_connection(&self) {
        self.inner.sandbox.drop_connection();
    }

    /// Everything that the gateway says is under way for so long from now on.
    pub fn slow_gateway(&self, delay: Duration) {
        self.inner.sandbox.gateway().delay(delay);
    }

    /// Waits for a line of the bot's log with this text, and gives it.
    ///
    /// # Panics
    ///
    /// If there is none in time.
    #[allow(clippy::must_use_candidate, reason = "an expectation")]
    #[track_caller]
    pub fn expect_log(&self, text: &str) -> String {
        let found = self.inner.log.wait(0, text, self.inner.patience);
        found.unwrap_or_else(|| {
            self.inner
                .fail(&format!("expected the log to say {text:?}, which it did not"))
        })
    }

    /// Waits for a REST call of the bot: its method, and its path with `*` for any segment, as in `/guilds/*/bans/*`.
    ///
    /// # Panics
    ///
    /// If there is none in time.
    #[allow(clippy::must_use_candidate, reason = "an expectation")]
    #[track_caller]
    pub fn expect_rest(&self, method: &str, path: &str) -> RestEntry {
        self.inner.expect_rest(0, method, path)
    }

    /// Waits for an entry of the server's audit log with this reason, and gives it as Discord's object.
    ///
    /// # Panics
    ///
    /// If there is none in time.
    #[allow(clippy::must_use_candidate, reason = "an expectation")]
    #[track_caller]
    pub fn expect_audit_reason(&self, reason: &str) -> Value {
        let found = self.inner.sandbox.wait(self.inner.patience, |sandbox| {
            let log = sandbox.guild().audit_log();
            log.into_iter().find(|entry| entry["reason"] == reason)
        });
        found.unwrap_or_else(|| {
            self.inner.fail(&format!(
                "expected an entry of the audit log with the reason {reason:?}, there was none"
            ))
        })
    }
}

impl Inner {
    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the bot and waits until it is online with its plugins.
    fn launch(&self) -> Result<(), String> {
        let dial = Dial::default();
        dial.clock()
            .advance(*self.passed.lock().unwrap_or_else(PoisonError::into_inner));
        let embedding = Embedding {
            linked: self.linked.clone(),
            log: Some(Box::new(self.log.clone())),
            variables: self.variables.clone(),
            dial,
        };
        let token = self.sandbox.token().to_owned();
        let running = Running::start(self.root.path(), token, embedding, &self.log)?;
        *self.running() = Some(running);
        // A bot that ends by itself says so in no event of Discord's.
        let deadline = Instant::now() + self.patience.max(Duration::from_secs(30));
        loop {
            let mut running = self.running();
            let Some(now) = running.as_ref() else {
                return Err("it was stopped".to_owned());
            };
            if let Some(why) = now.failure() {
                *running = None;
                return Err(format!("{why}\n{}", self.log.end(25).join("\n")));
            }
            let missing: Vec<&str> = self
                .names
                .iter()
                .map(String::as_str)
                .filter(|name| now.dial.generation(name).is_none())
                .collect();
            if self.sandbox.is_online() && missing.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!(
                    "it is not online with {} in time; the log says why:\n{}",
                    if missing.is_empty() {
                        "its plugins".to_owned()
                    } else {
                        missing.join(", ")
                    },
                    self.log.end(40).join("\n")
                ));
            }
            let refused = missing.iter().find_map(|name| self.refusal(name));
            if let Some(line) = refused {
                return Err(format!("a plugin is refused: {line}"));
            }
            drop(running);
            thread::sleep(LOOK);
        }
    }

    /// The log's line that refuses a plugin.
    fn refusal(&self, plugin: &str) -> Option<String> {
        let lines = self.log.end(200);
        lines
            .into_iter()
            .find(|line| line.contains("refused") && line.contains(plugin))
    }

    pub(crate) fn generation(&self, plugin: &str) -> Option<u32> {
        self.running().as_ref()?.dial.generation(plugin)
    }

    /// Whether something comes about in time that no event tells of.
    fn comes_about(limit: Duration, is_so: impl Fn() -> bool) -> bool {
        let deadline = Instant::now() + limit;
        while !is_so() {
            if Instant::now() > deadline {
                return false;
            }
            thread::sleep(LOOK);
        }
        true
    }

    /// Whether the bot has handled all events that there are. One may come while that is asked: then it has not.
    pub(crate) fn is_settled(&self) -> bool {
        let last = self.sandbox.last_sequence();
        let is_quiet = self
            .running()
            .as_ref()
            .is_none_or(|running| running.dial.is_quiet(last));
        is_quiet && self.sandbox.last_sequence() == last
    }

    #[track_caller]
    pub(crate) fn settle(&self, limit: Duration) {
        if !Self::comes_about(limit, || self.is_settled()) {
            self.fail_after(
                limit,
                "expected the bot to come to the end of what it does, it is still at it \
                 (a function that waits for people or sleeps never ends by itself: move on, or use `advance`)",
            );
        }
    }

    /// What the bot answers to a message of the kit's own, as text; neither is in a conversation.
    fn told(&self, who: &sandbox::Person, text: &str) -> String {
        let said = who.posts(text);
        self.sandbox.leave_out(said.message_id());
        let answer = self.sandbox.wait(self.patience, |_| {
            let mut answers = said.answers().into_iter();
            answers.find(|answer| !answer.is_loading() && answer.replies_to() == Some(said.message_id()))
        });
        if let Some(answer) = &answer {
            self.sandbox.leave_out(answer.id());
        }
        answer.map_or_else(|| "nothing".to_owned(), |answer| answer.text())
    }

    #[track_caller]
    pub(crate) fn expect_rest(&self, from: usize, method: &str, path: &str) -> RestEntry {
        let found = self.sandbox.wait(self.patience, |sandbox| {
            let calls = sandbox.rest_log().into_iter().skip(from);
            calls
                .into_iter()
                .find(|call| call.method == method && is_path(&call.path, path))
        });
        found.unwrap_or_else(|| self.fail(&format!("expected the REST call {method} {path}, which was not made")))
    }

    /// All that was said, without what differs from run to run.
    pub(crate) fn transcript(&self) -> String {
        without_codes(&self.sandbox.transcript())
    }

    #[track_caller]
    pub(crate) fn fail(&self, what: &str) -> ! {
        self.fail_after(self.patience, what)
    }

    #[track_caller]
    pub(crate) fn fail_after(&self, limit: Duration, what: &str) -> ! {
        panic!("{}", report::failure(self, limit, what))
    }
}

/// Whether a call's path fits a pattern, version and query aside.
fn is_path(path: &str, pattern: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let path = path.strip_prefix("/api").unwrap_or(path);
    let mut path: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let is_version = |part: &&str| {
        part.strip_prefix('v')
            .is_some_and(|number| number.parse::<u8>().is_ok())
    };
    if path.first().is_some_and(is_version) {
        path.remove(0);
    }
    let pattern: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    path.len() == pattern.len()
        && path
            .iter()
            .zip(&pattern)
            .all(|(part, wanted)| *wanted == "*" || part == wanted)
}

/// Codes of incidents, which are new each time.
pub(crate) fn without_codes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("Code `") {
        out.push_str(before);
        out.push_str("Code `");
        match after.split_once('`') {
            Some((_, after)) => {
                out.push_str("<code>`");
                rest = after;
            }
            None => rest = after,
        }
    }
    out.push_str(rest);
    out
}

fn name_in(file: &std::path::Path) -> Result<String, String> {
    let bytes = fs::read(file).map_err(|error| format!("{} can't be read: {error}", file.display()))?;
    let manifest = host::plugins::manifest::read(&bytes).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(manifest.name.to_string())
}

fn name_of(manifest: &[u8]) -> Result<String, String> {
    let manifest: Value = serde_json::from_slice(manifest).map_err(|error| error.to_string())?;
    Ok(manifest["name"].as_str().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{is_path, without_codes};

    #[test]
    fn paths_fit_patterns_segment_by_segment() {
        for (path, pattern, fits) in [
            ("/api/v10/guilds/1/bans/2", "/guilds/*/bans/*", true),
            ("/api/v10/guilds/1/bans/2?a=b", "/guilds/1/bans/2", true),
            ("/api/guilds/1", "/guilds/*", true),
            ("/api/v10/guilds/1", "/guilds", false),
            ("/api/v10/channels/1/messages", "/guilds/*/messages", false),
        ] {
            assert_eq!(is_path(path, pattern), fits, "{path} {pattern}");
        }
    }

    #[test]
    fn codes_differ_from_run_to_run() {
        assert_eq!(
            without_codes("a Code `A1B2`. b Code `C3`"),
            "a Code `<code>`. b Code `<code>`"
        );
        assert_eq!(without_codes("Code `x"), "Code `x");
    }
}
