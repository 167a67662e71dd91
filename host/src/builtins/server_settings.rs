//! `serversettings`: what this server has set, for the bot and for each plugin; by argument, and by a menu of the natural
//! control for each setting.
//!
//! The host keeps, reads and checks the values. All state of the menu is in its controls, so that it goes on after a reload
//! and a restart, for whoever asked for it and still may.

use plugin_api::{
    ChannelKind, ChannelSelect, Message, RoleSelect, UserSelect,
    commands::ServerRuleList,
    prelude::*,
    serde_json::json,
    server_settings::{MAX_LISTED, MAX_WRITTEN, PluginsWithSettings, RESET, ServerSetting, ServerSettings},
};

use super::{
    lifecycle::suggestions,
    rules::ask,
    server_settings_card::{self as card, Way, way},
};

/// How many suggestions Discord shows.
const MOST_SUGGESTIONS: usize = 25;
/// The longest title of a form.
const TITLE: usize = 45;

/// A setting, as controls know it: the plugin, and its name.
type Of = (String, String);

/// Show this server's settings, or those of a plugin, and change them.
#[command(
    category = "Server",
    guild_only,
    requires(ADMINISTRATOR),
    cooldown(none),
    examples(
        "serversettings",
        "serversettings moderation",
        "serversettings moderation log_channel #mod-log",
        "serversettings moderation log_channel reset"
    )
)]
pub(super) async fn serversettings(
    ctx: Ctx,
    /// Whose settings; this server's own without
    #[autocomplete = plugins]
    plugin: Option<String>,
    /// The setting
    #[autocomplete = settings]
    setting: Option<String>,
    /// What it is from now on, or `reset`
    #[autocomplete = values]
    #[rest]
    value: Option<String>,
) -> Result {
    let Some(plugin) = plugin else {
        let list: ServerRuleList = ask(&ctx, "rules.show", &json!({})).await?;
        let with: PluginsWithSettings = ask(&ctx, "settings.plugins", &json!({})).await?;
        let mut answer = Message::from(card::server(&list, &with));
        if !with.plugins.is_empty() {
            let select = settings_plugin.string_select(&()).placeholder("Settings of a plugin");
            let names = with.plugins.iter().take(MAX_LISTED).map(|(name, ..)| name.as_str());
            answer = answer.select(select.options(names));
        }
        return ctx.reply(answer).await;
    };
    match (setting, value) {
        (None, _) => {
            let list = show(&ctx, &plugin).await?;
            ctx.reply(menu(&list)).await
        }
        (Some(name), None) => {
            let list = show(&ctx, &plugin).await?;
            ctx.reply(controls(&list, find(&list, &name)?)).await
        }
        (Some(name), Some(value)) => {
            let list = set(&ctx, &plugin, &name, &value).await?;
            ctx.reply(message(list.done.unwrap_or_default())).await
        }
    }
}

/// Shows the settings of the plugin that was chosen.
#[component(command = serversettings)]
pub(super) async fn settings_plugin(ctx: ClickCtx) -> Result {
    let list = show(&ctx, ctx.value().unwrap_or_default()).await?;
    ctx.update(menu(&list)).await
}

/// Goes back to the settings of a plugin.
#[component(command = serversettings)]
pub(super) async fn settings_back(ctx: ClickCtx, plugin: String) -> Result {
    let list = show(&ctx, &plugin).await?;
    ctx.update(menu(&list)).await
}

/// Shows the control of the setting that was chosen, or opens its form.
#[component(command = serversettings, defer = "never")]
pub(super) async fn settings_pick(ctx: ClickCtx, plugin: String) -> Result {
    let list = show(&ctx, &plugin).await?;
    let setting = find(&list, ctx.value().unwrap_or_default())?;
    // What an earlier version has kept may be longer than a form takes; Change begins with an empty one, Reset needs none.
    if way(&setting.setting) == Way::Form && fits_form(setting) {
        return open(&ctx, &list.plugin, setting).await;
    }
    ctx.update(controls(&list, setting)).await
}

/// Opens the form of a setting.
#[component(command = serversettings, defer = "never")]
pub(super) async fn settings_write(ctx: ClickCtx, (plugin, name): Of) -> Result {
    let list = show(&ctx, &plugin).await?;
    open(&ctx, &list.plugin, find(&list, &name)?).await
}

