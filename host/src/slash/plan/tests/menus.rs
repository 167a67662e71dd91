//! Commands of context menus among the others, against Discord's limits.
//!
//! Apart from those that are typed, of whose rules only those of names in other languages are looked at here, too.

use plugin_protocol::{Menu, MenuTarget, Permissions};
use proptest::prelude::*;

use super::*;
use crate::slash::menu::key;

fn menu(target: MenuTarget, name: &str) -> Menu {
    Menu {
        target,
        name: name.to_owned(),
        ..Menu::default()
    }
}

/// A command that is in the menus of people alone.
fn of_users(name: &str, entry: &str) -> Command {
    Command {
        doors: Doors::default(),
        menus: vec![menu(MenuTarget::User, entry)],
        ..with(name, vec![argument("user", ArgumentKind::Member, true)])
    }
}

fn of_messages(name: &str, entry: &str) -> Command {
    Command {
        menus: vec![menu(MenuTarget::Message, entry)],
        ..with(name, vec![argument("message", ArgumentKind::Message, true)])
    }
}

fn keys(menus: &[MenuCommand]) -> Vec<String> {
    menus.iter().map(MenuCommand::key).collect()
}

#[test]
fn a_menu_is_registered_beside_the_slash_command_of_its_name() {
    let mut quote = of_messages("quote", "quote");
    quote.requires = Permissions::MANAGE_MESSAGES;
    quote.contexts = plugin_protocol::Contexts::Guild;
    quote.menus[0].name_localizations = [("de".to_owned(), "Zitieren".to_owned())].into();
    let plan = planned(&[("a", vec![quote, of_users("who", "Who Is This?")])]);
    assert_eq!(plan.left_out, []);
    let set = crate::slash::Set::new(&plan.commands, &plan.menus, BTreeMap::new(), Vec::new());
    let names: Vec<_> = set.commands.keys().map(String::as_str).collect();
    assert_eq!(names, ["Who Is This? (on users)", "quote", "quote (on messages)"]);
    let body: Value = serde_json::from_slice(&set.body()).unwrap();
    let expected = json!([
        { "name": "Who Is This?", "type": 2 },
        { "name": "quote", "type": 1, "description": "Does quote", "default_member_permissions": "8192", "contexts": [0],
          "options": [{ "name": "message", "type": 3, "description": "message", "required": true }] },
        { "name": "quote", "type": 3, "name_localizations": { "de": "Zitieren" },
          "default_member_permissions": "8192", "contexts": [0] },
    ]);
    assert_eq!(body, expected);
}

#[test]
fn there_are_15_places_a_menu_for_what_is_there_already_then_by_priority() {
    let mut commands: Vec<_> = (0..16)
        .map(|at| of_users(&format!("c{at}"), &format!("C{at}")))
        .collect();
    commands[14].slash_priority = -1;
    commands[15].slash_priority = 5;
    commands.push(of_messages("m", "M"));
    let plan = planned(&[("a", commands.clone())]);
    assert_eq!(plan.menus.len(), 16);
    assert_eq!(reasons(&plan), [("a", "c14", Reason::MenusFull)]);
    assert_eq!(plan.left_out[0].menu.as_deref(), Some("C14"));

    let (plugin, limits) = ("a".parse::<PluginName>().unwrap(), Limits::default());
    let held = Held {
        names: [key(2, "C14"), key(3, "M")].into(),
        taken_menus: [1, 15],
        ..Held::default()
    };
    let plan = plan_beside([(&plugin, commands.as_slice(), &[][..])], &held, limits);
    let left_out: Vec<_> = plan.left_out.iter().map(|one| one.command.as_str()).collect();
    assert_eq!(
        left_out,
        ["m", "c12", "c13"],
        "others have taken one, and all 15 of messages"
    );
    assert!(
        keys(&plan.menus).contains(&key(2, "C14")),
        "what is registered keeps its place"
    );

    let mut own = of_users("own", "Own");
    own.owner_only = true;
    let plan = planned(&[("a", vec![own])]);
    assert_eq!((plan.menus.len(), keys(&plan.owners_menus)), (0, vec![key(2, "Own")]));
    let json = serde_json::to_value(&plan.owners_menus[0]).unwrap();
    assert_eq!(
        json,
        json!({ "name": "Own", "type": 2, "default_member_permissions": "0" })
    );
}

#[test]
fn what_discord_would_refuse_in_a_menu_is_told_with_its_commands_name() {
    let cases = [
        (of_users("a", ""), Reason::BadMenuName(String::new())),
        (of_users("a", " A"), Reason::BadMenuName(" A".to_owned())),
        (of_users("a", "A\nB"), Reason::BadMenuName("A\nB".to_owned())),
        (of_users("a", &"x".repeat(33)), Reason::BadMenuName("x".repeat(33))),
        (
            Command {
                arguments: vec![argument("text", ArgumentKind::String, true)],
                ..of_users("a", "A")
            },
            Reason::NoMenuArgument("a user or member"),
        ),
        (
            Command {
                arguments: Vec::new(),
                ..of_messages("a", "A")
            },
            Reason::NoMenuArgument("a message"),
        ),
        (
            Command {
                menus: vec![Menu {
                    name_localizations: [("xx".to_owned(), "A".to_owned())].into(),
                    ..menu(MenuTarget::User, "A")
                }],
                ..of_users("a", "A")
            },
            Reason::BadLocalization("xx".to_owned()),
        ),
    ];
    let plugin = "p".parse::<PluginName>().unwrap();
    for (command, reason) in cases {
        let left_out = crate::slash::check(&plugin, &[command]).unwrap_err();
        assert_eq!((left_out.command.as_str(), left_out.reason), ("a", reason));
    }
    let twice = [of_users("a", "Same"), of_users("b", "Same"), of_messages("c", "Same")];
    let taken = crate::slash::check(&plugin, &twice).unwrap_err();
    assert_eq!(
        (taken.command.as_str(), taken.reason),
        ("b", Reason::MenuTaken { by: plugin.clone() })
    );
    // A kind of menu that is newer than this host hurts nobody.
    let newer = Command {
        menus: vec![menu(MenuTarget::Unknown, "A")],
        ..of_users("a", "A")
    };
    assert_eq!(crate::slash::check(&plugin, &[newer]), Ok(()));
}

