//! Lines as they come out of the whole log: files on disk, levels, stories, secrets, a disk that takes nothing.
//!
//! They read what was written, with the time cut off, since nothing else differs from run to run.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use super::*;

fn logging(level: ProtocolLevel, format: LogFormat) -> Logging {
    Logging {
        level,
        levels: BTreeMap::new(),
        format,
        max_bytes: 1_000_000,
        backup_count: 5,
        retention: Duration::from_secs(86_400),
    }
}

fn logged(level: ProtocolLevel, format: LogFormat, work: impl FnOnce(&Logs)) -> String {
    logged_as(&logging(level, format), work)
}

fn logged_as(logging: &Logging, work: impl FnOnce(&Logs)) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("current_run.log"), "the run before\n").unwrap();
    fs::write(folder.path().join("permanent.log"), "the run before\n").unwrap();
    let secrets = Secrets::new(["hunter2"]);
    let (layer, logs, guard) = build(folder.path(), logging, secrets, None).unwrap();
    tracing::subscriber::with_default(Registry::default().with(layer), || work(&logs));
    drop(guard);
    let current = fs::read_to_string(folder.path().join("current_run.log")).unwrap();
    let permanent = fs::read_to_string(folder.path().join("permanent.log")).unwrap();
    assert_eq!(permanent, format!("the run before\n{current}"));
    if logging.format == LogFormat::Json {
        return current;
    }
    // The time differs from run to run.
    current
        .lines()
        .flat_map(|line| [line.get(28..).unwrap_or(line), "\n"])
        .collect()
}

struct Ban(Mutex<Vec<String>>);

