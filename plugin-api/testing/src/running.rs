//! The bot on threads of its own: started, waited for, stopped.
//!
//! It has a runtime of its own, so that a test may block while it waits, and so that what the host logs on its threads
//! goes to this test's log and to no other's.

use std::{
    path::Path,
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};

use host::bot::{self, Dial, Embedding};
use tokio::{
    runtime::{Builder, Handle},
    sync::watch,
};
use tracing::Dispatch;

use crate::log::Log;

/// How long a bot may take to stop before its end is not waited for.
const STOP: Duration = Duration::from_secs(10);

/// A bot that runs.
pub(crate) struct Running {
    stop: watch::Sender<u32>,
    ended: mpsc::Receiver<Result<(), String>>,
    thread: Option<JoinHandle<()>>,
    runtime: Handle,
    pub(crate) dial: Dial,
}

impl Running {
    /// Starts the bot of a folder.
    pub(crate) fn start(root: &Path, token: String, embedding: Embedding, log: &Log) -> Result<Self, String> {
        let subscriber = tracing_subscriber::fmt()
            .with_writer(log.clone())
            .with_ansi(false)
            .with_max_level(tracing::Level::INFO)
            .finish();
        let subscriber = Dispatch::new(subscriber);
        let dial = embedding.dial.clone();
        let (stop, stops) = watch::channel(0);
        let (ending, ended) = mpsc::channel();
        let (ready, runtime) = mpsc::channel();
        let root = root.to_owned();
        let body = move || {
            let of_threads = subscriber.clone();
            let runtime = Builder::new_multi_thread()
                .worker_threads(2)
                .thread_name("bot")
                .enable_all()
                .on_thread_start(move || {
                    // For as long as the thread lives.
                    std::mem::forget(tracing::dispatcher::set_default(&of_threads));
                })
                .build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = ending.send(Err(error.to_string()));
                    return;
                }
            };
            let _subscriber = tracing::dispatcher::set_default(&subscriber);
            let _ = ready.send(runtime.handle().clone());
            let served = runtime.block_on(bot::serve(&root, Some(token), embedding, stops));
            runtime.shutdown_timeout(Duration::from_millis(200));
            let _ = ending.send(served.map_err(|failure| failure.to_string()));
        };
        let thread = thread::Builder::new()
            .name("bot-main".to_owned())
            .spawn(body)
            .map_err(|error| error.to_string())?;
        let runtime = runtime.recv().map_err(|_| "its runtime can't be started".to_owned())?;
        Ok(Self {
            stop,
            ended,
            thread: Some(thread),
            runtime,
            dial,
        })
    }

    /// Why it has ended by itself, if it has.
    pub(crate) fn failure(&self) -> Option<String> {
        match self.ended.try_recv() {
            Ok(Err(why)) => Some(why),
            Ok(Ok(())) => Some("it ended by itself".to_owned()),
            Err(_) => None,
        }
    }

    /// Lets time pass for the bot, and waits until what is due has begun.
    pub(crate) fn advance(&self, by: Duration) {
        let dial = self.dial.clone();
        let (done, waiting) = mpsc::channel();
        self.runtime.spawn(async move {
            dial.advance(by).await;
            let _ = done.send(());
        });
        // A bot that has ended has no clock to move.
        let _ = waiting.recv_timeout(STOP);
    }

    /// Stops it; at once instead of in order if `now`.
    pub(crate) fn stop(mut self, now: bool) {
        self.stop.send_replace(if now { 2 } else { 1 });
        let mut has_ended = self.ended.recv_timeout(STOP).is_ok();
        if !has_ended {
            self.stop.send_replace(2);
            has_ended = self.ended.recv_timeout(STOP).is_ok();
        }
        // One that hangs is left to the process's end.
        if let Some(thread) = self.thread.take().filter(|_| has_ended) {
            let _ = thread.join();
        }
    }
}
