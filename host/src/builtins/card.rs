//! The cards of `plugins` and `plugininfo`: from what the host tells to embeds within Discord's limits
//! (<https://discord.com/developers/docs/resources/message#embed-object-embed-limits>).
//!
//! Pure: every list is cut cleanly, with how much is left out.

use std::{
    fmt::Write,
    time::{SystemTime, UNIX_EPOCH},
};

use plugin_api::{
    Embed, embed,
    inspection::{
        BudgetFigure, EraseStanding, LaneFigures, LeftBehind, OfferedCommand, PluginInfo, PluginList, PluginStatus,
        PluginSummary, Relation,
    },
};

use super::{lane_card, timers_card};

/// How many plugins are on a page.
const PER_PAGE: usize = 10;
/// The longest field of an embed, in characters.
pub(super) const FIELD: usize = 1024;
/// The longest line of the list: ten of them are within a description and, with the fields, within the 6,000 of a card.
const LINE: usize = 320;
/// The longest list of names but of commands, so that all fields together are within the 6,000.
const NAMES: usize = 340;
/// The longest list of services, and the longest line of one.
const SERVICES: (usize, usize) = (200, 90);
/// The longest list of hooks.
const HOOKS: usize = 220;
/// The longest list of timers, for the same reason.
const TIMERS: usize = 200;
/// The longest text about a lane, likewise.
const LANE: usize = 250;

pub(super) const NEUTRAL: u32 = 0x2b_2d31;
pub(super) const SUCCESS: u32 = 0x00_ff00;
pub(super) const WARNING: u32 = 0xff_ff00;
pub(super) const ERROR: u32 = 0xff_0000;

/// How many pages the list has, at least one.
pub(super) fn pages(list: &PluginList) -> usize {
    list.plugins.len().div_ceil(PER_PAGE).max(1)
}

/// A page of the list.
pub(super) fn list(list: &PluginList, number: usize) -> Embed {
    let all = &list.plugins;
    let lines: Vec<_> = all
        .iter()
        .skip(number * PER_PAGE)
        .take(PER_PAGE)
        .map(|plugin| cut(&line(plugin), LINE))
        .collect();
    let running = all
        .iter()
        .filter(|plugin| plugin.status == PluginStatus::Running)
        .count();
    let mut card = embed(format!("Plugins ({})", all.len()))
        .colour(NEUTRAL)
        .description(lines.join("\n"));
    if let Some(left) = left_behind(&list.left_behind) {
        card = card.field("Left behind until a restart", left);
    }
    if !list.budgets.is_empty() {
        let lines: Vec<_> = list.budgets.iter().map(budget).collect();
        card = card.field("Room for further loads", cut(&lines.join("\n"), FIELD));
    }
    card.footer(format!(
        "Page {} of {} \u{b7} {running} running",
        number + 1,
        pages(list)
    ))
}

fn line(plugin: &PluginSummary) -> String {
    let version = plugin
        .version
        .as_deref()
        .map_or_else(String::new, |version| format!(" {version}"));
    let mut line = format!(
        "{} **{}**{version} \u{b7} {}",
        mark(plugin),
        plugin.name,
        status(plugin)
    );
    if !plugin.needs.is_empty() {
        let needs: Vec<_> = plugin.needs.iter().map(relation).collect();
        let _ = write!(line, " \u{b7} needs {}", needs.join(", "));
    }
    if let Some(why) = &plugin.why {
        let _ = write!(line, "\n> {}", one_line(why));
    }
    line
}

