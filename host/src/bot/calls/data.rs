//! `user_data.*`: what all plugins share of a user; `data.forget`: all that is kept of a user or a server, erased.
//!
//! The first is open to every plugin, the second changes what others keep.

use plugin_protocol::{Call, GuildId, Problem, ProblemCode, UserId};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{Access, Calls, storage_problem};
use crate::{
    bot::server_settings,
    permits::ServerRules,
    storage::{
        GuildSettings,
        stores::Whom,
        user_data::{self, Refusal},
    },
};

/// What is answered here of users.
pub(super) const USER_DATA: &[(&str, Access)] = &[
    ("user_data.read", Access::All),
    ("user_data.write", Access::All),
    ("user_data.merge", Access::All),
];
/// What is answered here of all data.
pub(super) const DATA: &[(&str, Access)] = &[("data.forget", Access::Changes)];

#[derive(Deserialize)]
struct Read {
    user_id: UserId,
}

#[derive(Deserialize)]
struct Write {
    user_id: UserId,
    data: String,
    #[serde(default)]
    expected: Option<String>,
}

#[derive(Deserialize)]
struct Merge {
    user_id: UserId,
    patch: Map<String, Value>,
}

#[derive(Deserialize)]
struct Forget {
    #[serde(default)]
    user_id: Option<UserId>,
    #[serde(default)]
    guild_id: Option<GuildId>,
}

impl Calls {
    pub(super) async fn about_user_data(&self, call: Call) -> Result<Value, Problem> {
        let database = self.tables.database();
        let kept = match call.name.as_str() {
            "user_data.read" => {
                let Read { user_id } = arguments(call)?;
                user_data::read(&database, user_id).await.map_err(Refusal::Storage)
            }
            "user_data.write" => {
                let Write {
                    user_id,
                    data,
                    expected,
                } = arguments(call)?;
                user_data::write(&database, user_id, data, expected).await
            }
            _ => {
                let Merge { user_id, patch } = arguments(call)?;
                user_data::merge(&database, user_id, patch).await
            }
        };
        kept.map(|kept| json!(kept)).map_err(|refusal| match refusal {
            Refusal::Storage(error) => storage_problem(&error),
            refusal => Problem::new(ProblemCode::Invalid, refusal.to_string()),
        })
    }

    /// Erases what plugins' stores and the host keep of a user or a server.
    pub(super) async fn about_data(&self, call: Call) -> Result<Value, Problem> {
        let whom = match arguments(call)? {
            Forget {
                user_id: Some(user),
                guild_id: None,
            } => Whom::User(user),
            Forget {
                user_id: None,
                guild_id: Some(guild),
            } => Whom::Guild(guild),
            Forget { .. } => {
                let text = "say whose data: either `user_id` or `guild_id`";
                return Err(Problem::new(ProblemCode::Invalid, text));
            }
        };
        let failed = |text| Problem::new(ProblemCode::Failed, text);
        let values = self.stores.forget(whom).await.map_err(failed)?;
        let shared = match whom {
            Whom::User(user) => user_data::forget(&self.tables.database(), user)
                .await
                .map_err(|error| storage_problem(&error))?,
            Whom::Guild(guild) if self.tables.guild(guild).is_some() || self.tables.rules(guild).is_some() => {
                let forgotten = self.tables.change_rules(guild, |rules| *rules = ServerRules::default());
                forgotten.await.map_err(|error| storage_problem(&error))?;
                let forgotten = self
                    .tables
                    .change_guild(guild, |settings| *settings = GuildSettings::default());
                forgotten.await.map_err(|error| storage_problem(&error))?;
                server_settings::tell_all(&self.tables, &self.life()?.routing().read(), guild);
                true
            }
            Whom::Guild(_) => false,
        };
        Ok(json!({ "values": values, "shared": shared }))
    }
}

fn arguments<T: DeserializeOwned>(call: Call) -> Result<T, Problem> {
    serde_json::from_value(call.arguments)
        .map_err(|error| Problem::new(ProblemCode::Invalid, format!("`{}`: {error}", call.name)))
}
