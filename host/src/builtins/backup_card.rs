//! The cards of `backup`: from what the host tells to embeds. Pure.
//!
//! Times are shown in the reader's own time zone, names are in UTC.

use plugin_api::{
    Embed,
    backups::{BackupInfo, BackupReason},
    embed,
};

use super::card::{NEUTRAL, SUCCESS, WARNING, cut, size};

/// How many are shown: the newest.
const SHOWN: usize = 20;

/// Those that there are.
pub(super) fn list(all: &[BackupInfo]) -> Embed {
    let mut lines: Vec<_> = all.iter().take(SHOWN).map(line).collect();
    if all.len() > SHOWN {
        lines.push(format!("and {} more", all.len() - SHOWN));
    }
    if all.is_empty() {
        lines
            .push("There is none yet. `backup now` makes one; one is made each day and when the bot stops.".to_owned());
    }
    embed(format!("Backups ({})", all.len()))
        .colour(NEUTRAL)
        .description(cut(&lines.join("\n"), 3_500))
        .footer("`backup verify ID` checks one, `backup restore ID` goes back to it")
}

fn line(one: &BackupInfo) -> String {
    if !one.readable {
        return format!("\u{274c} `{}` {}, damaged", one.id, size(one.bytes));
    }
    let why = match one.why {
        BackupReason::Command => "by command",
        BackupReason::Daily => "daily",
        BackupReason::Stop => "when the bot stopped",
        BackupReason::BeforeRestore => "before a restore",
        BackupReason::Unknown => "for an unknown reason",
    };
    format!("`{}` <t:{}:R>, {}, {why}", one.id, one.made_at, size(one.bytes))
}

/// One was made.
pub(super) fn made(one: &BackupInfo) -> Embed {
    embed("Backup made and verified")
        .colour(SUCCESS)
        .description(contents(one))
}

/// One is as it should be.
pub(super) fn verified(one: &BackupInfo) -> Embed {
    let text = format!(
        "{}\nEvery file is what was written, and every database is sound.",
        contents(one)
    );
    embed("The backup is sound").colour(SUCCESS).description(text)
}

/// One was restored.
pub(super) fn restored(id: &str, before: &BackupInfo) -> Embed {
    let id: String = id.trim().chars().filter(|letter| *letter != '`').take(32).collect();
    embed("Backup restored")
        .colour(WARNING)
        .description(format!("Everything is as it was in `{id}`, and the plugins run on it."))
        .field(
            "To undo this",
            format!("`backup restore {}`: that is what there was before.", before.id),
        )
}

fn contents(one: &BackupInfo) -> String {
    let plural = |count: u64, what: &str| match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    };
    format!(
        "`{}`: {}, {} with {} in all",
        one.id,
        plural(one.databases, "database"),
        plural(one.files, "other file"),
        size(one.bytes)
    )
}

#[cfg(test)]
mod tests {
    use plugin_api::serde_json;

    use super::*;

    fn shown(card: &Embed) -> String {
        serde_json::to_string_pretty(card).unwrap()
    }

    #[test]
    fn what_backup_shows() {
        let one = |day: u64, why, readable| BackupInfo {
            id: format!("202611{day:02}-205017"),
            made_at: 1_795_380_617 + day * 86_400,
            bytes: 123_456 * day,
            why,
            databases: 3,
            files: day,
            readable,
        };
        let all = [
            one(22, BackupReason::Command, true),
            one(21, BackupReason::BeforeRestore, true),
            one(20, BackupReason::Unknown, false),
        ];
        insta::assert_snapshot!("backups", shown(&list(&all)));
        insta::assert_snapshot!("no_backups", shown(&list(&[])));
        insta::assert_snapshot!("backup_made", shown(&made(&one(1, BackupReason::Command, true))));
        insta::assert_snapshot!("backup_verified", shown(&verified(&all[0])));
        insta::assert_snapshot!("backup_restored", shown(&restored(" 20261101-205017`", &all[0])));
    }
}
