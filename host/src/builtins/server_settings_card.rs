//! The cards of `serversettings`, and by which control a setting is changed.
//!
//! Pure: from what the host tells to embeds within Discord's limits.

use plugin_api::{
    ArgumentKind, Choice, Embed, Guild, SelectOption,
    commands::ServerRuleList,
    embed,
    serde_json::Value,
    server_settings::{PluginsWithSettings, ServerSetting, ServerSettings, Setting},
};

use super::card::{FIELD, NEUTRAL, SUCCESS, cut};

/// How many characters all fields of a card have at most: within the 6,000 of a card.
const ALL: usize = 5_000;
/// How many plugins with settings are listed.
const LISTED: usize = 20;

/// By which control a setting is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Channels,
    Roles,
    Users,
    Choices,
    Buttons,
    Form,
}

/// By which control this one is changed.
pub(super) fn way(setting: &Setting) -> Way {
    match setting.value.kind {
        ArgumentKind::Channel => Way::Channels,
        ArgumentKind::Role => Way::Roles,
        ArgumentKind::User => Way::Users,
        ArgumentKind::Boolean if !setting.value.variadic => Way::Buttons,
        ArgumentKind::String if !setting.value.choices.is_empty() => Way::Choices,
        _ => Way::Form,
    }
}

/// The server's own settings, and which plugins have some.
pub(super) fn server(list: &ServerRuleList, with: &PluginsWithSettings) -> Embed {
    let count = |number: usize| match number {
        0 => "none".to_owned(),
        number => format!("{number}: `config show` lists them"),
    };
    let mut card = embed("Settings of this server")
        .colour(NEUTRAL)
        .field("Prefix", format!("`{}`", list.prefix))
        .field("Mention as prefix", if list.mention { "works" } else { "doesn't work" })
        .field("Rules of commands", count(list.rules.len()))
        .field("Disabled", count(list.plugins_off.len() + list.commands_off.len()));
    if let Some(zone) = &list.zone {
        card = card.field("Time zone", format!("`{zone}`"));
    }
    if !list.deletions.is_empty() {
        card = card.field("Deleted messages", cut(&list.deletions.join("\n"), FIELD));
    }
    if with.plugins.is_empty() {
        return card;
    }
    let plugins = with.plugins.iter().take(LISTED).map(|(name, all, set)| {
        let plural = if *all == 1 { "" } else { "s" };
        format!("`{name}`: {all} setting{plural}, {set} set here")
    });
    let plugins: Vec<_> = plugins.collect();
    card.field("Plugins with settings", cut(&plugins.join("\n"), FIELD))
        .footer("serversettings PLUGIN shows and changes a plugin's")
}

/// All settings of a plugin.
pub(super) fn plugin(list: &ServerSettings) -> Embed {
    let room = ALL / list.settings.len().max(1);
    let mut card = embed(format!("Settings of {}", list.plugin)).colour(NEUTRAL);
    let mut above = list.done.clone().unwrap_or_default();
    if !list.strays.is_empty() {
        let strays: Vec<_> = list
            .strays
            .iter()
            .map(|(name, value)| format!("`{name}`: {value}"))
            .collect();
        let text = format!(
            "Not in use: {}. This version of the plugin has no such settings; they are kept for one that has, and `reset` \
             clears them.",
            cut(&strays.join(", "), 300)
        );
        above = [above, text].join("\n\n");
    }
    if list.done.is_some() {
        card = card.colour(SUCCESS);
    }
    if !above.is_empty() {
        card = card.description(above.trim().to_owned());
    }
    for setting in &list.settings {
        let name = &setting.setting.value.name;
        let text = format!("{}\n{}", setting.setting.value.description, now(setting));
        card = card.field(name.clone(), cut(&text, room.saturating_sub(name.len()).min(FIELD)));
    }
    card
}

/// What a setting is, and why.
fn now(setting: &ServerSetting) -> String {
    let shown = &setting.shown;
    if let Some(unfit) = &setting.unfit {
        return format!(
            "⚠️ {unfit} is set, which this version of the plugin doesn't take. Until it is set anew, it is {shown}."
        );
    }
    if setting.is_set {
        format!("**{shown}**")
    } else {
        format!("{shown} (default)")
    }
}

/// One setting.
pub(super) fn setting(list: &ServerSettings, setting: &ServerSetting) -> Embed {
    let value = &setting.setting.value;
    embed(format!("{} of {}", value.name, list.plugin))
        .colour(NEUTRAL)
        .description(value.description.clone())
        .field("Now", cut(&now(setting), FIELD))
        .field("It takes", cut(&takes(setting), FIELD))
}

fn takes(setting: &ServerSetting) -> String {
    if setting.setting.value.variadic {
        format!("up to 25 of these: {}", setting.wants)
    } else {
        setting.wants.clone()
    }
}

/// The setting in the select of all.
pub(super) fn option(setting: &ServerSetting) -> SelectOption {
    let value = &setting.setting.value;
    SelectOption::new(value.name.clone(), value.name.clone()).description(value.description.clone())
}

/// Its choices; those that are in force are chosen.
pub(super) fn choices(setting: &ServerSetting) -> Vec<SelectOption> {
    let is_now = |value: &str| match &setting.value {
        Value::Array(values) => values.iter().any(|one| one == value),
        one => one == value,
    };
    let choices = setting.setting.value.choices.iter().map(|choice| {
        let option = SelectOption::new(choice.name.clone(), choice.value.clone());
        if is_now(&choice.value) {
            option.default()
        } else {
            option
        }
    });
    choices.collect()
}

