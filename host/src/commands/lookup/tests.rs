//! Whole argument lists against a fake server.
//!
//! The fake writes down each question, so that they also show which arguments must be read without asking anybody.

use std::sync::Mutex;

use super::*;
use crate::commands::Mention;

/// A server with one of each, that remembers what it was asked.
#[derive(Default)]
struct Fake {
    is_down: bool,
    asked: Mutex<Vec<String>>,
}

const GUILD: u64 = 1;
const BOB: u64 = 100_000_000_000_000_005;

fn guild() -> GuildId {
    GuildId::new(GUILD).unwrap()
}

fn bob() -> User {
    User {
        id: UserId::new(BOB).unwrap(),
        username: "bob".to_owned(),
        global_name: None,
        avatar: None,
        bot: false,
    }
}

fn member() -> Member {
    Member {
        user: bob(),
        guild_id: guild(),
        nick: None,
        roles: Vec::new(),
        joined_at: None,
        permissions: None,
    }
}

fn channel(guild: u64) -> Channel {
    Channel {
        id: ChannelId::new(7).unwrap(),
        kind: 0,
        name: Some("general".to_owned()),
        guild_id: GuildId::new(guild),
        parent_id: None,
    }
}

fn role() -> Role {
    Role {
        id: RoleId::new(8).unwrap(),
        name: "Mods".to_owned(),
        guild_id: None,
        permissions: String::new(),
        position: 1,
    }
}

impl Fake {
    fn answer<T>(&self, question: String, answer: Option<T>) -> Result<Option<T>, DirectoryError> {
        self.asked.lock().unwrap().push(question);
        if self.is_down {
            return Err(DirectoryError::Failed("timed out".to_owned()));
        }
        Ok(answer)
    }
}

impl Directory for Fake {
    async fn user(&self, id: UserId) -> Result<Option<User>, DirectoryError> {
        self.answer(format!("user {id}"), (id.get() == BOB).then(bob))
    }

    async fn member(&self, _: GuildId, id: UserId) -> Result<Option<Member>, DirectoryError> {
        self.answer(format!("member {id}"), (id.get() == BOB).then(member))
    }

    async fn member_by_name(&self, _: GuildId, name: &str) -> Result<Option<Member>, DirectoryError> {
        self.answer(format!("member {name}"), name.eq_ignore_ascii_case("bob").then(member))
    }

    async fn channel(&self, _: GuildId, id: ChannelId) -> Result<Option<Channel>, DirectoryError> {
        let of = if id.get() == 7 { GUILD } else { GUILD + 1 };
        self.answer(format!("channel {id}"), Some(channel(of)))
    }

    async fn channel_by_name(&self, _: GuildId, name: &str) -> Result<Option<Channel>, DirectoryError> {
        self.answer(format!("channel {name}"), (name == "general").then(|| channel(GUILD)))
    }

    async fn role(&self, _: GuildId, id: RoleId) -> Result<Option<Role>, DirectoryError> {
        self.answer(format!("role {id}"), (id.get() == 8).then(role))
    }

    async fn role_by_name(&self, _: GuildId, name: &str) -> Result<Option<Role>, DirectoryError> {
        self.answer(format!("role {name}"), (name == "Mods").then(role))
    }
}

fn required(name: &str, kind: ArgumentKind) -> Argument {
    Argument {
        name: name.to_owned(),
        kind,
        required: true,
        ..Argument::default()
    }
}

fn optional(name: &str, kind: ArgumentKind) -> Argument {
    Argument {
        required: false,
        ..required(name, kind)
    }
}

fn rest(argument: Argument) -> Argument {
    Argument { rest: true, ..argument }
}

async fn parse(
    directory: &Fake,
    arguments: &[Argument],
    text: &str,
) -> Result<Vec<(String, ArgumentValue)>, ArgumentError> {
    let place = Place {
        guild_id: Some(guild()),
        ..Place::default()
    };
    let values = parse_arguments(directory, &place, arguments, text).await?;
    Ok(values.into_iter().collect())
}

fn text(text: &str) -> ArgumentValue {
    ArgumentValue::String(text.to_owned())
}

