//! Every row of the order of checks, and that what is explained is what happens.
//!
//! The rows are those of the order of checks; random cases show what must hold whatever the facts are.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::permits::{
    overrides::{Override, OverrideKind},
    rules::{Rule, Subject, Target},
};

const BAN: Permissions = Permissions::BAN_MEMBERS;
const KICK: Permissions = Permissions::KICK_MEMBERS;

/// Facts that own what [`Facts`] borrows.
#[allow(clippy::struct_excessive_bools, reason = "each is a property of its own")]
#[derive(Clone, Debug)]
struct Case {
    plugin: PluginName,
    command: Command,
    owns_bot: bool,
    owns_guild: bool,
    roles: Vec<RoleId>,
    permissions: Permissions,
    place: Place,
    bot: Permissions,
    rules: ServerRules,
    defaults: ServerRules,
    overrides: Vec<Override>,
    is_gated: bool,
    is_let_through: bool,
    is_elsewhere: bool,
    is_protected: bool,
}

impl Case {
    /// Alice, a member with role 10, uses `ban` of category Moderation, which requires nothing, in channel 7 of server 100.
    fn new() -> Self {
        Self {
            plugin: "mod".parse().unwrap(),
            command: Command {
                name: "ban".to_owned(),
                category: Some("Moderation".to_owned()),
                ..Command::default()
            },
            owns_bot: false,
            owns_guild: false,
            roles: vec![RoleId::new(10).unwrap()],
            permissions: Permissions::SEND_MESSAGES,
            place: Place::Server {
                guild: GuildId::new(100).unwrap(),
                channel: ChannelId::new(7).unwrap(),
                parent: None,
                is_nsfw: false,
            },
            bot: Permissions::SEND_MESSAGES,
            rules: ServerRules::default(),
            defaults: ServerRules::default(),
            overrides: Vec::new(),
            is_gated: false,
            is_let_through: false,
            is_elsewhere: false,
            is_protected: false,
        }
    }

    fn decide(&self, trace: Option<&mut Vec<Step>>) -> Result<(), Refusal> {
        let facts = Facts {
            plugin: &self.plugin,
            command: &self.command,
            asker: Asker {
                id: UserId::new(5).unwrap(),
                owns_bot: self.owns_bot,
                owns_guild: self.owns_guild,
                roles: &self.roles,
                permissions: self.permissions,
            },
            place: self.place,
            bot: self.bot,
            rules: &self.rules,
            defaults: &self.defaults,
            overrides: Overrides {
                command: &self.overrides,
                application: &[],
            },
            is_gated: self.is_gated,
            is_let_through: self.is_let_through,
            is_elsewhere: self.is_elsewhere,
            is_protected: self.is_protected,
        };
        decide(&facts, trace)
    }
}

fn user(id: u64) -> Subject {
    Subject::User(UserId::new(id).unwrap())
}

fn channel(id: u64) -> Subject {
    Subject::Channel(ChannelId::new(id).unwrap())
}

fn role(id: u64) -> Subject {
    Subject::Role(RoleId::new(id).unwrap())
}

fn rule(target: &str, subject: Subject, effect: Effect) -> Rule {
    let target = match target.strip_prefix('@') {
        Some(category) => Target::Category(category.into()),
        None => Target::Command(target.into()),
    };
    Rule {
        target,
        subject,
        effect,
    }
}

fn with_rules(rules: &[(&str, Subject, Effect)]) -> Case {
    let mut case = Case::new();
    for (target, subject, effect) in rules {
        case.rules.put(rule(target, *subject, *effect));
    }
    case
}

#[test]
fn what_discord_has_let_through_only_a_rule_refuses() {
    let mut case = Case::new();
    case.command.requires = BAN;
    assert_eq!(case.decide(None), Err(Refusal::UserLacks(BAN)));
    case.is_gated = true;
    assert_eq!(case.decide(None), Ok(()), "an administrator's grant is not void");
    case.rules.put(rule("ban", user(5), Effect::Deny));
    assert_eq!(case.decide(None), Err(Refusal::Denied));
    case.rules = ServerRules::default();
    case.command.owner_only = true;
    assert_eq!(case.decide(None), Err(Refusal::OwnerOnly));
}