impl Story for Ban {
    fn fields(&self, field: &mut dyn FnMut(&'static str, Value)) {
        field("id", 7.into());
        field("command", "ban".into());
        field("guild", "11".into());
    }

    fn incident(&self) -> Option<String> {
        Some("A1B2".to_owned())
    }

    fn logged(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

fn record() -> LogRecord {
    LogRecord {
        level: ProtocolLevel::Warn,
        target: "levels::decay".to_owned(),
        message: "slow\nforged".to_owned(),
        fields: [("took_ms".to_owned(), 12.into())].into(),
        file: Some("src/lib.rs".to_owned()),
        line: Some(7),
        ..LogRecord::default()
    }
}

#[test]
fn records_of_the_host_and_of_plugins_become_lines() {
    let lines = logged(ProtocolLevel::Info, LogFormat::Text, |logs| {
        tracing::info!(target: "host::plugins", plugin = "levels", "loaded");
        tracing::debug!(target: "host::plugins", "not shown");
        tracing::info!(target: "hyper::client", "not shown either");
        tracing::warn!(target: "hyper::client", "shown");
        logs.plugin_record("levels", 3, &record(), None);
        let mut quiet = record();
        quiet.level = ProtocolLevel::Debug;
        logs.plugin_record("levels", 3, &quiet, None);
    });
    assert_eq!(
        lines,
        " INFO host::plugins: loaded plugin=levels\n WARN hyper::client: shown\n WARN plugin::levels#3: slow\\nforged \
         took_ms=12 module=levels::decay location=src/lib.rs:7\n"
    );
}

#[test]
fn what_is_logged_in_an_invocation_says_in_which_and_is_part_of_its_story() {
    let ban = Arc::new(Ban(Mutex::default()));
    let story: Arc<dyn Story> = Arc::clone(&ban) as _;
    let lines = logged(ProtocolLevel::Info, LogFormat::Text, |logs| {
        scope::within_now(
            Arc::clone(&story),
            || tracing::warn!(target: "host::rest", status = 403, "refused"),
        );
        tracing::info!(target: "host::rest", "outside");
        let mut in_event = record();
        in_event.spans = vec!["outer".to_owned(), "inner".to_owned()];
        logs.plugin_record("levels", 3, &in_event, Some(&story));
        in_event.event = Some("MESSAGE_CREATE".to_owned());
        logs.plugin_record("levels", 3, &in_event, None);
    });
    insta::assert_snapshot!(lines);
    let told: Vec<_> = ban.lines().iter().map(|line| line[28..].to_owned()).collect();
    assert_eq!(told.len(), 2);
    assert_eq!(told[0], " WARN host::rest: refused status=403");
    assert!(told[1].contains("plugin::levels#3: slow\\nforged"));
}

#[test]
fn a_line_for_programs_is_json() {
    let story: Arc<dyn Story> = Arc::new(Ban(Mutex::default()));
    let text = logged(ProtocolLevel::Info, LogFormat::Json, |logs| {
        let mut record = record();
        record.spans = vec!["outer".to_owned()];
        record.event = Some("MESSAGE_CREATE".to_owned());
        logs.plugin_record("p", 1, &record, Some(&story));
    });
    let mut value: Value = serde_json::from_str(&text).unwrap();
    assert!(value["time"].take().as_str().unwrap().ends_with('Z'));
    assert_eq!(
        value,
        serde_json::json!({
            "time": null, "level": "WARN", "target": "plugin::p#1", "message": "slow\nforged",
            "fields": {"took_ms": 12, "module": "levels::decay", "location": "src/lib.rs:7"},
            "spans": ["outer"], "event": "MESSAGE_CREATE",
            "invocation": {"id": 7, "command": "ban", "guild": "11"}, "incident": "A1B2",
        })
    );
}

#[test]
fn no_secret_is_in_a_line_or_a_story() {
    const TOKEN: &str = "MTc1OTI4ODQ3Mjk5MTE3MDYz.Gabcde.abcdefghijklmnopqrstuvwxyz0123456789AB";
    let ban = Arc::new(Ban(Mutex::default()));
    let story: Arc<dyn Story> = Arc::clone(&ban) as _;
    for format in [LogFormat::Text, LogFormat::Json] {
        let lines = logged(ProtocolLevel::Info, format, |logs| {
            scope::within_now(Arc::clone(&story), || {
                tracing::error!(password = "hunter2", debug = ?"hunter2", "with {TOKEN}");
            });
            let mut record = record();
            record.message = format!("Bot {TOKEN}");
            record
                .fields
                .insert("hunter2".to_owned(), serde_json::json!({"a": ["hunter2"]}));
            record.spans = vec!["hunter2".to_owned()];
            record.target = "hunter2".to_owned();
            logs.plugin_record("levels", 3, &record, Some(&story));
        });
        let all = format!("{lines}{}", ban.lines().join("\n"));
        assert!(!all.contains("hunter2") && !all.contains("abcdefghij"), "{all}");
        assert_eq!(lines.matches("<secret>").count(), 8, "{lines}");
    }
}

#[test]
fn levels_can_be_changed_while_it_runs() {
    let mut logging = logging(ProtocolLevel::Error, LogFormat::Text);
    logging.levels = [("plugin::chatty".to_owned(), ProtocolLevel::Trace)].into();
    let lines = logged_as(&logging, |logs| {
        for level in [ProtocolLevel::Error, ProtocolLevel::Debug, ProtocolLevel::Warn] {
            logs.set_level(None, Some(level));
            assert_eq!(logs.levels().default, level);
            tracing::debug!(target: "host", "debug");
            tracing::error!(target: "host", "error");
        }
        logs.set_level(Some("host::rest"), Some(ProtocolLevel::Trace));
        tracing::trace!(target: "host::rest::pace", "one part");
        tracing::info!(target: "host::gateway", "not shown");
        let mut record = record();
        record.level = ProtocolLevel::Debug;
        record.message = "chatty".to_owned();
        logs.plugin_record("chatty", 1, &record, None);
        logs.plugin_record("quiet", 1, &record, None);
        logs.reset_levels();
        tracing::warn!(target: "host", "not shown");
        let mut other = logging.clone();
        other.level = ProtocolLevel::Info;
        other.levels = BTreeMap::new();
        logs.configure(&other);
        tracing::info!(target: "host", "configured");
        logs.plugin_record("chatty", 1, &record, None);
    });
    assert_eq!(
        lines,
        "ERROR host: error\nDEBUG host: debug\nERROR host: error\nERROR host: error\nTRACE host::rest::pace: one \
         part\nDEBUG plugin::chatty#1: chatty took_ms=12 module=levels::decay location=src/lib.rs:7\n INFO host: \
         configured\n"
    );
}

#[test]
fn the_form_and_the_sizes_can_be_changed_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let mut logging = logging(ProtocolLevel::Info, LogFormat::Text);
    let (layer, logs, guard) = build(folder.path(), &logging, Secrets::default(), None).unwrap();
    tracing::subscriber::with_default(Registry::default().with(layer), || {
        tracing::info!(target: "host", "text");
        logging.format = LogFormat::Json;
        logs.configure(&logging);
        tracing::info!(target: "host", "json");
    });
    drop(guard);
    let text = fs::read_to_string(folder.path().join("permanent.log")).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].ends_with("INFO host: text"), "{text}");
    assert_eq!(serde_json::from_str::<Value>(lines[1]).unwrap()["message"], "json");
}

