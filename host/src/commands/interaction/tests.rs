//! Payloads as Discord sends them, down to arguments.
//!
//! Among them are registrations older than their command, users who are no members, and texts that are no payload.

use super::*;

fn payload(kind: u8, data: &str, place: &str) -> String {
    format!(
        r#"{{"t":"INTERACTION_CREATE","s":3,"op":0,"d":{{"version":1,"type":{kind},"token":"SECRET\u002f1",
        "locale":"de","id":"50","entitlements":[],"data":{data},"channel_id":"20",
        "channel":{{"id":"20","type":0}},"application_id":"9",{place}}}}}"#
    )
}

const IN_A_SERVER: &str = r#""guild_id":"30","member":{"user":{"id":"1","username":"alice","discriminator":"0"},
    "roles":["31"],"permissions":"2147483647","nick":null,"joined_at":"2020-01-01T00:00:00Z"}"#;
const IN_A_DM: &str = r#""user":{"id":"1","username":"alice"}"#;

fn argument(name: &str, kind: ArgumentKind) -> Argument {
    Argument {
        name: name.to_owned(),
        kind,
        ..Argument::default()
    }
}

fn decoded(data: &str, place: &str, arguments: &[Argument]) -> InteractionKind {
    let payload = payload(2, data, place);
    Interaction::decode(&payload, |_| Some(arguments)).unwrap().kind
}

fn values(kind: InteractionKind) -> Result<BTreeMap<String, ArgumentValue>, ArgumentProblem> {
    match kind {
        InteractionKind::Command { arguments, .. } => arguments.map_err(|error| error.problem),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_subcommand_in_a_group_with_every_kind_of_argument() {
    let data = r#"{"id":"1","name":"mod","type":1,"options":[{"type":2,"name":"warn","options":[{"type":1,"name":"add",
        "options":[{"type":6,"name":"who","value":"5"},{"type":6,"name":"by","value":"6"},
        {"type":3,"name":"why","value":"a \"b\""},{"type":4,"name":"days","value":3},{"type":10,"name":"rate","value":2},
        {"type":5,"name":"quiet","value":true},{"type":7,"name":"where","value":"7"},{"type":8,"name":"role","value":"8"}]}]}],
        "resolved":{"users":{"5":{"id":"5","username":"bob"},"6":{"id":"6","username":"carol"}},
        "members":{"5":{"nick":"B","roles":[],"permissions":"8"}},
        "channels":{"7":{"id":"7","type":0,"name":"general","permissions":"1","parent_id":null}},
        "roles":{"8":{"id":"8","name":"Mods","permissions":"0","position":2,"color":0}}}}"#;
    let arguments = [
        argument("who", ArgumentKind::Member),
        argument("by", ArgumentKind::User),
        argument("why", ArgumentKind::String),
        argument("days", ArgumentKind::Integer),
        argument("rate", ArgumentKind::Number),
        argument("quiet", ArgumentKind::Boolean),
        argument("where", ArgumentKind::Channel),
        argument("role", ArgumentKind::Role),
    ];
    let payload = payload(2, data, IN_A_SERVER);
    let mut asked = String::new();
    let interaction = Interaction::decode(&payload, |name| {
        name.clone_into(&mut asked);
        Some(&arguments)
    })
    .unwrap();
    assert_eq!(asked, "mod warn add");
    assert_eq!(interaction.token.as_str(), "SECRET/1");
    assert!(!format!("{interaction:?}").contains("SECRET"));
    assert_eq!(interaction.author.username, "alice");
    assert_eq!(interaction.locale.as_deref(), Some("de"));
    let who_asked = interaction.member.unwrap();
    assert_eq!(
        (who_asked.roles.len(), who_asked.permissions.as_deref()),
        (1, Some("2147483647"))
    );

    let values = values(interaction.kind).unwrap();
    assert_eq!(values.len(), 8);
    let ArgumentValue::Member(who) = &values["who"] else {
        panic!("{values:?}")
    };
    assert_eq!(
        (who.user.username.as_str(), who.nick.as_deref(), who.guild_id.get()),
        ("bob", Some("B"), 30)
    );
    assert!(matches!(&values["by"], ArgumentValue::User(user) if user.username == "carol"));
    assert_eq!(values["why"], ArgumentValue::String("a \"b\"".to_owned()));
    assert_eq!(values["days"], ArgumentValue::Integer(3));
    assert_eq!(values["rate"], ArgumentValue::Number(2.0));
    assert_eq!(values["quiet"], ArgumentValue::Boolean(true));
    assert!(matches!(&values["where"], ArgumentValue::Channel(channel) if channel.guild_id == GuildId::new(30)));
    assert!(matches!(&values["role"], ArgumentValue::Role(role) if role.guild_id == GuildId::new(30)));
}

