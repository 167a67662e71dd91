//! `load`, `reload` and `unload`: the owner's hand on plugins.
//!
//! The commands have no way of their own to the plugins: they make the calls that a plugin with a grant makes, too.

use plugin_api::{
    ProblemCode,
    inspection::{PluginList, PluginSummary},
    prelude::*,
    serde_json::json,
};

/// How many suggestions Discord takes.
const MOST_SUGGESTIONS: usize = 25;

/// Load a plugin that lies in the plugins' folder.
#[command(slash, prefix, owner_only, cooldown(none))]
pub(super) async fn load(
    ctx: Ctx,
    #[description = "The plugin's name"]
    #[autocomplete = idle]
    name: String,
) -> Result {
    order(&ctx, "plugins.load", &json!({ "name": name })).await
}

/// Replace a plugin by what lies in the plugins' folder; `all` replaces every one.
#[command(slash, prefix, owner_only, cooldown(none))]
pub(super) async fn reload(
    ctx: Ctx,
    #[description = "The plugin's name, or `all`"]
    #[autocomplete = serving_or_all]
    name: String,
) -> Result {
    let arguments = if name == "all" {
        json!({})
    } else {
        json!({ "name": name })
    };
    order(&ctx, "plugins.reload", &arguments).await
}

/// Unload a plugin, until it is loaded again.
#[command(slash, prefix, owner_only, cooldown(none))]
pub(super) async fn unload(
    ctx: Ctx,
    #[description = "The plugin's name"]
    #[autocomplete = serving]
    name: String,
    #[description = "`--with-dependants` unloads the plugins that need it, too"]
    #[rest]
    option: Option<String>,
) -> Result {
    let with_dependants = match option.as_deref() {
        None => false,
        Some("--with-dependants") => true,
        Some(other) => {
            return refuse(format!(
                "`{other}` is no option of `unload`: there is `--with-dependants`."
            ));
        }
    };
    order(
        &ctx,
        "plugins.unload",
        &json!({ "name": name, "with_dependants": with_dependants }),
    )
    .await
}

/// Plugins that could be loaded.
async fn idle(ctx: Ctx, typed: String) -> Vec<Choice> {
    names(&ctx, &typed, |plugin| {
        plugin.generation.is_none() || plugin.newer_refused
    })
    .await
}

/// Plugins that could be unloaded.
async fn serving(ctx: Ctx, typed: String) -> Vec<Choice> {
    names(&ctx, &typed, |plugin| plugin.generation.is_some()).await
}

/// Plugins that could be reloaded, and the word for all of them.
async fn serving_or_all(ctx: Ctx, typed: String) -> Vec<Choice> {
    let mut choices = serving(ctx, typed.clone()).await;
    if "all".starts_with(typed.trim()) {
        choices.truncate(MOST_SUGGESTIONS - 1);
        choices.push(Choice::from("all"));
    }
    choices
}

/// The names of plugins from files that contain what is typed; those that begin with it first.
async fn names(ctx: &Ctx, typed: &str, wanted: impl Fn(&PluginSummary) -> bool) -> Vec<Choice> {
    let list = ctx.call::<PluginList>("plugins.list", &json!({})).await;
    // Nobody can be told of a failure here.
    let plugins = list.map(|list| list.plugins).unwrap_or_default();
    let wanted = plugins.iter().filter(|plugin| !plugin.built_in && wanted(plugin));
    suggestions(typed, wanted.map(|plugin| plugin.name.as_str()))
}

/// Of these names those that contain what is typed; those that begin with it first.
pub(super) fn suggestions<'n>(typed: &str, names: impl Iterator<Item = &'n str>) -> Vec<Choice> {
    let typed = typed.trim().to_lowercase();
    let (begin, contain): (Vec<_>, Vec<_>) = names
        .filter(|name| name.contains(&typed))
        .partition(|name| name.starts_with(&typed));
    begin
        .into_iter()
        .chain(contain)
        .take(MOST_SUGGESTIONS)
        .map(Choice::from)
        .collect()
}

/// Asks the host and tells the owner what came of it; a refusal is an answer, not an incident.
async fn order(ctx: &Ctx, call: &str, arguments: &serde_json::Value) -> Result {
    match ctx.call::<String>(call, arguments).await {
        Ok(done) => {
            ctx.reply(done).await?;
            Ok(())
        }
        Err(error) => match error.problem().map(|problem| (problem.code, problem.message.clone())) {
            Some((ProblemCode::Failed | ProblemCode::Invalid, why)) => refuse(why),
            _ => Err(error),
        },
    }
}
