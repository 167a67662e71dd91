//! Forms: a struct says what is asked for, a function takes what was sent
//! (<https://discord.com/developers/docs/components/reference#label>).
//!
//! A field may have nearly every type that an argument of a command has: texts and numbers are written, people, roles,
//! channels and choices are selected, files are uploaded.

use std::{fmt, marker::PhantomData};

use plugin_protocol::{Action, ArgumentKind, ArgumentValue, Defer, Door, FormField, Respond, Responded, kind::RESPOND};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Argument, ClickCtx, Ctx, Error, Handled, Handler, Result,
    argument::{ChoiceDef, Shape, WrongArgument},
    definition::ComponentDef,
    error::placed,
    message::{Addressee, Aim},
    refuse,
};

/// What is asked for in a form, as `#[derive(Modal)]` makes it of a struct; not for implementing by hand.
///
/// ```
/// use plugin_api::prelude::*;
///
/// #[derive(Modal)]
/// #[title = "Report a member"]
/// struct Report {
///     /// Who is it about?
///     who: Member,
///     /// What happened?
///     #[paragraph]
///     #[min_length = 10]
///     #[max_length = 1000]
///     #[placeholder = "In a few sentences"]
///     what: String,
///     /// How often?
///     times: Option<u8>,
/// }
///
/// /// Report a member to the moderators.
/// #[command(slash, defer = "never")]
/// async fn report(ctx: Ctx) -> Result {
///     ctx.open(sent.modal(&())).await
/// }
///
/// #[modal]
/// async fn sent(ctx: ClickCtx, report: Report) -> Result {
///     ctx.reply(format!("Thank you. {}: {}", report.who.user.username, report.what)).ephemeral().await
/// }
/// # mod linked { plugin_api::plugin!(linked; commands: [super::report], components: [super::sent]); }
/// # fn main() {}
/// ```
pub trait Modal: Sized + 'static {
    /// The title, of 1 to 45 characters.
    #[doc(hidden)]
    const TITLE: &'static str;
    #[doc(hidden)]
    const FIELDS: &'static [FormDef];
    #[doc(hidden)]
    fn read(fields: &mut FormFields) -> Result<Self>;
}

/// A form as it is known without its type.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub(crate) title: &'static str,
    pub(crate) fields: &'static [FormDef],
}

impl Form {
    /// The form of a type, for generated code.
    #[doc(hidden)]
    #[must_use]
    pub fn of<M: Modal>() -> Self {
        Self {
            title: M::TITLE,
            fields: M::FIELDS,
        }
    }
}

/// What `#[derive(Modal)]` makes of a field.
#[derive(Clone, Copy, Debug)]
pub struct FormDef {
    /// The field's name, which is its custom id.
    pub name: &'static str,
    /// What stands above it.
    pub label: &'static str,
    /// What stands below the label; empty for nothing.
    pub description: &'static str,
    /// What is shown while nothing is written; empty for nothing.
    pub placeholder: &'static str,
    /// Whether a text may have several lines.
    pub paragraph: bool,
    /// The least number of characters, or of what is chosen.
    pub min: Option<u16>,
    /// The greatest number of characters, or of what is chosen.
    pub max: Option<u16>,
    /// What its type is as an argument's.
    pub shape: Shape,
}

/// Refuses types that no field of a form can have, for generated code: an error of the compiler.
#[doc(hidden)]
pub const fn check_field(shape: Shape) {
    assert!(
        matches!(
            shape.kind,
            ArgumentKind::String
                | ArgumentKind::Integer
                | ArgumentKind::Number
                | ArgumentKind::User
                | ArgumentKind::Member
                | ArgumentKind::Role
                | ArgumentKind::Channel
                | ArgumentKind::Mentionable
                | ArgumentKind::Attachment
        ),
        "a field of a form is a text, a number, a user, member, role, channel, mentionable, file, or an enum with \
         `#[derive(Choice)]`"
    );
    let is_written = matches!(
        shape.kind,
        ArgumentKind::String | ArgumentKind::Integer | ArgumentKind::Number
    ) && shape.choices.is_empty();
    assert!(
        !(is_written && shape.variadic),
        "a text or number in a form is one, no list of them"
    );
}

