//! Single words to values, queries and texts.
//!
//! They need no directory: a step answers with a value, a query or a refusal. No word, however odd, makes it panic.

use plugin_protocol::{Command, GuildId, Member, User};
use proptest::prelude::*;

use super::*;
use crate::commands::message::Mention;

fn argument(kind: ArgumentKind) -> Argument {
    Argument {
        name: "it".to_owned(),
        kind,
        required: true,
        ..Argument::default()
    }
}

fn limited(kind: ArgumentKind, min: f64, max: f64) -> Argument {
    Argument {
        min: Some(min),
        max: Some(max),
        ..argument(kind)
    }
}

fn guild() -> Place<'static> {
    Place {
        guild_id: GuildId::new(1),
        ..Place::default()
    }
}

fn unfit(given: &str) -> Step {
    Step::Refused(ArgumentProblem::Unfit {
        given: given.to_owned(),
    })
}

#[test]
fn plain_kinds() {
    let integer = |number| Step::Value(ArgumentValue::Integer(number));
    let number = |number| Step::Value(ArgumentValue::Number(number));
    let die = limited(ArgumentKind::Integer, 1.0, 6.0);
    let cases = [
        (
            argument(ArgumentKind::String),
            "a b",
            Step::Value(ArgumentValue::String("a b".to_owned())),
        ),
        (argument(ArgumentKind::Integer), "-7", integer(-7)),
        (argument(ArgumentKind::Integer), "+7", integer(7)),
        (
            argument(ArgumentKind::Integer),
            "9007199254740991",
            integer(GREATEST_NUMBER),
        ),
        (
            argument(ArgumentKind::Integer),
            "9007199254740992",
            unfit("9007199254740992"),
        ),
        (
            argument(ArgumentKind::Integer),
            "99999999999999999999",
            unfit("99999999999999999999"),
        ),
        (argument(ArgumentKind::Integer), "1.5", unfit("1.5")),
        (argument(ArgumentKind::Integer), "", unfit("")),
        (die.clone(), "1", integer(1)),
        (die.clone(), "6", integer(6)),
        (die.clone(), "0", unfit("0")),
        (die, "7", unfit("7")),
        (argument(ArgumentKind::Number), "1e3", number(1000.0)),
        (argument(ArgumentKind::Number), "inf", unfit("inf")),
        (argument(ArgumentKind::Number), "NaN", unfit("NaN")),
        (argument(ArgumentKind::Number), "1e300", unfit("1e300")),
        (limited(ArgumentKind::Number, 0.0, 0.5), "0.5", number(0.5)),
        (limited(ArgumentKind::Number, 0.0, 0.5), "0.51", unfit("0.51")),
    ];
    for (argument, word, expected) in cases {
        assert_eq!(
            step(&argument, word, &guild()),
            expected,
            "{word:?} for {:?}",
            argument.kind
        );
    }
}

#[test]
fn words_for_yes_and_no() {
    for (words, value) in [
        ("yes Y true t 1 enable ON", true),
        ("no n FALSE f 0 disable off", false),
    ] {
        for word in words.split(' ') {
            let expected = Step::Value(ArgumentValue::Boolean(value));
            assert_eq!(
                step(&argument(ArgumentKind::Boolean), word, &guild()),
                expected,
                "{word}"
            );
        }
    }
    assert_eq!(
        step(&argument(ArgumentKind::Boolean), "maybe", &guild()),
        unfit("maybe")
    );
}

#[test]
fn mentions_ids_and_names_become_queries() {
    let id = 175_928_847_299_117_063;
    let text = id.to_string();
    let user = UserId::new(id).unwrap();
    let named = |name: &str| name.to_owned();
    let cases = [
        (ArgumentKind::User, text.clone(), Query::User(user)),
        (ArgumentKind::User, format!("<@{text}>"), Query::User(user)),
        (ArgumentKind::Member, format!("<@!{text}>"), Query::Member(user)),
        (ArgumentKind::Member, named("bob"), Query::MemberNamed(named("bob"))),
        (ArgumentKind::Member, named("@bob"), Query::MemberNamed(named("bob"))),
        (ArgumentKind::Member, named("2024"), Query::MemberNamed(named("2024"))),
        (ArgumentKind::Member, named("<@&5>"), Query::MemberNamed(named("<@&5>"))),
        (ArgumentKind::User, named("Bob B"), Query::UserNamed(named("Bob B"))),
        (
            ArgumentKind::Channel,
            named("<#7>"),
            Query::Channel(ChannelId::new(7).unwrap()),
        ),
        (
            ArgumentKind::Channel,
            named("#general"),
            Query::ChannelNamed(named("general")),
        ),
        (ArgumentKind::Channel, named("#"), Query::ChannelNamed(named("#"))),
        (ArgumentKind::Role, named("<@&7>"), Query::Role(RoleId::new(7).unwrap())),
        (ArgumentKind::Role, named("@Mods"), Query::RoleNamed(named("Mods"))),
    ];
    for (kind, word, query) in cases {
        assert_eq!(step(&argument(kind), &word, &guild()), Step::LookUp(query), "{word}");
    }
    let zero = Step::Refused(ArgumentProblem::NotFound { given: named("<@0>") });
    assert_eq!(step(&argument(ArgumentKind::User), "<@0>", &guild()), zero);
}

