//! The threads that write log lines: whoever logs hands over a line and goes on, whatever disk and terminal do.
//!
//! One thread for the files and one for the terminal, so that neither waits for the other. Their queues are bounded:
//! lines that find no place are dropped and counted, as are those that the disk does not take, and the count is logged
//! once there is room.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::files::{Limits, LogFile};

/// How many lines wait at most.
const QUEUE: usize = 16_384;
/// How many bytes are written at once.
const BATCH: usize = 256 * 1024;
/// How long the end waits for what is left to be written.
const FLUSH: Duration = Duration::from_secs(5);
/// How often the thread looks for what is to be told or swept, if nothing is logged.
const WAKE: Duration = Duration::from_secs(1);
/// How often old files are looked for.
const SWEEP: Duration = Duration::from_secs(3600);

/// Where lines are handed over.
#[derive(Clone)]
pub(super) struct Sink {
    files: Queue,
    terminal: Option<Queue>,
}

#[derive(Clone)]
struct Queue {
    lines: SyncSender<Option<Arc<str>>>,
    dropped: Arc<AtomicU64>,
}

/// Where lines go.
pub(super) struct Outputs {
    pub(super) terminal: Option<Box<dyn Write + Send>>,
    pub(super) files: Files,
    pub(super) told: DroppedLine,
}

/// Makes the line that tells how many were dropped, for the terminal (`true`) or for files.
pub(super) type DroppedLine = Arc<dyn Fn(u64, bool) -> String + Send + Sync>;

/// The log's files.
pub(super) struct Files {
    pub(super) all: Vec<LogFile>,
    pub(super) limits: Arc<ArcSwap<Limits>>,
    /// Why lines are lost, while they are.
    pub(super) trouble: watch::Sender<Option<String>>,
}

/// Ends the threads once everything handed over so far is written.
pub(super) struct WriterGuard {
    ends: Vec<(Queue, Receiver<()>)>,
}

impl Sink {
    /// Hands a line over; where too many wait it is dropped. `terminal` is what the terminal shows instead of it.
    pub(super) fn put(&self, line: &Arc<str>, terminal: Option<Arc<str>>) {
        self.files.put(line);
        if let Some(queue) = &self.terminal {
            queue.put(terminal.as_ref().unwrap_or(line));
        }
    }
}

impl Queue {
    fn put(&self, line: &Arc<str>) {
        if self.lines.try_send(Some(Arc::clone(line))).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for WriterGuard {
    fn drop(&mut self) {
        let deadline = Instant::now() + FLUSH;
        for (queue, _) in &self.ends {
            // The queue may be full: the end has to wait for a place, but not for ever.
            while queue.lines.try_send(None).is_err() && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(1));
            }
        }
        for (_, done) in &self.ends {
            let _ = done.recv_timeout(deadline.saturating_duration_since(Instant::now()));
        }
    }
}

/// Starts the threads.
pub(super) fn start(outputs: Outputs) -> io::Result<(Sink, WriterGuard)> {
    start_with(outputs, QUEUE)
}

pub(super) fn start_with(outputs: Outputs, capacity: usize) -> io::Result<(Sink, WriterGuard)> {
    let told = outputs.told;
    let mut ends = Vec::new();
    let (files, done) = spawn(
        "logs",
        capacity,
        Kept {
            files: outputs.files,
            swept: None,
        },
        Arc::clone(&told),
    )?;
    ends.push((files.clone(), done));
    let terminal = match outputs.terminal {
        Some(terminal) => {
            let (queue, done) = spawn("console", capacity, Terminal(terminal), told)?;
            ends.push((queue.clone(), done));
            Some(queue)
        }
        None => None,
    };
    Ok((Sink { files, terminal }, WriterGuard { ends }))
}

