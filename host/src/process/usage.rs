//! What this process takes of what its system limits: descriptors, memory, threads, room on a disk.
//!
//! Read from where the system tells it, Linux's `/proc` for most of it; `None` is "nobody tells". Every figure is of
//! the moment, and reading it may take milliseconds: not for the runtime's threads.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Something that is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// How much of it is taken.
    pub used: u64,
    /// How much there is.
    pub limit: u64,
}

/// A thread of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its name, up to 15 bytes; a thread without a name of its own has that of the one that started it.
    pub name: String,
    /// How long it has run on a processor.
    pub cpu: Duration,
}

/// The open descriptors, and how many there may be now (the soft limit).
#[must_use]
pub fn descriptors() -> Option<Share> {
    use rustix::process::{Resource, getrlimit};
    // The folder of the other systems' `/dev/fd` lists the own ones, too.
    let folder = if cfg!(target_os = "linux") {
        "/proc/self/fd"
    } else {
        "/dev/fd"
    };
    let limit = getrlimit(Resource::Nofile).current?;
    // One of them is the look itself.
    let used = (fs::read_dir(folder).ok()?.count() as u64).saturating_sub(1);
    Some(Share { used, limit })
}

/// Memory that is this process's alone and was written to, in bytes, including what was swapped out. The system counts it
/// as it goes: a look at each page (`smaps`) would take tens of milliseconds with hundreds of mapped libraries, and keep
/// whoever maps another one waiting.
#[must_use]
pub fn private_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    if let Some(anonymous) = kilobytes(&status, "RssAnon:") {
        return Some(anonymous + kilobytes(&status, "VmSwap:").unwrap_or(0));
    }
    // Systems that don't tell it: what is resident and not backed by files, in pages.
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: Vec<u64> = pages.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let page = rustix::param::page_size() as u64;
    Some(pages.get(1)?.saturating_sub(*pages.get(2)?) * page)
}

/// The memory that this process can have, in bytes: the machine's, or less if its container or service has a limit.
#[must_use]
pub fn memory_limit() -> Option<u64> {
    let machine = kilobytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:")?;
    let group = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let groups = control_groups(&group);
    let limits = groups
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
    Some(limits.fold(machine, u64::min))
}

/// The files in which limits of memory stand for the groups in a `/proc/self/cgroup`: of both versions, and of all
/// groups around the own one.
fn control_groups(text: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in text.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else {
            continue;
        };
        let (root, file) = if controllers.is_empty() {
            ("/sys/fs/cgroup", "memory.max")
        } else if controllers.split(',').any(|name| name == "memory") {
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
        } else {
            continue;
        };
        let group = Path::new(group.trim_start_matches('/'));
        files.extend(group.ancestors().map(|group| Path::new(root).join(group).join(file)));
    }
    files
}

/// The private memory, in bytes, that the mapped files below a folder take, by their names: relocated and written pages of
/// libraries. It looks at each page that is mapped.
#[must_use]
pub fn mapped_below(folder: &Path) -> Option<BTreeMap<OsString, u64>> {
    let folder = folder.canonicalize().ok()?;
    Some(mapped(&fs::read_to_string("/proc/self/smaps").ok()?, &folder))
}

fn mapped(smaps: &str, folder: &Path) -> BTreeMap<OsString, u64> {
    let mut files = BTreeMap::new();
    let mut current = None;
    for line in smaps.lines() {
        if let Some(amount) = line.strip_prefix("Anonymous:") {
            if let Some(bytes) = current.as_ref().and_then(|file: &OsString| files.get_mut(file)) {
                *bytes += kilobyte_figure(amount).unwrap_or(0);
            }
        } else if let Some((range, _)) = line.split_once(' ')
            && range.contains('-')
        {
            current = line
                .find('/')
                .map(|at| Path::new(&line[at..]))
                .filter(|file| file.starts_with(folder))
                .and_then(|file| file.file_name().map(OsStr::to_owned));
            if let Some(file) = &current {
                files.entry(file.clone()).or_insert(0);
            }
        }
    }
    files
}

/// The threads of this process.
#[must_use]
pub fn threads() -> Option<Vec<Thread>> {
    let tasks = fs::read_dir("/proc/self/task").ok()?;
    let thread = |task: fs::DirEntry| {
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        // The first figure: nanoseconds on a processor. Some kernels are built without.
        let times = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        let nanoseconds = times.split(' ').next().and_then(|word| word.parse().ok());
        Some(Thread {
            name: name.trim_end_matches('\n').to_owned(),
            cpu: Duration::from_nanos(nanoseconds.unwrap_or(0)),
        })
    };
    // One that has ended meanwhile is none.
    Some(tasks.filter_map(|task| thread(task.ok()?)).collect())
}

/// How many bytes can still be written to the disk that holds a folder.
#[must_use]
pub fn room_on_disk(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The figure behind a name, in bytes; the system writes kilobytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| kilobyte_figure(line.strip_prefix(name)?))
}

fn kilobyte_figure(text: &str) -> Option<u64> {
    let figure: u64 = text.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(figure * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_files_are_summed_up_and_others_left_out() {
        let smaps = "7f00-7f01 r--p 00000000 fe:00 11  /srv/bot/run/liba-g1.so\nAnonymous:         4 kB\n\
                     7f01-7f02 rw-p 00001000 fe:00 11  /srv/bot/run/liba-g1.so\nAnonymous:        12 kB\n\
                     7f02-7f03 rw-p 00000000 00:00 0 \nAnonymous:       100 kB\n\
                     7f03-7f04 r-xp 00000000 fe:00 12  /srv/bot/run/libb-g2.so\nAnonymous:         0 kB\n\
                     7f04-7f05 r-xp 00000000 fe:00 13  /usr/lib/libc.so.6\nAnonymous:         8 kB\n";
        let files = mapped(smaps, Path::new("/srv/bot/run"));
        let expected = [("liba-g1.so", 16 * 1024), ("libb-g2.so", 0)];
        assert_eq!(
            files,
            expected.map(|(file, bytes)| (OsString::from(file), bytes)).into()
        );
    }

    #[test]
    fn the_limits_of_all_groups_around_are_looked_at() {
        let files = control_groups("0::/system.slice/bot.service\n");
        let expected = [
            "system.slice/bot.service/memory.max",
            "system.slice/memory.max",
            "memory.max",
        ];
        assert_eq!(files, expected.map(|file| Path::new("/sys/fs/cgroup").join(file)));
        let files = control_groups("5:cpu,cpuacct:/x\n4:memory:/docker/1\n");
        assert_eq!(
            files.first().map(PathBuf::as_path),
            Some(Path::new("/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes"))
        );
        assert_eq!(files.len(), 3);
        assert_eq!(control_groups("nonsense"), Vec::<PathBuf>::new());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_measured() {
        let before = descriptors().unwrap();
        let open: Vec<_> = (0..50).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        // Other tests open and close files meanwhile.
        assert!(descriptors().unwrap().used >= before.used + 10, "{before:?}");
        drop(open);
        assert!(private_memory().unwrap() > 100 * 1024);
        assert!(memory_limit().unwrap() > 16 * 1024 * 1024);
        assert!(room_on_disk(Path::new("/")).is_some());
        let name = "usage#test";
        let here = std::thread::Builder::new().name(name.to_owned()).spawn(|| {
            let names = threads().unwrap().into_iter().map(|thread| thread.name);
            names.collect::<Vec<_>>()
        });
        let names = here.unwrap().join().unwrap();
        assert!(names.iter().any(|known| known == name), "{names:?}");
    }
}