#[tokio::test]
async fn arguments_are_read_in_order() {
    use ArgumentKind::{Integer, Member as MemberKind, String};
    type Values = Vec<(&'static str, ArgumentValue)>;
    let ban = [required("member", MemberKind), rest(optional("reason", String))];
    let purge = [optional("member", MemberKind), required("count", Integer)];
    let say = [required("a", String), required("b", String)];
    let roll = [optional("sides", Integer)];
    let bob = || ArgumentValue::Member(member());
    let cases: Vec<(&[Argument], &str, Values)> = vec![
        (&ban, "Bob", vec![("member", bob())]),
        (
            &ban,
            "bob  \"too\"  loud ",
            vec![("member", bob()), ("reason", text("\"too\"  loud"))],
        ),
        (&ban, "@bob 'x", vec![("member", bob()), ("reason", text("'x"))]),
        (&purge, "5", vec![("count", ArgumentValue::Integer(5))]),
        (
            &purge,
            "bob 5",
            vec![("count", ArgumentValue::Integer(5)), ("member", bob())],
        ),
        (&say, "\"a b\" c d e", vec![("a", text("a b")), ("b", text("c"))]),
        (&roll, "", vec![]),
        (&roll, "6 please", vec![("sides", ArgumentValue::Integer(6))]),
        (&[], "whatever", vec![]),
    ];
    for (arguments, input, expected) in cases {
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        assert_eq!(
            parse(&Fake::default(), arguments, input).await,
            Ok(expected),
            "{input:?}"
        );
    }
}

#[tokio::test]
async fn every_kind_is_looked_up_by_id_and_name() {
    let cases = [
        (ArgumentKind::User, format!("{BOB}"), ArgumentValue::User(bob())),
        (ArgumentKind::User, "bob".to_owned(), ArgumentValue::User(bob())),
        (
            ArgumentKind::Member,
            format!("<@{BOB}>"),
            ArgumentValue::Member(member()),
        ),
        (
            ArgumentKind::Channel,
            "<#7>".to_owned(),
            ArgumentValue::Channel(channel(GUILD)),
        ),
        (
            ArgumentKind::Channel,
            "#general".to_owned(),
            ArgumentValue::Channel(channel(GUILD)),
        ),
        (ArgumentKind::Role, "<@&8>".to_owned(), ArgumentValue::Role(role())),
        (ArgumentKind::Role, "Mods".to_owned(), ArgumentValue::Role(role())),
    ];
    for (kind, word, expected) in cases {
        let values = parse(&Fake::default(), &[required("it", kind)], &word).await;
        assert_eq!(values, Ok(vec![("it".to_owned(), expected)]), "{word}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    use ArgumentKind::{Channel as ChannelKind, Integer, Member as MemberKind, String};
    let given = |given: &str| given.to_owned();
    let cases = [
        (
            vec![required("member", MemberKind)],
            "",
            "member",
            ArgumentProblem::Missing,
        ),
        (
            vec![required("a", String), required("b", String)],
            "x",
            "b",
            ArgumentProblem::Missing,
        ),
        (
            vec![required("member", MemberKind)],
            "nobody",
            "member",
            ArgumentProblem::NotFound { given: given("nobody") },
        ),
        (
            vec![optional("sides", Integer)],
            "six",
            "sides",
            ArgumentProblem::Unfit { given: given("six") },
        ),
        (
            vec![optional("member", MemberKind), required("count", Integer)],
            "nobody 5",
            "count",
            ArgumentProblem::Unfit { given: given("nobody") },
        ),
        (
            vec![required("channel", ChannelKind)],
            "<#9>",
            "channel",
            ArgumentProblem::NotFound { given: given("<#9>") },
        ),
    ];
    for (arguments, input, name, problem) in cases {
        let error = parse(&Fake::default(), &arguments, input).await.unwrap_err();
        assert_eq!((error.argument.as_str(), error.problem), (name, problem), "{input:?}");
    }
    let error = parse(&Fake::default(), &[optional("a", String)], "\"x")
        .await
        .unwrap_err();
    assert!(matches!(error.problem, ArgumentProblem::Quote(_)));
}

#[tokio::test]
async fn a_look_up_that_fails_is_no_absence() {
    let down = Fake {
        is_down: true,
        ..Fake::default()
    };
    let arguments = [
        optional("member", ArgumentKind::Member),
        rest(optional("text", ArgumentKind::String)),
    ];
    let error = parse(&down, &arguments, "bob").await.unwrap_err();
    assert_eq!(error.problem, ArgumentProblem::Unreachable);
}

#[tokio::test]
async fn what_needs_no_look_up_asks_nobody() {
    let directory = Fake::default();
    let mentions = [Mention {
        user: bob(),
        member: Some(member()),
    }];
    let place = Place {
        guild_id: Some(guild()),
        mentions: &mentions,
        ..Place::default()
    };
    let arguments = [
        required("member", ArgumentKind::Member),
        required("count", ArgumentKind::Integer),
    ];
    let values = parse_arguments(&directory, &place, &arguments, &format!("<@{BOB}> 3"))
        .await
        .unwrap();
    assert_eq!(values.len(), 2);
    assert!(directory.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn in_direct_messages_only_users_by_id_are_known() {
    let nowhere = Place {
        guild_id: None,
        ..Place::default()
    };
    let user = [required("user", ArgumentKind::User)];
    let directory = Fake::default();
    assert!(
        parse_arguments(&directory, &nowhere, &user, &BOB.to_string())
            .await
            .is_ok()
    );
    let error = parse_arguments(&directory, &nowhere, &user, "bob").await.unwrap_err();
    assert_eq!(
        error.problem,
        ArgumentProblem::NotFound {
            given: "bob".to_owned()
        }
    );
}

#[tokio::test]
async fn what_takes_several_words_files_and_flags() {
    use ArgumentKind::{Attachment as File, CodeBlock as Code, Date, Duration, Integer, String};
    let file = |id: u64| plugin_protocol::Attachment {
        id: plugin_protocol::AttachmentId::new(id).unwrap(),
        filename: format!("{id}.png"),
        size: 1,
        url: std::string::String::new(),
        content_type: None,
        description: None,
        width: None,
        height: None,
    };
    let attachments = [file(1), file(2)];
    let place = Place {
        guild_id: Some(guild()),
        attachments: &attachments,
        ..Place::default()
    };
    let variadic = |argument| Argument {
        variadic: true,
        required: false,
        ..argument
    };
    let arguments = [
        required("first", File),
        optional("wait", Duration),
        optional("when", Date),
        required("code", Code),
        Argument {
            flag: true,
            ..optional("days", Integer)
        },
        variadic(required("more", String)),
    ];
    let text = "2 days 1970-01-02 00:01 ```rust\na b\n``` --days 3 x \"y z\"";
    let values = parse_arguments(&Fake::default(), &place, &arguments, text)
        .await
        .unwrap();
    assert_eq!(values["first"], ArgumentValue::Attachment(file(1)));
    assert_eq!(values["wait"], ArgumentValue::Duration(172_800_000));
    assert_eq!(values["when"], ArgumentValue::Date(86_460));
    let code = CodeBlock {
        language: Some("rust".to_owned()),
        code: "a b".to_owned(),
    };
    assert_eq!(values["code"], ArgumentValue::CodeBlock(code));
    assert_eq!(values["days"], ArgumentValue::Integer(3));
    let words = ["x", "y z"].map(|word| ArgumentValue::String(word.to_owned()));
    assert_eq!(values["more"], ArgumentValue::List(words.to_vec()));

    let all = [variadic(required("files", File))];
    let values = parse_arguments(&Fake::default(), &place, &all, "").await.unwrap();
    let files = [file(1), file(2)].map(ArgumentValue::Attachment);
    assert_eq!(values["files"], ArgumentValue::List(files.to_vec()));
    let three = ["a", "b", "c"].map(|name| required(name, File));
    let error = parse_arguments(&Fake::default(), &place, &three, "").await.unwrap_err();
    assert_eq!(
        (error.argument.as_str(), error.problem),
        ("c", ArgumentProblem::Missing)
    );
}
