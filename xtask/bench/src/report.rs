//! What is shown: a table on the terminal, and everything as JSON.
//!
//! Tables hold medians over rounds; the JSON holds every round.

use std::fmt::Write;

use serde::Serialize;

use crate::{
    bot::Kind,
    load::{Load, Sample},
    machine::Machine,
    scenarios::{
        commands::Loads,
        generator::Ceiling,
        memory::Memory,
        reload::Reloads,
        start::Starts,
        storage::{Figures, Storage},
        swaps::{self, Swaps},
        ways::Ways,
        within::Counting,
    },
    statistics::median,
    table::Table,
    usage::Holding,
};

const MEBIBYTE: f64 = 1_048_576.0;

/// All that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// How the bots were set up, in words.
    pub setup: &'static str,
    /// Commands and plain messages.
    pub loads: Vec<Loads>,
    /// Commands by each door, behind each check, with an argument of each kind.
    pub ways: Vec<Ways>,
    /// Start to first answer.
    pub start: Vec<Starts>,
    /// Memory at rest.
    pub memory: Vec<Memory>,
    /// Reloads of a plugin.
    pub reloads: Option<Reloads>,
    /// Reloads of a plugin that is used.
    pub swaps: Vec<Swaps>,
    /// Calls of another plugin's service.
    pub calls: Vec<Figures>,
    /// What counting allocations costs.
    pub counting: Option<Counting>,
    /// Keys, tables and files of plugins.
    pub storage: Option<Storage>,
    /// The generator alone.
    pub generator: Vec<Ceiling>,
}

impl Report {
    /// Whether each command was answered, well and once.
    pub fn is_complete(&self) -> bool {
        let of_bots = self
            .loads
            .iter()
            .flat_map(|load| load.host.iter().chain(&load.twilight).chain(&load.twilight_mimalloc));
        let ways = self.ways.iter().flat_map(|way| way.host.iter().chain(&way.twilight));
        let alone = self.generator.iter().map(|ceiling| &ceiling.sample);
        let counting = self
            .counting
            .iter()
            .flat_map(|counting| counting.commands_counted.iter().chain(&counting.commands_uncounted));
        of_bots
            .chain(ways)
            .chain(counting)
            .chain(alone)
            .all(Sample::is_complete)
    }

    /// What must not be, in words.
    pub fn wrong(&self) -> Vec<String> {
        let of_one = |swaps: &Swaps| {
            let name = swaps.replaced.name();
            let named = swaps.wrong.iter().map(move |wrong| format!("a plugin {name}: {wrong}"));
            named.collect::<Vec<_>>()
        };
        self.swaps.iter().flat_map(of_one).collect()
    }

    /// As tables.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let machine = &self.machine;
        let _ = writeln!(
            text,
            "\n{}, {} cores, {:.1} GiB, Linux {}\n{}, {}; commit {}, {}; load average at the beginning {:.2}\n{}",
            machine.processor,
            machine.cores,
            machine.memory as f64 / MEBIBYTE / 1024.0,
            machine.kernel,
            machine.host,
            machine.compiler,
            match machine.commit.as_str() {
                "" => "unknown",
                commit => commit,
            },
            machine.date,
            machine.load_before,
            self.setup,
        );
        if !self.loads.is_empty() {
            text.push_str(&loads(&self.loads, &self.generator));
        }
        if !self.generator.is_empty() {
            text.push_str(&generator(&self.generator));
        }
        if !self.ways.is_empty() {
            text.push_str(&ways(&self.ways));
        }
        if !self.start.is_empty() {
            text.push_str(&starts(&self.start));
        }
        if !self.memory.is_empty() {
            text.push_str(&memory(&self.memory));
        }
        if let Some(reloads) = &self.reloads {
            text.push_str(&reload(reloads));
        }
        if !self.swaps.is_empty() {
            text.push_str(&swapped(&self.swaps));
        }
        if !self.calls.is_empty() {
            text.push_str(&within("calls between plugins", &[("", &self.calls)]));
        }
        if let Some(counting) = &self.counting {
            text.push_str(&counted(counting));
        }
        if let Some(storage) = &self.storage {
            text.push_str(&stored(storage));
        }
        text
    }
}

/// How much of what the generator can do is near enough to its limit that it may be what is measured, percent.
const NEAR_THE_CEILING: f64 = 70.0;

