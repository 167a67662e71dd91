//! What becomes of something that went wrong in a plugin: it is logged, remembered with its story, and told to the
//! owner.
//!
//! Whatever its cause, it has a code: a command's asker is given it, and `errors` shows it. Called on plugins' threads,
//! too: nothing here waits.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use plugin_protocol::{ArgumentValue, IncidentStory, IncidentSummary, Invocation, Outcome, PanicReport, PluginName};

use crate::{
    hooks::Failure,
    interactions::Incident,
    plugins::{Generation, Records},
    storage::Tables,
    telemetry::{self, Incidents, NoticeKind, Notices, Story},
};

/// Tells of what went wrong. Clones are the same.
#[derive(Clone)]
pub struct Reporter {
    /// Tells the owner.
    pub notices: Notices,
    /// What is remembered of each plugin.
    pub records: Arc<Records>,
    /// What went wrong lately.
    pub incidents: Incidents,
}

impl Reporter {
    /// A command's or a control's handler failed or panicked. To be called within its story.
    pub fn of_invocation(&self, incident: &Incident, story: Arc<dyn Story>) {
        let Incident {
            code,
            plugin,
            command,
            text,
            panic,
            author,
            guild_id,
            ..
        } = incident;
        let server = guild_id.map_or_else(|| "a direct message".to_owned(), |guild| format!("server {guild}"));
        let (short, what) = match panic {
            Some(panic) => {
                tracing::error!(location = %panic.location, "panicked: {}", panic.message);
                ("panicked", format!("panicked at {}: {}", panic.location, panic.message))
            }
            None => {
                tracing::error!("failed: {text}");
                ("failed", format!("failed: {text}"))
            }
        };
        let by = format!("`{command}` {short}");
        self.records.note_fault(plugin, by, Some(code.clone()), what.clone());
        if incident.is_known {
            return;
        }
        let told = IncidentStory {
            summary: IncidentSummary {
                code: code.clone(),
                at: seconds_since_1970(),
                times: 1,
                plugin: plugin.to_string(),
                generation: incident.generation,
                command: Some(command.clone()),
                what: short.to_owned(),
                text: panic
                    .as_ref()
                    .map_or_else(|| text.clone(), |panic| panic.message.clone()),
                user: Some(author.id.to_string()),
            },
            earlier_run: false,
            door: Some(incident.door),
            guild: guild_id.map(|guild| guild.to_string()),
            channel: Some(incident.channel_id.to_string()),
            invocation: Some(incident.invocation),
            arguments: incident
                .asked
                .as_deref()
                .map(|asked| arguments(asked))
                .unwrap_or_default(),
            place: panic.as_ref().map(|panic| panic.location.clone()).unwrap_or_default(),
            lines: story.lines(),
        };
        self.incidents.add(told, Some(story));
        let told = format!(
            "Code `{code}`: `{command}` of the plugin `{plugin}` {what} (used by <@{}> in {server}). `errors {code}` shows \
             the whole story.",
            author.id
        );
        self.notices.tell(NoticeKind::Incident(plugin.to_string()), told);
    }

    /// An event's handler failed, and the plugin may still log that.
    pub fn event_failed(&self, from: &Generation, code: String, text: &str) {
        let (plugin, generation) = (from.name(), from.number);
        let what = "an event's handler failed";
        let code = self.remember(from, code, what, text, "");
        tracing::error!(%code, %plugin, generation, "an event's handler failed: {text}");
        self.records
            .note_fault(plugin, what.to_owned(), Some(code), text.to_owned());
    }

    /// An event's handler panicked, and the plugin may still log that.
    pub fn event_panicked(&self, from: &Generation, code: String, panic: &PanicReport) {
        let (plugin, generation) = (from.name(), from.number);
        let what = "an event's handler panicked";
        let code = self.remember(from, code, what, &panic.message, &panic.location);
        tracing::error!(%code, %plugin, generation, location = %panic.location, "an event's handler panicked: {}", panic.message);
        let text = format!(
            "Code `{code}`: the plugin `{plugin}` panicked in an event's handler at {}: {}",
            panic.location, panic.message
        );
        self.notices.tell(NoticeKind::Incident(plugin.to_string()), text);
        self.note_panic(plugin, what, code, panic);
    }

