//! The log: records of the host and of its plugins, to the terminal and to `data/logs/`.
//!
//! `current_run.log` holds this run only, `permanent.log` goes on over restarts. Plugins' records appear under the
//! plugin's name and generation; what is logged within an invocation says in which. Secrets are covered here, whoever
//! logged them.

use std::{
    borrow::Cow,
    fmt, fs,
    io::{self, IsTerminal},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use arc_swap::ArcSwap;
use plugin_protocol::{Level as ProtocolLevel, LogLevels, LogRecord};
use serde_json::{Map, Value};
use tokio::sync::watch;
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
    files::{Limits, LogFile},
    levels::Levels,
    lines::{self, Record},
    redaction::Secrets,
    scope::{self, Story},
    writer::{self, DroppedLine, Files, Outputs, Sink, WriterGuard},
};
use crate::config::{LogFormat, Logging};

/// The longest text of a plugin's record, in bytes: what is longer is cut.
const LONGEST: usize = 8 * 1024;
/// The longest line that an invocation keeps of its own story, in bytes.
const LONGEST_OF_STORY: usize = 512;

/// Whether a log takes what all threads of this process log.
static IS_OF_PROCESS: AtomicBool = AtomicBool::new(false);

/// Runs `work` on another thread with the subscriber of this one, unless all threads have the same.
pub fn with_subscriber(work: impl FnOnce() + Send) -> impl FnOnce() + Send {
    let scoped = !IS_OF_PROCESS.load(Ordering::Relaxed);
    let subscriber = scoped.then(|| tracing::dispatcher::get_default(Clone::clone));
    move || {
        let _subscriber = subscriber.as_ref().map(tracing::dispatcher::set_default);
        work();
    }
}

/// The log's handle: what is logged, and how, can be changed while it runs. Clones share it.
#[derive(Clone)]
pub struct Logs {
    inner: Arc<Inner>,
}

struct Inner {
    sink: Sink,
    levels: ArcSwap<Levels>,
    is_json: Arc<AtomicBool>,
    /// Whether the terminal shows colours.
    colour: bool,
    /// Whether somebody looks at a terminal.
    is_watched: bool,
    limits: Arc<ArcSwap<Limits>>,
    secrets: Secrets,
    trouble: watch::Receiver<Option<String>>,
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logs").finish_non_exhaustive()
    }
}

/// Writes what is left when it is dropped: keep it to the very end of `main`.
#[must_use = "the log ends when this is dropped"]
pub struct LogsGuard {
    _writer: WriterGuard,
}

/// Starts the log for this process; its lines also go to `elsewhere` if that is given, else to the terminal.
///
/// # Errors
///
/// If the files can't be made, or a log was started before.
pub fn start(
    folder: &Path,
    logging: &Logging,
    secrets: Secrets,
    elsewhere: Option<Box<dyn io::Write + Send>>,
) -> io::Result<(Logs, LogsGuard)> {
    if let Some(output) = elsewhere {
        let output = Terminal {
            output,
            is_watched: false,
            colour: false,
        };
        // Whoever takes the lines has its own way to get at the host's records.
        let (_, logs, guard) = build(folder, logging, secrets, Some(output))?;
        return Ok((logs, guard));
    }
    let terminal = io::stderr();
    let is_watched = terminal.is_terminal();
    let variable = |name| std::env::var(name).unwrap_or_default();
    let terminal = Terminal {
        output: Box::new(terminal),
        is_watched,
        // https://no-color.org
        colour: is_watched && variable("NO_COLOR").is_empty() && variable("TERM") != "dumb",
    };
    let (layer, logs, guard) = build(folder, logging, secrets, Some(terminal))?;
    IS_OF_PROCESS.store(true, Ordering::Relaxed);
    if tracing::subscriber::set_global_default(Registry::default().with(layer)).is_err() {
        // A second bot in one process, as tests have: the first one's log has both.
        tracing::warn!("this process has a log already: {} stays empty", folder.display());
    }
    Ok((logs, guard))
}

struct Terminal {
    output: Box<dyn io::Write + Send>,
    is_watched: bool,
    colour: bool,
}