#[test]
fn the_messages_own_mentions_need_no_query() {
    let user = |id| User {
        id: UserId::new(id).unwrap(),
        username: "bob".to_owned(),
        global_name: None,
        avatar: None,
        bot: false,
    };
    let member = Member {
        user: user(5),
        guild_id: GuildId::new(1).unwrap(),
        nick: None,
        roles: Vec::new(),
        joined_at: None,
        permissions: None,
    };
    let mentions = [
        Mention {
            user: user(5),
            member: Some(member.clone()),
        },
        Mention {
            user: user(6),
            member: None,
        },
    ];
    let place = Place {
        guild_id: GuildId::new(1),
        mentions: &mentions,
        ..Place::default()
    };
    let step = |kind, word| step(&argument(kind), word, &place);
    assert_eq!(
        step(ArgumentKind::Member, "<@5>"),
        Step::Value(ArgumentValue::Member(member))
    );
    assert_eq!(
        step(ArgumentKind::User, "<@!6>"),
        Step::Value(ArgumentValue::User(user(6)))
    );
    let query = Query::Member(UserId::new(6).unwrap());
    assert_eq!(step(ArgumentKind::Member, "<@6>"), Step::LookUp(query));
}

#[test]
fn what_belongs_to_a_server_is_refused_elsewhere() {
    let nowhere = Place { ..Place::default() };
    for kind in [ArgumentKind::Member, ArgumentKind::Channel, ArgumentKind::Role] {
        let refused = Step::Refused(ArgumentProblem::ServerOnly);
        assert_eq!(step(&argument(kind), "<@5>", &nowhere), refused);
    }
    let query = Query::User(UserId::new(5).unwrap());
    assert_eq!(
        step(&argument(ArgumentKind::User), "<@5>", &nowhere),
        Step::LookUp(query)
    );
}

#[test]
fn usage_lines() {
    let mut reason = argument(ArgumentKind::String);
    (reason.name, reason.required, reason.rest) = ("reason".to_owned(), false, true);
    let mut member = argument(ArgumentKind::Member);
    member.name = "member".to_owned();
    let command = Command {
        name: "mod ban".to_owned(),
        arguments: vec![member, reason],
        ..Command::default()
    };
    let lines = ["!", "/", "<@42>", "ok"]
        .map(|prefix| usage(prefix, &command))
        .join("\n");
    insta::assert_snapshot!(lines, @r"
    !mod ban <member> [reason...]
    /mod ban <member> [reason...]
    <@42> mod ban <member> [reason...]
    ok mod ban <member> [reason...]
    ");
}

#[test]
fn texts() {
    let given = |given: &str| given.to_owned();
    let problems = [
        (argument(ArgumentKind::Member), ArgumentProblem::Missing),
        (
            limited(ArgumentKind::Integer, 0.0, 7.0),
            ArgumentProblem::Unfit {
                given: given("a`b\n@everyone"),
            },
        ),
        (
            argument(ArgumentKind::Boolean),
            ArgumentProblem::Unfit { given: given("") },
        ),
        (
            Argument {
                min: Some(0.5),
                ..argument(ArgumentKind::Number)
            },
            ArgumentProblem::Unfit { given: given("0") },
        ),
        (
            argument(ArgumentKind::Role),
            ArgumentProblem::NotFound {
                given: given(&"x".repeat(200)),
            },
        ),
        (argument(ArgumentKind::Channel), ArgumentProblem::ServerOnly),
        (argument(ArgumentKind::User), ArgumentProblem::Unreachable),
        (
            argument(ArgumentKind::String),
            ArgumentProblem::Quote(QuoteError::Unclosed { open: '"', close: '"' }),
        ),
    ];
    let texts: Vec<_> = problems
        .into_iter()
        .map(|(argument, problem)| ArgumentError::new(&argument, problem).text("!do <it>"))
        .collect();
    insta::assert_snapshot!(texts.join("\n\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_word_for_any_kind_ends(word in "\\PC{0,40}", kind in 0..8_usize) {
        let kind = [
            ArgumentKind::String, ArgumentKind::Integer, ArgumentKind::Number, ArgumentKind::Boolean,
            ArgumentKind::User, ArgumentKind::Member, ArgumentKind::Channel, ArgumentKind::Role,
        ][kind];
        let argument = argument(kind);
        if let Step::Refused(problem) = step(&argument, &word, &guild()) {
            let text = ArgumentError::new(&argument, problem).text("!do <it>");
            prop_assert_eq!(text.matches('`').count() % 2, 0);
            prop_assert!(text.len() < 1000);
        }
    }

    #[test]
    fn whole_numbers_within_limits_are_taken(number: i64, a: i32, b: i32) {
        let (min, max) = (a.min(b), a.max(b));
        let argument = limited(ArgumentKind::Integer, min.into(), max.into());
        let taken = matches!(step(&argument, &number.to_string(), &guild()), Step::Value(_));
        prop_assert_eq!(taken, (i64::from(min)..=i64::from(max)).contains(&number));
    }
}
