//! The set that Discord gets, against its limits.
//!
//! Discord's rules are written down a second time here, and no random set of commands may make a plan break them.

mod gates;
mod menus;
mod names;

use plugin_protocol::{Argument, ArgumentKind, Doors};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn command(name: &str) -> Command {
    Command {
        name: name.to_owned(),
        description: format!("Does {name}"),
        doors: Doors {
            prefix: true,
            slash: true,
        },
        ..Command::default()
    }
}

fn with(name: &str, arguments: Vec<Argument>) -> Command {
    Command {
        arguments,
        ..command(name)
    }
}

fn argument(name: &str, kind: ArgumentKind, required: bool) -> Argument {
    Argument {
        name: name.to_owned(),
        kind,
        required,
        ..Argument::default()
    }
}

fn planned(plugins: &[(&str, Vec<Command>)]) -> Plan {
    let plugins: Vec<_> = plugins
        .iter()
        .map(|(name, commands)| (name.parse::<PluginName>().unwrap(), commands.as_slice()))
        .collect();
    plan(
        plugins.iter().map(|(name, commands)| (name, *commands, &[][..])),
        Limits::default(),
    )
}

/// A set as Discord gets it.
fn overwrite(commands: &[SlashCommand]) -> Vec<u8> {
    crate::slash::Set::new(commands, &[], BTreeMap::new(), Vec::new()).body()
}

fn json_of(plan: &Plan) -> Value {
    serde_json::from_slice(&overwrite(&plan.commands)).unwrap()
}

fn reasons(plan: &Plan) -> Vec<(&str, &str, Reason)> {
    plan.left_out
        .iter()
        .map(|left_out| {
            (
                left_out.plugin.as_str(),
                left_out.command.as_str(),
                left_out.reason.clone(),
            )
        })
        .collect()
}

#[test]
fn every_kind_of_argument_required_ones_first() {
    let mut days = argument("days", ArgumentKind::Integer, false);
    (days.min, days.max, days.description) = (Some(-0.5), Some(7.9), "How many".to_owned());
    let mut rate = argument("rate", ArgumentKind::Number, false);
    (rate.min, rate.max) = (Some(0.5), Some(1e300));
    let plan = planned(&[(
        "a",
        vec![with(
            "all",
            vec![
                days,
                rate,
                argument("text", ArgumentKind::String, true),
                argument("yes", ArgumentKind::Boolean, false),
                argument("user", ArgumentKind::User, true),
                argument("member", ArgumentKind::Member, false),
                argument("where", ArgumentKind::Channel, false),
                argument("role", ArgumentKind::Role, false),
            ],
        )],
    )]);
    assert_eq!(plan.left_out, []);
    let expected = json!([{
        "name": "all", "type": 1, "description": "Does all", "options": [
            {"name": "text", "type": 3, "description": "text", "required": true},
            {"name": "user", "type": 6, "description": "user", "required": true},
            {"name": "days", "type": 4, "description": "How many", "min_value": 0, "max_value": 7},
            {"name": "rate", "type": 10, "description": "rate", "min_value": 0.5, "max_value": 9_007_199_254_740_991.0_f64},
            {"name": "yes", "type": 5, "description": "yes"},
            {"name": "member", "type": 6, "description": "member"},
            {"name": "where", "type": 7, "description": "where"},
            {"name": "role", "type": 8, "description": "role"},
        ],
    }]);
    assert_eq!(json_of(&plan), expected);
}

#[test]
fn groups_fold_two_levels_across_plugins_in_the_order_of_names() {
    let plan = planned(&[
        ("a", vec![command("mod warn list"), command("mod ban")]),
        ("b", vec![command("mod warn add"), command("about")]),
    ]);
    assert_eq!(plan.left_out, []);
    let expected = json!([
        {"name": "about", "type": 1, "description": "Does about", "options": []},
        {"name": "mod", "type": 1, "description": "The commands of mod", "options": [
            {"name": "ban", "type": 1, "description": "Does mod ban"},
            {"name": "warn", "type": 2, "description": "The commands of warn", "options": [
                {"name": "add", "type": 1, "description": "Does mod warn add"},
                {"name": "list", "type": 1, "description": "Does mod warn list"},
            ]},
        ]},
    ]);
    assert_eq!(json_of(&plan), expected);
}

