//! The plugins that listen: each tells its scenario what its callbacks hear, and has commands that set things off.
//!
//! Linked in, so that a scenario sees each event as a value; what is reloaded beside them comes from files.

use std::{
    cell::RefCell,
    collections::HashMap,
    fs,
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use plugin_api::{
    __private::{CommandDef, ComponentDef, EventDef, Group, HookDef, LinkedPlugin, Migration, Module},
    BeforeCommand, BotReady, CommandError, CommandExecuted, ExtensionLoaded, ExtensionRefused, ExtensionReloaded,
    ExtensionUnloaded, GuildJoined, GuildLeft, HookHandle, Shutdown, UserId,
    prelude::*,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::JoinHandle,
    time::timeout,
};

use crate::harness::{PATIENCE, World};

/// What each listener of this process has heard, by the bot that it belongs to.
pub(super) static EARS: LazyLock<Mutex<HashMap<u64, mpsc::UnboundedSender<Heard>>>> = LazyLock::new(Mutex::default);

/// A callback that has run: which one, and what it was told.
pub(super) type Heard = (String, Value);

/// Tells the scenario whose bot this is.
pub(super) fn tell(ctx: &HookCtx, callback: &str, event: &impl Serialize) {
    let bot = ctx.config::<Config>().map(|config| config.bot).unwrap_or_default();
    let ears = EARS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(ear) = ears.get(&bot) {
        let told = serde_json::to_value(event).unwrap_or_default();
        let _ = ear.send((format!("{}.{callback}", ctx.plugin()), told));
    }
}

#[derive(Deserialize)]
pub(super) struct Config {
    pub(super) bot: u64,
}

macro_rules! hear {
    ($($name:ident: $event:ty,)*) => {
        $(
            #[hook]
            async fn $name(ctx: HookCtx, event: $event) -> Result {
                tell(&ctx, stringify!($name), &event);
                Ok(())
            }
        )*
    };
}

hear! {
    ready: BotReady,
    joined: GuildJoined,
    left: GuildLeft,
    executed: CommandExecuted,
    failed: CommandError,
    loaded: ExtensionLoaded,
    unloaded: ExtensionUnloaded,
    reloaded: ExtensionReloaded,
    refused: ExtensionRefused,
    ending: Shutdown,
}

/// Refuses what a newcomer uses, fails over a stranger, and lets everybody else through.
#[hook("before_command", priority = 1)]
pub(super) async fn guard(ctx: HookCtx, event: BeforeCommand) -> Result {
    tell(&ctx, "guard", &event);
    match &*event.author.username {
        "newcomer" => refuse("Read the rules first."),
        "stranger" => Err(Error::new("who is that?")),
        "sleeper" => std::future::pending().await,
        _ => Ok(()),
    }
}

/// What the speaker emits, as it says it.
#[derive(Serialize, Deserialize)]
pub(super) struct Spoken {
    pub(super) by: UserId,
    pub(super) words: String,
}

/// The same, as a listener understands it that wants a number.
#[derive(Deserialize)]
pub(super) struct Misunderstood {
    #[allow(dead_code, reason = "it never gets so far")]
    pub(super) words: u32,
}

#[hook("speaker.spoken", priority = 7)]
pub(super) async fn first(ctx: HookCtx, event: Spoken) -> Result {
    tell(&ctx, "first", &event.words);
    Ok(())
}

#[hook("speaker.spoken")]
pub(super) async fn slow(ctx: HookCtx, event: Spoken) -> Result {
    if event.words != "quickly" {
        ctx.global_store().set("waits", &true).await?;
        let _ = SLOW.acquire().await;
    }
    tell(&ctx, "slow", &event.words);
    Ok(())
}

/// Not before the scenario says so.
pub(super) static SLOW: Semaphore = Semaphore::const_new(0);

#[hook("speaker.spoken")]
pub(super) async fn quick(ctx: HookCtx, event: Spoken) -> Result {
    tell(&ctx, "quick", &event.words);
    Ok(())
}

#[hook("speaker.spoken", priority = -1)]
pub(super) async fn misunderstands(_ctx: HookCtx, _event: Misunderstood) -> Result {
    Ok(())
}

#[hook("speaker.echoed")]
pub(super) async fn echo(ctx: HookCtx, event: u32) -> Result {
    tell(&ctx, "echo", &event);
    // It sets itself off.
    ctx.emit("echoed", &(event + 1)).await
}

/// Say something to all who listen.
#[command(prefix)]
pub(super) async fn speak(ctx: Ctx, #[rest] words: String) -> Result {
    let by = ctx.author().id;
    ctx.emit("spoken", &Spoken { by, words }).await?;
    ctx.reply("Said.").await
}

/// Call into the woods.
#[command(prefix)]
pub(super) async fn call(ctx: Ctx) -> Result {
    ctx.emit("echoed", &0).await?;
    ctx.reply("Called.").await
}

/// Emit more than anybody takes.
#[command(prefix)]
pub(super) async fn babble(ctx: Ctx) -> Result {
    let mut refused = 0;
    for number in 0..1200 {
        refused += u32::from(ctx.emit("babbled", &number).await.is_err());
    }
    ctx.reply(format!("{refused} of 1200 were not taken.")).await
}

#[hook("speaker.babbled")]
pub(super) async fn overhear(_ctx: HookCtx, _event: u32) -> Result {
    Ok(())
}

thread_local! {
    static HANDLE: RefCell<Option<HookHandle>> = const { RefCell::new(None) };
}

/// Listen from now on.
#[command(prefix)]
pub(super) async fn listen(ctx: Ctx, event: String) -> Result {
    let listen = async |ctx: HookCtx, event: Value| {
        tell(&ctx, "registered", &event);
        Ok(())
    };
    match ctx.hooks().register(&event, 9, listen).await {
        Ok(handle) => {
            let text = format!("Listening as {}.", handle.id());
            HANDLE.replace(Some(handle));
            ctx.reply(text).await
        }
        Err(error) => ctx.reply(error.to_string()).await,
    }
}

/// Listen no more.
#[command(prefix)]
pub(super) async fn unlisten(ctx: Ctx) -> Result {
    if let Some(handle) = HANDLE.take() {
        handle.unregister();
    }
    ctx.reply("Deaf.").await
}

/// Go wrong.
#[command(prefix)]
pub(super) async fn stumble(_ctx: Ctx) -> Result {
    Err(Error::new("stumbled over a stone"))
}

/// Refuse.
#[command(prefix)]
pub(super) async fn decline(_ctx: Ctx) -> Result {
    refuse("No.")
}

/// Wave.
#[command]
pub(super) async fn wave(ctx: Ctx) -> Result {
    ctx.reply("Waved.").await
}

/// Wave at somebody.
#[command(user_menu = "Wave")]
pub(super) async fn wave_at(ctx: Ctx, to: User) -> Result {
    let _ = to;
    ctx.reply("Waved.").await
}

/// Wave at who wrote this.
#[command(message_menu = "Wave back")]
pub(super) async fn wave_back(ctx: Ctx, to: MessageLink) -> Result {
    let _ = to;
    ctx.reply("Waved.").await
}

/// A plugin of this file: which commands and callbacks it has.
pub(super) trait Part: 'static {
    const NAME: &'static str;
    fn commands() -> Vec<CommandDef<()>> {
        Vec::new()
    }
    fn hooks() -> Vec<HookDef<()>>;
}

