//! Controls and forms that people use: from a custom id to the handler that it leads to, or to why it leads nowhere.
//!
//! Nothing that a custom id says is believed before its signature is.

use std::collections::BTreeMap;

use plugin_protocol::{
    Click, Door, UserId,
    custom_id::{ControlState, CustomId, NoCustomId, Unchecked},
};

use super::{Router, invocation, origin, typed::asked};
use crate::{
    bot::HOST_NAME,
    commands::Interaction,
    interactions::texts,
    plugins::{Handles, Table},
};

impl Router {
    pub(super) async fn route_click(
        &self,
        table: &Table,
        interaction: Interaction,
        custom_id: &str,
        mut click: Click,
        message_id: Option<plugin_protocol::MessageId>,
        payload: &str,
    ) {
        let door = if click.form.is_some() {
            Door::Modal
        } else {
            Door::Component
        };
        let aimed = match CustomId::decode(custom_id) {
            Ok(id) => self.aim(table, interaction.author.id, id).await,
            Err(NoCustomId::OtherVersion) => Err(texts::OUTDATED.to_owned()),
            // A control that was made by hand: only handlers of components can answer.
            Err(NoCustomId::Foreign) => Err(texts::FOREIGN.to_owned()),
        };
        let (handles, state) = match aimed {
            Ok(aimed) => aimed,
            Err(text) => {
                tracing::debug!(author = %interaction.author.id, custom_id, "a control was refused: {text}");
                let origin = origin(&interaction, &HOST_NAME, "", door, message_id);
                self.refuse(&origin, &text).await;
                return;
            }
        };
        let Handles {
            plugin,
            name,
            defer,
            policy,
        } = handles;
        let mut origin = origin(&interaction, &plugin, &name, door, message_id);
        origin.defer = defer;
        if self.gatekeeper.is_off(&plugin, interaction.guild_id) {
            self.refuse(&origin, texts::PLUGIN_DISABLED).await;
            return;
        }
        if let Some(policy) = policy
            && let Err(refusal) = self
                .decide_in_time(&asked(&interaction, &plugin, &policy), origin.began)
                .await
        {
            self.turn_away(&origin, "/", &policy, &refusal).await;
            return;
        }
        if let Some(id) = message_id {
            // What disables its controls begins to wait anew.
            self.invocations.used(id);
        }
        click.state = state;
        let invocation = invocation(interaction, name, door, message_id, BTreeMap::new(), Some(click));
        self.invoke(origin, &invocation, None, payload).await;
    }

    /// Which handler of which plugin a control's id leads to, and with which state; else what its user is told.
    async fn aim(&self, table: &Table, user: UserId, id: Unchecked) -> Result<(Handles, String), String> {
        let Some(handles) = table.component(id.route()).cloned() else {
            return Err(texts::PLUGIN_ABSENT.to_owned());
        };
        let Some(id) = id.check(&self.control_keys.of(&handles.plugin)) else {
            return Err(texts::FORGED.to_owned());
        };
        if let Some(owner) = id.user.filter(|&owner| owner != user) {
            return Err(texts::foreign(owner, None));
        }
        if id
            .expires
            .is_some_and(|expires| u64::from(expires) < self.dial.clock().seconds())
        {
            return Err(texts::EXPIRED.to_owned());
        }
        let state = match id.state {
            ControlState::Inline(state) => state,
            ControlState::Kept(key) => match self.tables.control_state(&handles.plugin, key).await {
                Ok(state) => state.ok_or_else(|| texts::EXPIRED.to_owned())?,
                Err(error) => {
                    tracing::warn!(plugin = %handles.plugin, %error, "the state of a control can't be read");
                    return Err(texts::BUSY.to_owned());
                }
            },
        };
        Ok((handles, state))
    }
}