/// Sets what was chosen.
#[component(command = serversettings)]
pub(super) async fn settings_choose(ctx: ClickCtx, (plugin, name): Of) -> Result {
    let chosen = ctx.values().join(" ");
    let value = if chosen.is_empty() { RESET } else { &chosen };
    let list = set(&ctx, &plugin, &name, value).await?;
    ctx.update(menu(&list)).await
}

/// Sets what its button says.
#[component(command = serversettings)]
pub(super) async fn settings_press(ctx: ClickCtx, (plugin, name, value): (String, String, String)) -> Result {
    let list = set(&ctx, &plugin, &name, &value).await?;
    ctx.update(menu(&list)).await
}

/// What is written for a setting.
#[derive(Modal)]
#[title = "Change a setting"]
pub(super) struct Written {
    /// What it is from now on
    #[paragraph]
    #[description = "Left empty, it is the default again."]
    value: Option<String>,
}

/// Sets what was written.
#[modal(command = serversettings)]
pub(super) async fn settings_written(ctx: ClickCtx, written: Written, (plugin, name): Of) -> Result {
    let list = match written
        .value
        .as_deref()
        .map(str::trim)
        .filter(|value| !value.is_empty())
    {
        // The very word, where a text is wanted.
        Some(value) => change(&ctx, "settings.set", &plugin, &name, value).await?,
        None => change(&ctx, "settings.reset", &plugin, &name, "").await?,
    };
    ctx.update(menu(&list)).await
}

async fn open(ctx: &Ctx, plugin: &str, setting: &ServerSetting) -> Result {
    let name = &setting.setting.value.name;
    let form = settings_written.modal(&(plugin.to_owned(), name.clone()));
    let title = super::card::cut(&format!("{name} of {plugin}"), TITLE);
    let written = if fits_form(setting) {
        setting.written.clone()
    } else {
        String::new()
    };
    ctx.open(form.title(title).filled("value", written)).await
}

fn fits_form(setting: &ServerSetting) -> bool {
    setting.written.chars().count() <= MAX_WRITTEN
}

async fn show(ctx: &Ctx, plugin: &str) -> Result<ServerSettings> {
    ask(ctx, "settings.show", &json!({ "plugin": plugin })).await
}

async fn set(ctx: &Ctx, plugin: &str, name: &str, value: &str) -> Result<ServerSettings> {
    if value.trim().eq_ignore_ascii_case(RESET) {
        return change(ctx, "settings.reset", plugin, name, "").await;
    }
    change(ctx, "settings.set", plugin, name, value).await
}

async fn change(ctx: &Ctx, call: &str, plugin: &str, name: &str, value: &str) -> Result<ServerSettings> {
    ask(ctx, call, &json!({ "plugin": plugin, "setting": name, "value": value })).await
}

fn find<'l>(list: &'l ServerSettings, name: &str) -> Result<&'l ServerSetting> {
    let name = name.trim().to_lowercase();
    let found = list.settings.iter().find(|setting| setting.setting.value.name == name);
    match found {
        Some(setting) => Ok(setting),
        None => refuse(card::unknown(list, &name)),
    }
}

/// The settings of a plugin, and a select of them.
fn menu(list: &ServerSettings) -> Message {
    let options = list.settings.iter().map(card::option);
    let select = settings_pick
        .string_select(&list.plugin)
        .placeholder("Change a setting");
    Message::from(card::plugin(list)).select(select.options(options))
}

