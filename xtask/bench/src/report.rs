//! What is shown: a table on the terminal, and everything as JSON.
//!
//! Tables hold medians over rounds; the JSON holds every round.

use std::fmt::Write;

use serde::Serialize;

use crate::{load::Sample, machine::Machine, scenarios::commands::Loads, statistics::median};

/// All that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// How the bots were set up, in words.
    pub setup: &'static str,
    /// Commands and plain messages.
    pub loads: Vec<Loads>,
}

impl Report {
    /// As tables.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let machine = &self.machine;
        let _ = writeln!(
            text,
            "\n{}, {} cores, {:.1} GiB, Linux {}\n{}, {}; load average at the beginning {:.2}\n{}",
            machine.processor,
            machine.cores,
            machine.memory as f64 / f64::from(1 << 30),
            machine.kernel,
            machine.host,
            machine.compiler,
            machine.load_before,
            self.setup,
        );
        if !self.loads.is_empty() {
            text.push_str(&loads(&self.loads));
        }
        text
    }
}

fn loads(loads: &[Loads]) -> String {
    let mut table = Table::new(&[
        "load",
        "bot",
        "answered",
        "a second",
        "p50 ms",
        "p99 ms",
        "CPU µs each",
        "CPU ratio",
        "bot cores",
        "generator cores",
    ]);
    for load in loads {
        for (bot, samples) in [("host", &load.host), ("twilight", &load.twilight)] {
            let middle = |value: fn(&Sample) -> f64| median(samples.iter().map(value));
            let answered: usize = samples.iter().map(|sample| sample.answered).sum();
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
            ]);
        }
    }
    table.text()
}

/// Columns as wide as what is in them; the first two to the left, numbers to the right.
struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new(titles: &[&str]) -> Self {
        Self {
            rows: vec![titles.iter().map(|&title| title.to_owned()).collect()],
        }
    }

    fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::from("\n");
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                let _ = if column < 2 {
                    write!(line, "{cell:<width$}  ")
                } else {
                    write!(line, "{cell:>width$}  ")
                };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&["load", "bot", "CPU µs"]);
        table.row(["burst", "host", "80.5"].map(str::to_owned));
        table.row(["a longer one", "twilight", "7"].map(str::to_owned));
        assert_eq!(
            table.text(),
            "\nload          bot       CPU µs\nburst         host        80.5\na longer one  twilight       7\n"
        );
    }
}
