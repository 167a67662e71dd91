//! `load`, `reload`, `unload`, `plan`, `rollback`, `pin`: the owner's hand on plugins.
//!
//! The commands have no way of their own to the plugins: they make the calls that a plugin with a grant makes, too.

use plugin_api::{
    ProblemCode,
    inspection::{PluginList, PluginSummary},
    plans::{PlanReport, PlanVerb},
    prelude::*,
    serde_json::json,
};

use super::plan_card;

/// How many suggestions Discord takes.
const MOST_SUGGESTIONS: usize = 25;
/// How long one may be.
const LONGEST_SUGGESTION: usize = 100;

/// Load plugins that lie in the plugins' folder: all that are named, or none.
#[command(slash, prefix, owner_only, cooldown(none), examples("load economy shop"))]
pub(super) async fn load(
    ctx: Ctx,
    #[description = "The plugin's name, or several"]
    #[autocomplete = idle]
    #[rest]
    name: String,
) -> Result {
    order(&ctx, "plugins.load", &json!({ "names": words(&name) })).await
}

/// Replace plugins by what lies in the plugins' folder; `all` replaces every one.
#[command(
    slash,
    prefix,
    owner_only,
    cooldown(none),
    examples("reload economy shop", "reload all")
)]
pub(super) async fn reload(
    ctx: Ctx,
    #[description = "The plugin's name, several, or `all`"]
    #[autocomplete = serving_or_all]
    #[rest]
    name: String,
) -> Result {
    let arguments = match words(&name)[..] {
        ["all"] => json!({}),
        ref names => json!({ "names": names }),
    };
    order(&ctx, "plugins.reload", &arguments).await
}

/// Unload plugins, until they are loaded again.
#[command(
    slash,
    prefix,
    owner_only,
    cooldown(none),
    examples("unload economy --with-dependants")
)]
pub(super) async fn unload(
    ctx: Ctx,
    #[description = "The plugin's name, or several; `--with-dependants` unloads those that need them, too"]
    #[autocomplete = serving]
    #[rest]
    name: String,
) -> Result {
    let (names, with_dependants) = with_options(&name)?;
    let arguments = json!({ "names": names, "with_dependants": with_dependants });
    order(&ctx, "plugins.unload", &arguments).await
}

/// Go back to the version of a plugin that served before, until its file changes.
#[command(slash, prefix, owner_only, cooldown(none))]
pub(super) async fn rollback(
    ctx: Ctx,
    #[description = "The plugin's name"]
    #[autocomplete = serving]
    name: String,
) -> Result {
    order(&ctx, "plugins.rollback", &json!({ "name": name })).await
}

/// Keep a plugin as it is: newer files of it wait, and it runs where another one conflicts with it.
#[command(slash, prefix, owner_only, cooldown(none))]
pub(super) async fn pin(
    ctx: Ctx,
    #[description = "The plugin's name"]
    #[autocomplete = any]
    name: String,
) -> Result {
    order(&ctx, "plugins.pin", &json!({ "name": name })).await
}

/// Let a plugin be replaced again.
#[command(slash, prefix, owner_only, cooldown(none))]
pub(super) async fn unpin(
    ctx: Ctx,
    #[description = "The plugin's name"]
    #[autocomplete = pinned]
    name: String,
) -> Result {
    order(&ctx, "plugins.unpin", &json!({ "name": name })).await
}

/// The commands of `plan`: a module, since a group is one.
pub(super) mod plan {
    use super::{
        Ctx, PlanReport, PlanVerb, ProblemCode, Result, command, idle, json, plan_card, refuse, serving,
        serving_or_all, with_options, words,
    };

    /// Show what loading these plugins would do.
    #[command(slash, prefix, owner_only, cooldown(none), examples("plan load economy shop"))]
    pub(crate) async fn load(
        ctx: Ctx,
        #[description = "The plugin's name, or several"]
        #[autocomplete = idle]
        #[rest]
        name: String,
    ) -> Result {
        show(&ctx, PlanVerb::Load, &name).await
    }