impl FormDef {
    /// The number of the component's type.
    fn component(&self) -> u8 {
        match self.shape.kind {
            ArgumentKind::User | ArgumentKind::Member => 5,
            ArgumentKind::Role => 6,
            ArgumentKind::Mentionable => 7,
            ArgumentKind::Channel => 8,
            ArgumentKind::Attachment => 19,
            _ if !self.shape.choices.is_empty() => 3,
            _ => 4,
        }
    }

    fn to_json(self, filled: Option<&str>) -> Value {
        let kind = self.component();
        let mut field = json!({ "type": kind, "custom_id": self.name, "required": self.shape.required });
        if kind == 4 {
            field["style"] = if self.paragraph { 2 } else { 1 }.into();
            if let Some(least) = self.min {
                field["min_length"] = least.into();
            }
            if let Some(most) = self.max {
                field["max_length"] = most.into();
            }
            if let Some(text) = filled {
                field["value"] = text.into();
            }
        } else {
            let most = if self.shape.variadic {
                self.max.unwrap_or(if kind == 19 { 10 } else { 25 })
            } else {
                1
            };
            let options = self.shape.choices.len();
            let most = if kind == 3 {
                usize::from(most).min(options)
            } else {
                most.into()
            };
            let least = self.min.unwrap_or(u16::from(self.shape.required));
            field["max_values"] = most.into();
            field["min_values"] = least.into();
            if least > 0 {
                field["required"] = true.into();
            }
        }
        if kind == 3 {
            let option = |choice: &ChoiceDef| {
                let is_filled = filled == Some(choice.value);
                json!({ "label": choice.name, "value": choice.value, "default": is_filled })
            };
            field["options"] = self.shape.choices.iter().map(option).collect();
        }
        if kind == 8 && !self.shape.channel_types.is_empty() {
            field["channel_types"] = self.shape.channel_types.into();
        }
        if !self.placeholder.is_empty() && kind != 19 {
            field["placeholder"] = self.placeholder.into();
        }
        let mut label = json!({ "type": 18, "label": self.label, "component": field });
        if !self.description.is_empty() {
            label["description"] = self.description.into();
        }
        label
    }

    /// What was sent in this field, as an argument's value; `None` for nothing.
    fn value(&self, sent: FormField) -> Result<Option<ArgumentValue>> {
        if self.component() >= 5 {
            let mut chosen = sent.chosen.into_iter();
            return Ok(if self.shape.variadic {
                Some(ArgumentValue::List(chosen.collect()))
            } else {
                chosen.next()
            });
        }
        let mut texts = sent.values.into_iter().filter(|text| !text.is_empty());
        if self.shape.variadic {
            return Ok(Some(ArgumentValue::List(texts.map(ArgumentValue::String).collect())));
        }
        let Some(text) = texts.next() else { return Ok(None) };
        let number = || text.trim().replace('\u{2212}', "-");
        let value = match self.shape.kind {
            ArgumentKind::Integer => number().parse().ok().map(ArgumentValue::Integer),
            ArgumentKind::Number => {
                let parsed = number().parse().ok().filter(|number: &f64| number.is_finite());
                parsed.map(ArgumentValue::Number)
            }
            _ => return Ok(Some(ArgumentValue::String(text))),
        };
        match value {
            Some(value) => Ok(Some(value)),
            None => refuse(format!(
                "\"{}\" wants a number. Please fill in the form again.",
                self.label
            )),
        }
    }
}

/// What was sent in a form, for generated code.
#[derive(Debug)]
pub struct FormFields {
    form: &'static [FormDef],
    sent: Vec<FormField>,
}