#[test]
fn kinds_that_discord_lacks_are_texts_and_limits_are_kept() {
    let choice = |name: &str| plugin_protocol::Choice::from(name);
    let plan = planned(&[(
        "a",
        vec![with(
            "all",
            vec![
                Argument {
                    min_length: Some(2),
                    max_length: Some(5),
                    ..argument("text", ArgumentKind::String, false)
                },
                Argument {
                    choices: vec![choice("S"), choice("M")],
                    autocomplete: true,
                    ..argument("size", ArgumentKind::String, false)
                },
                Argument {
                    autocomplete: true,
                    ..argument("fruit", ArgumentKind::String, false)
                },
                Argument {
                    channel_types: vec![0, 5],
                    ..argument("where", ArgumentKind::Channel, false)
                },
                argument("who", ArgumentKind::Mentionable, false),
                argument("file", ArgumentKind::Attachment, false),
                argument("time", ArgumentKind::Duration, false),
                Argument {
                    variadic: true,
                    ..argument("numbers", ArgumentKind::Integer, false)
                },
            ],
        )],
    )]);
    assert_eq!(plan.left_out, []);
    let expected = json!([
        {"name": "text", "type": 3, "description": "text", "min_length": 2, "max_length": 5},
        {"name": "size", "type": 3, "description": "size",
         "choices": [{"name": "S", "value": "S"}, {"name": "M", "value": "M"}]},
        {"name": "fruit", "type": 3, "description": "fruit", "autocomplete": true},
        {"name": "where", "type": 7, "description": "where", "channel_types": [0, 5]},
        {"name": "who", "type": 9, "description": "who"},
        {"name": "file", "type": 11, "description": "file"},
        {"name": "time", "type": 3, "description": "time"},
        {"name": "numbers", "type": 3, "description": "numbers"},
    ]);
    assert_eq!(json_of(&plan)[0]["options"], expected);

    let plugin: PluginName = "a".parse().unwrap();
    let many = |choices| Argument {
        choices,
        ..argument("n", ArgumentKind::String, false)
    };
    for (choices, fits) in [
        (vec![choice("a"); 2], false),
        ((0..26).map(|at| choice(&at.to_string())).collect(), false),
        (vec![choice(&"x".repeat(101))], false),
        ((0..25).map(|at| choice(&at.to_string())).collect(), true),
    ] {
        let checked = super::check(&plugin, &[with("pick", vec![many(choices)])]);
        let reason = checked.err().map(|left_out| (left_out.command, left_out.reason));
        let refused = (!fits).then(|| ("pick".to_owned(), Reason::BadChoices("n".to_owned())));
        assert_eq!(reason, refused);
    }
}

#[test]
fn groups_are_described_by_the_first_plugin_by_name() {
    let (a, b): (PluginName, PluginName) = ("a".parse().unwrap(), "b".parse().unwrap());
    let group = |name: &str, description: &str| Group {
        name: name.to_owned(),
        description: description.to_owned(),
        ..Group::default()
    };
    let (of_a, of_b) = (
        [group("mod", "By a.")],
        [group("mod", "By b."), group("mod warn", "Warnings.")],
    );
    let commands = [command("mod warn add")];
    for plugins in [
        [(&a, &commands[..], &of_a[..]), (&b, &[][..], &of_b[..])],
        [(&b, &[][..], &of_b[..]), (&a, &commands[..], &of_a[..])],
    ] {
        let json = json_of(&plan(plugins, Limits::default()));
        assert_eq!(json[0]["description"], "By a.");
        assert_eq!(json[0]["options"][0]["description"], "Warnings.");
    }
}

#[test]
fn the_order_of_plugins_does_not_change_the_bytes() {
    let (a, b) = (vec![command("x"), command("g b")], vec![command("y"), command("g a")]);
    let one = planned(&[("a", a.clone()), ("b", b.clone())]);
    let other = planned(&[("b", b), ("a", a)]);
    assert_eq!(overwrite(&one.commands), overwrite(&other.commands));
}

