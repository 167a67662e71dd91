//! The cards of `integritycheck` and `dbstats`: from what the host tells to embeds. Pure.
//!
//! Many plugins have many databases: those that are cut are counted.

use std::fmt::Write;

use plugin_api::{
    Embed,
    databases::{DatabaseCheck, DatabaseFigures, DatabaseWork, Spread},
    embed,
};

use super::card::{ERROR, NEUTRAL, SUCCESS, cut, size};

/// How many plugins' databases are shown; the largest.
const SHOWN: usize = 12;
/// The longest description that these cards make, in characters.
const DESCRIPTION: usize = 3_500;

/// What checks found.
pub(super) fn checks(checks: &[DatabaseCheck]) -> Embed {
    let damaged = checks.iter().filter(|check| !check.problems.is_empty()).count();
    // The damaged ones first, so that none of them is cut.
    let mut sorted: Vec<_> = checks.iter().collect();
    sorted.sort_by_key(|check| check.problems.is_empty());
    let lines: Vec<_> = sorted
        .iter()
        .map(|check| match check.problems.first() {
            None => format!("\u{2705} `{}`: sound, checked in {} ms", check.name, check.millis),
            Some(first) => {
                let more = match check.problems.len() {
                    1 => String::new(),
                    count => format!(" (and {} more)", count - 1),
                };
                format!("\u{274c} `{}`: {}{more}", check.name, cut(first, 300))
            }
        })
        .collect();
    let card = match damaged {
        0 => embed("All databases are sound").colour(SUCCESS),
        1 => embed("A database is damaged").colour(ERROR),
        count => embed(format!("{count} databases are damaged")).colour(ERROR),
    };
    let card = card.description(cut(&lines.join("\n"), DESCRIPTION));
    if damaged == 0 {
        return card;
    }
    card.field(
        "What to do",
        "Keep a copy of `data/`. `backup list` shows the backups, `backup restore ID` goes back to one; what is there now is kept as a backup, too.",
    )
}

/// What databases are like.
pub(super) fn figures(all: &[DatabaseFigures]) -> Embed {
    let bytes: u64 = all.iter().map(|one| one.file_bytes + one.log_bytes).sum();
    let mut card = embed(format!("Databases ({})", all.len()))
        .colour(NEUTRAL)
        .description(format!("{} on the disk", size(bytes)));
    let (own, plugins) = all
        .split_first()
        .map_or((None, [].as_slice()), |(own, rest)| (Some(own), rest));
    if let Some(own) = own {
        card = card.field(&own.name, of_one(own));
        if !own.tables.is_empty() {
            let rows: Vec<_> = own
                .tables
                .iter()
                .map(|table| format!("`{}` {}", table.name, table.rows))
                .collect();
            card = card.field("Rows", cut(&rows.join(" \u{b7} "), 1_000));
        }
    }
    let mut plugins: Vec<_> = plugins.iter().collect();
    plugins.sort_by(|one, other| {
        other
            .file_bytes
            .cmp(&one.file_bytes)
            .then_with(|| one.name.cmp(&other.name))
    });
    if !plugins.is_empty() {
        let mut lines: Vec<_> = plugins.iter().take(SHOWN).map(|one| cut(&line(one), 150)).collect();
        if plugins.len() > SHOWN {
            lines.push(format!("and {} more", plugins.len() - SHOWN));
        }
        // A field holds a thousand characters.
        for (number, part) in lines.chunks(6).enumerate() {
            let name = if number == 0 { "Plugins' databases" } else { "\u{200b}" };
            card = card.field(name, cut(&part.join("\n"), 1_000));
        }
    }
    card.footer("Times are since the bot started: half and 99 % of all were no slower")
}

fn of_one(one: &DatabaseFigures) -> String {
    let mut text = format!("{}, log {}", size(one.file_bytes), size(one.log_bytes));
    let Some(work) = &one.work else { return text };
    let _ = write!(
        text,
        "\n{} pages of {}, {} free",
        work.pages,
        size(work.page_bytes),
        work.free_pages
    );
    for (name, spread) in [
        ("reads", work.reads),
        ("writes", work.writes),
        ("commits", work.commits),
    ] {
        let _ = write!(text, "\n{}", times(name, spread));
    }
    if work.groups.count > 0 {
        let _ = write!(
            text,
            "\nwrites that share a commit: {} / {} / at most {}",
            work.groups.p50, work.groups.p99, work.groups.highest
        );
    }
    text
}

fn line(one: &DatabaseFigures) -> String {
    let mut text = format!("`{}` {}", one.name, size(one.file_bytes));
    match &one.work {
        None => text.push_str(", not in use"),
        Some(DatabaseWork { reads, writes, .. }) => {
            let _ = write!(text, ", {}, {}", times("reads", *reads), times("writes", *writes));
        }
    }
    text
}

fn times(name: &str, spread: Spread) -> String {
    match spread.count {
        0 => format!("no {name}"),
        count => format!("{count} {name}: {} / {}", duration(spread.p50), duration(spread.p99)),
    }
}

fn duration(nanoseconds: u64) -> String {
    match nanoseconds {
        0..1_000_000 => format!("{:.1} \u{b5}s", nanoseconds as f64 / 1e3),
        _ => format!("{:.1} ms", nanoseconds as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use plugin_api::{databases::TableRows, serde_json};

    use super::*;

    fn shown(card: &Embed) -> String {
        serde_json::to_string_pretty(card).unwrap()
    }

    fn check(name: &str, problems: &[&str]) -> DatabaseCheck {
        DatabaseCheck {
            name: name.to_owned(),
            problems: problems.iter().map(|text| (*text).to_owned()).collect(),
            millis: 12,
        }
    }

    #[test]
    fn what_checks_found() {
        let sound = [check("bot.db", &[]), check("plugins/levels/keys.db", &[])];
        insta::assert_snapshot!("sound", shown(&checks(&sound)));
        let damaged = [
            check("bot.db", &[]),
            check(
                "plugins/levels/plugin.db",
                &["Tree 4 page 7: btreeInitPage() returns error code 11", "x"],
            ),
        ];
        insta::assert_snapshot!("damaged", shown(&checks(&damaged)));
    }

    #[test]
    fn what_databases_are_like() {
        let spread = |count, p50| Spread {
            count,
            p50,
            p99: p50 * 20,
            highest: p50 * 40,
        };
        let work = DatabaseWork {
            page_bytes: 4096,
            pages: 120,
            free_pages: 3,
            reads: spread(1000, 8_700),
            writes: spread(200, 90_000),
            commits: spread(50, 400_000),
            groups: spread(50, 2),
        };
        let own = DatabaseFigures {
            name: "bot.db".to_owned(),
            file_bytes: 491_520,
            log_bytes: 12_392,
            work: Some(work.clone()),
            tables: vec![
                TableRows {
                    name: "audit_trail".to_owned(),
                    rows: 4,
                },
                TableRows {
                    name: "command_stats".to_owned(),
                    rows: 27,
                },
            ],
        };
        let plugin = |number: u64| DatabaseFigures {
            name: format!("plugins/plugin{number}/keys.db"),
            file_bytes: 4096 * (number + 1),
            log_bytes: 0,
            work: number.is_multiple_of(2).then(|| work.clone()),
            tables: Vec::new(),
        };
        let few = [own.clone(), plugin(0), plugin(1)];
        insta::assert_snapshot!("figures", shown(&figures(&few)));
        let many: Vec<_> = std::iter::once(own).chain((0..40).map(plugin)).collect();
        insta::assert_snapshot!("figures_of_many", shown(&figures(&many)));
    }
}
