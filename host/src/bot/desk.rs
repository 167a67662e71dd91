//! What plugins ask of the host, and what they tell it, one place for all of them.
//!
//! Called on plugins' threads: it only decides who answers and leaves the work to tasks of the runtime. Every request
//! gets exactly one answer.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use plugin_protocol::{
    Call, LogRecord, Outcome, PanicReport, PluginName, Problem, ProblemCode, Respond, Rest as RestHead, RestAnswer,
    Verdict, kind,
};
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::{
    config::Config,
    interactions::{Incident, Invocations},
    plugins::{self, Generation, PluginState, Plugins, Ticket},
    rest::{Method, Rest},
    telemetry::{self, NoticeKind, Notices},
};

/// Answers plugins' requests.
pub struct Desk {
    /// The runtime, which plugins' threads are not part of.
    pub runtime: Handle,
    /// The settings.
    pub config: Arc<Config>,
    /// The REST client.
    pub rest: Rest,
    /// The open invocations.
    pub invocations: Invocations,
    /// Tells the owner.
    pub notices: Notices,
    /// Set once the life of plugins has begun.
    pub plugins: Arc<OnceLock<Plugins>>,
    /// Work for plugins; waited for at stop.
    pub tasks: TaskTracker,
}

impl plugins::Desk for Desk {
    fn asked(&self, from: &Arc<Generation>, request: plugins::Request) {
        let from = Arc::clone(from);
        let id = request.id;
        match request.kind {
            kind::RESPOND => {
                let invocations = self.invocations.clone();
                self.spawn(async move {
                    let answer = match head::<Respond>(&request.head) {
                        Ok(respond) => invocations.respond(from.name(), respond, request.tail).await,
                        Err(problem) => Err(problem),
                    };
                    from.answer(id, &answer, &[]);
                });
            }
            kind::REST => {
                let rest = self.rest.clone();
                self.spawn(async move {
                    match rest_call(&rest, from.name(), &request).await {
                        Ok((head, body)) => from.answer(id, &Ok(head), &body),
                        Err(problem) => from.answer::<RestAnswer>(id, &Err(problem), &[]),
                    }
                });
            }
            _ => {
                let calls = Calls {
                    config: Arc::clone(&self.config),
                    plugins: Arc::clone(&self.plugins),
                };
                self.spawn(async move {
                    let answer = match head::<Call>(&request.head) {
                        Ok(call) => calls.answer(&from, call).await,
                        Err(problem) => Err(problem),
                    };
                    from.answer(id, &answer, &[]);
                });
            }
        }
    }

    fn finished(&self, from: &Arc<Generation>, id: u64, outcome: Outcome, ticket: Ticket) {
        if plugins::is_event(id) {
            self.note_event(from, &outcome);
            return;
        }
        // Mostly there is nothing left to say, and no task is needed for it.
        let Some(outcome) = self.invocations.finish_silently(id, outcome) else {
            return;
        };
        let invocations = self.invocations.clone();
        self.spawn(async move {
            invocations.finish(id, outcome).await;
            drop(ticket);
        });
    }

    fn logged(&self, from: &Arc<Generation>, record: &LogRecord) {
        telemetry::plugin_record(from.name().as_str(), from.number, record);
    }

    fn panicked(&self, from: &Arc<Generation>, report: &PanicReport) {
        let (plugin, generation) = (from.name(), from.number);
        tracing::error!(%plugin, generation, location = %report.location, thread = %report.thread, "panicked outside of a command: {}", report.message);
        let text = format!(
            "The plugin `{plugin}` panicked in a task of its own at {}: {}",
            report.location, report.message
        );
        self.notices.tell(NoticeKind::Incident(plugin.to_string()), text);
    }

    fn died(&self, from: &Arc<Generation>) {
        if let Some(plugins) = self.plugins.get() {
            let _runtime = self.runtime.enter();
            plugins.died(Arc::clone(from));
        }
    }
}

impl Desk {
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn_on(work, &self.runtime);
    }

    fn note_event(&self, from: &Generation, outcome: &Outcome) {
        let (plugin, generation) = (from.name(), from.number);
        let text = outcome.text.as_deref().unwrap_or_default();
        match outcome.verdict {
            Verdict::Failed => tracing::error!(%plugin, generation, "an event's handler failed: {text}"),
            Verdict::Panicked => {
                let panic = outcome.panic.clone().unwrap_or_default();
                tracing::error!(%plugin, generation, location = %panic.location, "an event's handler panicked: {}", panic.message);
                let text = format!(
                    "The plugin `{plugin}` panicked in an event's handler at {}: {}",
                    panic.location, panic.message
                );
                self.notices.tell(NoticeKind::Incident(plugin.to_string()), text);
            }
            _ => {}
        }
    }
}