#[test]
fn what_discord_would_refuse_is_left_out_with_its_reason() {
    let a: PluginName = "a".parse().unwrap();
    let integer = |min, max| Argument {
        min: Some(min),
        max: Some(max),
        ..argument("n", ArgumentKind::Integer, false)
    };
    let text = |name: &str| argument(name, ArgumentKind::String, false);
    let cases = [
        (command("Ping"), Reason::BadName("Ping".to_owned())),
        (command("a  b"), Reason::BadName(String::new())),
        (command("pi.ng"), Reason::BadName("pi.ng".to_owned())),
        (command(&"x".repeat(33)), Reason::BadName("x".repeat(33))),
        (command("a b c d"), Reason::TooDeep),
        (command("taken"), Reason::NameTaken { by: a.clone() }),
        (command("taken sub"), Reason::NameTaken { by: a.clone() }),
        (command("group"), Reason::NameTaken { by: a.clone() }),
        (command("group sub"), Reason::NameTaken { by: a.clone() }),
        (command("group sub deeper"), Reason::NameTaken { by: a.clone() }),
        (
            with("b", (0..26).map(|n| text(&format!("n{n}"))).collect()),
            Reason::TooManyArguments,
        ),
        (with("b", vec![text("Big")]), Reason::BadArgumentName("Big".to_owned())),
        (
            with("b", vec![text("x"), text("x")]),
            Reason::BadArgumentName("x".to_owned()),
        ),
        (
            with("b", vec![argument("x", ArgumentKind::Unknown, false)]),
            Reason::UnknownKind("x".to_owned()),
        ),
        (with("b", vec![integer(2.0, 1.0)]), Reason::BadRange("n".to_owned())),
        (with("b", vec![integer(0.1, 0.9)]), Reason::BadRange("n".to_owned())),
        (
            with("b", vec![integer(f64::NAN, 1.0)]),
            Reason::BadRange("n".to_owned()),
        ),
    ];
    for (command, reason) in cases {
        let name = command.name.clone();
        let first = vec![self::command("taken"), self::command("group sub")];
        let plan = planned(&[("a", first), ("b", vec![command])]);
        assert_eq!(reasons(&plan), [("b", name.as_str(), reason)], "{name}");
        assert_eq!(plan.commands.len(), 2);
    }
}

#[test]
fn owners_commands_are_a_set_of_their_own_for_administrators() {
    let load = Command {
        owner_only: true,
        ..command("load")
    };
    let everybody: Vec<_> = (0..95).map(|n| command(&format!("c{n}"))).collect();
    let plan = planned(&[("a", everybody), ("host", vec![load])]);
    assert_eq!(plan.left_out, []);
    assert_eq!(plan.commands.len(), 95);
    let set: Value = serde_json::from_slice(&overwrite(&plan.owners)).unwrap();
    let names: Vec<_> = set.as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["load"]);
    assert_eq!(set[0]["default_member_permissions"], "0");
    assert!(json_of(&plan)[0].get("default_member_permissions").is_none());
}

#[test]
fn names_of_all_scripts() {
    for good in ["ping", "a-b_c'd", "größe", "пинг", "ピン", "नमस्ते", "สวัสดี", "数2"]
    {
        assert!(is_name(good), "{good}");
    }
    for bad in ["", "a b", "ÄRGER", "emoji😀", "a/b", "নমস্কার", "a\u{301}"] {
        assert!(!is_name(bad), "{bad}");
    }
}

#[test]
fn when_it_is_full_further_commands_are_by_prefix_only() {
    let many = |range: std::ops::Range<usize>| range.map(|n| command(&format!("c{n}"))).collect::<Vec<_>>();
    let plan = planned(&[("a", many(0..90)), ("b", many(90..130))]);
    assert_eq!(plan.commands.len(), 95);
    assert_eq!(plan.left_out.len(), 35);
    assert!(plan.left_out.iter().all(|left_out| left_out.reason == Reason::Full));
    assert!(plan.is_nearly_full);
    assert!(!planned(&[("a", many(0..89))]).is_nearly_full);

    let mut full = many(0..95);
    full[0] = command("group a");
    full.push(command("group b"));
    assert_eq!(
        planned(&[("a", full)]).left_out,
        [],
        "a further subcommand takes no further slot"
    );
}

#[test]
fn what_has_a_place_keeps_it_and_others_get_what_is_free() {
    let many = |range: std::ops::Range<usize>| range.map(|n| command(&format!("c{n:03}"))).collect::<Vec<_>>();
    let (old, new) = (
        "old".parse::<PluginName>().unwrap(),
        "new".parse::<PluginName>().unwrap(),
    );
    let (theirs, further) = (many(0..95), many(100..110));
    let held = |taken| Held {
        names: theirs.iter().map(|command| command.name.clone()).collect(),
        taken,
        ..Held::default()
    };
    let planned = |old_commands: &[Command], held: &Held| {
        // The newer one comes first this time, as after a restart.
        plan_beside(
            [(&new, further.as_slice(), &[][..]), (&old, old_commands, &[][..])],
            held,
            Limits::default(),
        )
    };
    let full = planned(&theirs, &held(0));
    assert_eq!(full.commands.len(), 95);
    assert!(full.left_out.iter().all(|left_out| left_out.plugin == new));
    // Three are given up: three of the further ones get places.
    let freed = planned(&theirs[3..], &held(0));
    assert_eq!((freed.commands.len(), freed.left_out.len()), (95, 7));
    // What is absent, or others', takes places, too: those that have one keep it up to the most there may be.
    assert_eq!(planned(&theirs, &held(5)).commands.len(), 95);
    assert_eq!(planned(&theirs, &held(6)).commands.len(), 94);
}