fn build(
    folder: &Path,
    logging: &Logging,
    secrets: Secrets,
    terminal: Option<Terminal>,
) -> io::Result<(LogLayer, Logs, LogsGuard)> {
    fs::create_dir_all(folder)?;
    let files = vec![
        LogFile::of_this_run(folder.join("current_run.log"))?,
        LogFile::permanent(folder.join("permanent.log"))?,
    ];
    let (is_watched, colour) = terminal
        .as_ref()
        .map_or((false, false), |terminal| (terminal.is_watched, terminal.colour));
    let limits = Arc::new(ArcSwap::from_pointee(limits(logging)));
    let is_json = Arc::new(AtomicBool::new(logging.format == LogFormat::Json));
    let (told, trouble) = watch::channel(None);
    let (sink, writer) = writer::start(Outputs {
        terminal: terminal.map(|terminal| terminal.output),
        files: Files {
            all: files,
            limits: Arc::clone(&limits),
            trouble: told,
        },
        told: dropped_line(Arc::clone(&is_json), colour),
    })?;
    let logs = Logs {
        inner: Arc::new(Inner {
            sink,
            levels: ArcSwap::from_pointee(levels(logging)),
            is_json,
            colour,
            is_watched,
            limits,
            secrets,
            trouble,
        }),
    };
    Ok((LogLayer { logs: logs.clone() }, logs, LogsGuard { _writer: writer }))
}

fn limits(logging: &Logging) -> Limits {
    Limits {
        max_bytes: logging.max_bytes,
        backup_count: logging.backup_count,
        retention: logging.retention,
    }
}

fn levels(logging: &Logging) -> Levels {
    Levels::new(logging.level, logging.levels.clone())
}

fn dropped_line(is_json: Arc<AtomicBool>, colour: bool) -> DroppedLine {
    Arc::new(move |count, is_terminal| {
        let record = Record {
            target: "host::telemetry".to_owned(),
            message: "log records were lost: more were logged than could be written".to_owned(),
            fields: Map::from_iter([("count".to_owned(), count.into())]),
            ..Record::default()
        };
        if is_json.load(Ordering::Relaxed) {
            lines::json(&now(), Level::WARN, record)
        } else {
            lines::text(&now(), Level::WARN, &record, colour && is_terminal)
        }
    })
}

impl Logs {
    /// Takes over what config.json says now: levels, format, sizes. Levels that were set by command stay.
    pub fn configure(&self, logging: &Logging) {
        self.inner.limits.store(Arc::new(limits(logging)));
        let is_json = logging.format == LogFormat::Json;
        self.inner.is_json.store(is_json, Ordering::Relaxed);
        self.change_levels(|now| now.reconfigured(levels(logging)));
    }

    /// Sets the least important level that is logged of a target, such as `host::rest` or `plugin::NAME`, or of all that
    /// have none of their own. Without a level, what config.json says holds again.
    ///
    /// What plugins are told of their level is for the caller to send.
    pub fn set_level(&self, target: Option<&str>, level: Option<ProtocolLevel>) {
        self.change_levels(|now| now.with(target, level));
    }

    /// Goes back to what config.json says.
    pub fn reset_levels(&self) {
        self.change_levels(Levels::reset);
    }

    /// What is logged of whom.
    #[must_use]
    pub fn levels(&self) -> LogLevels {
        self.inner.levels.load().shown()
    }

    /// The least important level that is logged of a plugin.
    #[must_use]
    pub fn level_of_plugin(&self, plugin: &str) -> ProtocolLevel {
        self.inner.levels.load().of_plugin(plugin)
    }

    /// What must not be shown anywhere.
    #[must_use]
    pub fn secrets(&self) -> &Secrets {
        &self.inner.secrets
    }

    /// Why lines are lost, while the files can't be written.
    #[must_use]
    pub fn trouble(&self) -> watch::Receiver<Option<String>> {
        self.inner.trouble.clone()
    }

