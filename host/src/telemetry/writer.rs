//! The thread that writes log lines: whoever logs hands over a line and goes on, whatever the disk does.
//!
//! The queue is bounded. When it is full, lines are dropped and counted, and the count is logged once there is room.

use std::{
    fs::File,
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

/// How many lines wait at most.
const QUEUE: usize = 16_384;
/// How long the end waits for what is left to be written.
const FLUSH: Duration = Duration::from_secs(5);

/// A line on its way.
pub(super) struct Line {
    /// For the files.
    pub(super) file: String,
    /// For the terminal; `None` if it is the same.
    pub(super) terminal: Option<String>,
}

/// Where lines are handed over.
#[derive(Clone)]
pub(super) struct Sink {
    lines: SyncSender<Option<Line>>,
    dropped: Arc<AtomicU64>,
}

/// Where lines go.
pub(super) struct Outputs {
    pub(super) terminal: Option<Box<dyn Write + Send>>,
    pub(super) files: Vec<File>,
    /// Makes the line that tells how many were dropped.
    pub(super) dropped_line: fn(u64) -> String,
}

/// Ends the thread once everything handed over so far is written.
pub(super) struct WriterGuard {
    sink: Sink,
    done: Receiver<()>,
}

impl Sink {
    /// Hands a line over; drops it if too many wait.
    pub(super) fn put(&self, line: Line) {
        if self.lines.try_send(Some(line)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for WriterGuard {
    fn drop(&mut self) {
        let deadline = Instant::now() + FLUSH;
        // The queue may be full: the end has to wait for a place, but not for ever.
        while self.sink.lines.try_send(None).is_err() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        let _ = self
            .done
            .recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }
}

/// Starts the thread.
pub(super) fn start(outputs: Outputs) -> io::Result<(Sink, WriterGuard)> {
    start_with(outputs, QUEUE)
}

fn start_with(outputs: Outputs, queue: usize) -> io::Result<(Sink, WriterGuard)> {
    let (lines, waiting) = sync_channel(queue);
    let (ended, done) = sync_channel(1);
    let dropped = Arc::new(AtomicU64::new(0));
    let sink = Sink {
        lines,
        dropped: Arc::clone(&dropped),
    };
    thread::Builder::new().name("logs".to_owned()).spawn(move || {
        write(outputs, &waiting, &dropped);
        let _ = ended.send(());
    })?;
    Ok((sink.clone(), WriterGuard { sink, done }))
}

fn write(mut outputs: Outputs, waiting: &Receiver<Option<Line>>, dropped: &AtomicU64) {
    let mut batch = String::new();
    loop {
        // Waking up now and then tells of dropped lines even if no other follows.
        let first = match waiting.recv_timeout(Duration::from_secs(1)) {
            Ok(Some(line)) => Some(line),
            Err(RecvTimeoutError::Timeout) => None,
            Ok(None) | Err(RecvTimeoutError::Disconnected) => break,
        };
        let mut is_last = false;
        let mut next = first;
        batch.clear();
        while let Some(line) = next {
            batch.push_str(&line.file);
            batch.push('\n');
            outputs.terminal(line.terminal.as_ref().unwrap_or(&line.file));
            next = match waiting.try_recv() {
                Ok(Some(line)) if batch.len() < 256 * 1024 => Some(line),
                Ok(Some(line)) => {
                    batch.push_str(&line.file);
                    batch.push('\n');
                    outputs.terminal(line.terminal.as_ref().unwrap_or(&line.file));
                    None
                }
                Ok(None) => {
                    is_last = true;
                    None
                }
                Err(_) => None,
            };
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let line = (outputs.dropped_line)(lost);
            batch.push_str(&line);
            batch.push('\n');
            outputs.terminal(&line);
        }
        outputs.files(&batch);
        if is_last {
            break;
        }
    }
    if let Some(terminal) = &mut outputs.terminal {
        let _ = terminal.flush();
    }
    for file in &outputs.files {
        let _ = file.sync_data();
    }
}

impl Outputs {
    // A full disk or a closed terminal must not end the bot: what can't be written is lost.
    fn terminal(&mut self, line: &str) {
        if let Some(terminal) = &mut self.terminal {
            let _ = writeln!(terminal, "{line}");
        }
    }

    fn files(&mut self, batch: &str) {
        if batch.is_empty() {
            return;
        }
        for file in &mut self.files {
            let _ = file.write_all(batch.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Mutex};

    use super::*;

    /// A terminal that takes nothing until it is let.
    struct Stuck(Arc<Mutex<()>>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            drop(self.0.lock());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn line(text: &str) -> Line {
        Line {
            file: text.to_owned(),
            terminal: None,
        }
    }

    #[test]
    fn a_stuck_output_holds_nobody_up_and_what_is_lost_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let stuck = Arc::new(Mutex::new(()));
        let held = stuck.lock().unwrap();
        let outputs = Outputs {
            terminal: Some(Box::new(Stuck(Arc::clone(&stuck)))),
            files: vec![File::create(&path).unwrap()],
            dropped_line: |count| format!("dropped {count}"),
        };
        let (sink, guard) = start_with(outputs, 4).unwrap();
        for number in 0..100 {
            sink.put(line(&number.to_string()));
        }
        drop(held);
        drop(guard);
        let written = fs::read_to_string(&path).unwrap();
        let lost: u64 = written
            .lines()
            .filter_map(|line| line.strip_prefix("dropped "))
            .map(|count| count.parse::<u64>().unwrap())
            .sum();
        let kept = written.lines().filter(|line| !line.starts_with("dropped")).count() as u64;
        assert_eq!(kept + lost, 100, "{written}");
        assert!(lost >= 90, "{written}");
        assert!(written.starts_with("0\n"));
    }

    #[test]
    fn the_end_waits_for_what_was_handed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let outputs = Outputs {
            terminal: None,
            files: vec![File::create(&path).unwrap()],
            dropped_line: |count| format!("dropped {count}"),
        };
        let (sink, guard) = start(outputs).unwrap();
        for number in 0..5000 {
            sink.put(line(&number.to_string()));
        }
        drop(guard);
        let written = fs::read_to_string(&path).unwrap();
        assert_eq!(written.lines().count(), 5000);
        assert_eq!(written.lines().last(), Some("4999"));
    }
}