impl FormFields {
    /// Takes a field out, for generated code.
    #[doc(hidden)]
    #[track_caller]
    pub fn take<T: Argument>(&mut self, name: &'static str) -> Result<T> {
        let Some(def) = self.form.iter().find(|def| def.name == name) else {
            return Err(Error::new(format!("the form has no field `{name}`")));
        };
        let at = self.sent.iter().position(|field| field.name == name);
        let value = match at {
            Some(at) => def.value(self.sent.swap_remove(at))?,
            None => None,
        };
        let is_missing = value.is_none();
        T::read(value).or_else(|wrong: WrongArgument| {
            let label = def.label;
            if is_missing {
                return refuse(format!("\"{label}\" is missing. Please fill in the form again."));
            }
            match wrong.refusal() {
                // Of a type of the author's own: in its own words.
                Some(text) => refuse(text.into_owned()),
                None => refuse(format!(
                    "\"{label}\" wants {}. Please fill in the form again.",
                    wrong.wanted()
                )),
            }
        })
    }
}

impl<S> ClickCtx<S> {
    /// What was sent, for generated code.
    #[doc(hidden)]
    pub fn form<M: Modal>(&self) -> Result<M> {
        let Some(sent) = self
            .asked
            .invocation
            .click
            .as_ref()
            .and_then(|click| click.form.clone())
        else {
            return Err(Error::new("a form's handler was called without a form"));
        };
        M::read(&mut FormFields { form: M::FIELDS, sent })
    }
}

/// Makes forms of a `#[modal]` function.
pub trait ModalFactory<Kind> {
    /// The state that is handed to the handler with what was sent.
    type State;
    /// What is asked for.
    type Form;

    /// The form, for [`Ctx::open`].
    fn modal(self, state: &Self::State) -> ModalOf<Self::Form>;
}

impl<F, S, M, T, H> ModalFactory<(S, M, T, H)> for F
where
    F: FnOnce(ClickCtx<S>, M, T) -> Handled<H>,
    M: Modal,
    T: Serialize,
    H: Handler<State = S>,
{
    type State = T;
    type Form = M;

    fn modal(self, state: &T) -> ModalOf<M> {
        ModalOf::new(H::NAME, state)
    }
}

impl<F, S, M, H> ModalFactory<(S, M, H)> for F
where
    F: FnOnce(ClickCtx<S>, M) -> Handled<H>,
    M: Modal,
    H: Handler<State = S>,
{
    type State = ();
    type Form = M;

    fn modal(self, state: &()) -> ModalOf<M> {
        ModalOf::new(H::NAME, state)
    }
}

/// A form that can be opened; made by a `#[modal]`'s function, see [`ModalFactory`].
#[must_use = "a form is shown by `ctx.open(..)`"]
pub struct ModalOf<M> {
    opening: Opening,
    form: PhantomData<fn() -> M>,
}

/// What opens a form, as it also travels in a button.
struct Opening {
    handler: String,
    aim: Aim,
    state: Value,
    title: Option<String>,
    filled: Vec<(String, String)>,
}

impl<M: Modal> ModalOf<M> {
    fn new(handler: &'static str, state: &impl Serialize) -> Self {
        let opening = Opening {
            handler: handler.to_owned(),
            aim: Aim::new(handler, state),
            state: serde_json::to_value(state).unwrap_or_default(),
            title: None,
            filled: Vec::new(),
        };
        Self {
            opening,
            form: PhantomData,
        }
    }

    /// Another title, of 1 to 45 characters.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.opening.title = Some(title.into());
        self
    }

    /// What a field holds from the start: a text, or the value of a choice.
    pub fn filled(mut self, field: &str, text: impl Into<String>) -> Self {
        self.opening.filled.push((field.to_owned(), text.into()));
        self
    }
}

impl<M> fmt::Debug for ModalOf<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModalOf")
            .field("handler", &self.opening.handler)
            .finish_non_exhaustive()
    }
}

