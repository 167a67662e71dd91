//! Whatever plugins offer, the planned sets are taken by a Discord that has its own opinion of what it takes.
//!
//! Random commands go through the planner, and its sets through the local Discord's REST, with its own checks and Discord's
//! specification.

use std::{collections::BTreeMap, time::Duration};

use host::{
    config::ApiAddress,
    rest::{Method, Request, Rest},
    slash::{Held, Limits, MenuCommand, Set, SlashCommand, Wishes, at_home, everywhere},
};
use plugin_protocol::{
    Argument, ArgumentKind, Choice, Command, Contexts, Description, Doors, GuildId, Menu, MenuTarget, Permissions,
    PluginName,
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRng, TestRunner},
};

use crate::harness::discord;

/// What Discord counts a day's new commands by.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Texts that are names, and many that are not.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-d]( [a-e]){0,2}",
        9 => "[a-z0-9_-]{1,32}",
        1 => "[A-Zäöüßम ท]{1,34}",
        1 => ".{0,40}",
    ]
}

fn any_argument() -> impl Strategy<Value = Argument> {
    let kinds = prop::sample::select(vec![
        ArgumentKind::String,
        ArgumentKind::Integer,
        ArgumentKind::Number,
        ArgumentKind::Boolean,
        ArgumentKind::Member,
        ArgumentKind::Role,
        ArgumentKind::Channel,
        ArgumentKind::Mentionable,
        ArgumentKind::Attachment,
        ArgumentKind::Duration,
        ArgumentKind::Unknown,
    ]);
    let choices = prop_oneof![
        7 => Just(Vec::new()),
        2 => prop::collection::vec(("[a-z]{1,100}", "[a-z0-9]{1,100}"), 1..4),
        1 => prop::collection::vec((".{0,104}", "[a-z0-9.-]{0,104}"), 0..28),
    ];
    let names = prop_oneof![9 => "[a-z]{2,5}", 1 => "[A-Za-z]{0,34}"];
    let limit = || prop::option::of(-1e6..1e6_f64);
    (
        (names, ".{0,120}"),
        kinds,
        any::<[bool; 2]>(),
        (limit(), limit(), choices),
        (prop::option::of(0_u16..8000), prop::option::of(0_u16..8000)),
    )
        .prop_map(
            |((name, description), kind, [required, autocomplete], (min, max, choices), lengths)| Argument {
                name,
                description,
                kind,
                required,
                autocomplete,
                min,
                max,
                min_length: lengths.0,
                max_length: lengths.1,
                choices: choices
                    .into_iter()
                    .map(|(name, value)| Choice {
                        name,
                        value,
                        ..Choice::default()
                    })
                    .collect(),
                ..Argument::default()
            },
        )
}

fn any_command() -> impl Strategy<Value = Command> {
    let requires = prop_oneof![
        6 => Just(Permissions::NONE),
        5 => Just(Permissions::BAN_MEMBERS),
        1 => Just(Permissions::from_bits(1 << 60)),
    ];
    let targets = prop::sample::select(vec![MenuTarget::User, MenuTarget::Message]);
    let menus = prop::collection::vec((targets, "[A-Za-z ]{0,34}"), 0..3);
    let contexts = prop::sample::select(vec![Contexts::Everywhere, Contexts::Guild, Contexts::DirectMessages]);
    let localizations = prop::collection::btree_map(
        prop::sample::select(vec!["de", "fr", "ja", "ko", "da", "xx"]).prop_map(str::to_owned),
        prop_oneof![9 => "[a-z]{1,32}", 1 => ".{0,120}"],
        0..2,
    );
    (
        (any_name(), ".{0,120}", localizations),
        (prop::collection::vec(any_argument(), 0..4), menus),
        (requires, contexts, any::<[bool; 3]>(), prop::bool::weighted(0.2)),
        -3..3_i32,
    )
        .prop_map(
            |((name, description, localized), (mut arguments, menus), policy, slash_priority)| {
                let (requires, contexts, [nsfw, open, guild_owner_only], owner_only) = policy;
                let menus: Vec<_> = menus
                    .into_iter()
                    .map(|(target, name)| Menu {
                        target,
                        name,
                        ..Menu::default()
                    })
                    .collect();
                // What a menu is used on is an argument.
                for menu in &menus {
                    let is_user = menu.target == MenuTarget::User;
                    arguments.push(Argument {
                        name: if is_user { "whom" } else { "which" }.to_owned(),
                        kind: if is_user {
                            ArgumentKind::User
                        } else {
                            ArgumentKind::Message
                        },
                        ..Argument::default()
                    });
                }
                Command {
                    menus,
                    name,
                    description,
                    name_localizations: localized.clone(),
                    description_localizations: localized,
                    arguments,
                    requires,
                    contexts,
                    nsfw,
                    open,
                    owner_only,
                    guild_owner_only,
                    slash_priority,
                    doors: Doors {
                        prefix: false,
                        slash: true,
                    },
                    ..Command::default()
                }
            },
        )
}