/// The channels, roles or users that it is.
pub(super) fn ids(setting: &ServerSetting) -> Vec<u64> {
    let id = |value: &Value| value.as_str().and_then(|id| id.parse().ok());
    match &setting.value {
        Value::Array(values) => values.iter().filter_map(id).collect(),
        value => id(value).into_iter().collect(),
    }
}

/// What may be written for it, as far as that can be listed without the server.
pub(super) fn suggested(setting: &ServerSetting) -> Vec<Choice> {
    match way(&setting.setting) {
        Way::Choices => setting.setting.value.choices.clone(),
        Way::Buttons => vec![Choice::from("yes"), Choice::from("no")],
        _ => Vec::new(),
    }
}

/// The server's channels or roles that it may be.
pub(super) fn of_server(setting: &ServerSetting, guild: &Guild) -> Vec<Choice> {
    let choice = |name: String, id: String| Choice {
        name: cut(&name, 100),
        value: id,
        ..Choice::default()
    };
    let value = &setting.setting.value;
    if value.kind == ArgumentKind::Role {
        let roles = guild.roles.iter().filter(|role| role.id.get() != guild.id.get());
        return roles
            .map(|role| choice(format!("@{}", role.name), role.id.to_string()))
            .collect();
    }
    let fits = |kind: u8| value.channel_types.is_empty() || value.channel_types.contains(&kind);
    let channels = guild.channels.iter().filter(|channel| fits(channel.kind));
    channels
        .map(|channel| {
            choice(
                format!("#{}", channel.name.as_deref().unwrap_or_default()),
                channel.id.to_string(),
            )
        })
        .collect()
}

/// There is no such setting.
pub(super) fn unknown(list: &ServerSettings, name: &str) -> String {
    let name: String = name.chars().filter(|letter| *letter != '`').take(32).collect();
    let names: Vec<_> = list
        .settings
        .iter()
        .map(|one| format!("`{}`", one.setting.value.name))
        .collect();
    format!(
        "`{}` has no setting `{name}`. It has {}.",
        list.plugin,
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use plugin_api::serde_json::{self, json};

    use super::*;

    fn settings() -> ServerSettings {
        serde_json::from_value(json!({
            "plugin": "moderation",
            "settings": [
                {
                    "setting": { "value": { "name": "log_channel", "description": "Where moderation is told", "kind": "channel" } },
                    "value": "1100000000000000001", "shown": "<#1100000000000000001>", "is_set": true, "wants": "a channel",
                },
                {
                    "setting": { "value": { "name": "warn_limit", "description": "How many", "kind": "integer", "required": true }, "default": 5 },
                    "value": 5, "shown": "`5`", "written": "5", "wants": "a whole number from 1 to 20",
                },
                {
                    "setting": { "value": { "name": "mode", "description": "How strict", "kind": "string",
                        "choices": [{ "name": "Strict", "value": "strict" }, { "name": "Lax", "value": "lax" }] }, "default": "lax" },
                    "value": "lax", "shown": "`Lax`", "unfit": "`7`", "wants": "`Strict` or `Lax`",
                },
            ],
            "strays": [["old_name", "`\"x\"`"]],
            "done": "`log_channel` of `moderation` is <#1100000000000000001> now.",
        }))
        .unwrap()
    }

    #[test]
    fn the_cards_say_what_is_in_force_and_why() {
        let list = settings();
        let cards = [plugin(&list), setting(&list, &list.settings[1])];
        let with = PluginsWithSettings {
            plugins: vec![("fun".to_owned(), 1, 0), ("moderation".to_owned(), 3, 2)],
        };
        let rules = ServerRuleList {
            prefix: "!".to_owned(),
            deletions: vec!["Answers of `ban` are deleted after 30 seconds in this server.".to_owned()],
            ..ServerRuleList::default()
        };
        let cards = cards.into_iter().chain([server(&rules, &with)]).collect::<Vec<_>>();
        insta::assert_snapshot!(serde_json::to_string_pretty(&cards).unwrap());
        let ways: Vec<_> = list.settings.iter().map(|one| way(&one.setting)).collect();
        assert_eq!(ways, [Way::Channels, Way::Form, Way::Choices]);
        assert_eq!(ids(&list.settings[0]), [1_100_000_000_000_000_001]);
    }

    #[test]
    fn a_card_of_as_many_settings_as_can_be_is_within_discords_limits() {
        let mut list = settings();
        list.settings[0].setting.value.description = "x".repeat(100);
        list.settings[0].shown = "<@&1100000000000000001>, ".repeat(10);
        list.settings = vec![list.settings[0].clone(); 25];
        list.strays = vec![("x".repeat(32), "y".repeat(100)); 100];
        list.done = Some("z".repeat(300));
        let shown = serde_json::to_value(plugin(&list)).unwrap();
        let length = |text: &Value| text.as_str().map_or(0, |text| text.chars().count());
        let fields = shown["fields"].as_array().unwrap();
        assert!(fields.len() == 25 && fields.iter().all(|field| length(&field["value"]) <= FIELD));
        let sum: usize = fields
            .iter()
            .map(|field| length(&field["name"]) + length(&field["value"]))
            .sum();
        assert!(
            sum + length(&shown["title"]) + length(&shown["description"]) <= 6000,
            "{sum}"
        );
    }
}
