//! What concerns the process itself: its program, its limits, its end, and the probe's child.
//!
//! The one file outside of `plugins/` that may be unsafe, for what the standard library and rustix do not offer safely.

pub mod usage;

use std::{
    fs::File,
    io,
    path::PathBuf,
    process::ExitStatus,
    sync::OnceLock,
    time::{Duration, SystemTime},
};

/// The program that runs now, even after its file was replaced.
///
/// # Errors
///
/// The system does not tell.
pub fn own_program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        // A path into the program that runs, which `current_exe` is not after its file was replaced.
        return Ok(PathBuf::from("/proc/self/exe"));
    }
    std::env::current_exe()
}

/// Names this build of the host: its version, and the size and time of its program.
#[must_use]
pub fn build_id() -> String {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| {
        let file = own_program().and_then(|program| program.metadata());
        let (length, changed) = file.map_or((0, None), |file| (file.len(), file.modified().ok()));
        let changed = changed
            .and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok())
            .unwrap_or_default();
        format!("{}-{length}-{}", env!("CARGO_PKG_VERSION"), changed.as_nanos())
    })
    .clone()
}

/// Raises the limit of open descriptors to what the system allows.
pub fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "the limit of open descriptors stays as it is");
    }
}

/// The thread keys of this process. Each generation of a plugin takes some for ever, and the process is aborted when
/// there are none. Known for glibc, which gives out the lowest free key.
#[must_use]
pub fn thread_keys() -> Option<usage::Share> {
    /// What glibc has.
    const LIMIT: u64 = 1024;
    if !cfg!(all(target_os = "linux", target_env = "gnu")) {
        return None;
    }
    let used = lowest_free_thread_key().unwrap_or(LIMIT);
    Some(usage::Share { used, limit: LIMIT })
}

/// The lowest key that is free, and so how many are taken: glibc gives out the lowest. Key 0 does not count: the standard
/// library takes 0 for none and gives it back whenever it gets it, so that it is always free.
fn lowest_free_thread_key() -> Option<u64> {
    let (mut first, mut second) = (0, 0);
    // SAFETY: keys are made without destructors, have no value in any thread, and are deleted at once.
    #[allow(unsafe_code, reason = "neither the standard library nor rustix knows thread keys")]
    unsafe {
        if libc::pthread_key_create(&raw mut first, None) != 0 {
            return None;
        }
        let lowest = if first != 0 {
            Some(first)
        } else if libc::pthread_key_create(&raw mut second, None) == 0 {
            libc::pthread_key_delete(second);
            Some(second)
        } else {
            None
        };
        libc::pthread_key_delete(first);
        lowest.map(u64::from)
    }
}

/// Takes a variable out of this process's environment, so that neither plugins nor children see it. To be called before
/// any thread is started: later it is only read.
#[must_use]
pub fn take_variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?;
    if is_single_threaded() {
        // SAFETY: no other thread runs that could read or change the environment meanwhile.
        #[allow(unsafe_code, reason = "the environment can't be changed safely")]
        unsafe {
            std::env::remove_var(name);
        }
    }
    Some(value)
}

fn is_single_threaded() -> bool {
    if cfg!(target_os = "linux") {
        std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
    } else {
        // Nobody tells; the one caller is the first line of `main`.
        true
    }
}

/// Makes this process the probe's child: limits set, output turned away from the result. What is returned is the way to the host.
///
/// # Errors
///
/// The system refuses.
pub fn enter_probe() -> io::Result<File> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let result = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
    let nowhere = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nowhere)?;
    // What is printed is the host's to read, but never to be taken for the result.
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    // What the plugin starts and leaves is this process's child, also if it hides behind another one.
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    for (resource, limit) in [(Resource::Core, 0), (Resource::Cpu, 5), (Resource::Nofile, 256)] {
        setrlimit(
            resource,
            Rlimit {
                current: Some(limit),
                maximum: Some(limit),
            },
        )?;
    }
    // The host kills a child that takes too long; this is for a host that has died meanwhile.
    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_secs(10));
        exit_now(1);
    });
    Ok(File::from(result))
}

