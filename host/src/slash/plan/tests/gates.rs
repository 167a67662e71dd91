//! What Discord itself asks before a slash command reaches the bot, and names in other languages.
//!
//! Apart from the other tests of the plan, since it is about single commands.

use plugin_protocol::{Contexts, Permissions};

use super::*;

#[test]
fn discords_own_gate_is_what_the_commands_require_together() {
    let requiring = |name: &str, requires: Permissions, open: bool| Command {
        requires,
        open,
        contexts: Contexts::Guild,
        nsfw: true,
        ..command(name)
    };
    let (ban, kick) = (Permissions::BAN_MEMBERS, Permissions::KICK_MEMBERS);
    let set = |commands: Vec<Command>| json_of(&planned(&[("a", commands)]))[0].clone();
    let one = set(vec![requiring("ban", ban | kick, false)]);
    assert_eq!(one["default_member_permissions"], "6");
    assert_eq!((&one["contexts"], &one["nsfw"]), (&json!([0]), &json!(true)));
    let open = set(vec![requiring("ban", ban, true)]);
    assert!(open.get("default_member_permissions").is_none());

    let both = set(vec![requiring("g a", ban | kick, false), requiring("g b", kick, false)]);
    assert_eq!(both["default_member_permissions"], "2");
    let nothing_shared = set(vec![requiring("g a", ban, false), requiring("g b", kick, false)]);
    assert!(nothing_shared.get("default_member_permissions").is_none());
    let mut in_direct = command("g b");
    in_direct.contexts = Contexts::DirectMessages;
    let mixed = set(vec![requiring("g a", ban, false), in_direct.clone()]);
    for key in ["default_member_permissions", "contexts", "nsfw"] {
        assert!(mixed.get(key).is_none(), "{key}: {mixed}");
    }
    assert_eq!(set(vec![in_direct])["contexts"], json!([1]));

    // Commands of a server have no contexts: Discord refuses them.
    let mut owners = requiring("load", ban, false);
    owners.owner_only = true;
    let owners: Value = serde_json::from_slice(&overwrite(&planned(&[("a", vec![owners])]).owners)).unwrap();
    assert_eq!(owners[0]["default_member_permissions"], "0");
    assert!(owners[0].get("contexts").is_none());
}

#[test]
fn names_in_other_languages_stand_where_the_command_stands_and_are_checked() {
    let localized = |name: &str, locale: &str, word: &str, text: &str| {
        let mut command = command(name);
        command.name_localizations.insert(locale.to_owned(), word.to_owned());
        command
            .description_localizations
            .insert(locale.to_owned(), text.to_owned());
        command
    };
    let set = json_of(&planned(&[(
        "a",
        vec![
            localized("ban", "de", "bannen", "Bannt."),
            localized("g b", "de", "c", "C"),
        ],
    )]));
    assert_eq!(set[0]["name_localizations"], json!({"de": "bannen"}));
    assert_eq!(set[0]["description_localizations"], json!({"de": "Bannt."}));
    assert!(set[1].get("name_localizations").is_none());
    assert_eq!(set[1]["options"][0]["name_localizations"], json!({"de": "c"}));
    let long = "x".repeat(101);
    for (locale, word, text) in [("xx", "a", "a"), ("de", "A", "a"), ("de", "a", &*long), ("de", "a", "")] {
        let plan = planned(&[("a", vec![localized("ban", locale, word, text)])]);
        assert_eq!(
            reasons(&plan),
            [("a", "ban", Reason::BadLocalization(locale.to_owned()))]
        );
    }
    let mut unknown = command("ban");
    unknown.requires = Permissions::from_bits(1 << 60);
    assert_eq!(
        reasons(&planned(&[("a", vec![unknown])])),
        [("a", "ban", Reason::UnknownPermission)]
    );
}