    /// A callback of a hook failed, panicked or took too long.
    pub fn hook_failed(&self, failure: &Failure, code: String) {
        let Failure {
            plugin,
            generation,
            callback,
            event,
            text,
            panic,
            ..
        } = failure;
        let what = if panic.is_some() {
            "a hook's callback panicked"
        } else {
            "a hook's callback failed"
        };
        let place = panic.as_ref().map_or("", |panic| panic.location.as_str());
        let text = format!("`{callback}` of `{event}`: {text}");
        let code = self.remember_of((plugin, *generation), code, what, &text, place);
        tracing::error!(%code, %plugin, generation, location = place, "{what}: {text}");
        self.records.note_fault(plugin, what.to_owned(), Some(code), text);
    }

    /// A service failed that another plugin has called. The code, which may be an earlier one.
    pub fn service_failed(
        &self,
        of: &Generation,
        code: String,
        (service, caller): (&str, &PluginName),
        text: &str,
    ) -> String {
        let (plugin, generation) = (of.name(), of.number);
        let what = format!("its service `{service}` failed");
        let code = self.remember(of, code, &what, text, "");
        tracing::error!(%code, %plugin, generation, service, %caller, "a service failed: {text}");
        self.records
            .note_fault(plugin, what, Some(code.clone()), text.to_owned());
        code
    }

    /// A service panicked that another plugin has called. The code, which may be an earlier one.
    pub fn service_panicked(
        &self,
        of: &Generation,
        code: String,
        (service, caller): (&str, &PluginName),
        panic: &PanicReport,
    ) -> String {
        let (plugin, generation) = (of.name(), of.number);
        let what = format!("its service `{service}` panicked");
        let code = self.remember(of, code, &what, &panic.message, &panic.location);
        tracing::error!(%code, %plugin, generation, service, %caller, location = %panic.location, "a service panicked: {}", panic.message);
        let text = format!(
            "Code `{code}`: the plugin `{plugin}` panicked in its service `{service}`, called by `{caller}`, at {}: {}",
            panic.location, panic.message
        );
        self.notices.tell(NoticeKind::Incident(plugin.to_string()), text);
        self.note_panic(plugin, &what, code.clone(), panic);
        code
    }

    /// What runs by time failed or panicked, and the plugin may still log that.
    pub fn timer_failed(&self, from: &Generation, code: String, name: &str, outcome: &Outcome) {
        let (plugin, generation) = (from.name(), from.number);
        if let Some(panic) = &outcome.panic {
            let what = format!("its timer `{name}` panicked");
            let code = self.remember(from, code, &what, &panic.message, &panic.location);
            tracing::error!(%code, %plugin, generation, timer = name, location = %panic.location, "a timer panicked: {}", panic.message);
            let text = format!(
                "Code `{code}`: the timer `{name}` of the plugin `{plugin}` panicked at {}: {}",
                panic.location, panic.message
            );
            self.notices.tell(NoticeKind::Incident(plugin.to_string()), text);
            return self.note_panic(plugin, &what, code, panic);
        }
        let text = outcome.text.as_deref().unwrap_or_default();
        let what = format!("its timer `{name}` failed");
        let code = self.remember(from, code, &what, text, "");
        tracing::error!(%code, %plugin, generation, timer = name, "a timer failed: {text}");
        self.records.note_fault(plugin, what, Some(code), text.to_owned());
    }

    /// A plugin's `after` returned an error: its author's matter, not that of whoever used the command.
    pub fn after_failed(&self, from: &Generation, code: String, report: &PanicReport, is_logged: bool) {
        let (plugin, generation, text) = (from.name(), from.number, &report.message);
        let what = "its `after` failed";
        let code = self.remember(from, code, what, text, &report.location);
        if is_logged {
            tracing::error!(%code, %plugin, generation, "`after` failed: {text}");
        }
        self.records
            .note_fault(plugin, what.to_owned(), Some(code), text.to_owned());
    }