#[test]
fn what_discord_has_let_through_no_override_refuses_and_one_may_still_open() {
    let mut case = Case::new();
    let override_ = |allows| {
        vec![Override {
            kind: OverrideKind::User,
            id: 5,
            allows,
        }]
    };
    case.overrides = override_(false);
    assert_eq!(case.decide(None), Err(Refusal::Overridden));
    case.is_let_through = true;
    assert_eq!(
        case.decide(None),
        Ok(()),
        "what is known of them is older than what Discord has done"
    );
    case.command.requires = BAN;
    assert_eq!(case.decide(None), Err(Refusal::UserLacks(BAN)));
    case.overrides = override_(true);
    assert_eq!(case.decide(None), Ok(()));
}

#[test]
fn every_row_of_the_order_of_checks() {
    use Effect::{Allow, Deny};
    type Change = fn(&mut Case);
    let cases: Vec<(&str, Case, Change, Result<(), Refusal>)> = vec![
        ("nothing required", Case::new(), |_| {}, Ok(())),
        (
            "in direct messages",
            Case::new(),
            |case| {
                case.command.contexts = Contexts::Guild;
                case.place = Place::Direct;
                case.owns_bot = true;
            },
            Err(Refusal::ServerOnly),
        ),
        (
            "in a server",
            Case::new(),
            |case| case.command.contexts = Contexts::DirectMessages,
            Err(Refusal::DirectOnly),
        ),
        (
            "switched off for the owner, too",
            Case::new(),
            |case| {
                case.rules.commands_off.insert("ban".into());
                case.owns_bot = true;
            },
            Err(Refusal::Disabled),
        ),
        (
            "its plugin is",
            Case::new(),
            |case| {
                case.rules.plugins_off.insert("mod".into());
            },
            Err(Refusal::Disabled),
        ),
        (
            "its plugin serves elsewhere, for the owner, too",
            Case::new(),
            |case| {
                case.is_elsewhere = true;
                case.owns_bot = true;
            },
            Err(Refusal::Disabled),
        ),
        (
            "another is",
            Case::new(),
            |case| {
                case.rules.commands_off.insert("kick".into());
            },
            Ok(()),
        ),
        (
            "protected",
            Case::new(),
            |case| {
                case.rules.commands_off.insert("ban".into());
                case.rules.put(rule("ban", user(5), Deny));
                case.is_protected = true;
            },
            Ok(()),
        ),
        (
            "owner passes",
            with_rules(&[("ban", user(5), Deny)]),
            |case| {
                case.owns_bot = true;
                case.command.owner_only = true;
                case.command.requires = BAN;
            },
            Ok(()),
        ),
        (
            "no rule opens owners' commands",
            with_rules(&[("ban", user(5), Allow)]),
            |case| {
                case.command.owner_only = true;
                case.permissions = Permissions::ALL;
                case.owns_guild = true;
                case.overrides = vec![Override {
                    kind: OverrideKind::User,
                    id: 5,
                    allows: true,
                }];
            },
            Err(Refusal::OwnerOnly),
        ),
        (
            "nor the server owner's",
            with_rules(&[("ban", user(5), Allow)]),
            |case| {
                case.command.guild_owner_only = true;
            },
            Err(Refusal::ServerOwnerOnly),
        ),
        (
            "who passes",
            with_rules(&[("ban", user(5), Deny)]),
            |case| {
                case.command.guild_owner_only = true;
                case.owns_guild = true;
            },
            Ok(()),
        ),
        (
            "administrators' overrides refuse",
            Case::new(),
            |case| {
                case.overrides = vec![Override {
                    kind: OverrideKind::Role,
                    id: 10,
                    allows: false,
                }];
                case.command.requires = BAN;
                case.permissions = BAN;
            },
            Err(Refusal::Overridden),
        ),
        (
            "but not administrators",
            Case::new(),
            |case| {
                case.overrides = vec![Override {
                    kind: OverrideKind::Role,
                    id: 10,
                    allows: false,
                }];
                case.permissions = Permissions::ALL;
            },
            Ok(()),
        ),
        (
            "they allow",
            Case::new(),
            |case| {
                case.overrides = vec![Override {
                    kind: OverrideKind::Role,
                    id: 10,
                    allows: true,
                }];
                case.command.requires = BAN;
            },
            Ok(()),
        ),
        (
            "unless a rule refuses",
            with_rules(&[("ban", role(10), Deny)]),
            |case| {
                case.overrides = vec![Override {
                    kind: OverrideKind::User,
                    id: 5,
                    allows: true,
                }];
            },
            Err(Refusal::Denied),
        ),
        (
            "of two roles the refusal wins",
            with_rules(&[("ban", role(10), Allow), ("ban", role(100), Deny)]),
            |_| {},
            Err(Refusal::Denied),
        ),
        (
            "a channel before a role",
            with_rules(&[("ban", channel(7), Allow), ("ban", role(10), Deny)]),
            |_| {},
            Ok(()),
        ),
        (
            "a user before a channel",
            with_rules(&[("ban", user(5), Deny), ("ban", channel(7), Allow)]),
            |_| {},
            Err(Refusal::Denied),
        ),
        (
            "a command before its category",
            with_rules(&[("ban", role(10), Allow), ("@moderation", user(5), Deny)]),
            |_| {},
            Ok(()),
        ),
        (
            "its category",
            with_rules(&[("ban", user(6), Deny), ("@moderation", user(5), Deny)]),
            |_| {},
            Err(Refusal::Denied),
        ),
        (
            "another category",
            with_rules(&[("@fun", user(5), Deny)]),
            |_| {},
            Ok(()),
        ),
        (
            "a thread is in its channel",
            with_rules(&[("ban", channel(6), Deny)]),
            |case| {
                let (guild, channel) = (GuildId::new(100).unwrap(), ChannelId::new(7).unwrap());
                case.place = Place::Server {
                    guild,
                    channel,
                    parent: ChannelId::new(6),
                    is_nsfw: false,
                };
            },
            Err(Refusal::Denied),
        ),
        (
            "for others",
            with_rules(&[("ban", role(11), Allow)]),
            |_| {},
            Err(Refusal::For(vec![role(11)])),
        ),
        (
            "for others, or who has the permission",
            with_rules(&[("ban", role(11), Allow)]),
            |case| {
                case.command.requires = BAN;
                case.permissions = BAN;
            },
            Ok(()),
        ),
        (
            "for others, without it",
            with_rules(&[("ban", role(11), Allow)]),
            |case| case.command.requires = BAN,
            Err(Refusal::For(vec![role(11)])),
        ),
        (
            "defaults of the bot's owner",
            Case::new(),
            |case| {
                case.defaults.put(rule("ban", role(11), Allow));
            },
            Err(Refusal::For(vec![role(11)])),
        ),
        (
            "a server's own rules go before them",
            with_rules(&[("ban", role(10), Allow)]),
            |case| {
                case.defaults.put(rule("ban", user(5), Deny));
            },
            Ok(()),
        ),
        (
            "permissions",
            Case::new(),
            |case| {
                case.command.requires = BAN | KICK;
                case.permissions = KICK;
            },
            Err(Refusal::UserLacks(BAN)),
        ),
        (
            "open or not is Discord's matter",
            Case::new(),
            |case| {
                case.command.requires = BAN;
                case.command.open = true;
            },
            Err(Refusal::UserLacks(BAN)),
        ),
        (
            "an allow replaces them, never the bot's",
            with_rules(&[("ban", user(5), Allow)]),
            |case| {
                case.command.requires = BAN;
                case.command.bot_requires = KICK;
            },
            Err(Refusal::BotLacks(KICK)),
        ),
        (
            "neither does the owner",
            Case::new(),
            |case| {
                case.owns_bot = true;
                case.command.bot_requires = BAN;
            },
            Err(Refusal::BotLacks(BAN)),
        ),
        (
            "age",
            Case::new(),
            |case| {
                case.owns_bot = true;
                case.command.nsfw = true;
            },
            Err(Refusal::AgeRestricted),
        ),
    ];
    for (what, mut case, change, expected) in cases {
        change(&mut case);
        let mut trace = Vec::new();
        assert_eq!(case.decide(Some(&mut trace)), expected, "{what}: {trace:#?}");
    }
}