#[test]
fn places_go_to_the_most_important_first_and_a_group_is_as_important_as_the_most_important_of_it() {
    let important = |name: &str, slash_priority| Command {
        slash_priority,
        ..command(name)
    };
    let a: PluginName = "a".parse().unwrap();
    let commands = [
        command("first"),
        important("low", -1),
        important("group one", 0),
        important("high", 5),
        important("group two", 9),
    ];
    for (safe, names) in [
        (1, &["group"][..]),
        (2, &["group", "high"]),
        (3, &["first", "group", "high"]),
        (4, &["first", "group", "high", "low"]),
    ] {
        let limits = Limits {
            safe,
            ..Limits::default()
        };
        let plan = plan([(&a, &commands[..], &[][..])], limits);
        let planned: Vec<_> = plan.commands.iter().map(|command| command.name.as_str()).collect();
        assert_eq!(planned, names);
        // What has a place does not lose it to what is more important.
        let held = Held {
            names: ["low".to_owned()].into(),
            ..Held::default()
        };
        let plan = plan_beside([(&a, &commands[..], &[][..])], &held, limits);
        assert!(plan.commands.iter().any(|command| command.name == "low"));
        assert_eq!(plan.commands.len(), safe);
    }
}

#[test]
fn a_group_is_the_owners_or_everybodys() {
    let owners = |name: &str| Command {
        owner_only: true,
        ..command(name)
    };
    let a: PluginName = "a".parse().unwrap();
    let mixed = [owners("mod purge"), command("mod ban")];
    let refused = super::check(&a, &mixed).unwrap_err();
    assert_eq!(
        (refused.command.as_str(), refused.reason),
        ("mod purge", Reason::MixedGroup { by: a.clone() })
    );
    assert_eq!(super::check(&a, &[owners("mod purge"), owners("mod ban")]), Ok(()));
    // Another plugin's part is left out, whoever came first.
    for plugins in [
        [("a", vec![command("mod ban")]), ("b", vec![owners("mod purge")])],
        [("b", vec![owners("mod purge")]), ("a", vec![command("mod ban")])],
    ] {
        let plan = planned(&plugins);
        assert_eq!(
            reasons(&plan),
            [("b", "mod purge", Reason::MixedGroup { by: a.clone() })]
        );
        assert_eq!((plan.commands.len(), plan.owners.len()), (1, 0));
    }
}

#[test]
fn a_group_takes_25_subcommands_and_8000_characters() {
    let subs: Vec<_> = (0..26).map(|n| command(&format!("g s{n:02}"))).collect();
    assert_eq!(
        reasons(&planned(&[("a", subs)])),
        [("a", "g s25", Reason::TooManySubcommands)]
    );

    let long = Argument {
        description: "x".repeat(100),
        ..argument("y", ArgumentKind::String, false)
    };
    let arguments: Vec<_> = (0..25)
        .map(|n| Argument {
            name: format!("{n:032}"),
            ..long.clone()
        })
        .collect();
    let subs: Vec<_> = ["g a", "g b", "g c"].map(|name| with(name, arguments.clone())).into();
    assert_eq!(reasons(&planned(&[("a", subs)])), [("a", "g c", Reason::TooLarge)]);
}

#[test]
fn descriptions_are_made_to_fit() {
    assert_eq!(description("", "ping"), "ping");
    assert_eq!(description(" Pings. ", "ping"), "Pings.");
    assert_eq!(description(&"ä".repeat(100), "x"), "ä".repeat(100));
    let cut = description(&"ä".repeat(101), "x");
    assert_eq!((cut.chars().count(), cut.chars().last()), (100, Some('…')));
}

