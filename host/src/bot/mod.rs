//! The bot as a whole: its parts wired together, its start, and its end.
//!
//! `router` brings events to plugins, `desk` and `calls` answer what plugins ask, `shards` drives the gateway, `slash`
//! keeps the registered commands up to date, `directory` looks up what commands name, `owners` knows whose bot it is,
//! `recommendation` what Discord advises, `settings` takes over changes of config.json.

mod api;
mod backups;
mod calls;
mod desk;
mod directory;
mod embedded;
mod erasure;
mod failure;
mod figures;
mod files;
mod gatekeeper;
mod hooks;
mod incidents;
mod interrupted;
mod later;
mod logging;
mod offline;
mod outlook;
mod overrides;
mod owners;
mod panel;
mod plugin_data;
mod ready;
mod recommendation;
mod router;
mod schedule;
mod sends;
mod server_settings;
mod services;
mod settings;
mod shards;
mod signals;
mod slash;
mod stores;
mod upkeep;
mod watches;

use std::{
    path::Path,
    sync::{Arc, LazyLock, OnceLock},
    time::{Duration, Instant},
};

use plugin_api::linked::LinkedPlugin;
use plugin_protocol::{PluginName, hooks::Shutdown};
use tokio::{sync::watch, task::JoinSet, time::timeout};
use tokio_util::task::TaskTracker;
use twilight_model::gateway::Intents;

use crate::{
    builtins,
    cache::Cache,
    config::{self, Environment, Root},
    hooks::Hooks,
    interactions::{ControlKeys, Invocations, Seen},
    network,
    plugins::{self, Linked, Plugins, Records},
    process,
    rest::Rest,
    schedule::Schedule,
    slash::Slash,
    storage::{Backups, Stores, Tables, backup::Layout, files::Files},
    telemetry::{self, Incidents, Logs, Notices, Secrets},
};
pub use embedded::{Dial, Embedding, Variables};
pub use failure::Failure;
pub use offline::{BackupOrder, backups as offline_backups};

use desk::Desk;
use directory::LiveDirectory;
use figures::Figures;
use gatekeeper::Gatekeeper;
use hooks::ToLanes;
use incidents::Reporter;
use outlook::Outlook;
use overrides::Administrators;
use owners::Owners;
use plugin_data::PluginData;
use ready::Ready;
use router::Router;
use sends::Sends;
use shards::Phase;
use signals::{Signals, keep_signals, note_panics};
use upkeep::Upkeep;
use watches::Watches;

/// The name of the built-in plugin, and of the host where an answer is nobody else's.
static HOST_NAME: LazyLock<PluginName> = LazyLock::new(|| {
    env!("CARGO_PKG_NAME")
        .parse()
        .expect("the crate's name is a plugin's name")
});

/// How long plugins may take to start before the bot connects without those that have not.
const START: Duration = Duration::from_secs(3);
/// How long work that is under way may take at the end.
const LAST_WORK: Duration = Duration::from_secs(5);
/// How long callbacks of `shutdown` may take.
const LAST_CALLBACKS: Duration = Duration::from_secs(2);
/// How long notices that wait may take at the end.
const LAST_NOTICES: Duration = Duration::from_secs(2);

/// Runs the bot of a folder until a signal tells it to stop. `token` is the one that the environment held; without it,
/// `.env` has it.
///
/// # Errors
///
/// [`Failure`], whose text says what to do.
pub fn run(root: &Path, token: Option<String>) -> Result<(), Failure> {
    process::raise_descriptor_limit();
    note_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format!("the runtime can't be started: {error}")))?;
    let served = runtime.block_on(async {
        let mut signals =
            Signals::listen().map_err(|error| Failure::other(format!("signals can't be heard: {error}")))?;
        let (stops, stop) = watch::channel(0);
        tokio::spawn(keep_signals());
        tokio::spawn(async move {
            loop {
                signals.stop().await;
                stops.send_modify(|stops| *stops += 1);
            }
        });
        serve(root, token, Embedding::default(), stop).await
    });
    // Tasks that hang would be waited for by a drop.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served
}