#[test]
fn a_registration_that_is_older_than_the_command_is_an_argument_error() {
    let data = |options: &str| format!(r#"{{"id":"1","name":"roll","type":1,"options":[{options}]}}"#);
    let sides = Argument {
        required: true,
        max: Some(6.0),
        ..argument("sides", ArgumentKind::Integer)
    };
    let cases = [
        (r#"{"type":4,"name":"sides","value":6}"#, Ok(1)),
        (
            r#"{"type":4,"name":"sides","value":6},{"type":3,"name":"old","value":"x"}"#,
            Ok(1),
        ),
        (
            r#"{"type":4,"name":"sides","value":7}"#,
            Err(ArgumentProblem::Unfit { given: "7".to_owned() }),
        ),
        (
            r#"{"type":3,"name":"sides","value":"x"}"#,
            Err(ArgumentProblem::Unfit { given: "x".to_owned() }),
        ),
        ("", Err(ArgumentProblem::Missing)),
    ];
    for (options, expected) in cases {
        let kind = decoded(&data(options), IN_A_SERVER, std::slice::from_ref(&sides));
        assert_eq!(values(kind).map(|values| values.len()), expected, "{options}");
    }
}

#[test]
fn a_user_who_is_no_member_and_a_place_that_is_no_server() {
    let data = r#"{"id":"1","name":"ban","type":1,"options":[{"type":6,"name":"who","value":"5"}],
        "resolved":{"users":{"5":{"id":"5","username":"bob"}}}}"#;
    let member = [argument("who", ArgumentKind::Member)];
    let user = [argument("who", ArgumentKind::User)];
    let not_found = Err(ArgumentProblem::NotFound { given: "5".to_owned() });
    assert_eq!(values(decoded(data, IN_A_SERVER, &member)), not_found);
    assert!(values(decoded(data, IN_A_SERVER, &user)).is_ok());
    assert_eq!(
        values(decoded(data, IN_A_DM, &member)),
        Err(ArgumentProblem::ServerOnly)
    );
    assert!(values(decoded(data, IN_A_DM, &user)).is_ok());
}

#[test]
fn an_unknown_command_is_decoded_as_discord_types_it() {
    let data = r#"{"id":"1","name":"old","type":1,"options":[{"type":6,"name":"who","value":"5"},{"type":4,"name":"n","value":1}],
        "resolved":{"users":{"5":{"id":"5","username":"bob"}},"members":{"5":{"roles":[]}}}}"#;
    let payload = payload(2, data, IN_A_SERVER);
    let interaction = Interaction::decode(&payload, |_| None).unwrap();
    let values = values(interaction.kind).unwrap();
    assert!(matches!(values["who"], ArgumentValue::Member(_)));
    assert_eq!(values["n"], ArgumentValue::Integer(1));
}

#[test]
fn controls_and_other_kinds() {
    let decode = |kind, data, place: &str| {
        let payload = payload(kind, data, place);
        Interaction::decode(&payload, |_| None).unwrap()
    };
    let on = format!(r#"{IN_A_DM},"message":{{"id":"77","content":"x","flags":64}}"#);
    let select = r#"{"custom_id":"abc","component_type":3,"values":["a","b"],"id":4}"#;
    let clicked = decode(3, select, &on);
    assert_eq!(
        clicked.kind,
        InteractionKind::Component {
            custom_id: "abc".to_owned(),
            values: vec!["a".to_owned(), "b".to_owned()],
            chosen: Vec::new(),
            message_id: MessageId::new(77),
        }
    );
    assert_eq!((clicked.member, clicked.guild_id), (None, None));
    let users = r#"{"custom_id":"abc","component_type":7,"values":["5","8","6","x","9"],"resolved":{
        "users":{"5":{"id":"5","username":"bob"},"6":{"id":"6","username":"carol"}},"members":{"5":{"roles":[]}},
        "roles":{"8":{"id":"8","name":"Mods","permissions":"0","position":2}}}}"#;
    let InteractionKind::Component { chosen, .. } = decode(3, users, IN_A_SERVER).kind else {
        panic!("a control")
    };
    let [
        ArgumentValue::Member(bob),
        ArgumentValue::Role(mods),
        ArgumentValue::User(carol),
    ] = chosen.as_slice()
    else {
        panic!("{chosen:?}")
    };
    assert_eq!(
        (&*bob.user.username, &*mods.name, &*carol.username),
        ("bob", "Mods", "carol")
    );
    assert_eq!(
        (bob.guild_id, mods.guild_id),
        (GuildId::new(30).unwrap(), GuildId::new(30))
    );
    let typed = r#"{"id":"1","name":"a","type":1,"options":[]}"#;
    let nothing = InteractionKind::Autocomplete {
        name: "a".to_owned(),
        typed: None,
    };
    assert_eq!(decode(4, typed, IN_A_SERVER).kind, nothing);
    let typed = r#"{"id":"1","name":"a","type":1,"options":[{"type":1,"name":"b","options":[
        {"type":3,"name":"x","value":"done"},{"type":4,"name":"n","value":"1e","focused":true}]}]}"#;
    let half = InteractionKind::Autocomplete {
        name: "a b".to_owned(),
        typed: Some(Typed {
            argument: "n".to_owned(),
            text: "1e".to_owned(),
            others: [("x".to_owned(), "done".to_owned())].into(),
        }),
    };
    assert_eq!(decode(4, typed, IN_A_SERVER).kind, half);
    let form = r#"{"custom_id":"f","components":[
        {"type":18,"id":1,"component":{"type":4,"id":2,"custom_id":"why","value":"so"}},
        {"type":1,"id":3,"components":[{"type":4,"id":4,"custom_id":"more","value":""}]},
        {"type":18,"id":5,"component":{"type":8,"id":6,"custom_id":"where","values":["7"]}},
        {"type":10,"id":7},{"type":18,"id":8,"component":{"type":23,"id":9,"custom_id":"sure","value":true}}],
        "resolved":{"channels":{"7":{"id":"7","type":0,"name":"general"}}}}"#;
    let InteractionKind::Modal { fields, message_id, .. } = decode(5, form, IN_A_SERVER).kind else {
        panic!("a form")
    };
    let written: Vec<_> = fields
        .iter()
        .map(|field| (&*field.name, field.values.join(","), field.chosen.len()))
        .collect();
    let expected = [
        ("why", "so", 0),
        ("more", "", 0),
        ("where", "7", 1),
        ("sure", "true", 0),
    ];
    assert_eq!(
        written,
        expected.map(|(name, values, chosen)| (name, values.to_owned(), chosen))
    );
    assert_eq!(message_id, None);
    assert_eq!(decode(99, "{}", IN_A_SERVER).kind, InteractionKind::Unknown);
}