#[test]
fn texts() {
    let name = "B".to_owned();
    let reasons = [
        Reason::Full,
        Reason::BadName(name.clone()),
        Reason::TooDeep,
        Reason::NameTaken {
            by: "levels".parse().unwrap(),
        },
        Reason::MixedGroup {
            by: "levels".parse().unwrap(),
        },
        Reason::TooManySubcommands,
        Reason::TooManyArguments,
        Reason::BadArgumentName(name.clone()),
        Reason::UnknownKind(name.clone()),
        Reason::BadRange(name),
        Reason::BadLocalization("de".to_owned()),
        Reason::UnknownPermission,
        Reason::TooLarge,
    ];
    insta::assert_snapshot!(reasons.map(|reason| reason.to_string()).join("\n"));
}

/// Discord's rules, written down a second time, from its documentation.
fn check(options: &[Value], depth: usize) {
    assert!(options.len() <= 25);
    let mut names = std::collections::HashSet::new();
    let mut may_be_required = true;
    for option in options {
        let name = option["name"].as_str().unwrap();
        assert!((1..=32).contains(&name.chars().count()) && name == name.to_lowercase() && !name.contains([' ', '.']));
        assert!(names.insert(name), "{name} twice");
        assert!((1..=100).contains(&option["description"].as_str().unwrap().chars().count()));
        let below = option["options"].as_array().map_or(&[] as &[Value], Vec::as_slice);
        match option["type"].as_u64().unwrap() {
            1 => assert!(depth <= 1 && below.iter().all(|option| option["type"].as_u64() > Some(2))),
            2 => assert!(depth == 0 && !below.is_empty() && below.iter().all(|option| option["type"] == 1)),
            3..=10 => {
                assert!(below.is_empty());
                let is_required = option["required"] == true;
                assert!(may_be_required || !is_required);
                may_be_required = is_required;
                if let (Some(min), Some(max)) = (option["min_value"].as_f64(), option["max_value"].as_f64()) {
                    assert!(min <= max);
                }
            }
            other => panic!("type {other}"),
        }
        check(below, depth + 1);
    }
    let holders = options
        .iter()
        .filter(|option| option["type"].as_u64() <= Some(2))
        .count();
    assert!(holders == 0 || holders == options.len(), "arguments beside subcommands");
}

fn length(value: &Value) -> usize {
    let own = ["name", "description"].map(|key| value[key].as_str().unwrap().chars().count());
    let below = value["options"]
        .as_array()
        .map_or(0, |options| options.iter().map(length).sum());
    own.iter().sum::<usize>() + below
}

fn any_argument() -> impl Strategy<Value = Argument> {
    let kinds = prop::sample::select(vec![
        ArgumentKind::String,
        ArgumentKind::Integer,
        ArgumentKind::Number,
        ArgumentKind::Member,
        ArgumentKind::Unknown,
    ]);
    let limit = || prop::option::of(-10.0..10.0_f64);
    (
        "[a-eA]{1,2}|[a-z]{30,34}",
        ".{0,120}",
        kinds,
        any::<bool>(),
        limit(),
        limit(),
    )
        .prop_map(|(name, description, kind, required, min, max)| Argument {
            name,
            description,
            kind,
            required,
            rest: false,
            min,
            max,
            ..Argument::default()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_plan_breaks_discords_rules(
        commands in prop::collection::vec(
            ("[a-c]( [a-c]){0,3}|[a-z0-9]{1,3}|.{0,34}", prop::collection::vec(any_argument(), 0..28)),
            0..40,
        ),
    ) {
        let commands: Vec<_> = commands.into_iter().map(|(name, arguments)| with(&name, arguments)).collect();
        let limits = Limits { safe: 12, ..Limits::default() };
        let (a, b): (PluginName, PluginName) = ("a".parse().unwrap(), "b".parse().unwrap());
        let plan = plan([(&a, commands.as_slice(), &[][..]), (&b, commands.as_slice(), &[][..])], limits);
        let json = json_of(&plan);
        let set = json.as_array().unwrap();
        prop_assert!(set.len() <= limits.safe);
        let mut names = std::collections::HashSet::new();
        for command in set {
            prop_assert!(names.insert(command["name"].as_str().unwrap()));
            prop_assert!(length(command) <= 8000);
            check(command["options"].as_array().unwrap(), 0);
        }
        let leaves = |options: &[SlashOption]| -> usize {
            fn count(option: &SlashOption) -> usize {
                if option.kind == kinds::GROUP { option.options.iter().map(count).sum() } else { 1 }
            }
            if options.iter().any(|option| is_holder(option.kind)) { options.iter().map(count).sum() } else { 1 }
        };
        let registered: usize = plan.commands.iter().map(|command| leaves(&command.options)).sum();
        prop_assert_eq!(registered + plan.left_out.len(), 2 * commands.len(), "each is registered or left out");
    }
}