fn any_subject() -> impl Strategy<Value = Subject> {
    prop_oneof![
        (4_u64..7).prop_map(user),
        (6_u64..9).prop_map(channel),
        prop::sample::select(vec![9_u64, 10, 11, 100]).prop_map(role),
    ]
}

fn any_rules() -> impl Strategy<Value = ServerRules> {
    let targets = prop::sample::select(vec!["ban", "kick", "@moderation", "@fun"]);
    let effects = prop::sample::select(vec![Effect::Allow, Effect::Deny]);
    let rules = prop::collection::vec((targets, any_subject(), effects), 0..8);
    (rules, prop::bool::weighted(0.1), prop::bool::weighted(0.1)).prop_map(|(rules, plugin, command)| {
        let mut all = ServerRules::default();
        for (target, subject, effect) in rules {
            all.put(rule(target, subject, effect));
        }
        all.plugins_off.extend(plugin.then(|| "mod".into()));
        all.commands_off.extend(command.then(|| "ban".into()));
        all
    })
}

fn any_case() -> impl Strategy<Value = Case> {
    let bits = || prop::sample::select(vec![Permissions::NONE, BAN, KICK, BAN | KICK, Permissions::ALL]);
    let kinds = prop::sample::select(vec![OverrideKind::Role, OverrideKind::User, OverrideKind::Channel]);
    let override_ = (kinds, prop::sample::select(vec![5_u64, 7, 10, 99, 100]), any::<bool>());
    let contexts = prop::sample::select(vec![Contexts::Everywhere, Contexts::Guild, Contexts::DirectMessages]);
    (
        (any_rules(), any_rules(), prop::collection::vec(override_, 0..3)),
        (bits(), bits(), bits(), bits()),
        (
            contexts,
            any::<[bool; 3]>(),
            prop::bool::weighted(0.2),
            prop::bool::weighted(0.2),
        ),
        (
            prop::bool::weighted(0.2),
            prop::bool::weighted(0.2),
            prop::bool::weighted(0.1),
            prop::bool::weighted(0.2),
        ),
        prop::sample::subsequence(vec![9_u64, 10, 11], 0..3),
    )
        .prop_map(|(lists, permissions, command, asker, roles)| {
            let mut case = Case::new();
            (case.rules, case.defaults) = (lists.0, lists.1);
            let overrides = lists
                .2
                .into_iter()
                .map(|(kind, id, allows)| Override { kind, id, allows });
            case.overrides = overrides.collect();
            (case.command.requires, case.command.bot_requires) = (permissions.0, permissions.1);
            (case.permissions, case.bot) = (permissions.2, permissions.3);
            let (contexts, [is_direct, is_nsfw, nsfw], owner_only, guild_owner_only) = command;
            (case.command.contexts, case.command.nsfw) = (contexts, nsfw);
            (case.command.owner_only, case.command.guild_owner_only) = (owner_only, guild_owner_only);
            (case.owns_bot, case.owns_guild, case.is_protected, case.is_let_through) = asker;
            case.roles = roles.into_iter().filter_map(RoleId::new).collect();
            case.place = match case.place {
                _ if is_direct => Place::Direct,
                Place::Server {
                    guild, channel, parent, ..
                } => Place::Server {
                    guild,
                    channel,
                    parent,
                    is_nsfw,
                },
                Place::Direct => Place::Direct,
            };
            case
        })
}

