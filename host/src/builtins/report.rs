//! The cards of `errors` and `loglevel`: from what the host tells to embeds within Discord's limits
//! (<https://discord.com/developers/docs/resources/message#embed-object-embed-limits>).
//!
//! Pure: every text is cut cleanly, and none can break out of its place.

use plugin_api::{Door, Embed, IncidentList, IncidentStory, IncidentSummary, Level, LevelSource, LogLevels, embed};

use super::card::{cut, one_line};

/// How many incidents are on a page.
pub(super) const PER_PAGE: usize = 10;

const NEUTRAL: u32 = 0x2b_2d31;
const ERROR: u32 = 0xff_0000;
/// The longest field of an embed, in characters.
const FIELD: usize = 1024;
/// How much of the log's lines is shown, in characters: with all else within the 6,000 of a card.
const LINES: usize = 2600;

/// How many pages there are, at least one.
pub(super) fn pages(list: &IncidentList) -> usize {
    list.total.div_ceil(PER_PAGE).max(1)
}

/// A page of the incidents.
pub(super) fn list(list: &IncidentList, number: usize) -> Embed {
    let card = embed(format!("Errors ({})", list.total));
    if list.incidents.is_empty() {
        return card
            .colour(NEUTRAL)
            .description("Nothing went wrong since the bot remembers.");
    }
    let lines: Vec<_> = list.incidents.iter().map(line).collect();
    card.colour(ERROR).description(lines.join("\n")).footer(format!(
        "Page {} of {} \u{b7} errors CODE shows the whole story",
        number + 1,
        pages(list)
    ))
}

fn line(incident: &IncidentSummary) -> String {
    let times = match incident.times {
        0 | 1 => String::new(),
        times => format!(" \u{d7}{times}"),
    };
    let user = incident
        .user
        .as_deref()
        .map_or_else(String::new, |user| format!(" \u{b7} <@{user}>"));
    format!(
        "`{}` <t:{}:R>{times} \u{b7} {}{user}\n> {}",
        incident.code,
        incident.at,
        cut(&title(incident), 120),
        cut(&one_line(&incident.text), 180)
    )
}

/// "`ban` of **levels** panicked".
fn title(incident: &IncidentSummary) -> String {
    match &incident.command {
        Some(command) => format!(
            "`{}` of **{}** {}",
            command.replace('`', ""),
            incident.plugin,
            incident.what
        ),
        None => format!("**{}**: {}", incident.plugin, incident.what),
    }
}

/// The whole story of an incident.
pub(super) fn story(story: &IncidentStory) -> Embed {
    let incident = &story.summary;
    let mut card = embed(format!("Error {}", incident.code)).colour(ERROR).description(cut(
        &format!("{}, generation {}", title(incident), incident.generation),
        300,
    ));
    let mut field = |name: &str, value: String, inline: bool| {
        if value.trim().is_empty() {
            return;
        }
        let taken = std::mem::take(&mut card);
        card = if inline {
            taken.inline_field(name, value)
        } else {
            taken.field(name, value)
        };
    };
    let times = match incident.times {
        0 | 1 => String::new(),
        times => format!("\n{times} times, this was the last"),
    };
    let run = if story.earlier_run { "\nin an earlier run" } else { "" };
    field("When", format!("<t:{0}:f> (<t:{0}:R>){times}{run}", incident.at), true);
    field(
        "Who",
        incident
            .user
            .as_deref()
            .map_or_else(String::new, |user| format!("<@{user}>")),
        true,
    );
    field("Where", place(story), true);
    let asked: Vec<_> = story
        .arguments
        .iter()
        .map(|(name, value)| format!("{name} = {}", one_line(value)))
        .collect();
    field("Asked", block(asked.join("\n"), 600), false);
    field("What", block(incident.text.clone(), FIELD - 20), false);
    if !story.place.is_empty() {
        field("Place", block(story.place.clone(), 200), false);
    }
    // Whole lines, the last ones, in as many fields as that takes.
    let (shown, left_out) = last_lines(&story.lines);
    for (at, part) in shown.iter().enumerate() {
        let name = match (at, left_out) {
            (0, 0) => "Log".to_owned(),
            (0, left_out) => format!("Log ({left_out} earlier lines left out)"),
            _ => "\u{200b}".to_owned(),
        };
        field(&name, block(part.clone(), FIELD - 8), false);
    }
    if let Some(invocation) = story.invocation {
        return card.footer(format!("invocation={invocation} in data/logs of that run"));
    }
    card
}