    /// Show what unloading these plugins would do.
    #[command(
        slash,
        prefix,
        owner_only,
        cooldown(none),
        examples("plan unload economy --with-dependants")
    )]
    pub(crate) async fn unload(
        ctx: Ctx,
        #[description = "The plugin's name, or several; `--with-dependants` unloads those that need them, too"]
        #[autocomplete = serving]
        #[rest]
        name: String,
    ) -> Result {
        show(&ctx, PlanVerb::Unload, &name).await
    }

    /// Show what replacing these plugins would do.
    #[command(slash, prefix, owner_only, cooldown(none))]
    pub(crate) async fn reload(
        ctx: Ctx,
        #[description = "The plugin's name, several, or `all`"]
        #[autocomplete = serving_or_all]
        #[rest]
        name: String,
    ) -> Result {
        show(&ctx, PlanVerb::Reload, &name).await
    }

    /// Show what taking newer files of these plugins would do.
    #[command(slash, prefix, owner_only, cooldown(none))]
    pub(crate) async fn update(
        ctx: Ctx,
        #[description = "The plugin's name, several, or `all`"]
        #[autocomplete = serving_or_all]
        #[rest]
        name: String,
    ) -> Result {
        show(&ctx, PlanVerb::Update, &name).await
    }

    async fn show(ctx: &Ctx, verb: PlanVerb, names: &str) -> Result {
        let arguments = match words(names)[..] {
            ["all"] if matches!(verb, PlanVerb::Reload | PlanVerb::Update) => json!({ "verb": verb }),
            _ if verb == PlanVerb::Unload => {
                let (names, with_dependants) = with_options(names)?;
                json!({ "verb": verb, "names": names, "with_dependants": with_dependants })
            }
            ref names => json!({ "verb": verb, "names": names }),
        };
        match ctx.call::<PlanReport>("plugins.plan", &arguments).await {
            Ok(plan) => ctx.reply(plan_card::card(&plan)).await,
            Err(error) => match error.problem().map(|problem| (problem.code, problem.message.clone())) {
                Some((ProblemCode::Failed | ProblemCode::Invalid, why)) => refuse(why),
                _ => Err(error),
            },
        }
    }
}

/// The names that were typed for `unload`, and whether those that need them go, too.
///
/// # Errors
///
/// An option that there is not.
fn with_options(typed: &str) -> Result<(Vec<&str>, bool)> {
    let (options, names): (Vec<&str>, Vec<&str>) = words(typed).into_iter().partition(|word| word.starts_with("--"));
    match options.iter().find(|option| **option != "--with-dependants") {
        Some(other) => refuse(format!(
            "`{other}` is no option of `unload`: there is `--with-dependants`."
        )),
        None => Ok((names, !options.is_empty())),
    }
}

/// Names that were typed, by spaces or commas.
fn words(typed: &str) -> Vec<&str> {
    let words = typed.split([' ', ',', '\n']);
    words
        .map(|word| word.trim_matches('`'))
        .filter(|word| !word.is_empty())
        .collect()
}

/// Plugins that could be loaded.
async fn idle(ctx: Ctx, typed: String) -> Vec<Choice> {
    names(&ctx, &typed, |plugin| plugin.generation.is_none()).await
}

/// Plugins that could be unloaded.
async fn serving(ctx: Ctx, typed: String) -> Vec<Choice> {
    names(&ctx, &typed, |plugin| plugin.generation.is_some()).await
}

/// Plugins from files.
async fn any(ctx: Ctx, typed: String) -> Vec<Choice> {
    names(&ctx, &typed, |_| true).await
}

/// Plugins that are pinned.
async fn pinned(ctx: Ctx, typed: String) -> Vec<Choice> {
    names(&ctx, &typed, |plugin| plugin.pinned).await
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
    // Of several names the last is being typed.
    let (before, last) = typed
        .rsplit_once([' ', ','])
        .map_or(("", typed), |(before, last)| (before.trim(), last));
    let given = words(before);
    let wanted = wanted
        .map(|plugin| plugin.name.as_str())
        .filter(|name| !given.contains(name));
    if given.is_empty() {
        return suggestions(last, wanted);
    }
    let named: Vec<String> = wanted
        .filter(|name| name.contains(&last.to_lowercase()))
        .map(|name| format!("{} {name}", given.join(" ")))
        .filter(|names| names.len() <= LONGEST_SUGGESTION)
        .collect();
    named.into_iter().take(MOST_SUGGESTIONS).map(Choice::from).collect()
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
