//! What buttons and selects have in common: whose handler they call with which state, and how they stand in rows.
//!
//! A custom id is written last: only when the message is sent is it known who asked and when the control runs out.

use std::time::{SystemTime, UNIX_EPOCH};

use plugin_protocol::{
    KeepControlState, KeptControlState,
    custom_id::{ControlState, CustomId, MAX_STATE, Route},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Button, Select, body::Addressee, select::AnySelect};
use crate::{Error, Host, Result, UserId};

/// The limits of Discord's documentation.
const MAX_ROWS: usize = 5;
const ROW: usize = 5;

/// Which handler a control calls, and with which state.
#[derive(Clone, Debug)]
pub(crate) struct Aim {
    handler: &'static str,
    /// Why it could not be written, else.
    state: Result<ControlState, String>,
    /// Who may use it, where that was said of the control itself.
    user: Option<UserId>,
}

impl Aim {
    pub(crate) fn new(handler: &'static str, state: &impl Serialize) -> Self {
        Self {
            handler,
            state: serde_json::to_string(state)
                .map(ControlState::Inline)
                .map_err(|error| error.to_string()),
            user: None,
        }
    }

    /// Only this user may use it.
    pub(crate) fn bind(&mut self, user: UserId) {
        self.user = Some(user);
    }

    /// Has the host keep a state that doesn't fit into a custom id.
    pub(crate) async fn keep(&mut self, host: &Host) -> Result {
        let Ok(ControlState::Inline(state)) = &self.state else {
            return Ok(());
        };
        if state.len() <= MAX_STATE {
            return Ok(());
        }
        let declared = host.core.controls.get(self.handler);
        let asked = KeepControlState {
            state: state.clone(),
            until: declared.and_then(|controls| controls.expires_seconds).map(from_now),
        };
        let KeptControlState { key } = host.call("controls.keep", &asked).await?;
        self.state = Ok(ControlState::Kept(key));
        Ok(())
    }

    pub(crate) fn custom_id(self, to: &Addressee<'_>) -> Result<String> {
        let handler = self.handler;
        let state = self.state.map_err(|error| {
            Error::new(format!(
                "the state of a control of `{handler}` can't be written: {error}"
            ))
        })?;
        let Some(controls) = to.core.controls.get(handler) else {
            return Err(Error::new(format!(
                "`{handler}` is not among the `components` of `plugin!`"
            )));
        };
        let user = match (self.user, to.requester) {
            (None, _) if controls.anyone => None,
            (None, None) => {
                return Err(Error::new(format!(
                    "nobody has asked for this message, so that nobody could use the control of `{handler}`: say \
                     `#[component(anyone)]` at its handler, or `.for_user(id)` at the button or select"
                )));
            }
            (own, requester) => own.or(requester),
        };
        let id = CustomId {
            route: Route::new(to.core.link.plugin(), handler),
            user,
            expires: controls.expires_seconds.map(from_now),
            state,
        };
        id.encode(&to.core.control_key.get())
            .map_err(|error| Error::new(format!("`{handler}`: {error}")))
    }
}

/// In so many seconds, as seconds since 1970.
fn from_now(seconds: u32) -> u32 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    u32::try_from(now.saturating_add(seconds.into())).unwrap_or(u32::MAX)
}

/// A button or a select, for [`Message::control`](super::Message::control).
#[derive(Clone, Debug)]
pub struct Control(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Button(Button),
    Select(AnySelect),
    /// What comes next stands in a row of its own.
    Break,
}

impl Control {
    pub(super) async fn keep_state(&mut self, host: &Host) -> Result {
        match &mut self.0 {
            Kind::Button(button) => button.keep_state(host).await,
            Kind::Select(select) => select.keep_state(host).await,
            Kind::Break => Ok(()),
        }
    }

    pub(super) fn row_break() -> Self {
        Self(Kind::Break)
    }
}

impl From<Button> for Control {
    fn from(button: Button) -> Self {
        Self(Kind::Button(button))
    }
}

impl<K> From<Select<K>> for Control {
    fn from(select: Select<K>) -> Self {
        Self(Kind::Select(select.into_any()))
    }
}

/// The rows of a message: up to five buttons, or one select, in each, in the order given.
pub(super) fn rows(controls: Vec<Control>, to: &Addressee<'_>) -> Result<Vec<Value>> {
    let rows = written_rows(controls, to, &mut Vec::new())?;
    if rows.len() > MAX_ROWS {
        return Err(Error::new(format!(
            "the controls of a message take {} rows, Discord takes {MAX_ROWS}: a row has up to {ROW} buttons or one \
             select",
            rows.len(),
        )));
    }
    Ok(rows)
}

/// The same, however many; `ids` are the custom ids that the message has already.
pub(super) fn written_rows(controls: Vec<Control>, to: &Addressee<'_>, ids: &mut Vec<String>) -> Result<Vec<Value>> {
    let mut rows: Vec<Vec<Value>> = Vec::new();
    // Whether the last row takes a further button.
    let mut is_open = false;
    for Control(control) in controls {
        let (written, is_button) = match control {
            Kind::Button(button) => (button.into_json(to)?, true),
            Kind::Select(select) => (select.into_json(to)?, false),
            Kind::Break => {
                is_open = false;
                continue;
            }
        };
        let id = written["custom_id"].as_str().map(str::to_owned);
        if id.as_ref().is_some_and(|id| ids.contains(id)) {
            let name = [&written["label"], &written["placeholder"]]
                .into_iter()
                .find_map(Value::as_str);
            let text = format!(
                "two controls of a message have the same handler and state; one is \"{}\"",
                name.unwrap_or("without a name")
            );
            return Err(Error::new(text));
        }
        ids.extend(id);
        match rows.last_mut().filter(|row| is_button && is_open && row.len() < ROW) {
            Some(row) => row.push(written),
            None => rows.push(vec![written]),
        }
        is_open = is_button;
    }
    Ok(rows
        .into_iter()
        .map(|row| json!({ "type": 1, "components": row }))
        .collect())
}

/// An emoji as controls carry it: one of Unicode, or one of a server as a message writes it.
pub(super) fn emoji(text: &str) -> Value {
    let custom = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
    let parts = custom.map(|text| text.split(':').collect::<Vec<_>>());
    match parts.as_deref() {
        Some(["", name, id]) => json!({ "name": name, "id": id }),
        Some(["a", name, id]) => json!({ "name": name, "id": id, "animated": true }),
        _ => json!({ "name": text }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emojis_of_discord_and_of_servers_are_told_apart() {
        assert_eq!(emoji("👍"), json!({ "name": "👍" }));
        assert_eq!(emoji("<:blob:12>"), json!({ "name": "blob", "id": "12" }));
        assert_eq!(
            emoji("<a:blob:12>"),
            json!({ "name": "blob", "id": "12", "animated": true })
        );
    }
}
