//! What is shown: a table on the terminal, and everything as JSON.
//!
//! Tables hold medians over rounds; the JSON holds every round.

use std::fmt::Write;

use serde::Serialize;

use crate::{
    load::Sample,
    machine::Machine,
    scenarios::{commands::Loads, generator::Ceiling, memory::Memory, reload::Reloads, start::Starts},
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
    /// Start to first answer.
    pub start: Vec<Starts>,
    /// Memory at rest.
    pub memory: Vec<Memory>,
    /// Reloads of a plugin.
    pub reloads: Option<Reloads>,
    /// The generator alone.
    pub generator: Vec<Ceiling>,
}

impl Report {
    /// Whether each command was answered, well and once.
    pub fn is_complete(&self) -> bool {
        let of_bots = self
            .loads
            .iter()
            .flat_map(|load| load.host.iter().chain(&load.twilight));
        let alone = self.generator.iter().map(|ceiling| &ceiling.sample);
        of_bots
            .chain(alone)
            .all(|sample| sample.answered == sample.wanted && sample.refused + sample.unasked == 0)
    }

    /// As tables.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let machine = &self.machine;
        let _ = writeln!(
            text,
            "\n{}, {} cores, {:.1} GiB, Linux {}\n{}, {}; load average at the beginning {:.2}\n{}",
            machine.processor,
            machine.cores,
            machine.memory as f64 / MEBIBYTE / 1024.0,
            machine.kernel,
            machine.host,
            machine.compiler,
            machine.load_before,
            self.setup,
        );
        if !self.loads.is_empty() {
            text.push_str(&loads(&self.loads));
        }
        if !self.generator.is_empty() {
            text.push_str(&generator(&self.generator));
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
        text
    }
}

fn loads(loads: &[Loads]) -> String {
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
        ],
    );
    for load in loads {
        for (bot, samples) in [("host", &load.host), ("twilight", &load.twilight)] {
            let middle = |value: fn(&Sample) -> f64| median(samples.iter().map(value));
            let answered: usize = samples.iter().map(|sample| sample.answered - sample.refused).sum();
            let wanted: usize = samples.iter().map(|sample| sample.wanted).sum();
            let unasked: usize = samples.iter().map(|sample| sample.unasked).sum();
            let surplus = if unasked > 0 {
                format!(" +{unasked}")
            } else {
                String::new()
            };
            table.row([
                format!(
                    "{} ({})",
                    load.load.name(),
                    samples.first().map_or(0, |sample| sample.messages)
                ),
                bot.to_owned(),
                format!("{answered} of {wanted}{surplus}"),
                format!("{:.0}", middle(|sample| sample.per_second)),
                format!("{:.2}", middle(|sample| sample.p50_ms)),
                format!("{:.2}", middle(|sample| sample.p99_ms)),
                format!("{:.1}", middle(|sample| sample.cpu_us)),
                if bot == "host" {
                    format!("{:.2}", load.cpu_ratio)
                } else {
                    "1".to_owned()
                },
                format!("{:.2}", middle(|sample| sample.bot_cores)),
                format!("{:.2}", middle(|sample| sample.generator_cores)),
                samples.last().map_or(0, |sample| sample.http_connections).to_string(),
            ]);
        }
    }
    table.text()
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

fn reload(reloads: &Reloads) -> String {
    let mut table = Table::new(
        1,
        &[
            "reloads",
            "p50 ms",
            "p99 ms",
            "CPU ms",
            "RSS KiB kept",
            "private dirty KiB kept",
            "anonymous KiB kept",
            "descriptors kept",
            "threads kept",
        ],
    );
    let kept = &reloads.each;
    table.row([
        format!("{}, each", reloads.latency_ms.len()),
        format!("{:.1}", reloads.p50_ms),
        format!("{:.1}", reloads.p99_ms),
        format!("{:.1}", reloads.cpu_ms),
        format!("{:.0}", kept.rss / 1024.0),
        format!("{:.0}", kept.private_dirty / 1024.0),
        format!("{:.0}", kept.anonymous / 1024.0),
        format!("{:.2}", kept.descriptors),
        format!("{:.2}", kept.threads),
    ]);
    table.text()
}