#[test]
fn a_menu_brings_along_what_it_was_used_on() {
    let command = |kind| plugin_protocol::Command {
        arguments: vec![Argument {
            required: true,
            ..argument("on", kind)
        }],
        ..plugin_protocol::Command::default()
    };
    let used = |data: &str, place, kind| {
        let InteractionKind::MenuCommand { name, target } = decoded(data, place, &[]) else {
            panic!("a menu")
        };
        assert_eq!(name, "Report It");
        let arguments = target.arguments(&command(kind)).map_err(|error| error.problem);
        arguments.map(|mut arguments| arguments.remove("on"))
    };
    let user = r#"{"id":"1","name":"Report It","type":2,"target_id":"5","resolved":{
        "users":{"5":{"id":"5","username":"bob"}},"members":{"5":{"roles":["31"]}}}}"#;
    let gone = r#"{"id":"1","name":"Report It","type":2,"target_id":"5","resolved":{
        "users":{"5":{"id":"5","username":"bob"}}}}"#;
    let message = r#"{"id":"1","name":"Report It","type":3,"target_id":"7","resolved":{
        "messages":{"7":{"id":"7","channel_id":"21","content":"x"}}}}"#;
    for kind in [ArgumentKind::Member, ArgumentKind::Mentionable] {
        let Ok(Some(ArgumentValue::Member(bob))) = used(user, IN_A_SERVER, kind) else {
            panic!("a member")
        };
        assert_eq!((&*bob.user.username, bob.roles.len()), ("bob", 1));
    }
    for (data, place, kind) in [
        (user, IN_A_SERVER, ArgumentKind::User),
        (gone, IN_A_SERVER, ArgumentKind::Mentionable),
        (user, IN_A_DM, ArgumentKind::User),
    ] {
        assert!(matches!(used(data, place, kind), Ok(Some(ArgumentValue::User(_)))));
    }
    let given = "bob".to_owned();
    let absent = Err(ArgumentProblem::NotFound { given });
    assert_eq!(used(gone, IN_A_SERVER, ArgumentKind::Member), absent);
    assert_eq!(used(user, IN_A_DM, ArgumentKind::Member), absent);
    let link = plugin_protocol::MessageLink {
        guild_id: GuildId::new(30),
        channel_id: ChannelId::new(21).unwrap(),
        message_id: MessageId::new(7).unwrap(),
    };
    let told = used(message, IN_A_SERVER, ArgumentKind::Message);
    assert_eq!(told, Ok(Some(ArgumentValue::Message(link))));
    // Discord has it registered for something else than the command takes, or says nothing of whom.
    assert_eq!(used(message, IN_A_SERVER, ArgumentKind::User), Ok(None));
    let nobody = r#"{"id":"1","name":"Report It","type":2,"target_id":"5"}"#;
    assert_eq!(used(nobody, IN_A_SERVER, ArgumentKind::User), Ok(None));
}

#[test]
fn what_is_no_interaction_is_an_error() {
    let nobody = payload(2, "{}", r#""guild_id":"30""#);
    for bad in ["{}", "", r#"{"d":{"id":"1"}}"#, &nobody] {
        assert!(Interaction::decode(bad, |_| None).is_err(), "{bad}");
    }
}