/// Everything about one plugin.
pub(super) fn info(info: &PluginInfo) -> Embed {
    let plugin = &info.summary;
    let colour = match plugin.status {
        PluginStatus::Hung | PluginStatus::Refused | PluginStatus::Quarantined => ERROR,
        _ if plugin.newer_refused => WARNING,
        _ => NEUTRAL,
    };
    let version = plugin
        .version
        .as_deref()
        .map_or_else(String::new, |version| format!(" {version}"));
    let mut card = embed(cut(&format!("{}{version}", plugin.name), 100)).colour(colour);
    if !info.description.trim().is_empty() {
        card = card.description(cut(&info.description, 300));
    }
    let mut field = |name: &str, value: String, inline: bool| {
        if value.trim().is_empty() {
            return;
        }
        let value = cut(&value, FIELD);
        let taken = std::mem::take(&mut card);
        card = if inline {
            taken.inline_field(name, value)
        } else {
            taken.field(name, value)
        };
    };
    field("State", state(info), true);
    field("Load", load(info), true);
    if let Some(lane) = &info.lane {
        field("Lane", lane_text(lane), true);
    }
    if let Some(lane) = info.lane.as_ref().filter(|_| plugin.file.is_some()) {
        field("Handlers", cut(&lane_card::handlers(lane), LANE), true);
        field("Traffic", cut(&lane_card::traffic(lane), LANE), true);
    }
    field("Needs", lines(info, &plugin.needs), false);
    field("Needed by", names(&info.dependants), false);
    let conflicts: Vec<_> = info.conflicts.iter().map(relation_name).collect();
    field("Can't run beside", names(&conflicts), false);
    field("Commands", commands(&info.commands), false);
    field("Services", services(info), false);
    field("Events", events(info), false);
    field("Timers", cut(&timers_card::of_plugin(info), TIMERS), false);
    if info.erase == EraseStanding::Missing {
        let text = "It keeps a database or files and has no way to erase anybody: ask its author for an `#[erase]`.";
        field("Erasing", text.to_owned(), false);
    }
    field("Hooks", hooks(info), false);
    field(
        "Left behind until a restart",
        left_behind(&info.left_behind).unwrap_or_default(),
        false,
    );
    if let Some(error) = &info.last_error {
        let code = error
            .code
            .as_deref()
            .map_or_else(String::new, |code| format!(", code `{code}`"));
        let text = error
            .text
            .as_deref()
            .map_or_else(String::new, |text| format!("\n> {}", one_line(text)));
        let text = format!("{}{code} <t:{}:R>{text}", error.what, error.at);
        field("Last error", cut(&text, 600), false);
    }
    if let Some(why) = &plugin.why {
        let title = if plugin.generation.is_some() {
            "Its newer file is refused"
        } else {
            "Refused"
        };
        field(title, cut(why, 600), false);
    } else if plugin.newer_refused || plugin.status == PluginStatus::Refused {
        let hint = "The bot's owner is told by `/plugininfo`, or in a direct message.";
        field("Why it is refused", hint.to_owned(), false);
    }
    let mut footer = Vec::new();
    if plugin.built_in {
        footer.push("built into the bot".to_owned());
    }
    footer.extend(plugin.file.clone());
    if !info.authors.is_empty() {
        footer.push(format!("by {}", info.authors.join(", ")));
    }
    if footer.is_empty() {
        return card;
    }
    card.footer(cut(&footer.join(" \u{b7} "), 200))
}

const fn mark(plugin: &PluginSummary) -> &'static str {
    match plugin.status {
        PluginStatus::Running if plugin.newer_refused => "\u{1f7e1}",
        PluginStatus::Replacing => "\u{1f535}",
        PluginStatus::Running => "\u{1f7e2}",
        PluginStatus::Hung | PluginStatus::Refused | PluginStatus::Quarantined => "\u{1f534}",
        _ => "\u{26aa}",
    }
}

fn status(plugin: &PluginSummary) -> String {
    let generation = plugin
        .generation
        .map_or_else(String::new, |number| format!(", generation {number}"));
    match plugin.status {
        PluginStatus::Running if plugin.built_in => "built in".to_owned(),
        PluginStatus::Running if plugin.newer_refused => format!("running{generation}; its newer file is refused"),
        PluginStatus::Running => format!("running{generation}"),
        PluginStatus::Hung => format!("hangs{generation}"),
        PluginStatus::Replacing => format!("being replaced{generation}"),
        PluginStatus::Refused => "refused".to_owned(),
        PluginStatus::Quarantined => "in quarantine".to_owned(),
        PluginStatus::Unloaded => "unloaded".to_owned(),
        PluginStatus::Unknown => "in an unknown state".to_owned(),
    }
}

