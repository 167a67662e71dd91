//! Who owns the bot: `owner_ids` of config.json, `BOT_OWNER_ID` of the environment, and whoever owns its application at
//! Discord, alone or as a team.
//!
//! The router asks it before every command that is for owners only; a change of `owner_ids` counts at once. The application
//! is asked about at the start and once an hour, so that who has left the team is no owner for longer; nothing waits for
//! the answer.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use plugin_protocol::UserId;
use serde::Deserialize;
use tokio::{sync::watch, time::sleep};

use crate::{
    config,
    rest::{Method, Request, Rest},
    telemetry::Audience,
};

/// How often Discord is asked whose the application is.
const EVERY: Duration = Duration::from_secs(60 * 60);
/// How long it waits after a failure.
const RETRY: Duration = Duration::from_secs(60);

/// The bot's owners. Clones are the same.
#[derive(Clone, Debug)]
pub struct Owners {
    config: config::Live,
    /// Whom the environment names.
    owner_id: Option<UserId>,
    /// Whose the application is, once Discord has told it.
    of_application: Arc<ArcSwap<Vec<UserId>>>,
}

/// The application, as far as it says whose it is
/// (<https://discord.com/developers/docs/resources/application#application-object>).
#[derive(Deserialize)]
struct Application {
    #[serde(default)]
    owner: Option<Person>,
    #[serde(default)]
    team: Option<Team>,
}

#[derive(Deserialize)]
struct Person {
    id: UserId,
}

#[derive(Deserialize)]
struct Team {
    owner_user_id: UserId,
    #[serde(default)]
    members: Vec<TeamMember>,
}

#[derive(Deserialize)]
struct TeamMember {
    user: Person,
    membership_state: u8,
    #[serde(default)]
    role: String,
}

impl Application {
    /// The team's owner and those whom it trusts with the application; without a team, its owner. A team's application has
    /// the team for its owner, which is nobody.
    fn owners(self) -> Vec<UserId> {
        /// Discord's number of members who have accepted their invitation.
        const ACCEPTED: u8 = 2;
        let Some(team) = self.team else {
            return self.owner.into_iter().map(|owner| owner.id).collect();
        };
        // https://discord.com/developers/docs/topics/teams#team-member-roles: who may only read is no owner.
        let is_trusted = |member: &TeamMember| {
            member.membership_state == ACCEPTED && matches!(member.role.as_str(), "admin" | "developer")
        };
        let trusted = team.members.into_iter().filter(is_trusted);
        [team.owner_user_id]
            .into_iter()
            .chain(trusted.map(|member| member.user.id))
            .collect()
    }
}

impl Owners {
    /// Those whom the settings name, and whom the environment names.
    #[must_use]
    pub fn new(config: config::Live, owner_id: Option<UserId>) -> Self {
        Self {
            config,
            owner_id,
            of_application: Arc::default(),
        }
    }

    /// Whether somebody is one of them.
    #[must_use]
    pub fn contains(&self, id: UserId) -> bool {
        self.owner_id == Some(id)
            || self.config.get().owner_ids.contains(&id)
            || self.of_application.load().contains(&id)
    }

    /// Those whom notices are for, each once: who is named; where nobody is, whose the application is.
    #[must_use]
    pub fn named(&self) -> Vec<UserId> {
        let config = self.config.get();
        let mut named: Vec<_> = config.owner_ids.iter().copied().chain(self.owner_id).collect();
        if named.is_empty() {
            named.clone_from(&self.of_application.load());
        }
        named.sort_unstable();
        named.dedup();
        named
    }

    /// Who is told of what must not be missed, as it is configured now.
    #[must_use]
    pub fn audience(&self) -> Audience {
        let notices = &self.config.get().notices;
        let owners = if notices.dm_owner { self.named() } else { Vec::new() };
        Audience {
            // Where nobody is named, Discord has yet to tell whose the application is.
            is_known: !notices.dm_owner || !owners.is_empty(),
            owners,
            channel: notices.channel,
            interval: notices.interval,
        }
    }

    /// Keeps whose the application is, until it is dropped; `changed` counts changes of it.
    pub async fn keep(self, rest: Rest, changed: watch::Sender<u64>) {
        let mut is_told = false;
        loop {
            let wait = match ask(&rest).await {
                Ok(owners) => {
                    is_told = false;
                    if *self.of_application.swap(Arc::new(owners.clone())) != owners {
                        tracing::info!(owners = owners.len(), "Discord has told whose the application is");
                        changed.send_modify(|changes| *changes += 1);
                    }
                    EVERY
                }
                Err(why) => {
                    if !is_told {
                        tracing::warn!(%why, "Discord doesn't tell whose the application is: until it does, only those own the bot whom BOT_OWNER_ID and owner_ids name");
                    }
                    is_told = true;
                    RETRY
                }
            };
            sleep(wait).await;
        }
    }
}

async fn ask(rest: &Rest) -> Result<Vec<UserId>, String> {
    let answer = rest.send(Request::new(Method::Get, "/applications/@me")).await;
    let answer = answer.map_err(|error| error.to_string())?;
    if answer.status != 200 {
        return Err(format!("status {}", answer.status));
    }
    let application: Application = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
    Ok(application.owners())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_teams_owner_and_whom_it_trusts_own_the_bot() {
        let owners = |application| {
            let application: Application = serde_json::from_value(application).unwrap();
            application.owners().into_iter().map(UserId::get).collect::<Vec<_>>()
        };
        assert_eq!(owners(json!({ "owner": { "id": "5" }, "team": null })), [5]);
        let member = |id: &str, membership_state: u8, role: &str| json!({ "user": { "id": id }, "membership_state": membership_state, "role": role });
        let team = json!({ "owner_user_id": "6", "members": [
            member("6", 2, ""), member("7", 2, "admin"), member("8", 2, "developer"),
            member("9", 2, "read_only"), member("10", 1, "admin"),
        ] });
        assert_eq!(owners(json!({ "owner": { "id": "5" }, "team": team })), [6, 7, 8]);
        assert_eq!(owners(json!({})), [0_u64; 0]);
    }
}
