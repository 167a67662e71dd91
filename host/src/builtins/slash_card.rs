//! The cards of `sync` and `slashlimit`: from what the host tells to embeds within Discord's limits
//! (<https://discord.com/developers/docs/resources/message#embed-object-embed-limits>).
//!
//! Pure: every list is cut cleanly, with how much is left out.

use std::fmt::Write;

use plugin_api::{
    Embed, embed,
    slash::{PrefixOnly, SlashFigures, SyncReport, SyncedSet},
};

use super::card::{ERROR, NEUTRAL, SUCCESS, WARNING, cut, some_of};

/// The longest list in a field, in characters.
const LIST: usize = 900;
/// How many sets are shown: with all their lists within the 6,000 characters of a card.
const SETS: usize = 5;
/// The longest list of names of a set.
const NAMES: usize = 220;
/// How many cells the bar has.
const CELLS: u32 = 20;

/// How many places are taken, and what has none.
pub(super) fn limit(figures: &SlashFigures) -> Embed {
    let limits = figures.limits;
    let typed = figures.kinds.first().map_or(0, |kind| kind.used);
    let colour = if figures.trouble.is_some() || typed >= limits.safe {
        ERROR
    } else if typed >= limits.warning {
        WARNING
    } else {
        NEUTRAL
    };
    let lines = figures.kinds.iter().map(|kind| {
        let name = match kind.kind {
            1 => "typed",
            2 => "on users",
            3 => "on messages",
            _ => "others",
        };
        format!("`{}` **{}/{}** {name}", bar(kind.used, kind.most), kind.used, kind.most)
    });
    let lines: Vec<_> = lines.collect();
    let mut card = embed("Slash commands").colour(colour).description(format!(
        "{}\nNew ones get a place up to **{}**; the bot's owner is told from **{}** on.",
        lines.join("\n"),
        limits.safe.min(limits.max),
        limits.warning
    ));
    card = without_place(card, &figures.prefix_only);
    if !figures.unavailable.is_empty() {
        let lines = figures
            .unavailable
            .iter()
            .map(|one| format!("`{}` until <t:{}:t>", one.command, one.until));
        card = card.field(
            format!("Kept for plugins that are not there ({})", figures.unavailable.len()),
            some_of(lines, ", ", LIST),
        );
    }
    if !figures.foreign.is_empty() {
        let names = figures
            .foreign
            .iter()
            .map(|name| format!("`{}`", name.replace('`', "")));
        card = card.field(
            format!("Registered by another program ({})", figures.foreign.len()),
            format!(
                "{}\nThe owner's `sync --delete-unknown` deletes them.",
                some_of(names, ", ", LIST)
            ),
        );
    }
    if let Some(trouble) = &figures.trouble {
        card = card.field("The last change could not be written", cut(trouble, LIST));
    }
    card
}

/// What was written.
pub(super) fn report(report: &SyncReport) -> Embed {
    let has_trouble = report.sets.iter().any(|set| set.trouble.is_some());
    let has_changed = report.sets.iter().any(is_changed);
    let (title, colour) = match (has_trouble, has_changed) {
        (true, _) => ("Not everything could be written", ERROR),
        (false, true) => ("Slash commands written", SUCCESS),
        (false, false) => ("Slash commands are as they should be", SUCCESS),
    };
    let mut card = embed(title).colour(colour);
    for set in report.sets.iter().take(SETS) {
        let name = match set.guild_id {
            None => format!("All servers ({})", set.registered),
            Some(guild) => format!("Server {guild} alone ({})", set.registered),
        };
        card = card.field(name, changes(set));
    }
    if report.sets.len() > SETS {
        card = card.field("And more", format!("{} further servers", report.sets.len() - SETS));
    }
    card = without_place(card, &report.prefix_only);
    let unknown: Vec<_> = report.sets.iter().flat_map(|set| &set.unknown).collect();
    if !unknown.is_empty() {
        let names = unknown.iter().map(|name| format!("`{}`", name.replace('`', "")));
        card = card.field(
            format!("Registered by another program ({})", unknown.len()),
            format!(
                "{}\nThey stay, unless you have them deleted: with the button, or by `sync --delete-unknown`.",
                some_of(names, ", ", LIST)
            ),
        );
    }
    card
}

fn is_changed(set: &SyncedSet) -> bool {
    !(set.added.is_empty() && set.changed.is_empty() && set.removed.is_empty())
}

fn changes(set: &SyncedSet) -> String {
    if let Some(trouble) = &set.trouble {
        return cut(trouble, 300);
    }
    let mut text = String::new();
    for (sign, names) in [("+", &set.added), ("\u{b1}", &set.changed), ("\u{2212}", &set.removed)] {
        if !names.is_empty() {
            let names = names.iter().map(|name| format!("`{}`", name.replace('`', "")));
            let _ = writeln!(text, "{sign} {}", some_of(names, ", ", NAMES));
        }
    }
    if text.is_empty() {
        return "nothing to change".to_owned();
    }
    text
}