fn state(info: &PluginInfo) -> String {
    let mut state = format!("{} {}", mark(&info.summary), status(&info.summary));
    if let Some(hung) = info.lane.as_ref().and_then(|lane| lane.hung_millis) {
        let _ = write!(state, "\ntakes nothing for {} s", hung / 1000);
    }
    if let Some(since) = info.serving_since {
        let _ = write!(state, "\nserves <t:{since}:R>");
    }
    if info.summary.pinned {
        state.push_str("\npinned");
    }
    if info.summary.rolled_back {
        state.push_str("\nrolled back, until its file changes");
    }
    if let Some(before) = &info.before {
        let _ = write!(state, "\n`rollback` goes back to {before}");
    }
    if info.exclusive {
        state.push_str("\nstops before a newer one starts");
    }
    state
}

fn load(info: &PluginInfo) -> String {
    let mut parts = Vec::new();
    parts.extend(info.load_millis.map(|millis| format!("loaded in {millis} ms")));
    let lane = info.lane.as_ref();
    let cpu = lane.and_then(|lane| lane.cpu_millis);
    parts.extend(cpu.map(|millis| format!("{} of processor time", seconds(millis))));
    if let (Some(millis), Some(since)) = (cpu, info.serving_since) {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let served = now.saturating_sub(since).max(1);
        parts.push(format!(
            "{:.1} % of one processor",
            millis as f64 / 10.0 / served as f64
        ));
    }
    let heap = lane.and_then(|lane| lane.heap_bytes.zip(lane.heap_peak));
    parts.extend(heap.map(|(now, peak)| format!("{} of memory, at most {}", size(now), size(peak))));
    let code = lane.and_then(|lane| lane.code_bytes);
    parts.extend(code.map(|bytes| format!("{} of code pages", size(bytes))));
    parts.join("\n")
}

fn lane_text(lane: &LaneFigures) -> String {
    let mut text = format!("{} under way", lane.under_way);
    if lane.queued > 0 {
        let _ = write!(text, ", {} in its queue", lane.queued);
    }
    if let Some(oldest) = lane.oldest_millis.filter(|&oldest| oldest >= 1000) {
        let _ = write!(text, ", the oldest for {} s", oldest / 1000);
    }
    if !lane.at_work_on.is_empty() {
        let _ = write!(text, ": {}", cut(&lane.at_work_on.join(", "), 200));
    }
    let _ = write!(text, "\n{}", counted(lane.requests, "request", "of its own waiting"));
    text
}

fn lines(info: &PluginInfo, needs: &[Relation]) -> String {
    let lines = needs.iter().map(|need| {
        let missing = match (need.is_there, need.optional) {
            (true, _) => "",
            (false, true) => " (not there, runs without it)",
            (false, false) if info.lane.is_some() => " (gone)",
            (false, false) => " (missing)",
        };
        format!("{}{missing}", relation(need))
    });
    some_of(lines, "\n", NAMES)
}

fn relation(other: &Relation) -> String {
    let mark = if other.is_there { "\u{2714}" } else { "\u{2716}" };
    format!("{mark} {}", relation_name(other))
}

fn relation_name(other: &Relation) -> String {
    let optional = if other.optional { "?" } else { "" };
    format!("`{}{optional}` {}", other.name, other.range).trim().to_owned()
}

fn names(names: &[String]) -> String {
    let quoted = names.iter().map(|name| {
        if name.starts_with('`') {
            name.clone()
        } else {
            format!("`{name}`")
        }
    });
    some_of(quoted, ", ", NAMES)
}