/// One setting, and what sets it.
fn controls(list: &ServerSettings, setting: &ServerSetting) -> Message {
    let value = &setting.setting.value;
    let of: Of = (list.plugin.clone(), value.name.clone());
    let most = u8::try_from(MAX_LISTED).unwrap_or(u8::MAX);
    let (least, most) = if value.variadic { (0, most) } else { (1, 1) };
    let chosen = card::ids(setting);
    let answer = Message::from(card::setting(list, setting));
    let press = |label: &str, written: &str| {
        let state = (list.plugin.clone(), value.name.clone(), written.to_owned());
        settings_press.button(label).secondary(&state)
    };
    let answer = match way(&setting.setting) {
        Way::Channels => {
            let kinds = value.channel_types.iter().filter_map(|kind| ChannelKind::of(*kind));
            let select = settings_choose
                .channel_select(&of)
                .placeholder("Choose")
                .channel_kinds(kinds);
            let select = select.min_values(least).max_values(most);
            answer.select(
                chosen
                    .iter()
                    .filter_map(|id| ChannelId::new(*id))
                    .fold(select, ChannelSelect::default_channel),
            )
        }
        Way::Roles => {
            let select = settings_choose
                .role_select(&of)
                .placeholder("Choose")
                .min_values(least)
                .max_values(most);
            answer.select(
                chosen
                    .iter()
                    .filter_map(|id| RoleId::new(*id))
                    .fold(select, RoleSelect::default_role),
            )
        }
        Way::Users => {
            let select = settings_choose
                .user_select(&of)
                .placeholder("Choose")
                .min_values(least)
                .max_values(most);
            answer.select(
                chosen
                    .iter()
                    .filter_map(|id| UserId::new(*id))
                    .fold(select, UserSelect::default_user),
            )
        }
        Way::Choices => {
            let options = card::choices(setting);
            let most = if value.variadic {
                u8::try_from(options.len()).unwrap_or(most)
            } else {
                1
            };
            let select = settings_choose
                .string_select(&of)
                .placeholder("Choose")
                .min_values(least)
                .max_values(most);
            answer.select(select.options(options))
        }
        Way::Buttons => answer.button(press("Yes", "yes")).button(press("No", "no")),
        Way::Form => answer.button(settings_write.button("Change").primary(&of)),
    };
    answer
        .new_row()
        .button(press("Reset", RESET))
        .button(settings_back.button("Back").secondary(&list.plugin))
}

async fn plugins(ctx: Ctx, typed: String) -> Vec<Choice> {
    let with: PluginsWithSettings = ctx.call("settings.plugins", &json!({})).await.unwrap_or_default();
    suggestions(&typed, with.plugins.iter().map(|(name, ..)| name.as_str()))
}

/// The settings of the plugin that is named so far.
async fn typed(ctx: &Ctx) -> ServerSettings {
    let plugin = ctx.typed("plugin").unwrap_or_default();
    let list = ctx.call("settings.show", &json!({ "plugin": plugin })).await;
    // Nobody can be told of a failure here.
    list.unwrap_or_default()
}

async fn settings(ctx: Ctx, text: String) -> Vec<Choice> {
    let list = typed(&ctx).await;
    suggestions(
        &text,
        list.settings.iter().map(|setting| setting.setting.value.name.as_str()),
    )
}

/// What the setting that is named so far may be: its choices, the server's channels or roles.
async fn values(ctx: Ctx, text: String) -> Vec<Choice> {
    let list = typed(&ctx).await;
    let Ok(setting) = find(&list, ctx.typed("setting").unwrap_or_default()) else {
        return Vec::new();
    };
    let mut all = card::suggested(setting);
    if let (Way::Channels | Way::Roles, Some(guild)) = (way(&setting.setting), ctx.guild_id())
        && let Ok(guild) = ctx.guild(guild).await
    {
        all = card::of_server(setting, &guild);
    }
    narrowed(all, &text)
}

/// Those that have what is typed, as many as Discord shows, `reset` among them.
fn narrowed(mut all: Vec<Choice>, typed: &str) -> Vec<Choice> {
    let typed = typed.trim().trim_start_matches(['#', '@']).to_lowercase();
    let fits = |choice: &Choice| choice.name.to_lowercase().contains(&typed);
    all.retain(fits);
    let reset = Some(Choice::from(RESET)).filter(fits);
    all.truncate(MOST_SUGGESTIONS - usize::from(reset.is_some()));
    all.extend(reset);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reset_is_among_25_suggestions_and_takes_no_place_where_it_does_not_fit() {
        let named = |count: usize| -> Vec<_> {
            (0..count)
                .map(|number| Choice::from(format!("room {number}")))
                .collect()
        };
        for count in [0, 1, 24, 25, 26, 500] {
            let shown = narrowed(named(count), "");
            assert_eq!(shown.len(), (count + 1).min(25), "{count}");
            assert_eq!(shown.last().map(|last| last.value.as_str()), Some(RESET), "{count}");
            let shown = narrowed(named(count), " #ROOM ");
            assert_eq!(shown.len(), count.min(25), "{count}");
            assert!(shown.iter().all(|choice| choice.value != RESET), "{count}");
        }
        assert_eq!(narrowed(named(25), "res"), [Choice::from(RESET)]);
    }
}