proptest! {
    #[test]
    fn what_is_explained_is_what_happens(case in any_case()) {
        let mut trace = Vec::new();
        let explained = case.decide(Some(&mut trace));
        prop_assert_eq!(&explained, &case.decide(None));
        let refusals = trace.iter().filter(|step| step.verdict == Verdict::Refused).count();
        prop_assert_eq!(refusals, usize::from(explained.is_err()));
        match &explained {
            Ok(()) => prop_assert_eq!(trace.len(), CHECKS.len()),
            Err(_) => prop_assert_eq!(trace.last().unwrap().verdict, Verdict::Refused),
        }
    }

    #[test]
    fn nothing_opens_owners_commands_and_nothing_stands_in_for_the_bots_permissions(case in any_case()) {
        if case.decide(None).is_ok() {
            prop_assert!(case.owns_bot || !case.command.owner_only);
            prop_assert!(case.owns_bot || case.owns_guild || !case.command.guild_owner_only);
            prop_assert!(case.place == Place::Direct || case.bot.contains(case.command.bot_requires));
        }
    }

    #[test]
    fn rules_of_other_commands_and_categories_change_nothing(case in any_case()) {
        let mut stripped = case.clone();
        for rules in [&mut stripped.rules, &mut stripped.defaults] {
            let foreign = [Target::Command("kick".into()), Target::Category("fun".into())];
            rules.rules.retain(|rule| !foreign.contains(&rule.target));
        }
        prop_assert_eq!(stripped.decide(None), case.decide(None));
    }
}
