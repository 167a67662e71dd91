//! Children of this process, and the wish to stop them.
//!
//! Everything waits by looking at the child and at the wish in turn: one thread sees both, a child is
//! only signalled while it is not reaped yet, and the same code runs where there are no signals.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How often a waiting loop looks at its children.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The user's wish to stop: Ctrl-C, SIGTERM, or the terminal that goes away.
#[derive(Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// From now on these signals no longer end this process but are seen by [`Stop::take`].
    pub(crate) fn on_signals() -> Result<Self> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let stop = Self::default();
        #[cfg(unix)]
        let signals = [SIGINT, SIGTERM, signal_hook::consts::SIGHUP];
        #[cfg(not(unix))]
        let signals = [SIGINT, SIGTERM];
        for signal in signals {
            signal_hook::flag::register(signal, Arc::clone(&stop.0)).context("cannot listen for Ctrl-C")?;
        }
        Ok(stop)
    }

    /// Whether a stop was asked for since the last look. A second Ctrl-C is a second wish.
    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }

    /// Wishes for a stop, as a signal does.
    pub(crate) fn ask(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The error of work that was given up because a stop was asked for.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Runs a command to its end, its output on the terminal.
pub(crate) fn run(command: &mut Command, stop: &Stop) -> Result<()> {
    let child = spawn(command.stdin(Stdio::null()))?;
    check(wait(child, stop)?)
}

/// Runs a command to its end and returns what it wrote to standard output; its errors and progress
/// stay on the terminal.
pub(crate) fn output(command: &mut Command, stop: &Stop) -> Result<String> {
    let mut child = spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let mut stdout = child.stdout.take().context("standard output is piped")?;
    let reader = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let status = wait(child, stop)?;
    let text = reader
        .join()
        .map_err(|_| io::Error::other("the reader panicked"))
        .flatten();
    check(status)?;
    text.context("cannot read its output")
}

/// Runs a command to its end, and hands over each line of its standard output as it comes.
pub(crate) fn lines(command: &mut Command, stop: &Stop, mut line: impl FnMut(&str)) -> Result<()> {
    let mut child = spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let stdout = child.stdout.take().context("standard output is piped")?;
    let (sender, receiver) = mpsc::channel();
    // Ends with the child, or whoever else holds its output.
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    loop {
        match receiver.recv_timeout(LOOK_EVERY) {
            Ok(text) => line(&text),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) if stop.take() => {
                ask_to_stop(&mut child);
                child.wait()?;
                return Err(Interrupted.into());
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
    }
    check(wait(child, stop)?)
}

/// Starts a command; the error names the program.
pub(crate) fn spawn(command: &mut Command) -> Result<Child> {
    command
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))
}

/// Waits for a child. When a stop is asked for, the child is told so and [`Interrupted`] returned
/// once it has ended.
fn wait(mut child: Child, stop: &Stop) -> Result<ExitStatus> {
    let mut stopping = false;
    loop {
        if stop.take() {
            // After a second wish the child gets no more time.
            if stopping {
                child.kill()?;
            } else {
                ask_to_stop(&mut child);
            }
            stopping = true;
        }
        if let Some(status) = child.try_wait()? {
            // Ctrl-C reaches the whole group: the child may be gone before the wish was seen.
            if stopping || stop.take() {
                return Err(Interrupted.into());
            }
            return Ok(status);
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Asks a child to end in its own time. Where there are no signals nothing is sent: a console's
/// Ctrl-C has reached it already, and who waits sets a limit.
pub(crate) fn ask_to_stop(child: &mut Child) {
    #[cfg(unix)]
    if let Ok(None) = child.try_wait() {
        // Not reaped yet, so the id is still this child's. It may have just ended: then there is
        // nobody left to tell.
        let _ = rustix::process::kill_process(rustix::process::Pid::from_child(child), rustix::process::Signal::TERM);
    }
    #[cfg(not(unix))]
    let _ = child;
}

/// Puts a command out of reach of the terminal's Ctrl-C, so that it ends when this process says so.
pub(crate) fn apart_from_the_terminal(command: &mut Command) -> &mut Command {
    #[cfg(unix)]
    {
        std::os::unix::process::CommandExt::process_group(command, 0)
    }
    #[cfg(not(unix))]
    {
        command
    }
}

/// An exit status in words: `exit code 101`, `killed by signal 9`.
pub(crate) fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("killed by signal {signal}");
    }
    status
        .code()
        .map_or_else(|| "no exit code".to_owned(), |code| format!("exit code {code}"))
}

/// The exit code to pass on: a signal is 128 and its number, as shells have it.
pub(crate) fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(u8::MAX);
    }
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

fn check(status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{}", describe(status));
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::{Interrupted, Stop, output, run};

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failure_tells_the_exit_code_or_the_signal() {
        let stop = Stop::default();
        assert_eq!(
            run(&mut sh("exit 101"), &stop).expect_err("it fails").to_string(),
            "exit code 101"
        );
        assert_eq!(
            run(&mut sh("kill -9 $$"), &stop).expect_err("it fails").to_string(),
            "killed by signal 9"
        );
        let missing = run(&mut Command::new("no-such-program-here"), &stop).expect_err("it cannot start");
        assert!(missing.to_string().contains("no-such-program-here"), "{missing}");
    }

    #[test]
    fn output_is_returned_whole_however_long() {
        let text = output(&mut sh("head -c 300000 /dev/zero | tr '\\0' x"), &Stop::default()).expect("it succeeds");
        assert_eq!(text.len(), 300_000);
    }

    #[test]
    fn a_stop_ends_the_child_and_is_told_apart_from_failure() {
        let stop = Stop::default();
        stop.ask();
        // Without end: only the stop ends it.
        let error = run(&mut sh("exec tail -f /dev/null"), &stop).expect_err("it was interrupted");
        assert!(error.is::<Interrupted>(), "{error}");
    }
}
