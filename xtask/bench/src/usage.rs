//! What a process uses, as the system says: CPU time, memory, descriptors, threads.
//!
//! CPU time is the process's own clock, user and system, of all its threads, of those that ended, too, in nanoseconds.

use std::{fs, time::Duration};

use anyhow::{Context, Result};
use nix::{
    time::{ClockId, clock_getcpuclockid},
    unistd::Pid,
};
use serde::Serialize;

/// The CPU time that a process has used since its start.
pub fn cpu(process: u32) -> Result<Duration> {
    let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(process)?)).context("the process has no clock")?;
    Ok(clock.now().context("the process's clock can't be read")?.into())
}

/// The CPU time that this process has used since its start.
pub fn own_cpu() -> Result<Duration> {
    Ok(ClockId::CLOCK_PROCESS_CPUTIME_ID.now()?.into())
}

/// What a process holds at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Holding {
    /// Memory in RAM, shared pages of files included, in bytes.
    pub rss: u64,
    /// Memory in RAM that is its own and dirty, in bytes. Linux counts pages of a file here, too, while the file is not
    /// yet on disk: a library that was copied just now is dirty as a whole.
    pub private_dirty: u64,
    /// Memory in RAM that is its own and in no file, in bytes: what it has written to.
    pub anonymous: u64,
    /// Address space, in bytes: memory that is mapped, most of it in no RAM.
    pub mapped: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// Threads.
    pub threads: u64,
}

impl Holding {
    /// Reads it.
    pub fn of(process: u32) -> Result<Self> {
        let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))
            .context("the process's memory can't be read: has it ended?")?;
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        Ok(Self {
            rss: kibibytes(&rollup, "Rss").context("no Rss")? * 1024,
            private_dirty: kibibytes(&rollup, "Private_Dirty").context("no Private_Dirty")? * 1024,
            anonymous: kibibytes(&rollup, "Anonymous").context("no Anonymous")? * 1024,
            mapped: kibibytes(&status, "VmSize").context("no VmSize")? * 1024,
            descriptors: entries(&format!("/proc/{process}/fd"))?,
            threads: entries(&format!("/proc/{process}/task"))?,
        })
    }
}

fn entries(folder: &str) -> Result<u64> {
    Ok(fs::read_dir(folder)?.count() as u64)
}

/// The number behind a name in `smaps_rollup` and `status`, as in `Rss:   1234 kB`.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const ROLLUP: &str = "55d0c0000000-7ffc00000000 ---p 00000000 00:00 0        [rollup]\n\
        Rss:               12345 kB\nPss_Dirty:            1 kB\nPrivate_Clean:     10 kB\nPrivate_Dirty:      678 kB\n";

    #[test]
    fn memory_is_read_by_its_whole_name() {
        assert_eq!(kibibytes(ROLLUP, "Rss"), Some(12_345));
        assert_eq!(kibibytes(ROLLUP, "Private_Dirty"), Some(678));
        assert_eq!(kibibytes(ROLLUP, "Private"), None);
        assert_eq!(kibibytes(ROLLUP, "Swap"), None);
    }

    #[test]
    fn this_process_uses_something() {
        let holding = Holding::of(std::process::id()).unwrap();
        assert!(holding.rss > holding.anonymous && holding.anonymous > 0 && holding.mapped > holding.rss);
        assert!(holding.descriptors >= 3 && holding.threads >= 1);
        let before = cpu(std::process::id()).unwrap();
        let counted: u64 = (0..200_000_u64).map(std::hint::black_box).sum();
        assert!(counted > 0 && cpu(std::process::id()).unwrap() > before && own_cpu().unwrap() > before);
    }
}