fn loads(loads: &[Loads], ceilings: &[Ceiling]) -> String {
    let mut warnings = String::new();
    let mut table = Table::new(
        2,
        &[
            "load",
            "bot",
            "answered well",
            "a second",
            "p50 ms",
            "p99 ms",
            "CPU µs each",
            "CPU ratio",
            "bot cores",
            "generator cores",
            "of the ceiling",
            "HTTP connections",
        ],
    );
    for load in loads {
        // The null client takes messages uncompressed, which costs the generator far more than it does with bots: for
        // plain messages that is no ceiling, and how busy its thread is tells.
        let mut ceilings = ceilings.iter().filter(|ceiling| ceiling.load != Load::Plain);
        let ceiling = ceilings.find(|ceiling| ceiling.load == load.load);
        for (bot, samples, ratio) in [
            (Kind::Host, &load.host, load.cpu_ratio),
            (Kind::Twilight, &load.twilight, 1.0),
            (Kind::TwilightMimalloc, &load.twilight_mimalloc, load.mimalloc_cpu_ratio),
        ] {
            if samples.is_empty() {
                continue;
            }
            let middle = |value: fn(&Sample) -> f64| median(samples.iter().map(value));
            let answered: usize = samples.iter().map(|sample| sample.answered - sample.refused).sum();
            let wanted: usize = samples.iter().map(|sample| sample.wanted).sum();
            let unasked: usize = samples.iter().map(|sample| sample.unasked).sum();
            let surplus = if unasked > 0 {
                format!(" +{unasked}")
            } else {
                String::new()
            };
            let share = ceiling.map(|ceiling| 100.0 * middle(|sample| sample.per_second) / ceiling.sample.per_second);
            let busy = 100.0 * middle(|sample| sample.generator_cores);
            let nearest = share.unwrap_or(0.0).max(busy);
            if nearest > NEAR_THE_CEILING {
                let _ = writeln!(
                    warnings,
                    "Careful: under \"{}\" with {} the generator is at {nearest:.0} % of what it can do; a part of the figures \
                     may be its own.",
                    load.load.name(),
                    bot.name(),
                );
            }
            table.row([
                format!(
                    "{} ({})",
                    load.load.name(),
                    samples.first().map_or(0, |sample| sample.messages)
                ),
                bot.name().to_owned(),
                format!("{answered} of {wanted}{surplus}"),
                format!("{:.0}", middle(|sample| sample.per_second)),
                latency(samples, |sample| sample.p50_ms),
                latency(samples, |sample| sample.p99_ms),
                format!("{:.1}", middle(|sample| sample.cpu_us)),
                format!("{ratio:.2}"),
                format!("{:.2}", middle(|sample| sample.bot_cores)),
                format!("{:.2}", middle(|sample| sample.generator_cores)),
                share.map_or(String::new(), |share| format!("{share:.0} %")),
                samples.last().map_or(0, |sample| sample.http_connections).to_string(),
            ]);
        }
    }
    table.text() + &warnings
}

/// The median over rounds; nothing where a load has none.
fn latency(samples: &[Sample], value: fn(&Sample) -> Option<f64>) -> String {
    let values: Vec<f64> = samples.iter().filter_map(value).collect();
    if values.is_empty() {
        return String::new();
    }
    format!("{:.2}", median(values))
}

fn generator(ceilings: &[Ceiling]) -> String {
    let mut table = Table::new(
        1,
        &[
            "the generator alone, on a null client",
            "answered well",
            "a second",
            "client's cores",
            "generator cores",
        ],
    );
    for Ceiling { load, sample } in ceilings {
        table.row([
            format!("{} ({})", load.name(), sample.messages),
            format!("{} of {}", sample.answered, sample.wanted),
            format!("{:.0}", sample.per_second),
            format!("{:.2}", sample.bot_cores),
            format!("{:.2}", sample.generator_cores),
        ]);
    }
    table.text()
}

