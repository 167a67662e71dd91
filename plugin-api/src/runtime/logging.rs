//! Log records: what the plugin writes with `tracing` (and `log`) is sent to the host, which writes it into its own log
//! under the plugin's name. Nothing is ever printed.
//!
//! A loaded plugin has one subscriber for its whole library, which sends through the lane that was made last; a linked
//! one has a subscriber for its lane's thread. A record is told with the spans around it and their fields.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Once, PoisonError, RwLock},
};

use plugin_protocol::{Level, LogRecord};
use serde_json::Value;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
    subscriber::DefaultGuard,
};
use tracing_core::span::Current;

use super::{link::Link, panics, spans};

/// The way to the host for the whole library: of the lane that was made last.
static LIBRARY: RwLock<Option<Arc<Link>>> = RwLock::new(None);

/// Installs the library's panic hook and subscriber; only in a `cdylib`, whose standard library is its own.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            if let Some(report) = panics::record(info)
                && let Some(link) = library()
            {
                link.report(&report);
            }
        }));
        // Neither can fail: this library is new, and nothing of it has run before.
        let _ = tracing::subscriber::set_global_default(ToHost { link: None });
        if log::set_logger(&LogToHost).is_ok() {
            log::set_max_level(log::LevelFilter::Trace);
        }
    });
}

pub(crate) fn serve_library(link: Arc<Link>) {
    *LIBRARY.write().unwrap_or_else(PoisonError::into_inner) = Some(link);
    tracing::callsite::rebuild_interest_cache();
}

/// Forgets `link`, if it is the library's.
pub(crate) fn leave_library(link: &Arc<Link>) {
    let mut library = LIBRARY.write().unwrap_or_else(PoisonError::into_inner);
    library.take_if(|current| Arc::ptr_eq(current, link));
}

fn library() -> Option<Arc<Link>> {
    LIBRARY.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Sends what this thread logs through `link`, until the guard is dropped.
pub(crate) fn serve_thread(link: Arc<Link>) -> DefaultGuard {
    tracing::subscriber::set_default(ToHost { link: Some(link) })
}

/// A subscriber that sends records through its link, or through the library's.
struct ToHost {
    link: Option<Arc<Link>>,
}

impl ToHost {
    fn link(&self) -> Option<Arc<Link>> {
        self.link.clone().or_else(library)
    }
}

impl Subscriber for ToHost {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.link()
            .is_some_and(|link| level(*metadata.level()) as u8 >= link.level())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match self.link()?.level() {
            0 => LevelFilter::TRACE,
            1 => LevelFilter::DEBUG,
            2 => LevelFilter::INFO,
            3 => LevelFilter::WARN,
            _ => LevelFilter::ERROR,
        })
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        spans::open(attributes, fields.all())
    }

    fn record(&self, id: &span::Id, values: &span::Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        spans::record(id, fields.all());
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let Some(link) = self.link() else { return };
        let metadata = event.metadata();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let (names, mut around) = spans::around(event.parent());
        around.append(&mut fields.others);
        link.log(LogRecord {
            level: level(*metadata.level()),
            target: metadata.target().to_owned(),
            message: fields.message,
            fields: around,
            file: metadata.file().map(str::to_owned),
            line: metadata.line(),
            spans: names,
            ..LogRecord::default()
        });
    }

    fn enter(&self, id: &span::Id) {
        spans::enter(id);
    }

    fn exit(&self, id: &span::Id) {
        spans::exit(id);
    }

    fn clone_span(&self, id: &span::Id) -> span::Id {
        spans::hold(id);
        id.clone()
    }

    fn try_close(&self, id: span::Id) -> bool {
        spans::release(&id)
    }

    fn current_span(&self) -> Current {
        spans::current()
    }
}

fn level(level: tracing::Level) -> Level {
    match level {
        tracing::Level::TRACE => Level::Trace,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::INFO => Level::Info,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::ERROR => Level::Error,
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: BTreeMap<String, Value>,
}

impl Fields {
    /// A span's fields, of which `message` is one like any other.
    fn all(mut self) -> BTreeMap<String, Value> {
        if !self.message.is_empty() {
            self.others.insert("message".to_owned(), self.message.into());
        }
        self.others
    }

    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.others.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.put(field, text);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.put(field, value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}

/// Forwards records of the `log` crate, which many libraries write.
struct LogToHost;

impl log::Log for LogToHost {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        library().is_some_and(|link| log_level(metadata.level()) as u8 >= link.level())
    }

    fn log(&self, record: &log::Record<'_>) {
        if let Some(link) = library()
            && log_level(record.level()) as u8 >= link.level()
        {
            let (spans, fields) = spans::around(None);
            link.log(LogRecord {
                level: log_level(record.level()),
                target: record.target().to_owned(),
                message: record.args().to_string(),
                fields,
                file: record.file().map(str::to_owned),
                line: record.line(),
                spans,
                ..LogRecord::default()
            });
        }
    }

    fn flush(&self) {}
}

fn log_level(level: log::Level) -> Level {
    match level {
        log::Level::Trace => Level::Trace,
        log::Level::Debug => Level::Debug,
        log::Level::Info => Level::Info,
        log::Level::Warn => Level::Warn,
        log::Level::Error => Level::Error,
    }
}
