//! From a word to an argument's value, as far as that goes without looking anything up; and what is said when it fails.
//!
//! Pure. What must be looked up (members, channels, roles that no mention brought along) comes back as a [`Query`] for
//! the file `lookup`. Limits and texts are the same by every door.

use std::fmt::{self, Write as _};

use plugin_protocol::{Argument, ArgumentKind, ArgumentValue, ChannelId, Command, RoleId, UserId};

use super::{lookup::Place, words::QuoteError};

/// Discord's limit for whole numbers and numbers of slash commands, kept by prefix, too
/// (<https://discord.com/developers/docs/interactions/application-commands>): 2^53.
pub const GREATEST_NUMBER: i64 = 1 << 53;

/// What a word is, for an argument.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The value.
    Value(ArgumentValue),
    /// Something that has to be looked up.
    LookUp(Query),
    /// Nothing that the argument can be.
    Refused(ArgumentProblem),
}

/// Something that has to be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// A user by id, in the server or not.
    User(UserId),
    /// A user by the name that members of the server know.
    UserNamed(String),
    /// A member of the server by id.
    Member(UserId),
    /// A member of the server by name.
    MemberNamed(String),
    /// A channel of the server by id.
    Channel(ChannelId),
    /// A channel of the server by name.
    ChannelNamed(String),
    /// A role of the server by id.
    Role(RoleId),
    /// A role of the server by name.
    RoleNamed(String),
}

/// Why a command's arguments are wrong: which one, what it wants, what is the matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentError {
    /// The argument's name.
    pub argument: String,
    /// What it wants, such as `a whole number from 1 to 6`.
    pub wants: String,
    /// What is the matter.
    pub problem: ArgumentProblem,
}

/// What is the matter with an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArgumentProblem {
    /// It is required and was not given.
    Missing,
    /// This is not what it wants.
    Unfit {
        /// What was given.
        given: String,
    },
    /// There is no such member, channel or role.
    NotFound {
        /// What was given.
        given: String,
    },
    /// It is something of a server, and this is none.
    ServerOnly,
    /// Its quotes are wrong.
    Quote(QuoteError),
    /// It could not be looked up, since Discord did not answer.
    Unreachable,
}

impl ArgumentError {
    /// An error about this argument.
    #[must_use]
    pub fn new(argument: &Argument, problem: ArgumentProblem) -> Self {
        Self {
            argument: argument.name.clone(),
            wants: wants(argument),
            problem,
        }
    }

    /// What the user is told, with the usage line.
    #[must_use]
    pub fn text(&self, usage: &str) -> String {
        format!("{self}\nUsage: {}", as_code(usage))
    }
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { argument, wants, .. } = self;
        match &self.problem {
            ArgumentProblem::Missing => write!(f, "`{argument}` is missing. It wants {wants}."),
            ArgumentProblem::Unfit { given } => {
                write!(f, "`{argument}` wants {wants}. {} is not.", as_code(given))
            }
            ArgumentProblem::NotFound { given } => {
                write!(f, "`{argument}` wants {wants}. I can't find {}.", as_code(given))
            }
            ArgumentProblem::ServerOnly => {
                write!(f, "`{argument}` wants {wants}. That works in a server only.")
            }
            ArgumentProblem::Quote(error) => error.fmt(f),
            ArgumentProblem::Unreachable => write!(
                f,
                "I could not look up `{argument}`: Discord did not answer. Please try again in a moment."
            ),
        }
    }
}

impl std::error::Error for ArgumentError {}

/// How a command is used: `!ban <member> [reason...]`. The prefix as it was written, or `/`.
#[must_use]
pub fn usage(prefix: &str, command: &Command) -> String {
    let mut line = prefix.to_owned();
    if prefix.ends_with(|last: char| last == '>' || last.is_alphanumeric()) {
        line.push(' ');
    }
    line.push_str(&command.name);
    for argument in &command.arguments {
        let (open, close) = if argument.required { ('<', '>') } else { ('[', ']') };
        let dots = if argument.rest { "..." } else { "" };
        let _ = write!(line, " {open}{}{dots}{close}", argument.name);
    }
    line
}

/// What an argument wants, as the object of a sentence.
#[must_use]
pub fn wants(argument: &Argument) -> String {
    let what = match argument.kind {
        ArgumentKind::String | ArgumentKind::Unknown => "a text",
        ArgumentKind::Integer => "a whole number",
        ArgumentKind::Number => "a number",
        ArgumentKind::Boolean => "yes or no",
        ArgumentKind::User => "a user (a mention, an id or a name)",
        ArgumentKind::Member => "a member of this server (a mention, an id or a name)",
        ArgumentKind::Channel => "a channel of this server (a mention, an id or a name)",
        ArgumentKind::Role => "a role of this server (a mention, an id or a name)",
    };
    let range = match (argument.kind, argument.min, argument.max) {
        (ArgumentKind::Integer | ArgumentKind::Number, Some(min), Some(max)) => format!(" from {min} to {max}"),
        (ArgumentKind::Integer | ArgumentKind::Number, Some(min), None) => format!(" of {min} or more"),
        (ArgumentKind::Integer | ArgumentKind::Number, None, Some(max)) => format!(" of {max} or less"),
        _ => String::new(),
    };
    format!("{what}{range}")
}