fn ways(all: &[Ways]) -> String {
    let columns = [
        "a command",
        "bot",
        "answered well",
        "a second",
        "p50 ms",
        "p99 ms",
        "CPU µs each",
        "to !ping",
    ];
    let mut table = Table::new(2, &columns);
    for way in all {
        for (bot, samples, to_ping) in [
            (Kind::Host, &way.host, Some(way.to_ping)),
            (Kind::Twilight, &way.twilight, None),
        ] {
            if samples.is_empty() {
                continue;
            }
            let middle = |value: fn(&Sample) -> f64| median(samples.iter().map(value));
            let answered: usize = samples.iter().map(|sample| sample.answered - sample.refused).sum();
            let wanted: usize = samples.iter().map(|sample| sample.wanted).sum();
            table.row([
                way.what.to_owned(),
                bot.name().to_owned(),
                format!("{answered} of {wanted}"),
                format!("{:.0}", middle(|sample| sample.per_second)),
                latency(samples, |sample| sample.p50_ms),
                latency(samples, |sample| sample.p99_ms),
                format!("{:.1}", middle(|sample| sample.cpu_us)),
                to_ping.map_or(String::new(), |ratio| format!("{ratio:.2}")),
            ]);
        }
    }
    table.text()
}

fn starts(starts: &[Starts]) -> String {
    let mut table = Table::new(
        2,
        &[
            "start to first answer",
            "folder",
            "median ms",
            "fastest ms",
            "slowest ms",
            "CPU ms",
        ],
    );
    for start in starts {
        let times = &start.first_answer_ms;
        table.row([
            start.bot.name().to_owned(),
            start.folder.to_owned(),
            format!("{:.0}", median(times.iter().copied())),
            format!("{:.0}", times.iter().copied().fold(f64::INFINITY, f64::min)),
            format!("{:.0}", times.iter().copied().fold(0.0, f64::max)),
            format!("{:.0}", median(start.cpu_ms.iter().copied())),
        ]);
    }
    table.text()
}

fn memory(all: &[Memory]) -> String {
    let mut table = Table::new(
        1,
        &[
            "at rest",
            "plugins",
            "servers",
            "RSS MiB",
            "private dirty MiB",
            "anonymous MiB",
            "threads",
            "descriptors",
            "CPU ms since start",
        ],
    );
    for memory in all {
        let middle = |value: fn(&Holding) -> u64| median(memory.holding.iter().map(|holding| value(holding) as f64));
        table.row([
            memory.bot.name().to_owned(),
            memory.plugins.to_string(),
            memory.guilds.to_string(),
            format!("{:.1}", middle(|holding| holding.rss) / MEBIBYTE),
            format!("{:.1}", middle(|holding| holding.private_dirty) / MEBIBYTE),
            format!("{:.1}", middle(|holding| holding.anonymous) / MEBIBYTE),
            format!("{:.0}", middle(|holding| holding.threads)),
            format!("{:.0}", middle(|holding| holding.descriptors)),
            format!("{:.0}", median(memory.cpu_ms.iter().copied())),
        ]);
    }
    table.text()
}

fn stored(storage: &Storage) -> String {
    let mut table = Table::new(
        2,
        &[
            "storage",
            "who",
            "at once",
            "a second",
            "p50 \u{b5}s",
            "p99 \u{b5}s",
            "count",
        ],
    );
    let of_plugin = storage.plugin.iter().map(|figures| ("plugin", figures));
    let mut all: Vec<_> = of_plugin
        .chain(storage.alone.iter().map(|figures| ("alone", figures)))
        .chain(storage.host.iter().map(|figures| ("host", figures)))
        .collect();
    all.sort_by(|(_, one), (_, other)| one.what.cmp(&other.what));
    for (who, figures) in all {
        table.row([
            figures.what.clone(),
            who.to_owned(),
            figures.at_once.to_string(),
            format!("{:.0}", figures.rate()),
            format!("{:.1}", figures.p50_ns as f64 / 1e3),
            format!("{:.1}", figures.p99_ns as f64 / 1e3),
            figures.count.to_string(),
        ]);
    }
    let mut text = table.text();
    text.push_str(
        "plugin: from the call in a plugin to its answer; alone: SQLite or the file system on one thread, where \"at once\" is \
         the size of a transaction, and its times those of transactions; host: without a plugin, on one thread\n",
    );
    text
}