/// For how long a button opens a form whose handler says nothing of it, in seconds.
const OPENER_EXPIRES: u32 = 3600;

impl<S> Ctx<S> {
    /// Opens a form: await it. It must be the first answer, within 3 seconds: a command that opens one declares
    /// `defer = "never"`, and so does a handler of controls.
    ///
    /// Discord opens forms only for slash commands and controls. By prefix the answer is a button that opens it, for the
    /// asker only, for as long as the form's handler says, else an hour.
    ///
    /// # Errors
    ///
    /// It was answered already; it is the handler of a form itself; or the form breaks one of Discord's limits.
    #[track_caller]
    pub fn open<M: Modal>(&self, form: ModalOf<M>) -> impl Future<Output = Result> {
        placed(self.open_form(form.opening))
    }

    async fn open_form(&self, mut opening: Opening) -> Result {
        let declared = self.core.controls.get(opening.handler.as_str());
        let Some((form, opener)) = declared.and_then(|declared| declared.form.zip(declared.opener)) else {
            let text = format!("`{}` is no form among the `components` of `plugin!`", opening.handler);
            return Err(Error::new(text));
        };
        if self.door() == Door::Prefix {
            let state = (opening.handler, opening.state, opening.title, opening.filled);
            let button = crate::message::ButtonOf::new(opener, "Open the form".to_owned()).primary(&state);
            return self
                .reply("This command asks for something in a form.")
                .button(button)
                .await;
        }
        let form = form();
        let title = opening.title.as_deref().unwrap_or(form.title);
        let length = title.chars().count();
        if !(1..=45).contains(&length) {
            return Err(Error::new(format!(
                "the title of a form has {length} characters, Discord takes 1 to 45"
            )));
        }
        if let Some((unknown, _)) = opening
            .filled
            .iter()
            .find(|(name, _)| !form.fields.iter().any(|field| field.name == name))
        {
            return Err(Error::new(format!("the form has no field `{unknown}`")));
        }
        let fields = form.fields.iter().map(|field| {
            let filled = opening.filled.iter().find(|(name, _)| name == field.name);
            field.to_json(filled.map(|(_, text)| text.as_str()))
        });
        let fields: Vec<_> = fields.collect();
        opening.aim.keep(self.host()).await?;
        let to = Addressee {
            core: &self.core,
            requester: self.requester,
            edits: false,
        };
        let body = json!({ "custom_id": opening.aim.custom_id(&to)?, "title": title, "components": fields });
        let respond = Respond::new(self.asked.id(), Action::OpenModal);
        let body = serde_json::to_vec(&body)?;
        self.core.link.ask_for::<Responded>(RESPOND, &respond, &body).await?;
        Ok(())
    }
}

/// The handler of the buttons that open a form which was asked for by prefix: for whom the form is, they are.
pub(crate) fn opener<S: 'static>(form: &ComponentDef<S>) -> Option<ComponentDef<S>> {
    Some(ComponentDef {
        name: form.opener?,
        anyone: false,
        expires_seconds: form.expires_seconds.or(Some(OPENER_EXPIRES)),
        defer: Defer::Never,
        policy: form.policy,
        form: None,
        opener: None,
        run: |ctx| Box::pin(open(ctx)),
    })
}

/// The handler behind an [`opener`].
async fn open<S>(ctx: ClickCtx<S>) -> Result {
    let (handler, state, title, filled): (String, Value, Option<String>, Vec<(String, String)>) =
        ctx.control_state()?;
    let Some(&handler) = ctx.core.controls.keys().find(|name| **name == handler) else {
        return refuse("That form is gone with the plugin's version that showed it. Please use the command again.");
    };
    let opening = Opening {
        handler: handler.to_owned(),
        aim: Aim::new(handler, &state),
        state,
        title,
        filled,
    };
    ctx.open_form(opening).await
}