    /// A panic outside of any handler, in a task or thread of the plugin's own.
    pub fn task_panicked(&self, from: &Generation, code: String, panic: &PanicReport, is_logged: bool) {
        let (plugin, generation) = (from.name(), from.number);
        let what = "a task of its own panicked";
        let code = self.remember(from, code, what, &panic.message, &panic.location);
        if is_logged {
            tracing::error!(%code, %plugin, generation, location = %panic.location, thread = %panic.thread, "panicked outside of a command: {}", panic.message);
        }
        let text = format!(
            "Code `{code}`: the plugin `{plugin}` panicked in a task of its own at {}: {}",
            panic.location, panic.message
        );
        let kind = NoticeKind::Incident(plugin.to_string());
        if is_logged {
            self.notices.tell(kind, text);
        } else {
            self.notices.tell_unlogged(kind, text);
        }
        self.note_panic(plugin, what, code, panic);
    }

    /// Remembers it, and answers with the code: that of the same fault before, if it is remembered.
    fn remember(&self, from: &Generation, code: String, what: &str, text: &str, place: &str) -> String {
        self.remember_of((from.name(), from.number), code, what, text, place)
    }

    fn remember_of(
        &self,
        (plugin, generation): (&PluginName, u32),
        code: String,
        what: &str,
        text: &str,
        place: &str,
    ) -> String {
        self.incidents.add_again(IncidentStory {
            summary: IncidentSummary {
                code,
                at: seconds_since_1970(),
                times: 1,
                plugin: plugin.to_string(),
                generation,
                command: None,
                what: what.to_owned(),
                text: telemetry::logs::shortened(text).into_owned(),
                user: None,
            },
            place: place.to_owned(),
            ..IncidentStory::default()
        })
    }

    fn note_panic(&self, plugin: &PluginName, what: &str, code: String, panic: &PanicReport) {
        let text = format!("{} ({})", panic.message, panic.location);
        self.records.note_fault(plugin, what.to_owned(), Some(code), text);
    }
}

/// Makes known what went wrong in earlier runs, and writes down what goes wrong in this one, for ever.
pub async fn keep(incidents: Incidents, tables: Tables) {
    let mut new = incidents.to_be_kept();
    match tables.incidents().await {
        Ok(earlier) => incidents.restore(earlier),
        Err(error) => tracing::warn!("what went wrong in earlier runs can't be read: {error}"),
    }
    while let Some(incident) = new.recv().await {
        tables.keep_incident(&incident).await;
    }
}

/// What was asked: the arguments by name, and what a control carried.
fn arguments(asked: &[u8]) -> Vec<(String, String)> {
    let Ok(asked) = serde_json::from_slice::<Invocation>(asked) else {
        return Vec::new();
    };
    let given = asked.arguments.into_iter().map(|(name, value)| (name, told(value)));
    let mut all: Vec<_> = given.collect();
    if let Some(click) = asked.click {
        all.push(("state".to_owned(), click.state));
        if !click.values.is_empty() {
            all.push(("values".to_owned(), click.values.join(", ")));
        }
    }
    for (_, value) in &mut all {
        *value = telemetry::logs::shortened(value).into_owned();
    }
    all
}

fn told(value: ArgumentValue) -> String {
    match value {
        ArgumentValue::String(text) => text,
        ArgumentValue::Integer(number) => number.to_string(),
        ArgumentValue::Number(number) => number.to_string(),
        ArgumentValue::Boolean(answer) => answer.to_string(),
        ArgumentValue::User(user) => format!("user {} ({})", user.username, user.id),
        ArgumentValue::Member(member) => format!("member {} ({})", member.user.username, member.user.id),
        ArgumentValue::Channel(channel) => {
            format!("channel {} ({})", channel.name.unwrap_or_default(), channel.id)
        }
        ArgumentValue::Role(role) => format!("role {} ({})", role.name, role.id),
        ArgumentValue::Attachment(file) => format!("file {} ({} bytes)", file.filename, file.size),
        ArgumentValue::Message(link) => format!("message {} in {}", link.message_id, link.channel_id),
        ArgumentValue::Emoji(emoji) => format!("emoji {}", emoji.name),
        ArgumentValue::Colour(colour) => format!("colour #{colour:06x}"),
        ArgumentValue::Duration(millis) => format!("{millis} ms"),
        ArgumentValue::Date(seconds) => format!("{seconds} s since 1970"),
        ArgumentValue::CodeBlock(block) => block.code,
        ArgumentValue::OneOf { value, .. } => told(*value),
        ArgumentValue::List(values) => values.into_iter().map(told).collect::<Vec<_>>().join(", "),
    }
}

fn seconds_since_1970() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
