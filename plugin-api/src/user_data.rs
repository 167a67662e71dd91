//! What all plugins share of a user: one JSON object.
//!
//! Unlike a store's, its fields are seen and changed by every plugin, so that writes touch only the fields that they name.

use std::{
    fmt,
    rc::Rc,
    time::{Duration, SystemTime},
};

use plugin_protocol::{Call, Problem, ProblemCode, UserData as Kept, kind::CALL};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{Error, Result, UserId, error::placed, runtime::Core};

/// How often an update begins anew because the object changed meanwhile. Updates of one generation wait for each other.
const TRIES: u32 = 64;

/// What all plugins share of a user; see [`Host::user_data`](crate::Host::user_data).
///
/// One JSON object a user, up to 64 KiB, kept by the host: fit for what concerns more than one plugin, such as somebody's
/// time zone. Any plugin reads and changes any field: agree on names. What is a plugin's own belongs into its
/// [`Store`](crate::Store).
///
/// ```
/// use plugin_api::prelude::*;
/// use plugin_api::{serde::{Deserialize, Serialize}, serde_json::json};
///
/// #[derive(Default, Serialize, Deserialize)]
/// # #[serde(crate = "plugin_api::serde")]
/// #[serde(default)]
/// struct Profile {
///     time_zone: Option<String>,
///     reputation: u32,
/// }
///
/// /// Set your time zone.
/// #[command]
/// async fn timezone(ctx: Ctx, name: String) -> Result {
///     ctx.user_data(ctx.author().id).merge(&json!({ "time_zone": name })).await?;
///     ctx.reply("Noted.").await
/// }
///
/// /// Thank somebody.
/// #[command]
/// async fn thank(ctx: Ctx, user: User) -> Result {
///     let reputation = ctx
///         .user_data(user.id)
///         .update(|profile: &mut Profile| {
///             profile.reputation += 1;
///             Ok(profile.reputation)
///         })
///         .await?;
///     ctx.reply(format!("{} was thanked {reputation} times.", user.mention())).await
/// }
/// # mod linked { plugin_api::plugin!(linked; commands: [super::timezone, super::thank]); }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct UserData {
    core: Rc<Core>,
    user_id: UserId,
}

impl UserData {
    pub(crate) fn new(core: Rc<Core>, user_id: UserId) -> Self {
        Self { core, user_id }
    }

    /// The object as `T`, which is read from `{}` if nothing is kept: give its fields defaults.
    ///
    /// # Errors
    ///
    /// It doesn't fit `T`.
    #[track_caller]
    pub fn read<T: DeserializeOwned>(&self) -> impl Future<Output = Result<T>> {
        placed(async move { fit(&object(&self.kept().await?)?) })
    }

    /// When the user last used a command, to about a second; `None` if never.
    #[track_caller]
    pub fn last_seen(&self) -> impl Future<Output = Result<Option<SystemTime>>> {
        placed(async move {
            let seconds = self.kept().await?.last_seen;
            Ok(seconds.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)))
        })
    }

    /// Sets the fields that `patch` has, and takes away those that are null in it, within objects, too; leaves all others as
    /// they are (JSON Merge Patch, <https://www.rfc-editor.org/rfc/rfc7386>). One step: nobody comes in between.
    ///
    /// # Errors
    ///
    /// The patch is no JSON object, or the object becomes larger than 64 KiB.
    #[track_caller]
    pub fn merge(&self, patch: &(impl Serialize + ?Sized)) -> impl Future<Output = Result> {
        placed(async move {
            let arguments = json!({ "user_id": self.user_id, "patch": serde_json::to_value(patch)? });
            self.call("user_data.merge", arguments).await?;
            Ok(())
        })
    }

    /// Changes the fields that `T` has by a function, so that nobody else's change gets lost; leaves all others as they are.
    /// Returns what the function returns, when the change is kept.
    ///
    /// The function may be called again with newer values, if they change meanwhile. An error of it leaves all as it is.
    ///
    /// # Errors
    ///
    /// The object doesn't fit `T` or becomes larger than 64 KiB, the function's own, and if it changed all the time.
    #[track_caller]
    pub fn update<T, R>(&self, change: impl FnMut(&mut T) -> Result<R>) -> impl Future<Output = Result<R>>
    where
        T: Serialize + DeserializeOwned,
    {
        placed(self.swap(change))
    }

    async fn swap<T, R>(&self, mut change: impl FnMut(&mut T) -> Result<R>) -> Result<R>
    where
        T: Serialize + DeserializeOwned,
    {
        let turn = self.core.key_turns.of(&self.user_id.to_string());
        let _turn = turn.lock().await;
        let mut kept = self.kept().await?;
        for _ in 0..TRIES {
            let mut object = object(&kept)?;
            let mut value: T = fit(&object)?;
            let returned = change(&mut value)?;
            let Value::Object(changed) = serde_json::to_value(&value)? else {
                return Err(Error::new("what is kept of a user is an object: use a struct or a map"));
            };
            object.extend(changed);
            let arguments = json!({
                "user_id": self.user_id,
                "data": serde_json::to_string(&object)?,
                "expected": kept.data,
            });
            kept = self.call("user_data.write", arguments).await?;
            if !kept.conflict {
                return Ok(returned);
            }
        }
        let text = format!(
            "the data of user {} changed {TRIES} times meanwhile: try again later",
            self.user_id
        );
        Err(Problem::new(ProblemCode::Busy, text).into())
    }

    async fn kept(&self) -> Result<Kept> {
        self.call("user_data.read", json!({ "user_id": self.user_id })).await
    }

    async fn call(&self, name: &str, arguments: Value) -> Result<Kept> {
        let call = Call {
            name: name.to_owned(),
            arguments,
            invocation: None,
        };
        let (kept, _) = self.core.link.ask_for(CALL, &call, &[]).await?;
        Ok(kept)
    }
}

fn object(kept: &Kept) -> Result<Map<String, Value>> {
    let object = kept.data.as_deref().map(serde_json::from_str).transpose();
    Ok(object?.unwrap_or_default())
}

fn fit<T: DeserializeOwned>(object: &Map<String, Value>) -> Result<T> {
    serde_json::from_value(Value::Object(object.clone()))
        .map_err(|error| Error::new(format!("what is kept of the user does not fit: {error}")))
}

impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserData")
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}