/// Adds what has no place: slash commands that work by prefix, and entries of menus.
fn without_place(mut card: Embed, all: &[PrefixOnly]) -> Embed {
    let (typed, in_menus): (Vec<_>, Vec<_>) = all.iter().partition(|one| one.menu.is_none());
    if !typed.is_empty() {
        card = card.field(format!("By prefix only ({})", typed.len()), prefix_only(&typed));
    }
    if !in_menus.is_empty() {
        let lines = in_menus.iter().map(|one| {
            let menu = one.menu.as_deref().unwrap_or_default().replace('`', "");
            format!("`{menu}` of `{}`: {}", one.command, cut(&one.why, 150))
        });
        card = card.field(
            format!("In no menu ({})", in_menus.len()),
            some_of(lines, "\n", NAMES * 2),
        );
    }
    card
}

/// What works by prefix only, by its reason.
fn prefix_only(all: &[&PrefixOnly]) -> String {
    let (full, others): (Vec<&PrefixOnly>, Vec<_>) = all.iter().partition(|one| one.full);
    let mut text = String::new();
    if !full.is_empty() {
        let names = full.iter().map(|one| format!("`{}`", one.command));
        let _ = writeln!(text, "No place is left: {}", some_of(names, ", ", 500));
    }
    let lines = others
        .iter()
        .map(|one| format!("`{}`: {}", one.command, cut(&one.why, 150)));
    text.push_str(&some_of(lines, "\n", LIST.saturating_sub(text.chars().count())));
    text
}

/// How full it is, in cells.
fn bar(used: u32, most: u32) -> String {
    let filled = if most == 0 {
        0
    } else {
        (used * CELLS).div_ceil(most).min(CELLS)
    } as usize;
    format!(
        "{}{}",
        "\u{2588}".repeat(filled),
        "\u{2591}".repeat(CELLS as usize - filled)
    )
}

#[cfg(test)]
mod tests {
    use plugin_api::{
        serde_json,
        slash::{SlashKind, SlashLimits, UnavailableCommand},
    };

    use super::*;

    fn left_out(command: &str, full: bool) -> PrefixOnly {
        PrefixOnly {
            command: command.to_owned(),
            menu: None,
            plugin: "levels".to_owned(),
            why: "argument `x` is of a kind that this host doesn't know: update the host".to_owned(),
            full,
        }
    }

    fn figures(used: u32, prefix_only: Vec<PrefixOnly>) -> SlashFigures {
        let kind = |kind, used, most| SlashKind { kind, used, most };
        SlashFigures {
            kinds: vec![kind(1, used, 100), kind(2, 0, 15), kind(3, 15, 15)],
            limits: SlashLimits {
                max: 100,
                warning: 90,
                safe: 95,
            },
            prefix_only,
            ..SlashFigures::default()
        }
    }

    #[test]
    fn bars_are_full_only_when_it_is_full() {
        assert_eq!(bar(0, 100), "\u{2591}".repeat(20));
        assert_eq!(bar(100, 100), "\u{2588}".repeat(20));
        assert_eq!(bar(95, 100), format!("{}\u{2591}", "\u{2588}".repeat(19)));
        assert_eq!(bar(1, 100).matches('\u{2588}').count(), 1);
        assert_eq!((bar(3, 0).chars().count(), bar(300, 100).chars().count()), (20, 20));
    }

    #[test]
    fn what_there_is_is_shown() {
        let mut figures = figures(
            95,
            vec![left_out("dice", true), left_out("roll", true), left_out("odd", false)],
        );
        figures.unavailable = vec![UnavailableCommand {
            command: "ban".to_owned(),
            plugins: vec!["moderation".to_owned()],
            until: 86_400,
        }];
        figures.foreign = vec!["old".to_owned()];
        insta::assert_snapshot!(serde_json::to_string_pretty(&limit(&figures)).unwrap());
        let set = |guild: Option<u64>, added: &[&str], removed: &[&str]| SyncedSet {
            guild_id: guild.and_then(plugin_api::GuildId::new),
            registered: 7,
            added: added.iter().map(|&name| name.to_owned()).collect(),
            removed: removed.iter().map(|&name| name.to_owned()).collect(),
            ..SyncedSet::default()
        };
        let all = SyncReport {
            sets: vec![set(None, &["dice", "roll"], &["old"]), set(Some(5), &[], &[])],
            prefix_only: vec![left_out("odd", false)],
        };
        insta::assert_snapshot!(serde_json::to_string_pretty(&report(&all)).unwrap());
    }

    #[test]
    fn whatever_there_is_the_cards_are_within_discords_limits() {
        let length = |card: &Embed| serde_json::to_string(card).unwrap().chars().count();
        let names: Vec<_> = (0..300).map(|number| format!("{number:032}")).collect();
        let mut figures = figures(
            300,
            names.iter().map(|name| left_out(name, name.ends_with('1'))).collect(),
        );
        figures.foreign.clone_from(&names);
        figures.trouble = Some("x".repeat(5000));
        assert!(length(&limit(&figures)) < 5000);
        let set = SyncedSet {
            added: names.clone(),
            changed: names.clone(),
            removed: names.clone(),
            unknown: names,
            ..SyncedSet::default()
        };
        let all = SyncReport {
            sets: vec![set; 20],
            prefix_only: figures.prefix_only,
        };
        assert!(length(&report(&all)) < 6000);
    }
}