#[test]
fn localizations_of_arguments_groups_and_choices_are_planned_and_checked() {
    let texts = |locale: &str, text: &str| BTreeMap::from([(locale.to_owned(), text.to_owned())]);
    let choice = |names| plugin_protocol::Choice {
        name: "Small".to_owned(),
        value: "small".to_owned(),
        name_localizations: names,
    };
    let localized = |names, descriptions, choices| {
        let mut size = argument("size", ArgumentKind::String, true);
        size.name_localizations = names;
        size.description_localizations = descriptions;
        size.choices = vec![choice(choices)];
        with("tea make", vec![size])
    };
    let group = Group {
        name: "tea".to_owned(),
        name_localizations: texts("de", "tee"),
        description_localizations: texts("de", "Tee."),
        ..Group::default()
    };
    let plugin = "p".parse::<PluginName>().unwrap();
    let make = localized(texts("de", "größe"), texts("de", "Wie viel"), texts("de", "Klein"));
    let planned = |command: Command, group: &Group| {
        let (commands, groups) = ([command], [group.clone()]);
        plan([(&plugin, &commands[..], &groups[..])], Limits::default())
    };
    let expected = json!([{
        "name": "tea", "type": 1, "description": "The commands of tea",
        "name_localizations": { "de": "tee" }, "description_localizations": { "de": "Tee." },
        "options": [{ "name": "make", "type": 1, "description": "Does tea make", "options": [{
            "name": "size", "type": 3, "description": "size", "required": true,
            "name_localizations": { "de": "größe" }, "description_localizations": { "de": "Wie viel" },
            "choices": [{ "name": "Small", "name_localizations": { "de": "Klein" }, "value": "small" }],
        }]}],
    }]);
    assert_eq!(json_of(&planned(make, &group)), expected);
    let none = BTreeMap::new;
    for (command, locale) in [
        (localized(texts("de", "Größe"), none(), none()), "de"),
        (localized(none(), texts("fr", ""), none()), "fr"),
        (localized(none(), none(), texts("it", "")), "it"),
        (localized(none(), none(), texts("xx", "S")), "xx"),
    ] {
        let plan = planned(command, &group);
        assert_eq!(
            reasons(&plan),
            [("p", "tea make", Reason::BadLocalization(locale.to_owned()))]
        );
    }
    let bad = Group {
        name_localizations: texts("de", "Tee"),
        ..group
    };
    let plan = planned(localized(none(), none(), none()), &bad);
    assert_eq!(reasons(&plan)[0].2, Reason::BadLocalization("de".to_owned()));
    let alike = ["one", "two"].map(|name| Argument {
        name_localizations: texts("de", "gleich"),
        ..argument(name, ArgumentKind::String, true)
    });
    let left_out = crate::slash::check(&plugin, &[with("a", alike.to_vec())]).unwrap_err();
    assert_eq!(left_out.reason, Reason::BadArgumentName("gleich".to_owned()));
}

proptest! {
    #[test]
    fn no_menus_break_discords_rules(
        entries in proptest::collection::vec((0..3_usize, any::<bool>(), ".{0,34}", -1..2_i32), 0..60),
        taken in (0..17_usize, 0..17_usize),
    ) {
        let mut commands = vec![Vec::new(), Vec::new(), Vec::new()];
        for (at, (plugin, is_user, entry, priority)) in entries.into_iter().enumerate() {
            let name = format!("c{at}");
            let mut command = if is_user { of_users(&name, &entry) } else { of_messages(&name, &entry) };
            command.slash_priority = priority;
            commands[plugin].push(command);
        }
        let plugins = ["a", "b", "c"].map(|name| name.parse::<PluginName>().unwrap());
        let offers: Vec<_> = plugins.iter().zip(&commands).map(|(name, own)| (name, own.as_slice(), &[][..])).collect();
        let held = Held { taken_menus: [taken.0, taken.1], ..Held::default() };
        let plan = plan_beside(offers, &held, Limits::default());
        for (at, kind) in [(0, 2), (1, 3)] {
            let of_kind = plan.menus.iter().filter(|menu| menu.kind == kind).count();
            prop_assert!(of_kind == 0 || of_kind + held.taken_menus[at] <= MOST_MENU_COMMANDS);
        }
        let mut keys = keys(&plan.menus);
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        prop_assert_eq!(keys.len(), all);
        for menu in &plan.menus {
            prop_assert!((1..=32).contains(&menu.name.chars().count()) && menu.name.trim() == menu.name);
        }
        let offered: usize = commands.iter().map(Vec::len).sum();
        prop_assert_eq!(plan.menus.len() + plan.left_out.iter().filter(|one| one.menu.is_some()).count(), offered);
    }
}