    /// Logs a plugin's record under its name, if that level is wanted. What is very long of it is cut.
    pub fn plugin_record(&self, plugin: &str, generation: u32, record: &LogRecord, story: Option<&Arc<dyn Story>>) {
        if record.level < self.level_of_plugin(plugin) {
            return;
        }
        let mut fields: Map<String, Value> = record.fields.clone().into_iter().collect();
        let length = serde_json::to_string(&fields).map_or(0, |fields| fields.len());
        if length > LONGEST {
            let text = format!("{length} bytes, too many to be logged");
            fields = Map::from_iter([("fields".to_owned(), text.into())]);
        }
        if !record.target.is_empty() {
            fields.insert("module".to_owned(), (*shortened(&record.target)).into());
        }
        if let (Some(file), Some(line)) = (&record.file, record.line) {
            fields.insert("location".to_owned(), format!("{}:{line}", shortened(file)).into());
        }
        let written = Record {
            target: format!("plugin::{plugin}#{generation}"),
            message: shortened(&record.message).into_owned(),
            fields,
            spans: record
                .spans
                .iter()
                .take(16)
                .map(|name| shortened(name).into_owned())
                .collect(),
            event: record.event.as_ref().map(|event| shortened(event).into_owned()),
            ..Record::default()
        };
        let level = match record.level {
            ProtocolLevel::Trace => Level::TRACE,
            ProtocolLevel::Debug => Level::DEBUG,
            ProtocolLevel::Info => Level::INFO,
            ProtocolLevel::Warn => Level::WARN,
            ProtocolLevel::Error => Level::ERROR,
        };
        self.write(level, written, story);
    }

    /// Tells that all stands: a record in the files, and `panel` on a terminal that somebody looks at.
    pub fn ready(&self, fields: Map<String, Value>, panel: impl FnOnce(bool) -> String) {
        let mut record = Record {
            target: "host::bot".to_owned(),
            message: "ready".to_owned(),
            fields,
            ..Record::default()
        };
        if ProtocolLevel::Info < self.inner.levels.load().of(&record.target) {
            return;
        }
        record.cover(&self.inner.secrets);
        let (line, coloured) = self.lines(Level::INFO, record);
        let is_json = self.inner.is_json.load(Ordering::Relaxed);
        let shown = if self.inner.is_watched && !is_json {
            Some(self.inner.secrets.cover(&panel(self.inner.colour)).into())
        } else {
            coloured
        };
        self.inner.sink.put(&line, shown);
    }

    fn change_levels(&self, change: impl Fn(&Levels) -> Levels) {
        self.inner.levels.rcu(|now| Arc::new(change(now)));
        tracing::callsite::rebuild_interest_cache();
    }

    fn write(&self, level: Level, mut record: Record, story: Option<&Arc<dyn Story>>) {
        record.cover(&self.inner.secrets);
        if let Some(story) = story {
            let mut line = lines::story_line(&now(), level, &record, false);
            if line.len() > LONGEST_OF_STORY {
                let end = (0..=LONGEST_OF_STORY).rev().find(|&end| line.is_char_boundary(end));
                line.truncate(end.unwrap_or(0));
                line.push('\u{2026}');
            }
            story.logged(line);
            story.fields(&mut |name, value| {
                record.invocation.insert(name.to_owned(), value);
            });
            record.incident = story.incident();
        }
        let (line, coloured) = self.lines(level, record);
        self.inner.sink.put(&line, coloured);
    }

    /// The line for the files, and the terminal's if that is another.
    fn lines(&self, level: Level, record: Record) -> (Arc<str>, Option<Arc<str>>) {
        let time = now();
        if self.inner.is_json.load(Ordering::Relaxed) {
            return (lines::json(&time, level, record).into(), None);
        }
        let coloured = self
            .inner
            .colour
            .then(|| lines::text(&time, level, &record, true).into());
        (lines::text(&time, level, &record, false).into(), coloured)
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
    logs: Logs,
}

impl LogLayer {
    fn logs(&self, metadata: &Metadata<'_>) -> bool {
        // Spans are not shown: an invocation is known by `scope`.
        metadata.is_event() && *metadata.level() <= filter(self.logs.inner.levels.load().of(metadata.target()))
    }
}

const fn filter(level: ProtocolLevel) -> LevelFilter {
    match level {
        ProtocolLevel::Trace => LevelFilter::TRACE,
        ProtocolLevel::Debug => LevelFilter::DEBUG,
        ProtocolLevel::Info => LevelFilter::INFO,
        ProtocolLevel::Warn => LevelFilter::WARN,
        ProtocolLevel::Error => LevelFilter::ERROR,
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
        Some(filter(self.logs.inner.levels.load().lowest()))
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut record = Record::default();
        event.record(&mut record);
        let metadata = event.metadata();
        metadata.target().clone_into(&mut record.target);
        self.logs.write(*metadata.level(), record, scope::current().as_ref());
    }
}

fn now() -> String {
    let mut time = String::with_capacity(27);
    let _ = SystemTime.format_time(&mut Writer::new(&mut time));
    time
}

#[cfg(test)]
mod tests;