/// Runs the bot of a folder, with what a program that it is embedded in hands in, until `stop` counts 1; at 2 it waits for
/// nothing any more.
///
/// # Errors
///
/// [`Failure`], whose text says what to do.
pub async fn serve(
    root: &Path,
    token: Option<String>,
    embedding: Embedding,
    mut stop: watch::Receiver<u32>,
) -> Result<(), Failure> {
    let began = Instant::now();
    network::choose_cryptography();
    let root = Root::open(root).map_err(Failure::configuration)?;
    let _lock = root.lock().map_err(Failure::configuration)?;
    let mut files = config::Files::new(root.clone(), move |name: &str| match name {
        config::TOKEN if token.is_some() => token.clone(),
        _ => embedding.variables.get(name),
    });
    let (config, environment, warnings) = files.load().map_err(Failure::configuration)?;
    let secrets = Secrets::new(config.plugins.secrets().chain([environment.token.expose()]));
    let (logs, guard) =
        telemetry::logs::start(&root.logs_dir(), &config.logging, secrets, embedding.log).map_err(|error| {
            Failure::configuration(format!(
                "the log can't be written to {} ({error}): check its permissions and the free space",
                root.logs_dir().display()
            ))
        })?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let settings = Settings {
        files,
        live: config::Live::new(config),
        environment,
        logs,
    };
    let mut served = serve_checked(began, &root, settings, (embedding.linked, embedding.dial), &mut stop).await;
    match &mut served {
        Ok(()) => tracing::info!("stopped"),
        Err(failure) => {
            tracing::error!("{failure}");
            failure.logged = true;
        }
    }
    drop(guard);
    served
}

/// The settings at the start, and where they are read again.
struct Settings {
    files: config::Files,
    live: config::Live,
    environment: Environment,
    logs: Logs,
}

async fn serve_checked(
    began: Instant,
    root: &Root,
    settings: Settings,
    (linked, dial): (Vec<LinkedPlugin>, Dial),
    stop: &mut watch::Receiver<u32>,
) -> Result<(), Failure> {
    let live = settings.live.clone();
    let config = live.get();
    let layout = Layout {
        data: root.data(),
        database: config.database.path.clone(),
    };
    backups::finish_restore(layout.clone()).await?;
    let tables = Tables::open(&config.database.path, config.database.synchronous)
        .await
        .map_err(Failure::configuration)?;
    tables.keep_time(dial.clock().clone());
    let stores = Stores::new(root.data().join("plugins"), config.database.synchronous);
    let files = Arc::new(OnceLock::new());
    let plugin_data = PluginData::new(stores.clone(), Arc::clone(&files));
    let backups = Backups::new(layout, tables.clone(), Arc::new(plugin_data));
    let kept = Kept {
        tables: tables.clone(),
        stores: stores.clone(),
        files,
        backups: backups.clone(),
        dial,
    };
    let served = serve_stored(began, root, settings, linked, stop, kept).await;
    // After whatever still wrote.
    stores.close().await;
    tables.close().await;
    tokio::select! {
        () = backups::last(&backups, &live) => {}
        () = told(stop, 2) => {}
    }
    served
}

/// What outlives the plugins.
struct Kept {
    tables: Tables,
    stores: Stores,
    /// Set once there is somebody who can be told of trouble with them.
    files: Arc<OnceLock<Files>>,
    backups: Backups,
    dial: Dial,
}