fn place(story: &IncidentStory) -> String {
    let mut parts = Vec::new();
    match (&story.channel, &story.guild) {
        (Some(channel), Some(guild)) => parts.push(format!("<#{channel}>, server {guild}")),
        (Some(_), None) => parts.push("a direct message".to_owned()),
        _ => {}
    }
    match story.door {
        Some(Door::Prefix) => parts.push("by message".to_owned()),
        Some(Door::Slash) => parts.push("by slash command".to_owned()),
        Some(Door::Menu) => parts.push("by a context menu".to_owned()),
        Some(Door::Component) => parts.push("by a button or select".to_owned()),
        Some(Door::Modal) => parts.push("by a form".to_owned()),
        _ => {}
    }
    parts.join("\n")
}

/// The last lines that fit, in parts of a field's length each, and how many are left out.
fn last_lines(lines: &[String]) -> (Vec<String>, usize) {
    /// Longer lines are cut.
    const LINE: usize = 300;
    let mut room = LINES;
    let mut shown: Vec<String> = Vec::new();
    for line in lines.iter().rev() {
        // The date says little: it happened just before.
        let line = line
            .get(11..)
            .filter(|_| line.as_bytes().get(10) == Some(&b'T'))
            .unwrap_or(line);
        let line = cut(line, LINE);
        let length = line.chars().count() + 1;
        if length > room {
            break;
        }
        room -= length;
        shown.push(line);
    }
    let left_out = lines.len() - shown.len();
    shown.reverse();
    let mut parts: Vec<String> = Vec::new();
    for line in shown {
        match parts.last_mut() {
            Some(part) if part.chars().count() + line.chars().count() < FIELD - 10 => {
                part.push('\n');
                part.push_str(&line);
            }
            _ => parts.push(line),
        }
    }
    (parts, left_out)
}

/// A block of code, which no text can end.
fn block(text: String, most: usize) -> String {
    if text.trim().is_empty() {
        return String::new();
    }
    format!("```\n{}\n```", cut(&text.replace("```", "'''"), most))
}

/// What is logged of whom.
pub(super) fn levels(levels: &LogLevels) -> Embed {
    let source = |source: LevelSource| match source {
        LevelSource::Command => " (by command, until the bot is restarted)",
        _ => "",
    };
    let mut lines = vec![format!(
        "**{}** for the host and its plugins{}; libraries one level quieter",
        name(levels.default),
        source(levels.default_source)
    )];
    lines.extend(levels.targets.iter().map(|target| {
        format!(
            "`{}` **{}**{}",
            target.target,
            name(target.level),
            source(target.source)
        )
    }));
    embed("What is logged")
        .colour(NEUTRAL)
        .description(cut(&lines.join("\n"), 3000))
        .footer("loglevel TARGET LEVEL, loglevel LEVEL, loglevel reset")
}

fn name(level: Level) -> &'static str {
    match level {
        Level::Trace => "TRACE",
        Level::Debug => "DEBUG",
        Level::Info => "INFO",
        Level::Warn => "WARN",
        Level::Error => "ERROR",
    }
}

/// Whether a text is a level's name.
pub(super) fn is_level(text: &str) -> bool {
    ["trace", "debug", "info", "warn", "warning", "error", "critical"]
        .iter()
        .any(|level| text.eq_ignore_ascii_case(level))
}

