//! `user_data.*`: what all plugins share of a user.
//!
//! Open to every plugin: what is in it is nobody's alone.

use plugin_protocol::{Call, Problem, ProblemCode, UserId};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{Access, Calls, storage_problem};
use crate::storage::user_data::{self, Refusal};

/// What is answered here.
pub(super) const CALLS: &[(&str, Access)] = &[
    ("user_data.read", Access::All),
    ("user_data.write", Access::All),
    ("user_data.merge", Access::All),
];

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
}

fn arguments<T: DeserializeOwned>(call: Call) -> Result<T, Problem> {
    serde_json::from_value(call.arguments)
        .map_err(|error| Problem::new(ProblemCode::Invalid, format!("`{}`: {error}", call.name)))
}