async fn serve_stored(
    began: Instant,
    root: &Root,
    settings: Settings,
    linked: Vec<LinkedPlugin>,
    stop: &mut watch::Receiver<u32>,
    kept: Kept,
) -> Result<(), Failure> {
    let Kept {
        tables,
        stores,
        files: kept_files,
        backups,
        dial,
    } = kept;
    let Settings {
        files,
        live,
        environment,
        logs,
    } = settings;
    let config = live.get();
    let owners = Owners::new(live.clone(), environment.owner_id);
    let rest = Rest::new(
        &environment.token,
        environment.api.as_ref(),
        config.discord.global_requests_per_second,
    )
    .map_err(Failure::other)?;
    let latency = Arc::new(OnceLock::new());
    let (measured, asked) = (Arc::clone(&latency), rest.clone());
    let asking = tokio::spawn(async move {
        let began = Instant::now();
        let answer = recommendation::ask(asked).await;
        if answer.is_ok() {
            let _ = measured.set(began.elapsed());
        }
        answer
    });
    let cache = Cache::default();
    let tasks = TaskTracker::new();
    let (covered, owned) = (logs.secrets().clone(), owners.clone());
    let notices = Notices::start(rest.clone(), covered, move || owned.audience());
    let records = Arc::new(Records::default());
    let reporter = Reporter {
        notices: notices.clone(),
        records: Arc::clone(&records),
        incidents: Incidents::new(logs.secrets().clone()),
    };
    // Ends with the bot.
    let mut beside = JoinSet::new();
    beside.spawn(upkeep::sweep_controls(tables.clone()));
    let guilds = watch::Sender::new(0);
    beside.spawn(owners.clone().keep(rest.clone(), guilds.clone()));
    beside.spawn(incidents::keep(reporter.incidents.clone(), tables.clone()));
    let codes = Arc::new(OnceLock::<Invocations>::new());
    let (of_hooks, coded) = (reporter.clone(), Arc::clone(&codes));
    let hooks = Hooks::new(tokio::runtime::Handle::current(), move |report| {
        let code = || coded.get().map(Invocations::incident_code).unwrap_or_default();
        hooks::report(&of_hooks, code, report);
    });
    let (of_invocations, failed) = (reporter.clone(), hooks.clone());
    let invocations = Invocations::new(rest.clone(), move |incident, story| {
        of_invocations.of_invocation(&incident, story);
        hooks::failed(&failed, &incident);
    });
    let _ = codes.set(invocations.clone());

    let data = root.data();
    let control_keys = tokio::task::spawn_blocking(move || ControlKeys::open(&data)).await;
    let control_keys = control_keys.map_err(Failure::other)?.map_err(|error| {
        Failure::configuration(format!(
            "the key of controls in {} can't be read or written ({error}): check its permissions and the free space",
            root.data().display()
        ))
    })?;
    let (telling, keeping, data) = (rest.clone(), invocations.clone(), root.data());
    beside.spawn(async move {
        interrupted::tell(telling, data.clone()).await;
        interrupted::keep(keeping, data).await;
    });
    beside.spawn(later::keep(invocations.clone(), tables.clone()));
    let upkeep = Upkeep::new(root, live.clone(), cache.clone());
    let sweeping = upkeep.clone();
    if tokio::task::spawn_blocking(move || sweeping.sweep()).await.is_err() {
        tracing::error!("temporary files of an earlier run could not be looked for");
    }
    let figures = Arc::new(Figures::new());
    let (registered, orders) = Slash::new();
    let standing = watch::Sender::new(ready::Standing::new());
    let plugins_life = Arc::new(OnceLock::new());
    let directory = LiveDirectory::new(cache.clone(), rest.clone());
    let gatekeeper = Gatekeeper::new(
        live.clone(),
        cache.clone(),
        owners.clone(),
        tables.clone(),
        directory.clone(),
        (registered.clone(), Administrators::new(rest.clone())),
    );
    let watches = Watches::default();
    let sends = Sends::new();
    let services = services::Services {
        ways: services::Ways::default(),
        reporter: reporter.clone(),
        invocations: invocations.clone(),
        allowances: desk::Allowances::new(notices.clone()),
        rooms: crate::services::Rooms::default(),
        logs: logs.clone(),
    };
    let ways = Arc::clone(&services.ways);
    let timers = Schedule::open(tables.clone(), dial.clock().clone())
        .await
        .map_err(Failure::configuration)?;
    let desk = Desk {
        allowances: services.allowances.clone(),
        services,
        watches: watches.clone(),
        sends: sends.clone(),
        schedule: timers.clone(),
        gatekeeper: gatekeeper.clone(),
        cache: cache.clone(),
        runtime: tokio::runtime::Handle::current(),
        config: live.clone(),
        rest: rest.clone(),
        invocations: invocations.clone(),
        notices: notices.clone(),
        plugins: Arc::clone(&plugins_life),
        records: Arc::clone(&records),
        owners: owners.clone(),
        tables: tables.clone(),
        stores: stores.clone(),
        backups: backups.clone(),
        tasks: tasks.clone(),
        files: kept_files.get_or_init(|| files::start(root, notices.clone())).clone(),
        upkeep,
        logs: logs.clone(),
        reporter,
        control_keys: control_keys.clone(),
        figures: Arc::clone(&figures),
        slash: registered.clone(),
        standing: standing.subscribe(),
        hooks: hooks.clone(),
    };
    let outlook = Outlook {
        config: live.clone(),
        cache: cache.clone(),
        notices: notices.clone(),
        stores: stores.clone(),
        logs: logs.clone(),
        control_keys: control_keys.clone(),
        tables: tables.clone(),
        hooks: hooks.clone(),
        standing: standing.subscribe(),
    };
    let linked = [builtins::linked_plugin()].into_iter().chain(linked).map(|plugin| {
        let manifest = serde_json::from_slice(plugin.manifest()).map_err(Failure::other)?;
        Ok(Linked {
            manifest,
            module: plugin.module(),
        })
    });
    let setup = plugins::Setup {
        folder: root.plugins_dir(&config),
        run_folder: root.run_dir(),
        data_folder: root.data(),
        auto_load: config.extensions.auto_load,
        records,
        linked: linked.collect::<Result<_, Failure>>()?,
        desk: Arc::new(desk),
        outlook: Arc::new(outlook),
    };
    let plugins = Plugins::open(setup).map_err(Failure::configuration)?;
    hooks.connect(ToLanes {
        routing: Arc::clone(plugins.routing()),
        gatekeeper: gatekeeper.clone(),
        tables: tables.clone(),
    });
    let _ = ways.set(Arc::clone(plugins.routing()));
    dial.connect(embedded::Parts {
        routing: Arc::clone(plugins.routing()),
        tasks: tasks.clone(),
        schedule: timers.clone(),
    });
    let started = tokio::select! {
        started = plugins.begin(START) => started,
        // What has started by then is stopped in the same way as later.
        () = told(stop, 1) => Ok(()),
    };
    if let Err(why) = started {
        plugins.stop().await;
        return Err(Failure::configuration(why));
    }
    let _ = plugins_life.set(plugins.clone());
    let wanted = live.clone();
    let file = root.data().join("plugin_registry.json");
    beside.spawn(
        plugins
            .clone()
            .keep_registry_file(file, move || wanted.get().framework.enable_plugin_registry),
    );
    beside.spawn(erasure::keep(plugins.clone(), stores.folder().to_owned()));
    beside.spawn(schedule::keep(timers.clone(), plugins.clone(), notices.clone()));
    beside.spawn(logging::tell_trouble(logs.clone(), notices.clone()));

    let router = Arc::new(Router {
        config: live.clone(),
        cache: cache.clone(),
        routing: Arc::clone(plugins.routing()),
        invocations: invocations.clone(),
        watches,
        directory,
        gatekeeper,
        tables: tables.clone(),
        tasks: tasks.clone(),
        full_noted: std::sync::Mutex::default(),
        answers: router::answers(),
        control_keys,
        slash: registered.clone(),
        seen: Seen::default(),
        figures: Arc::clone(&figures),
        mentioned: router::Mentioned::default(),
        turns: router::Turns::default(),
        dial,
        hooks: hooks.clone(),
    });
    let (phases, phase) = watch::channel(Phase::Serving);
    let mut gateway = shards::Gateway {
        began,
        config: live.clone(),
        environment,
        root: root.clone(),
        cache: cache.clone(),
        rest: rest.clone(),
        router,
        plugins: plugins.clone(),
        notices: notices.clone(),
        phase: phase.clone(),
        dispatching: TaskTracker::new(),
        identity: watch::Sender::new(None),
        guilds,
        sends,
        running: JoinSet::new(),
        asked: None,
        refused: Intents::empty(),
        shards: config.shards,
        queue: None,
        figures,
        asking: Some(asking),
        standing,
    };
    let ready = Ready {
        began,
        live: live.clone(),
        cache: cache.clone(),
        plugins: plugins.clone(),
        owners: owners.clone(),
        logs: logs.clone(),
        standing: gateway.standing.subscribe(),
        latency,
        hooks: hooks.clone(),
    };
    beside.spawn(ready.show());
    let settings = settings::Keeper {
        files: Some(files),
        live: live.clone(),
        logs: logs.clone(),
        plugins: plugins.clone(),
        notices: notices.clone(),
        phase: phase.clone(),
    };
    let settings = tokio::spawn(settings::keep(settings, root.folder().to_owned()));
    let commands = slash::keep(slash::Keeper {
        tables: tables.clone(),
        rest,
        identity: gateway.identity.subscribe(),
        config: live.clone(),
        owners: owners.clone(),
        cache: cache.clone(),
        guilds: gateway.guilds.subscribe(),
        plugins: plugins.clone(),
        is_local: gateway.environment.api.is_some(),
        notices: notices.clone(),
        slash: registered,
        orders,
        told: slash::Told::default(),
        phase,
    });
    let commands = tokio::spawn(commands);

    let broken = backups.clone();
    let ended = tokio::select! {
        // Told while plugins started, it does not connect at all.
        biased;
        () = told(stop, 1) => Ok(()),
        ended = gateway.run() => ended.map(|never| match never {}),
        () = tables.clone().keep_flushing() => Ok(()),
        why = broken.broken() => Err(Failure::other(why)),
        () = backups::keep(backups, live.clone(), notices.clone()) => Ok(()),
    };
    tracing::info!("stopping: what has begun is brought to its end");
    phases.send_replace(Phase::Draining);
    timers.stop();
    let end = async {
        // While plugins still serve.
        hooks.emit_and_wait(LAST_CALLBACKS, || Shutdown {}).await;
        gateway.quiet().await;
        let _ = tokio::join!(
            wind_down(&tasks, &plugins),
            timeout(LAST_WORK, commands),
            timeout(LAST_WORK, settings)
        );
        interrupted::note_last(&invocations, root.data()).await;
        later::write(&invocations, &tables).await;
        // What can't be written now is as it was at the next start.
        let _ = timers.write().await;
        phases.send_replace(Phase::Closing);
        gateway.close().await;
        notices.close(LAST_NOTICES).await;
        ended
    };
    tokio::select! {
        ended = end => ended,
        () = told(stop, 2) => {
            tracing::warn!("told to stop once more: not waiting any longer");
            Ok(())
        }
    }
}

/// Waits until the bot was told to stop this often; for ever if nobody can tell it any more.
async fn told(stop: &mut watch::Receiver<u32>, times: u32) {
    if stop.wait_for(|&stops| stops >= times).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits for what is under way, then ends all plugins.
async fn wind_down(tasks: &TaskTracker, plugins: &Plugins) {
    tasks.close();
    if timeout(LAST_WORK, tasks.wait()).await.is_err() {
        tracing::warn!(left = tasks.len(), "work for plugins has not come to its end");
    }
    plugins.stop().await;
    // What plugins asked for while they were drained.
    if timeout(LAST_WORK, tasks.wait()).await.is_err() {
        tracing::warn!(left = tasks.len(), "some answers were not sent");
    }
}