/// A terminal that keeps what it is shown.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<u8>>>);

impl io::Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn shown(is_watched: bool, colour: bool, format: LogFormat, work: impl FnOnce(&Logs)) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let terminal = Shown::default();
    let output = Terminal {
        output: Box::new(terminal.clone()),
        is_watched,
        colour,
    };
    let logging = logging(ProtocolLevel::Info, format);
    let (layer, logs, guard) = build(folder.path(), &logging, Secrets::default(), Some(output)).unwrap();
    tracing::subscriber::with_default(Registry::default().with(layer), || work(&logs));
    drop(guard);
    let shown = String::from_utf8(terminal.0.lock().unwrap().clone()).unwrap();
    (shown, fs::read_to_string(folder.path().join("permanent.log")).unwrap())
}

#[test]
fn colours_are_for_terminals_and_a_panel_for_whoever_looks_at_one() {
    let work = |logs: &Logs| {
        tracing::warn!(target: "host", "careful");
        logs.ready(Map::from_iter([("servers".to_owned(), 3.into())]), |colour| {
            format!("PANEL {colour}")
        });
    };
    let (terminal, file) = shown(true, true, LogFormat::Text, work);
    assert!(terminal.contains("\x1b[33m WARN\x1b[0m host: careful"), "{terminal}");
    assert!(terminal.ends_with("PANEL true\n"), "{terminal}");
    assert!(
        !file.contains('\x1b') && file.ends_with("INFO host::bot: ready servers=3\n"),
        "{file}"
    );
    let (terminal, file) = shown(false, false, LogFormat::Text, work);
    assert_eq!(terminal, file);
    let (terminal, file) = shown(true, true, LogFormat::Json, work);
    assert_eq!(terminal, file);
    assert!(terminal.contains(r#""message":"ready""#), "{terminal}");
}

/// A pipe that nobody reads takes no line: opening it waits for a reader.
#[cfg(unix)]
#[test]
fn a_log_that_nobody_takes_holds_nobody_up_and_says_what_was_lost() {
    const LINES: u64 = 100_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("permanent.log");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    let terminal = Shown::default();
    let output = Terminal {
        output: Box::new(terminal.clone()),
        is_watched: false,
        colour: false,
    };
    let logging = logging(ProtocolLevel::Info, LogFormat::Text);
    let (layer, _, guard) = build(folder.path(), &logging, Secrets::default(), Some(output)).unwrap();
    tracing::subscriber::with_default(Registry::default().with(layer), || {
        for number in 0..LINES {
            tracing::info!(target: "host", number, "line");
        }
    });
    // Now somebody reads.
    let reading = std::thread::spawn(move || fs::read_to_string(path).unwrap());
    drop(guard);
    let read = reading.join().unwrap();
    let current = fs::read_to_string(folder.path().join("current_run.log")).unwrap();
    for text in [read, current] {
        let lost: u64 = text
            .lines()
            .filter(|line| line.contains("log records were lost"))
            .map(|line| line.rsplit_once("count=").unwrap().1.parse::<u64>().unwrap())
            .sum();
        let kept = text.lines().filter(|line| line.contains("host: line")).count() as u64;
        assert_eq!(kept + lost, LINES);
        assert!(lost > 0);
    }
    let shown = String::from_utf8(terminal.0.lock().unwrap().clone()).unwrap();
    assert!(shown.contains("number=0\n"), "the terminal goes on");
}