/// Logs an incident with everything that is known, and tells the owner.
pub fn report(notices: &Notices, incident: &Incident) {
    let Incident {
        code,
        plugin,
        generation,
        command,
        text,
        panic,
        author,
        guild_id,
    } = incident;
    let server = guild_id.map_or_else(|| "a direct message".to_owned(), |guild| format!("server {guild}"));
    let what = match panic {
        Some(panic) => {
            tracing::error!(%code, %plugin, generation, %command, user = %author.id, location = %panic.location, "panicked: {}", panic.message);
            format!("panicked at {}: {}", panic.location, panic.message)
        }
        None => {
            tracing::error!(%code, %plugin, generation, %command, user = %author.id, "failed: {text}");
            format!("failed: {text}")
        }
    };
    let told = format!(
        "Code `{code}`: `{command}` of the plugin `{plugin}` {what} (used by <@{}> in {server})",
        author.id
    );
    notices.tell(NoticeKind::Incident(plugin.to_string()), told);
}

async fn rest_call(
    rest: &Rest,
    plugin: &PluginName,
    request: &plugins::Request,
) -> Result<(RestAnswer, Bytes), Problem> {
    let head = head::<RestHead>(&request.head)?;
    let method: Method = head.method.parse().map_err(|_| {
        Problem::new(
            ProblemCode::Invalid,
            format!("`{}` is no method: GET, POST, PUT, PATCH or DELETE", head.method),
        )
    })?;
    let request = crate::rest::Request {
        method,
        path: head.path,
        body: request.tail.to_vec(),
        content_type: head.content_type,
        reason: head.reason,
    };
    let response = rest.send_for_plugin(plugin.as_str(), request).await?;
    Ok((
        RestAnswer {
            status: response.status,
        },
        response.body,
    ))
}

fn head<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        Problem::new(
            ProblemCode::Invalid,
            format!("the request's head can't be read: {error}"),
        )
    })
}

/// Requests to the host itself. Changing plugins is for built-in plugins and those with a grant; looking is for all.
struct Calls {
    config: Arc<Config>,
    plugins: Arc<OnceLock<Plugins>>,
}

impl Calls {
    async fn answer(&self, from: &Generation, call: Call) -> Result<serde_json::Value, Problem> {
        let plugins = self
            .plugins
            .get()
            .ok_or_else(|| Problem::new(ProblemCode::Busy, "the bot is starting: ask again once it is ready"))?;
        if call.name == "plugins.list" {
            return Ok(list(plugins));
        }
        let changes = ["plugins.load", "plugins.reload", "plugins.unload"];
        if !changes.contains(&call.name.as_str()) {
            return Err(Problem::new(
                ProblemCode::NotSupported,
                format!("this host has no call `{}`", call.name),
            ));
        }
        let granted = from.is_linked()
            || self
                .config
                .grants
                .get(from.name())
                .is_some_and(|grants| grants.contains(&call.name));
        if !granted {
            let text = format!(
                "`{}` is not granted to `{}`: the owner can add it to `grants` in config.json",
                call.name,
                from.name()
            );
            return Err(Problem::new(ProblemCode::NotGranted, text));
        }
        let name = match call.arguments.get("name").and_then(serde_json::Value::as_str) {
            Some(name) => Some(
                name.parse::<PluginName>()
                    .map_err(|error| Problem::new(ProblemCode::Invalid, error))?,
            ),
            None => None,
        };
        let needed = || Problem::new(ProblemCode::Invalid, "the plugin's name is missing");
        let reply = match call.name.as_str() {
            "plugins.load" => plugins.load(name.ok_or_else(needed)?).await,
            "plugins.reload" => plugins.reload(name).await,
            _ => {
                let with = call
                    .arguments
                    .get("with_dependants")
                    .and_then(serde_json::Value::as_bool)
                    .unwrap_or(false);
                plugins.unload(name.ok_or_else(needed)?, with).await
            }
        };
        reply
            .map(serde_json::Value::String)
            .map_err(|text| Problem::new(ProblemCode::Failed, text))
    }
}

fn list(plugins: &Plugins) -> serde_json::Value {
    let views = plugins.views();
    let views = views.borrow();
    views
        .iter()
        .map(|view| {
            let (state, generation, why) = match &view.state {
                PluginState::Running {
                    generation,
                    newer_refused,
                } => ("running", Some(*generation), newer_refused.clone()),
                PluginState::Refused(why) => ("refused", None, Some(why.clone())),
                PluginState::Unloaded => ("unloaded", None, None),
            };
            serde_json::json!({
                "name": view.name, "version": view.version, "file": view.file,
                "state": state, "generation": generation, "why": why,
            })
        })
        .collect()
}