/// What a word is for an argument, by prefix.
#[must_use]
pub fn step(argument: &Argument, word: &str, place: &Place<'_>) -> Step {
    let value = match argument.kind {
        ArgumentKind::String | ArgumentKind::Unknown => Some(ArgumentValue::String(word.to_owned())),
        ArgumentKind::Integer => word.parse().ok().and_then(|number| fit_integer(argument, number)),
        ArgumentKind::Number => word.parse().ok().and_then(|number| fit_number(argument, number)),
        ArgumentKind::Boolean => boolean(word).map(ArgumentValue::Boolean),
        ArgumentKind::User | ArgumentKind::Member | ArgumentKind::Channel | ArgumentKind::Role => {
            return reference(argument.kind, word, place);
        }
    };
    value.map_or_else(
        || Step::Refused(ArgumentProblem::Unfit { given: word.to_owned() }),
        Step::Value,
    )
}

/// A whole number, if it keeps the argument's limits and Discord's.
#[must_use]
pub fn fit_integer(argument: &Argument, number: i64) -> Option<ArgumentValue> {
    let is_possible = (-GREATEST_NUMBER..=GREATEST_NUMBER).contains(&number);
    (is_possible && keeps_limits(argument, number as f64)).then_some(ArgumentValue::Integer(number))
}

/// A number, if it keeps the argument's limits and Discord's.
#[must_use]
pub fn fit_number(argument: &Argument, number: f64) -> Option<ArgumentValue> {
    let is_possible = number.is_finite() && number.abs() <= GREATEST_NUMBER as f64;
    (is_possible && keeps_limits(argument, number)).then_some(ArgumentValue::Number(number))
}

fn keeps_limits(argument: &Argument, number: f64) -> bool {
    argument.min.is_none_or(|min| number >= min) && argument.max.is_none_or(|max| number <= max)
}

/// Yes or no, by the words that discord.py takes.
fn boolean(word: &str) -> Option<bool> {
    match word.to_lowercase().as_str() {
        "yes" | "y" | "true" | "t" | "1" | "enable" | "on" => Some(true),
        "no" | "n" | "false" | "f" | "0" | "disable" | "off" => Some(false),
        _ => None,
    }
}

/// A user, member, channel or role: a mention, an id, or else a name.
fn reference(kind: ArgumentKind, word: &str, place: &Place<'_>) -> Step {
    let is_user = kind == ArgumentKind::User;
    if place.guild_id.is_none() && !is_user {
        return Step::Refused(ArgumentProblem::ServerOnly);
    }
    let (sigils, name): (&[&str], _) = match kind {
        ArgumentKind::Channel => (&["#"], word.strip_prefix('#')),
        ArgumentKind::Role => (&["@&"], word.strip_prefix('@')),
        _ => (&["@!", "@"], word.strip_prefix('@')),
    };
    let name = || name.filter(|name| !name.is_empty()).unwrap_or(word).to_owned();
    let id = sigils
        .iter()
        .find_map(|sigil| mention(word, sigil))
        .or_else(|| id(word));
    let query = match (kind, id) {
        (ArgumentKind::Channel, Some(id)) => ChannelId::new(id).map(Query::Channel),
        (ArgumentKind::Channel, None) => Some(Query::ChannelNamed(name())),
        (ArgumentKind::Role, Some(id)) => RoleId::new(id).map(Query::Role),
        (ArgumentKind::Role, None) => Some(Query::RoleNamed(name())),
        (_, Some(id)) => {
            if let Some(value) = mentioned(id, is_user, place) {
                return Step::Value(value);
            }
            UserId::new(id).map(if is_user { Query::User } else { Query::Member })
        }
        (_, None) if is_user => Some(Query::UserNamed(name())),
        (_, None) => Some(Query::MemberNamed(name())),
    };
    query.map_or_else(
        || Step::Refused(ArgumentProblem::NotFound { given: word.to_owned() }),
        Step::LookUp,
    )
}

/// Whom the message itself brought along.
fn mentioned(id: u64, is_user: bool, place: &Place<'_>) -> Option<ArgumentValue> {
    let mention = place.mentions.iter().find(|mention| mention.user.id.get() == id)?;
    if is_user {
        Some(ArgumentValue::User(mention.user.clone()))
    } else {
        mention.member.clone().map(ArgumentValue::Member)
    }
}

/// The id in `<SIGIL id>`.
fn mention(word: &str, sigil: &str) -> Option<u64> {
    digits(word.strip_prefix('<')?.strip_prefix(sigil)?.strip_suffix('>')?)
}

/// A bare id: 15 to 20 digits, so that a name may be a year.
fn id(word: &str) -> Option<u64> {
    if (15..=20).contains(&word.len()) {
        digits(word)
    } else {
        None
    }
}

fn digits(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// What somebody wrote, as code in a line: cut, without what would end the code.
fn as_code(text: &str) -> String {
    const LONGEST: usize = 100;
    let mut code = String::from("`");
    for (count, character) in text.chars().enumerate() {
        if count == LONGEST {
            code.push('…');
            break;
        }
        code.push(match character {
            '`' => '\'',
            character if character.is_control() => ' ',
            character => character,
        });
    }
    if code.len() == 1 {
        code.push(' ');
    }
    code.push('`');
    code
}

#[cfg(test)]
mod tests {
    use plugin_protocol::{GuildId, Member, User};
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
            mentions: &[],
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
                "9007199254740992",
                integer(GREATEST_NUMBER),
            ),
            (
                argument(ArgumentKind::Integer),
                "9007199254740993",
                unfit("9007199254740993"),
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
        let nowhere = Place {
            guild_id: None,
            mentions: &[],
        };
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
}
