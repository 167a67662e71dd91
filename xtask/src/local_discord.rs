//! The sandbox as a child: started, asked for its addresses, ended after the bot.
//!
//! It ends when its standard input closes, so that it never outlives this process, however this
//! process ends.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::process::{self, Interrupted, LOOK_EVERY, Stop};

/// How long it may take to say its addresses, and to end: far more than it needs.
const LIMIT: Duration = Duration::from_secs(30);

/// The page's port unless another is named.
const USUAL_PORT: u16 = 7800;

/// The line with which the sandbox says that it is ready.
#[derive(Deserialize, Debug)]
pub(crate) struct Addresses {
    /// The page to open in a browser.
    pub(crate) page_url: String,
    api_url: String,
    gateway_url: String,
    token: String,
    owner_id: String,
}

impl Addresses {
    /// What a bot needs in its environment to speak to this sandbox.
    pub(crate) fn environment(&self) -> [(&'static str, &str); 4] {
        [
            ("DISCORD_TOKEN", &self.token),
            ("BOT_OWNER_ID", &self.owner_id),
            ("DISCORD_API_URL", &self.api_url),
            ("DISCORD_GATEWAY_URL", &self.gateway_url),
        ]
    }
}

/// A running sandbox.
pub(crate) struct LocalDiscord {
    child: Child,
    /// Closed to end it.
    stdin: Option<ChildStdin>,
    /// What it said when it was ready.
    pub(crate) addresses: Addresses,
}

impl LocalDiscord {
    /// Starts it and waits until it is ready. Ctrl-C does not reach it: it is there until the bot has
    /// said goodbye.
    pub(crate) fn start(command: &mut Command, stop: &Stop) -> Result<Self> {
        let mut child = process::spawn(
            process::apart_from_the_terminal(command)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped()),
        )?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("standard output is piped")?;
        match first_line(&mut child, stdout, stop) {
            Ok(addresses) => Ok(Self {
                child,
                stdin,
                addresses,
            }),
            Err(error) => {
                // It may be gone already; the first error is the one to tell.
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// Its exit status, if it has ended.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Ends it; an error if it did not end well.
    pub(crate) fn end(mut self) -> Result<()> {
        drop(self.stdin.take());
        let asked = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if asked.elapsed() > LIMIT {
                self.child.kill()?;
            }
            thread::sleep(LOOK_EVERY);
        };
        if !status.success() {
            bail!("the local Discord did not end cleanly: {}", process::describe(status));
        }
        Ok(())
    }
}

/// The port to ask for: the one named, else the usual one, else any free one.
pub(crate) fn port(named: Option<u16>) -> u16 {
    named.unwrap_or_else(|| free_or_any(USUAL_PORT))
}

fn free_or_any(port: u16) -> u16 {
    if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
        port
    } else {
        0
    }
}

fn first_line(child: &mut Child, stdout: impl Read + Send + 'static, stop: &Stop) -> Result<Addresses> {
    let (sender, receiver) = mpsc::channel();
    // The reader goes on after the first line, so that nothing the child writes can ever block it. It
    // ends with the child.
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let started = Instant::now();
    loop {
        match receiver.recv_timeout(LOOK_EVERY) {
            Ok(line) => {
                return serde_json::from_str(&line)
                    .with_context(|| format!("the local Discord's first line is not understood: {line}"));
            }
            // Its output is closed: it is ending, and has said why on the terminal.
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                bail!("the local Discord did not start: {}", process::describe(child.wait()?));
            }
            Err(mpsc::RecvTimeoutError::Timeout) if stop.take() => return Err(Interrupted.into()),
            Err(mpsc::RecvTimeoutError::Timeout) if started.elapsed() > LIMIT => {
                bail!("the local Discord was not ready within {} seconds", LIMIT.as_secs());
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::{free_or_any, port};

    #[test]
    fn a_busy_port_gives_way_to_any_free_one_unless_it_was_named() {
        let busy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let number = busy.local_addr().expect("its address").port();
        assert_eq!(free_or_any(number), 0);
        assert_eq!(port(Some(number)), number);
        drop(busy);
        assert_eq!(free_or_any(number), number);
    }

    #[cfg(unix)]
    mod child {
        use std::process::Command;

        use crate::local_discord::LocalDiscord;
        use crate::process::Stop;

        fn start(script: &str) -> anyhow::Result<LocalDiscord> {
            LocalDiscord::start(Command::new("sh").args(["-c", script]), &Stop::default())
        }

        #[test]
        fn it_says_its_addresses_and_ends_when_its_input_closes() {
            let line = r#"{"page_url":"http://p","api_url":"http://a","gateway_url":"ws://g","token":"t","owner_id":"1","application_id":"2"}"#;
            let mut local = start(&format!("echo '{line}'; cat")).expect("it starts");
            assert_eq!(local.addresses.page_url, "http://p");
            assert_eq!(
                local.addresses.environment(),
                [
                    ("DISCORD_TOKEN", "t"),
                    ("BOT_OWNER_ID", "1"),
                    ("DISCORD_API_URL", "http://a"),
                    ("DISCORD_GATEWAY_URL", "ws://g")
                ]
            );
            assert!(local.ended().expect("its status").is_none());
            local.end().expect("it ends");
        }

        #[test]
        fn one_that_ends_early_or_talks_nonsense_is_an_error() {
            let early = start("exit 3").err().expect("it did not start").to_string();
            assert!(early.contains("exit code 3"), "{early}");
            let nonsense = start("echo hello; cat")
                .err()
                .expect("it is not understood")
                .to_string();
            assert!(nonsense.contains("hello"), "{nonsense}");
        }
    }
}