pub(super) struct Linked<P>(std::marker::PhantomData<P>);

impl<P: Part> Module for Linked<P> {
    type State = ();
    const NAME: &'static str = P::NAME;
    const VERSION: &'static str = "1.0.0";
    const STATE_VERSION: Option<u32> = None;

    async fn start(_: StartCtx) -> Result<()> {
        Ok(())
    }

    async fn stop(_: StopCtx, (): ()) -> Result<Saved> {
        Ok(Saved::default())
    }

    fn commands() -> Vec<CommandDef<()>> {
        P::commands()
    }

    fn groups() -> Vec<Group> {
        Vec::new()
    }

    fn components() -> Vec<ComponentDef<()>> {
        Vec::new()
    }

    fn events() -> Vec<EventDef<()>> {
        Vec::new()
    }

    fn migrations() -> Vec<Migration> {
        Vec::new()
    }

    fn hooks() -> Vec<HookDef<()>> {
        P::hooks()
    }
}

pub(super) fn linked<P: Part>() -> LinkedPlugin {
    let mut manifest: Value = serde_json::from_slice(example::linked_plugin().manifest()).unwrap();
    manifest["name"] = P::NAME.into();
    manifest["version"] = "1.0.0".into();
    LinkedPlugin::new::<Linked<P>>(serde_json::to_vec(&manifest).unwrap().leak())
}

/// Hears everything that the bot tells of itself.
pub(super) struct Chronicle;

impl Part for Chronicle {
    const NAME: &'static str = "chronicle";

