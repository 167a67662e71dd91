//! The log: records of the host and of its plugins, to the terminal and to `data/logs/`.
//!
//! `current_run.log` holds this run only, `permanent.log` goes on over restarts. Plugins' records appear under the
//! plugin's name and generation. Lines of libraries are kept one level quieter than the host's own.

use std::{
    borrow::Cow,
    fs::{self, File},
    io::{self, IsTerminal},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use plugin_protocol::{Level as ProtocolLevel, LogRecord};
use serde_json::{Map, Value};
use tracing::{Event, Level, Metadata, Subscriber, level_filters::LevelFilter, subscriber::Interest};
use tracing_subscriber::{
    Layer, Registry,
    fmt::{
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    layer::{Context, SubscriberExt},
};

use super::{
    lines::{self, Record},
    writer::{self, Line, Outputs, Sink, WriterGuard},
};
use crate::config::LogFormat;

/// The target of plugins' records; the plugin's name is a field.
const PLUGIN: &str = "plugin";

/// The log's handle: its level can be changed while it runs. Clones share it.
#[derive(Clone, Debug)]
pub struct Logs {
    level: Arc<AtomicU8>,
}

/// Writes what is left when it is dropped: keep it to the very end of `main`.
#[must_use = "the log ends when this is dropped"]
pub struct LogsGuard {
    _writer: WriterGuard,
}

/// Starts the log for this process.
///
/// # Errors
///
/// If the files can't be made, or a log was started before.
pub fn start(folder: &Path, level: ProtocolLevel, format: LogFormat) -> io::Result<(Logs, LogsGuard)> {
    let terminal = io::stderr();
    let is_terminal = terminal.is_terminal();
    let (layer, logs, guard) = build(folder, level, format, Some((Box::new(terminal), is_terminal)))?;
    tracing::subscriber::set_global_default(Registry::default().with(layer)).map_err(io::Error::other)?;
    Ok((logs, guard))
}

/// The terminal, and whether it shows colours.
type Terminal = (Box<dyn io::Write + Send>, bool);

fn build(
    folder: &Path,
    level: ProtocolLevel,
    format: LogFormat,
    terminal: Option<Terminal>,
) -> io::Result<(LogLayer, Logs, LogsGuard)> {
    fs::create_dir_all(folder)?;
    let current = File::create(folder.join("current_run.log"))?;
    let permanent = File::options()
        .create(true)
        .append(true)
        .open(folder.join("permanent.log"))?;
    let colour = terminal.as_ref().is_some_and(|(_, colour)| *colour);
    let (sink, writer) = writer::start(Outputs {
        terminal: terminal.map(|(terminal, _)| terminal),
        files: vec![current, permanent],
        dropped_line: match format {
            LogFormat::Text => |count| lines::text(&now(), Level::WARN, "host::telemetry", &dropped(count), false),
            LogFormat::Json => |count| lines::json(&now(), Level::WARN, "host::telemetry", dropped(count)),
        },
    })?;
    let logs = Logs {
        level: Arc::new(AtomicU8::new(level as u8)),
    };
    let layer = LogLayer {
        sink,
        format,
        colour: colour && format == LogFormat::Text,
        logs: logs.clone(),
    };
    Ok((layer, logs, LogsGuard { _writer: writer }))
}

fn dropped(count: u64) -> Record {
    Record {
        message: "log records were dropped: more were logged than could be written".to_owned(),
        fields: Map::from_iter([("count".to_owned(), count.into())]),
    }
}

impl Logs {
    /// Changes the least important level that is logged.
    pub fn set_level(&self, level: ProtocolLevel) {
        self.level.store(level as u8, Ordering::Relaxed);
        tracing::callsite::rebuild_interest_cache();
    }

    /// The least important level that is logged.
    #[must_use]
    pub fn level(&self) -> ProtocolLevel {
        match self.level.load(Ordering::Relaxed) {
            0 => ProtocolLevel::Trace,
            1 => ProtocolLevel::Debug,
            2 => ProtocolLevel::Info,
            3 => ProtocolLevel::Warn,
            _ => ProtocolLevel::Error,
        }
    }
}

/// The longest text of a plugin's record, in bytes: what is longer is cut.
const LONGEST: usize = 8 * 1024;

/// Logs a plugin's record under its name. What is very long of it is cut.
pub fn plugin_record(plugin: &str, generation: u32, record: &LogRecord) {
    let fields = if record.fields.is_empty() {
        String::new()
    } else {
        serde_json::to_string(&record.fields).unwrap_or_default()
    };
    // Cut, it would not be JSON any more.
    let fields = if fields.len() > LONGEST {
        format!(r#"{{"fields":"{} bytes, too many to be logged"}}"#, fields.len())
    } else {
        fields
    };
    let location = match (&record.file, record.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        _ => String::new(),
    };
    macro_rules! event {
        ($level:ident) => {
            tracing::event!(
                target: PLUGIN,
                Level::$level,
                plugin,
                generation,
                module = record.target.as_str(),
                fields = fields.as_str(),
                location = location.as_str(),
                message = &*shortened(&record.message),
            )
        };
    }
    match record.level {
        ProtocolLevel::Trace => event!(TRACE),
        ProtocolLevel::Debug => event!(DEBUG),
        ProtocolLevel::Info => event!(INFO),
        ProtocolLevel::Warn => event!(WARN),
        ProtocolLevel::Error => event!(ERROR),
    }
}

/// A text as it is, or its beginning and how long it was.
#[must_use]
pub fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST {
        return Cow::Borrowed(text);
    }
    let end = (0..=LONGEST).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    let start = &text[..end];
    Cow::Owned(format!("{start}\u{2026} (cut, it has {} bytes)", text.len()))
}

/// Turns records into lines.
struct LogLayer {
    sink: Sink,
    format: LogFormat,
    colour: bool,
    logs: Logs,
}

impl LogLayer {
    fn logs(&self, metadata: &Metadata<'_>) -> bool {
        // Spans are not shown.
        metadata.is_event() && *metadata.level() <= self.filter(metadata.target())
    }

    /// What is logged of a target: libraries one level quieter, since their daily life is of no interest to an owner.
    fn filter(&self, target: &str) -> LevelFilter {
        let top = target.split("::").next().unwrap_or_default();
        let is_own = matches!(top, PLUGIN | "host" | "bothost");
        match (self.logs.level(), is_own) {
            (ProtocolLevel::Trace, true) => LevelFilter::TRACE,
            (ProtocolLevel::Debug, true) | (ProtocolLevel::Trace, false) => LevelFilter::DEBUG,
            (ProtocolLevel::Info, true) | (ProtocolLevel::Debug, false) => LevelFilter::INFO,
            (ProtocolLevel::Warn, true) | (ProtocolLevel::Info, false) => LevelFilter::WARN,
            (ProtocolLevel::Error, _) | (ProtocolLevel::Warn, false) => LevelFilter::ERROR,
        }
    }
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.logs(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.logs(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.filter(PLUGIN))
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut record = Record::default();
        event.record(&mut record);
        let metadata = event.metadata();
        let target = if metadata.target() == PLUGIN {
            unpack(&mut record)
        } else {
            metadata.target().to_owned()
        };
        let (time, level) = (now(), *metadata.level());
        self.sink.put(match self.format {
            LogFormat::Text => Line {
                terminal: self.colour.then(|| lines::text(&time, level, &target, &record, true)),
                file: lines::text(&time, level, &target, &record, false),
            },
            LogFormat::Json => Line {
                file: lines::json(&time, level, &target, record),
                terminal: None,
            },
        });
    }
}

/// Makes of a plugin's record, as [`plugin_record`] packed it, what the plugin logged; answers with its target.
fn unpack(record: &mut Record) -> String {
    let mut packed = std::mem::take(&mut record.fields);
    let mut text = |name: &str| match packed.remove(name) {
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let target = format!("plugin::{}#{}", text("plugin"), text("generation"));
    if let Ok(Value::Object(fields)) = serde_json::from_str(&text("fields")) {
        record.fields = fields;
    }
    for name in ["module", "location"] {
        let value = text(name);
        if !value.is_empty() {
            record.fields.insert(name.to_owned(), value.into());
        }
    }
    target
}

fn now() -> String {
    let mut time = String::with_capacity(27);
    let _ = SystemTime.format_time(&mut Writer::new(&mut time));
    time
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(level: ProtocolLevel, format: LogFormat, work: impl FnOnce(&Logs)) -> String {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("current_run.log"), "the run before\n").unwrap();
        fs::write(folder.path().join("permanent.log"), "the run before\n").unwrap();
        let (layer, logs, guard) = build(folder.path(), level, format, None).unwrap();
        tracing::subscriber::with_default(Registry::default().with(layer), || work(&logs));
        drop(guard);
        let current = fs::read_to_string(folder.path().join("current_run.log")).unwrap();
        let permanent = fs::read_to_string(folder.path().join("permanent.log")).unwrap();
        assert_eq!(permanent, format!("the run before\n{current}"));
        // The time differs from run to run.
        current
            .lines()
            .flat_map(|line| {
                [
                    line.get(28..).unwrap_or(line),
                    "
",
                ]
            })
            .collect()
    }

    #[test]
    fn records_of_the_host_and_of_plugins_become_lines() {
        let record = LogRecord {
            level: ProtocolLevel::Warn,
            target: "levels::decay".to_owned(),
            message: "slow\nforged".to_owned(),
            fields: [("took_ms".to_owned(), 12.into())].into(),
            file: Some("src/lib.rs".to_owned()),
            line: Some(7),
        };
        let lines = logged(ProtocolLevel::Info, LogFormat::Text, |_| {
            tracing::info!(target: "host::plugins", plugin = "levels", "loaded");
            tracing::debug!(target: "host::plugins", "not shown");
            tracing::info!(target: "hyper::client", "not shown either");
            tracing::warn!(target: "hyper::client", "shown");
            plugin_record("levels", 3, &record);
        });
        assert_eq!(
            lines,
            " INFO host::plugins: loaded plugin=levels\n WARN hyper::client: shown\n WARN plugin::levels#3: slow\\nforged \
             took_ms=12 module=levels::decay location=src/lib.rs:7\n"
        );
    }

    #[test]
    fn a_line_for_programs_is_json() {
        let folder = tempfile::tempdir().unwrap();
        let (layer, _, guard) = build(folder.path(), ProtocolLevel::Info, LogFormat::Json, None).unwrap();
        tracing::subscriber::with_default(Registry::default().with(layer), || {
            plugin_record(
                "p",
                1,
                &LogRecord {
                    message: "hi".to_owned(),
                    ..LogRecord::default()
                },
            );
        });
        drop(guard);
        let text = fs::read_to_string(folder.path().join("current_run.log")).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (value["target"].as_str(), value["message"].as_str()),
            (Some("plugin::p#1"), Some("hi"))
        );
    }

    #[test]
    fn the_level_can_be_changed_while_it_runs() {
        let lines = logged(ProtocolLevel::Error, LogFormat::Text, |logs| {
            for level in [ProtocolLevel::Error, ProtocolLevel::Debug, ProtocolLevel::Warn] {
                logs.set_level(level);
                assert_eq!(logs.level(), level);
                tracing::debug!(target: "host", "debug");
                tracing::error!(target: "host", "error");
            }
        });
        assert_eq!(
            lines,
            "ERROR host: error\nDEBUG host: debug\nERROR host: error\nERROR host: error\n"
        );
    }
}