fn spawn(name: &str, capacity: usize, output: impl Output, told: DroppedLine) -> io::Result<(Queue, Receiver<()>)> {
    let (lines, waiting) = sync_channel(capacity);
    let (ended, done) = sync_channel(1);
    let dropped = Arc::new(AtomicU64::new(0));
    let queue = Queue {
        lines,
        dropped: Arc::clone(&dropped),
    };
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        write(output, &waiting, &dropped, &*told);
        let _ = ended.send(());
    })?;
    Ok((queue, done))
}

/// What takes lines.
trait Output: Send + 'static {
    /// Takes lines, each with its end; answers how many of them were lost.
    fn write(&mut self, lines: &str) -> u64;
    /// What has to be done now and then.
    fn tend(&mut self);
    /// The last chance.
    fn end(&mut self);
    /// Whether it is the terminal.
    fn is_terminal(&self) -> bool;
}

fn write(
    mut output: impl Output,
    waiting: &Receiver<Option<Arc<str>>>,
    dropped: &AtomicU64,
    told: &(dyn Fn(u64, bool) -> String + Send + Sync),
) {
    let mut batch = String::new();
    let mut lost = 0;
    let mut is_last = false;
    while !is_last {
        // Waking up now and then tells of dropped lines even if no other follows.
        let mut next = match waiting.recv_timeout(WAKE) {
            Ok(next) => {
                is_last = next.is_none();
                next
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                is_last = true;
                None
            }
        };
        batch.clear();
        lost += dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            batch.push_str(&told(lost, output.is_terminal()));
            batch.push('\n');
        }
        let tells = !batch.is_empty();
        while let Some(line) = next {
            batch.push_str(&line);
            batch.push('\n');
            if batch.len() >= BATCH {
                break;
            }
            next = match waiting.try_recv() {
                Ok(next) => {
                    is_last = next.is_none();
                    next
                }
                Err(_) => None,
            };
        }
        if !batch.is_empty() {
            let failed = output.write(&batch);
            // The line that tells of lost ones is none of them: it is told again, with a larger number.
            let all = batch.bytes().filter(|byte| *byte == b'\n').count() as u64;
            lost = match (failed, tells) {
                (0, _) => 0,
                (failed, true) if failed >= all => lost + failed - 1,
                (failed, _) => failed,
            };
        }
        output.tend();
    }
    let left = lost + dropped.swap(0, Ordering::Relaxed);
    if left > 0 {
        output.write(&format!("{}\n", told(left, output.is_terminal())));
    }
    output.end();
}

/// A closed terminal must not end the bot: what can't be written is lost.
struct Terminal(Box<dyn Write + Send>);

impl Output for Terminal {
    fn write(&mut self, lines: &str) -> u64 {
        let _ = self.0.write_all(lines.as_bytes());
        0
    }

    fn tend(&mut self) {}

    fn end(&mut self) {
        let _ = self.0.flush();
    }

    fn is_terminal(&self) -> bool {
        true
    }
}

/// The files, and when they were swept.
struct Kept {
    files: Files,
    swept: Option<(Instant, Limits)>,
}

impl Output for Kept {
    fn write(&mut self, lines: &str) -> u64 {
        let limits = **self.files.limits.load();
        let (mut lost, mut trouble) = (0, None);
        for file in &mut self.files.all {
            if let Some((count, error)) = file.write(lines, &limits).lost {
                lost = lost.max(count);
                trouble = Some(error.to_string());
            }
        }
        self.files.trouble.send_if_modified(|told| {
            let changes = told.is_some() != trouble.is_some();
            if changes {
                *told = trouble;
            }
            changes
        });
        lost
    }

    fn tend(&mut self) {
        let limits = **self.files.limits.load();
        let is_due = |(at, with): &(Instant, Limits)| at.elapsed() >= SWEEP || *with != limits;
        if self.swept.as_ref().is_none_or(is_due) {
            self.swept = Some((Instant::now(), limits));
            for file in &self.files.all {
                file.sweep(&limits, SystemTime::now());
            }
        }
    }

    fn end(&mut self) {
        for file in &self.files.all {
            file.sync();
        }
    }

    fn is_terminal(&self) -> bool {
        false
    }
}