fn reload(reloads: &Reloads) -> String {
    let mut table = Table::new(
        1,
        &[
            "reloads",
            "p50 ms",
            if reloads.p99_ms.is_some() {
                "p99 ms"
            } else {
                "slowest ms"
            },
            "CPU ms",
            "RSS KiB kept",
            "private dirty KiB kept",
            "anonymous KiB kept",
            "mapped KiB kept",
            "thread keys kept",
            "descriptors kept",
            "threads kept",
        ],
    );
    let kept = &reloads.each;
    table.row([
        format!("{}, each", reloads.latency_ms.len()),
        format!("{:.1}", reloads.p50_ms),
        format!("{:.1}", reloads.p99_ms.unwrap_or(reloads.slowest_ms)),
        format!("{:.1}", reloads.cpu_ms),
        format!("{:.0}", kept.rss / 1024.0),
        format!("{:.0}", kept.private_dirty / 1024.0),
        format!("{:.0}", kept.anonymous / 1024.0),
        format!("{:.0}", kept.mapped / 1024.0),
        kept.thread_keys
            .map_or_else(|| "unknown".to_owned(), |keys| format!("{keys:.2}")),
        format!("{:.2}", kept.descriptors),
        format!("{:.2}", kept.threads),
    ]);
    table.text()
}

fn swapped(all: &[Swaps]) -> String {
    let columns = [
        "reloads under load",
        "commands a second",
        "events a second",
        "swap p50 ms",
        "slowest ms",
        "commands p50 ms",
        "p99 ms",
        "during swaps",
        "p50 ms",
        "p99 ms",
        "slowest ms",
        "wrong",
    ];
    let mut table = Table::new(1, &columns);
    let mut notes = String::new();
    let wanted = swaps::WANTED_P99.as_secs_f64() * 1e3;
    for swaps in all {
        let wrong = if swaps.wrong.is_empty() { "nothing" } else { "see below" };
        table.row([
            format!("{} of a plugin {}", swaps.reloads, swaps.replaced.name()),
            format!("{:.0}", swaps.commands as f64 / swaps.seconds),
            format!("{:.0}", swaps.events as f64 / swaps.seconds),
            format!("{:.1}", swaps.swap_p50_ms),
            format!("{:.1}", swaps.swap_max_ms),
            format!("{:.2}", swaps.all.p50_ms),
            format!("{:.2}", swaps.all.p99_ms),
            swaps.during.count.to_string(),
            format!("{:.2}", swaps.during.p50_ms),
            format!("{:.2}", swaps.during.p99_ms),
            format!("{:.2}", swaps.during.max_ms),
            wrong.to_owned(),
        ]);
        if swaps.during.p99_ms > wanted {
            let _ = writeln!(
                notes,
                "Careful: of a plugin {} the p99 of a command during a swap is {:.1} ms, and {wanted:.0} ms are wanted.",
                swaps.replaced.name(),
                swaps.during.p99_ms
            );
        }
        if swaps.out_of_turn > 0 {
            let _ = writeln!(
                notes,
                "Of a plugin {} {} events of {} came behind a later one of their channel.",
                swaps.replaced.name(),
                swaps.out_of_turn,
                swaps.events
            );
        }
    }
    table.text() + &notes
}

fn within(title: &str, all: &[(&str, &[Figures])]) -> String {
    let columns = [title, "", "at once", "a second", "p50 \u{b5}s", "p99 \u{b5}s", "count"];
    let mut table = Table::new(2, &columns);
    for (who, figures) in all {
        for figures in *figures {
            table.row([
                figures.what.clone(),
                (*who).to_owned(),
                figures.at_once.to_string(),
                format!("{:.0}", figures.rate()),
                format!("{:.3}", figures.p50_ns as f64 / 1e3),
                format!("{:.3}", figures.p99_ns as f64 / 1e3),
                figures.count.to_string(),
            ]);
        }
    }
    table.text()
}

fn counted(counting: &Counting) -> String {
    let both = [
        ("counted", counting.counted.as_slice()),
        ("uncounted", &counting.uncounted),
    ];
    let cpu = |samples: &[Sample]| median(samples.iter().map(|sample| sample.cpu_us));
    format!(
        "{}A command of the plugin that counts takes {:.1} \u{b5}s of CPU, of the same one that does not {:.1} \u{b5}s: {:.3} \
         times as much, the median over rounds\n",
        within("allocations of plugins", &both),
        cpu(&counting.commands_counted),
        cpu(&counting.commands_uncounted),
        counting.cpu_ratio
    )
}