#[cfg(test)]
mod tests {
    use plugin_api::{LogLevel, serde_json};

    use super::*;

    fn summary(code: &str, command: Option<&str>) -> IncidentSummary {
        IncidentSummary {
            code: code.to_owned(),
            at: 1_760_000_000,
            times: if command.is_some() { 1 } else { 12 },
            plugin: "levels".to_owned(),
            generation: 3,
            command: command.map(str::to_owned),
            what: if command.is_some() {
                "panicked"
            } else {
                "an event's handler failed"
            }
            .to_owned(),
            text: "index out of bounds\nthe len is 3 but the index is 7".to_owned(),
            user: command.map(|_| "1100000000000000001".to_owned()),
        }
    }

    fn shown(card: &Embed) -> String {
        serde_json::to_string_pretty(card).unwrap()
    }

    fn whole() -> IncidentStory {
        IncidentStory {
            summary: summary("A1B2", Some("rank")),
            door: Some(Door::Slash),
            guild: Some("1100000000000000002".to_owned()),
            channel: Some("1100000000000000003".to_owned()),
            invocation: Some(17),
            arguments: vec![("who".to_owned(), "member ann (5)".to_owned())],
            place: "src/lib.rs:7:9".to_owned(),
            lines: vec![
                "2026-01-02T03:04:05.000000Z  INFO plugin::levels#3: counting who=ann".to_owned(),
                "2026-01-02T03:04:05.000100Z ERROR host::bot::incidents: panicked: index out of bounds".to_owned(),
            ],
            ..IncidentStory::default()
        }
    }

    #[test]
    fn incidents_read_well() {
        let page = IncidentList {
            total: 12,
            incidents: vec![summary("A1B2", Some("rank")), summary("C3D4", None)],
        };
        insta::assert_snapshot!("list", shown(&list(&page, 0)));
        insta::assert_snapshot!("nothing", shown(&list(&IncidentList::default(), 0)));
        insta::assert_snapshot!("story", shown(&story(&whole())));
    }

    #[test]
    fn levels_read_well() {
        let all = LogLevels {
            default: Level::Info,
            default_source: LevelSource::Configuration,
            targets: vec![LogLevel {
                target: "plugin::levels".to_owned(),
                level: Level::Trace,
                source: LevelSource::Command,
            }],
        };
        insta::assert_snapshot!("levels", shown(&levels(&all)));
    }

    #[test]
    fn whatever_happened_the_cards_are_within_discords_limits() {
        let mut long = whole();
        long.summary.text = "```text ".repeat(2000);
        long.place = "p".repeat(3000);
        long.arguments = (0..100)
            .map(|number| (format!("name{number}"), "v".repeat(4000)))
            .collect();
        long.lines = (0..50).map(|number| format!("{number} {}", "l`".repeat(250))).collect();
        let card = serde_json::to_value(story(&long)).unwrap();
        let mut all = 0;
        for field in card["fields"].as_array().unwrap() {
            let (name, value) = (field["name"].as_str().unwrap(), field["value"].as_str().unwrap());
            assert!(value.chars().count() <= 1024, "{name} has {}", value.chars().count());
            assert!(
                value.matches("```").count() % 2 == 0 && value.matches("```").count() <= 2,
                "{value}"
            );
            all += name.chars().count() + value.chars().count();
        }
        assert!(all + 500 <= 6000, "{all}");
        assert!(card.to_string().contains("earlier lines left out"));
        let mut worst = summary("A1B2", Some(&"c".repeat(500)));
        worst.text = "t".repeat(9000);
        let page = IncidentList {
            total: 200,
            incidents: vec![worst; PER_PAGE],
        };
        let card = serde_json::to_value(list(&page, 19)).unwrap();
        assert!(card["description"].as_str().unwrap().chars().count() <= 4096);
    }
}