fn commands(commands: &[OfferedCommand]) -> String {
    let named = commands.iter().map(|command| {
        let door = match (command.prefix, command.slash) {
            (true, false) => " (prefix)",
            (false, true) => " (slash)",
            (false, false) if command.menu => " (menu)",
            _ => "",
        };
        let owner = if command.owner_only { " (owner)" } else { "" };
        format!("`{}`{door}{owner}", command.name)
    });
    some_of(named, ", ", FIELD)
}

/// What it does for other plugins.
fn services(info: &PluginInfo) -> String {
    let lines = info.services.iter().map(|service| {
        let colon = if service.description.is_empty() { "" } else { ": " };
        let line = format!("`{}`{colon}{}", service.name, one_line(&service.description));
        cut(&line, SERVICES.1)
    });
    some_of(lines, "\n", SERVICES.0)
}

fn events(info: &PluginInfo) -> String {
    let mut text = some_of(info.events.iter().map(|event| format!("`{event}`")), ", ", NAMES);
    if info.components > 0 {
        let separator = if text.is_empty() { "" } else { "\n" };
        let handlers = counted(info.components.into(), "handler", "of buttons and selects");
        let _ = write!(text, "{separator}{handlers}");
    }
    text
}

fn hooks(info: &PluginInfo) -> String {
    let named = info.hooks.iter().map(|hook| match hook.priority {
        0 => format!("`{}` on `{}`", hook.function, hook.event),
        priority => format!("`{}` on `{}` (priority {priority})", hook.function, hook.event),
    });
    some_of(named, ", ", HOOKS)
}

fn left_behind(left: &LeftBehind) -> Option<String> {
    if left.retired == 0 && left.threads.unwrap_or(0) == 0 {
        return None;
    }
    let mut parts = vec![counted(left.retired, "generation", "that ended")];
    if let Some(bytes) = left.code_bytes {
        parts.push(format!("{} of their code's memory", size(bytes)));
    }
    if left.abandoned > 0 {
        parts.push(counted(left.abandoned, "hung thread", "that never ended"));
    }
    match left.threads {
        Some(threads) if threads > left.abandoned => parts.push(counted(threads, "thread", "running on")),
        _ => {}
    }
    Some(parts.join("\n"))
}

fn budget(figure: &BudgetFigure) -> String {
    let BudgetFigure {
        name,
        used,
        limit,
        bytes,
    } = figure;
    if *bytes {
        return format!("{name}: {} of {}", size(*used), size(*limit));
    }
    format!("{name}: {used} of {limit}")
}

/// As many as fit, and how many are left out.
pub(super) fn some_of(items: impl Iterator<Item = String>, separator: &str, most: usize) -> String {
    /// Room for "and 12345 more".
    const MORE: usize = 24;
    let items: Vec<_> = items.collect();
    let mut text = String::new();
    for (at, item) in items.iter().enumerate() {
        let separator = if at == 0 { "" } else { separator };
        if text.chars().count() + separator.len() + item.chars().count() + MORE > most {
            let _ = write!(text, "{separator}and {} more", items.len() - at);
            return text;
        }
        text.push_str(separator);
        text.push_str(item);
    }
    text
}

pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['\u{2026}']).collect()
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn counted(number: u64, what: &str, rest: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural} {rest}")
}

pub(super) fn size(bytes: u64) -> String {
    const KIBIBYTE: u64 = 1024;
    if bytes < KIBIBYTE * KIBIBYTE {
        return format!("{} KiB", bytes.div_ceil(KIBIBYTE));
    }
    format!("{:.1} MiB", bytes as f64 / (KIBIBYTE * KIBIBYTE) as f64)
}

fn seconds(millis: u64) -> String {
    if millis < 10_000 {
        return format!("{millis} ms");
    }
    format!("{} s", millis / 1000)
}

#[cfg(test)]
mod tests;