#[tokio::test(flavor = "multi_thread")]
async fn no_set_that_is_planned_is_refused() {
    let sandbox = discord().start().await.unwrap();
    let address = ApiAddress {
        authority: sandbox.api_url().trim_start_matches("http://").to_owned(),
        is_plain_http: true,
    };
    let rest = Rest::new(&sandbox.token().parse().unwrap(), Some(&address), 5000).unwrap();
    let guild = GuildId::new(sandbox.guild().id()).unwrap();
    let application = sandbox.application_id();
    let written = async |scope: &str, commands: &[SlashCommand], menus: &[MenuCommand]| {
        let body = Set::new(commands, menus, BTreeMap::new(), Vec::new()).body();
        let shown = String::from_utf8_lossy(&body).into_owned();
        let path = format!("/applications/{application}{scope}/commands");
        // Discord takes 200 new names a day.
        sandbox.advance(DAY);
        let answer = rest
            .send(Request::new(Method::Put, path).with_body(body))
            .await
            .unwrap();
        let why = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 200, "{why}\n{shown}");
    };
    let (one, other): (PluginName, PluginName) = ("one".parse().unwrap(), "other".parse().unwrap());
    let only_in = BTreeMap::from([(other.clone(), [guild].into())]);
    let priorities = BTreeMap::from([("a".to_owned(), 3), ("other".to_owned(), -1)]);
    let wishes = Wishes {
        only_in: &only_in,
        priorities: &priorities,
    };
    let held = Held {
        names: ["b".to_owned()].into(),
        taken: 7,
        taken_at_home: 3,
        taken_menus: [1, 2],
        taken_menus_at_home: [2, 1],
        ..Held::default()
    };
    let cases = (
        prop::collection::vec(any_command(), 0..40),
        prop::collection::vec(any_command(), 0..130),
        prop::sample::select(vec![12, 95, 100]),
    );
    let rng = TestRng::deterministic_rng(Config::default().rng_algorithm);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut registered = 0;
    for _ in 0..24 {
        let (few, many, safe) = cases.new_tree(&mut runner).unwrap().current();
        let descriptions = [few, many].map(|commands| Description {
            commands,
            ..Description::default()
        });
        let limits = Limits {
            safe,
            ..Limits::default()
        };
        let offers = wishes.apply([(&one, &descriptions[0]), (&other, &descriptions[1])]);
        let plan = everywhere(&offers, &held, limits);
        let own = at_home(&offers, (guild, true), &held, limits);
        assert!(plan.commands.len() + held.taken <= 100 && own.owners.len() + held.taken_at_home <= 100);
        assert!(plan.commands.len() <= safe, "{safe}");
        registered += plan.commands.len() + own.owners.len() + plan.menus.len() + own.owners_menus.len();
        written("", &plan.commands, &plan.menus).await;
        written(&format!("/guilds/{guild}"), &own.owners, &own.owners_menus).await;
    }
    assert!(
        registered > 300,
        "only {registered}: the cases are too odd to say anything"
    );
    assert!(sandbox.violations().is_empty(), "{:?}", sandbox.violations());
}
