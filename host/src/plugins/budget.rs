//! Budgets: whether this process can take another generation, measured before each load.
//!
//! A library is never unmapped, so each generation costs some of what a process has a fixed amount of, for ever. Past
//! its budget a load is refused, and what runs goes on; without one, the process would be aborted or killed in the midst
//! of its work. What nobody tells has no budget.

use crate::process::{
    self,
    usage::{self, Share},
};

/// Something that runs out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Keys of thread-local storage.
    ThreadKeys,
    /// Open files and connections.
    Descriptors,
    /// Memory of the process's own.
    Memory,
    /// Room on the disk that holds the private copies.
    Disk,
}

/// How much of something is taken, and how much must be left for a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Of what.
    pub resource: Resource,
    /// How much is taken.
    pub used: u64,
    /// Where loads are refused.
    pub budget: u64,
    /// How much there is in all.
    pub limit: u64,
    /// What a load is expected to take at most.
    each: u64,
}

/// A load is refused for want of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// Of what.
    pub resource: Resource,
    /// Why, and what to do.
    pub why: String,
}

/// Thread keys kept back: the process is aborted when a thread of anybody's first uses a thread-local and none is left,
/// and libraries make theirs when they are first used, long after their load.
const SPARE_THREAD_KEYS: u64 = 48;
/// A generation takes one or two; libraries that it brings may take their own.
const THREAD_KEYS_EACH: u64 = 4;
/// Descriptors kept back for Discord's connections, the probe's children, the log and the database; no more than a
/// quarter of what there is.
const SPARE_DESCRIPTORS: u64 = 128;
/// A lane takes two or three while it runs, one with `tokio`'s `signal` keeps two for ever; the rest is what it opens.
const DESCRIPTORS_EACH: u64 = 8;
/// A generation's own pages: 0.1 MiB of relocated code kept for ever and, while it runs, some heap and stacks.
const MEMORY_EACH: u64 = 4 * MEBIBYTE;
const MEBIBYTE: u64 = 1024 * 1024;

impl Level {
    const fn thread_keys(share: Share) -> Self {
        Self {
            resource: Resource::ThreadKeys,
            used: share.used,
            budget: share.limit.saturating_sub(SPARE_THREAD_KEYS),
            limit: share.limit,
            each: THREAD_KEYS_EACH,
        }
    }

    const fn descriptors(share: Share) -> Self {
        let quarter = share.limit / 4;
        let kept = if quarter < SPARE_DESCRIPTORS {
            quarter
        } else {
            SPARE_DESCRIPTORS
        };
        Self {
            resource: Resource::Descriptors,
            used: share.used,
            budget: share.limit - kept,
            limit: share.limit,
            each: DESCRIPTORS_EACH,
        }
    }

    const fn memory(share: Share, percent: u64) -> Self {
        Self {
            resource: Resource::Memory,
            used: share.used,
            budget: share.limit / 100 * percent,
            limit: share.limit,
            each: MEMORY_EACH,
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.resource {
            Resource::ThreadKeys => "thread keys",
            Resource::Descriptors => "open files and connections",
            Resource::Memory => "memory",
            Resource::Disk => "disk",
        }
    }

    /// Whether there is enough for a load beside others that are under way.
    ///
    /// # Errors
    ///
    /// There is not.
    pub fn admit(&self, others: usize) -> Result<(), Exhausted> {
        let wanted = self.each.saturating_mul(others as u64 + 1);
        if self.used.saturating_add(wanted) <= self.budget {
            return Ok(());
        }
        let Self {
            used, budget, limit, ..
        } = *self;
        let why = match self.resource {
            Resource::ThreadKeys => format!(
                "{used} of the {limit} thread keys of this process are taken, most of them by generations of plugins that were replaced, and the process would be aborted without any: restart the bot"
            ),
            Resource::Descriptors => format!(
                "the bot has {used} files and connections open, may have {limit}, and keeps {} of them back for its own work: restart the bot, or raise its limit (`ulimit -n`; `LimitNOFILE=` for systemd)",
                limit - budget
            ),
            _ => format!(
                "the bot has {} MiB of memory of its own, and {} of the {} MiB that this machine or container gives it are its budget: restart the bot, which frees what replaced plugins have left behind, or raise `extensions.memory_percent` in config.json",
                used / MEBIBYTE,
                budget / MEBIBYTE,
                limit / MEBIBYTE
            ),
        };
        Err(Exhausted {
            resource: self.resource,
            why,
        })
    }
}

/// Measures this process. It may take milliseconds: not for the runtime's threads.
#[must_use]
pub fn measure(memory_percent: u64) -> Vec<Level> {
    let memory = usage::private_memory().zip(usage::memory_limit());
    let memory = memory.map(|(used, limit)| Level::memory(Share { used, limit }, memory_percent));
    let keys = process::thread_keys().map(Level::thread_keys);
    let descriptors = usage::descriptors().map(Level::descriptors);
    [keys, descriptors, memory].into_iter().flatten().collect()
}

/// Whether all of it is enough for a load beside others that are under way.
///
/// # Errors
///
/// Something is not.
pub fn admit(levels: &[Level], others: usize) -> Result<(), Exhausted> {
    levels.iter().try_for_each(|level| level.admit(others))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(used: u64, limit: u64) -> Share {
        Share { used, limit }
    }

    #[test]
    fn each_of_several_loads_at_once_is_counted() {
        let level = Level::thread_keys(share(960, 1024));
        assert_eq!([0, 3].map(|others| level.admit(others).is_ok()), [true, true]);
        assert!(level.admit(4).is_err());
    }

    #[test]
    fn a_small_limit_of_descriptors_keeps_a_quarter_back() {
        assert!(Level::descriptors(share(20, 64)).admit(0).is_ok());
        assert!(Level::descriptors(share(41, 64)).admit(0).is_err());
        assert!(Level::descriptors(share(888, 1024)).admit(0).is_ok());
        assert!(Level::descriptors(share(889, 1024)).admit(0).is_err());
        assert!(Level::descriptors(share(3, 0)).admit(0).is_err());
    }

    #[test]
    fn refusals() {
        let levels = [
            Level::thread_keys(share(974, 1024)),
            Level::descriptors(share(1000, 1024)),
            Level::memory(share(600 * MEBIBYTE, 1024 * MEBIBYTE), 50),
        ];
        let texts = levels.map(|level| level.admit(0).unwrap_err().why);
        insta::assert_snapshot!(texts.join("\n"));
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn this_process_is_within_its_budgets() {
        let levels = measure(90);
        assert_eq!(levels.len(), 3);
        assert_eq!(admit(&levels, 0), Ok(()));
        assert!(levels.iter().all(|level| level.used > 0), "{levels:?}");
    }
}