    fn commands() -> Vec<CommandDef<()>> {
        vec![__command_stumble, __command_decline]
    }

    fn hooks() -> Vec<HookDef<()>> {
        vec![
            __hook_ready,
            __hook_joined,
            __hook_left,
            __hook_executed,
            __hook_failed,
            __hook_loaded,
            __hook_unloaded,
            __hook_reloaded,
            __hook_refused,
            __hook_ending,
        ]
    }
}

/// Emits events of its own, and hears some of them.
pub(super) struct Speaker;

impl Part for Speaker {
    const NAME: &'static str = "speaker";

    fn commands() -> Vec<CommandDef<()>> {
        vec![
            __command_speak,
            __command_call,
            __command_babble,
            __command_listen,
            __command_unlisten,
        ]
    }

    fn hooks() -> Vec<HookDef<()>> {
        vec![__hook_slow, __hook_echo, __hook_overhear]
    }
}

/// Hears what the speaker says.
pub(super) struct Audience;

impl Part for Audience {
    const NAME: &'static str = "audience";

    fn hooks() -> Vec<HookDef<()>> {
        vec![__hook_misunderstands, __hook_quick, __hook_first]
    }
}

/// Stands at the door.
pub(super) struct Doorman;

impl Part for Doorman {
    const NAME: &'static str = "doorman";

    fn commands() -> Vec<CommandDef<()>> {
        vec![__command_wave, __command_wave_at, __command_wave_back]
    }

    fn hooks() -> Vec<HookDef<()>> {
        vec![__hook_guard]
    }
}

/// A bot in this very process, with listeners linked in.
pub(super) struct Within {
    pub(super) stop: watch::Sender<u32>,
    pub(super) bot: JoinHandle<Result<(), host::bot::Failure>>,
    pub(super) heard: mpsc::UnboundedReceiver<Heard>,
}

impl Within {
    pub(crate) async fn start(world: &World, linked: Vec<LinkedPlugin>) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let number = NEXT.fetch_add(1, Ordering::SeqCst) as u64;
        let (ear, heard) = mpsc::unbounded_channel();
        EARS.lock().unwrap().insert(number, ear);
        let section = json!({ "bot": number });
        world.configure(&json!({
            "plugins": { "chronicle": section, "speaker": section, "audience": section, "doorman": section }
        }));
        let environment = format!(
            "DISCORD_TOKEN={}\nBOT_OWNER_ID={}\nDISCORD_API_URL={}\nDISCORD_GATEWAY_URL={}\n",
            world.sandbox.token(),
            world.sandbox.owner().id(),
            world.sandbox.api_url(),
            world.sandbox.gateway_url()
        );
        fs::write(world.root().join(".env"), environment).unwrap();
        let (stop, stops) = watch::channel(0);
        let root = world.root().to_owned();
        let embedding = host::bot::Embedding {
            linked,
            ..host::bot::Embedding::default()
        };
        let bot = tokio::spawn(async move { host::bot::serve(&root, None, embedding, stops).await });
        world.sandbox.expect_online().await;
        Self { stop, bot, heard }
    }

    /// What the next callback was told that is of this name; others are passed over.
    pub(crate) async fn hears(&mut self, callback: &str) -> Value {
        self.hears_where(callback, |_| true).await
    }

    pub(crate) async fn hears_where(&mut self, callback: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let heard = async {
            loop {
                let (name, told) = self.heard.recv().await.expect("the bot runs");
                if name == callback && wanted(&told) {
                    return told;
                }
            }
        };
        let heard = timeout(PATIENCE, heard).await;
        heard.unwrap_or_else(|_| panic!("`{callback}` never heard it"))
    }

    /// All that was heard so far, of this plugin.
    pub(crate) fn heard_so_far(&mut self, plugin: &str) -> Vec<Heard> {
        let all = std::iter::from_fn(|| self.heard.try_recv().ok());
        all.filter(|(name, _)| name.starts_with(&format!("{plugin}.")))
            .collect()
    }

    pub(crate) async fn stop(&mut self) {
        self.stop.send_replace(1);
        (&mut self.bot).await.unwrap().unwrap();
    }
}

/// Says it to the bot, and answers with what it says.
pub(super) async fn ask(world: &World, text: &str) -> String {
    let reply = world.owner().says(text).await.expect_reply().await;
    match reply.content() {
        "" => serde_json::to_string(&reply.embeds()).unwrap(),
        content => content.to_owned(),
    }
}