/// Ends the children of this process, and says whether there were any, running or ended and not waited for.
#[must_use]
pub fn end_children() -> bool {
    use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
    // Without any, it is an error.
    let had_any = wait(WaitOptions::NOHANG).is_ok();
    if had_any {
        let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        for child in lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()) {
            if let Some(child) = child.parse().ok().and_then(Pid::from_raw) {
                let _ = kill_process(child, Signal::KILL);
            }
        }
    }
    had_any
}

/// Kills a process group that was started as the probe's.
pub fn kill_group(leader: u32) {
    let group = i32::try_from(leader).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // Usually nobody is left, which is an error that means success.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

/// What the signals did that stop the bot, or that must not, before any plugin could change it.
pub struct Signals {
    #[cfg(unix)]
    actions: Vec<(libc::c_int, &'static str, libc::sigaction)>,
}

impl Signals {
    /// Remembers what they do now.
    #[must_use]
    pub fn remember() -> Self {
        #[cfg(unix)]
        {
            let signals = [
                (libc::SIGINT, "SIGINT"),
                (libc::SIGTERM, "SIGTERM"),
                (libc::SIGPIPE, "SIGPIPE"),
            ];
            let now = |(signal, name)| Some((signal, name, action(signal)?));
            Self {
                actions: signals.into_iter().filter_map(now).collect(),
            }
        }
        #[cfg(not(unix))]
        Self {}
    }

    /// Makes them do again what they did. Answers with those that did something else.
    #[must_use]
    #[allow(
        unsafe_code,
        reason = "neither the standard library nor rustix knows signal handlers"
    )]
    pub fn put_back(&self) -> Vec<&'static str> {
        #[cfg(unix)]
        {
            let mut changed = Vec::new();
            for (signal, name, before) in &self.actions {
                if action(*signal).is_none_or(|now| now.sa_sigaction == before.sa_sigaction) {
                    continue;
                }
                changed.push(*name);
                // SAFETY: `before` is what the system told of this signal; the functions in it are never unloaded.
                unsafe { libc::sigaction(*signal, before, std::ptr::null_mut()) };
            }
            changed
        }
        #[cfg(not(unix))]
        Vec::new()
    }
}

/// What a signal does now.
#[cfg(unix)]
#[allow(
    unsafe_code,
    reason = "neither the standard library nor rustix knows signal handlers"
)]
fn action(signal: libc::c_int) -> Option<libc::sigaction> {
    let mut now = std::mem::MaybeUninit::uninit();
    // SAFETY: without a new action it only writes the present one, and says whether it did.
    unsafe { (libc::sigaction(signal, std::ptr::null(), now.as_mut_ptr()) == 0).then(|| now.assume_init()) }
}

/// The signal that ended a process, if one did.
#[must_use]
pub fn signal_of(status: ExitStatus) -> Option<i32> {
    #[cfg(unix)]
    return std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    return None;
}

/// Ends the process at once: no destructors of plugins' statics and threads, which may be in any state.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: `_exit` has no preconditions.
    #[allow(unsafe_code, reason = "the standard library has no exit without destructors")]
    unsafe {
        libc::_exit(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code, reason = "takes keys away, as plugins do")]
    fn thread_keys_are_counted_down_to_the_last() {
        let before = thread_keys().unwrap();
        let mut taken = Vec::new();
        loop {
            let mut key = 0;
            // SAFETY: the key has no destructor and no values, and is given back below.
            if unsafe { libc::pthread_key_create(&raw mut key, None) } != 0 {
                break;
            }
            taken.push(key);
        }
        let none_left = thread_keys().unwrap();
        for &key in &taken[1..] {
            // SAFETY: made above, used by nobody.
            unsafe { libc::pthread_key_delete(key) };
        }
        let after = thread_keys().unwrap();
        // SAFETY: as above.
        unsafe { libc::pthread_key_delete(taken[0]) };
        assert_eq!(none_left.used, none_left.limit);
        assert!(before.used < 100 && after.used < 100, "{before:?} {after:?}");
    }
}
