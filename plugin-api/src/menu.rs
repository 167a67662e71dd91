//! Pages to turn and questions to confirm, each in one call, on handlers of this crate that every plugin has.
//!
//! They hold nothing in memory: what they need travels in their controls, so that they go on working after a reload and a
//! restart. Only the asker can use them, and after three minutes without a click the bot disables them.

use std::time::Duration;

use plugin_protocol::Defer;
use serde::{Deserialize, Serialize};

use crate::{
    Button, ClickCtx, Ctx, Embed, Message, Reply, Result,
    definition::{ComponentDef, ControlPolicyDef},
    message::ButtonOf,
    refuse,
};

/// The handlers' names: no function can be called so.
const PAGE: &str = "plugin_api.page";
const CANCEL: &str = "plugin_api.cancel";

/// After which time without a click the controls are disabled.
const IDLE: Duration = Duration::from_secs(180);

/// What of a message can be a page.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Page {
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(rename = "e", default, skip_serializing_if = "Vec::is_empty")]
    embeds: Vec<Embed>,
}

/// All pages, and which of them a button shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Pages {
    #[serde(rename = "p")]
    pages: Vec<Page>,
    #[serde(rename = "n")]
    at: usize,
}

impl Pages {
    /// The page that is shown, with the buttons to the others.
    fn message(mut self) -> Message {
        let Some(page) = self.pages.get(self.at).cloned() else {
            return "There is nothing to show.".into();
        };
        let message = page.embeds.into_iter().fold(
            // What another page had is taken away.
            Message::default()
                .content(page.content.unwrap_or_default())
                .without_embeds(),
            Message::embed,
        );
        let (at, count) = (self.at, self.pages.len());
        if count == 1 {
            return message;
        }
        let button = |pages: &mut Self, label: &str, to: Option<usize>| match to {
            Some(to) => {
                pages.at = to;
                ButtonOf::new(PAGE, label.to_owned()).secondary(pages)
            }
            // Not to be used; but each control of a message has a state of its own.
            None => ButtonOf::new(PAGE, label.to_owned())
                .secondary(&label.to_owned())
                .disabled(),
        };
        let previous = button(&mut self, "Previous", at.checked_sub(1));
        let place = button(&mut self, &format!("{} / {count}", at + 1), None);
        let next = button(&mut self, "Next", Some(at + 1).filter(|&next| next < count));
        message.button(previous).button(place).button(next).disable_after(IDLE)
    }
}

impl<S> Ctx<S> {
    /// Answers with pages to turn: await it. Of each page the text and the embeds are shown.
    ///
    /// Only the asker can turn them; the buttons work on after a reload and a restart, and are disabled after three minutes
    /// without a click. All pages together take at most 16 KiB as JSON; for more, make pages yourself, by a button whose
    /// state is the page's number.
    ///
    /// ```
    /// use plugin_api::prelude::*;
    ///
    /// /// Show what can be bought.
    /// #[command(slash, prefix)]
    /// async fn shop(ctx: Ctx) -> Result {
    ///     let pages = ["Swords", "Shields", "Potions"].map(|what| embed(what).description("Sold out."));
    ///     ctx.paginate(pages).await
    /// }
    /// # mod linked { plugin_api::plugin!(linked; commands: [super::shop]); }
    /// # fn main() {}
    /// ```
    #[track_caller]
    pub fn paginate(&self, pages: impl IntoIterator<Item = impl Into<Message>>) -> Reply {
        let page = |message: Message| {
            let (content, embeds) = message.into_page();
            Page { content, embeds }
        };
        let pages = Pages {
            pages: pages.into_iter().map(Into::into).map(page).collect(),
            at: 0,
        };
        self.reply(pages.message())
    }

    /// Asks whether something should be done: await it. `yes` is the button that does it, of a handler of your own; beside
    /// it stands one that gives up.
    ///
    /// Only the asker can answer; the buttons work on after a reload and a restart, and are disabled after three minutes.
    ///
    /// ```
    /// use plugin_api::prelude::*;
    ///
    /// /// Delete all your notes.
    /// #[command(slash, prefix)]
    /// async fn forget(ctx: Ctx) -> Result {
    ///     ctx.confirm("Delete all your notes?", forgotten.button("Delete").danger(&())).await
    /// }
    ///
    /// #[component]
    /// async fn forgotten(ctx: ClickCtx) -> Result {
    ///     ctx.update("They are gone.").without_controls().await
    /// }
    /// # mod linked { plugin_api::plugin!(linked; commands: [super::forget], components: [super::forgotten]); }
    /// # fn main() {}
    /// ```
    #[track_caller]
    pub fn confirm(&self, question: impl Into<Message>, yes: Button) -> Reply {
        let cancel = ButtonOf::new(CANCEL, "Cancel".to_owned()).secondary(&());
        self.reply(question.into().button(yes).button(cancel).disable_after(IDLE))
    }
}

/// The handlers of controls that belong to menus.
pub(crate) fn controls<S: 'static>() -> [ComponentDef<S>; 2] {
    let of = |name, run| ComponentDef {
        name,
        anyone: false,
        expires_seconds: None,
        defer: Defer::Public,
        policy: ControlPolicyDef::DEFAULT,
        form: None,
        opener: None,
        run,
    };
    [
        of(PAGE, |ctx| Box::pin(turn(ctx))),
        of(CANCEL, |ctx| Box::pin(cancel(ctx))),
    ]
}

async fn turn<S>(ctx: ClickCtx<S>) -> Result {
    let pages: Pages = ctx.control_state()?;
    if pages.at >= pages.pages.len() {
        return refuse("There is no such page.");
    }
    ctx.update(pages.message()).await
}

async fn cancel<S>(ctx: ClickCtx<S>) -> Result {
    ctx.update("Cancelled.").without_embeds().without_controls().await
}
