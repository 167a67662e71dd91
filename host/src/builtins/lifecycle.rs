//! `load`, `reload` and `unload`: the owner's hand on plugins.
//!
//! The commands have no way of their own to the plugins: they make the calls that a plugin with a grant makes, too.

use plugin_api::{ProblemCode, prelude::*, serde_json::json};

/// Load a plugin that lies in the plugins' folder.
#[command(slash, prefix, owner_only)]
pub(super) async fn load(ctx: Ctx, #[description = "The plugin's name"] name: String) -> Result {
    order(&ctx, "plugins.load", &json!({ "name": name })).await
}

/// Replace a plugin by what lies in the plugins' folder; `all` replaces every one.
#[command(slash, prefix, owner_only)]
pub(super) async fn reload(ctx: Ctx, #[description = "The plugin's name, or `all`"] name: String) -> Result {
    let arguments = if name == "all" {
        json!({})
    } else {
        json!({ "name": name })
    };
    order(&ctx, "plugins.reload", &arguments).await
}

/// Unload a plugin, until it is loaded again.
#[command(slash, prefix, owner_only)]
pub(super) async fn unload(
    ctx: Ctx,
    #[description = "The plugin's name"] name: String,
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
