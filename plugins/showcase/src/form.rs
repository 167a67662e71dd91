//! Forms: opened by a command, by a button, with what was there before, and sent with a state.
//!
//! Apart because a form is a struct, its handler and what opens it.

use plugin_api::prelude::*;

/// How bad something is.
#[derive(Choice, Debug)]
pub(crate) enum Severity {
    Low,
    High,
}

#[derive(Modal)]
#[title = "Report a member"]
pub(crate) struct Report {
    /// Who is it about?
    who: Member,
    /// What happened?
    #[paragraph]
    #[min_length = 3]
    #[max_length = 1000]
    #[placeholder = "In a few sentences"]
    what: String,
    /// How bad is it?
    #[description = "High tells the moderators at once"]
    severity: Severity,
    /// How often?
    times: Option<u8>,
    /// Where?
    #[max_values = 2]
    channels: Vec<Channel>,
}

/// Report a member to the moderators.
#[command(defer = "never")]
pub(crate) async fn report(ctx: Ctx) -> Result {
    ctx.open(sent.modal(&42)).await
}

#[modal(command = report)]
pub(crate) async fn sent(ctx: ClickCtx, report: Report, number: u32) -> Result {
    let channels: Vec<_> = report
        .channels
        .iter()
        .filter_map(|channel| channel.name.as_deref())
        .collect();
    let times = report
        .times
        .map_or_else(|| "once".to_owned(), |times| format!("{times} times"));
    let (who, what, severity) = (&report.who.user.username, &report.what, &report.severity);
    let text = format!(
        "{number}: {who}, {severity:?}, {times}, in [{}]: {what}",
        channels.join(", ")
    );
    ctx.reply(text).ephemeral().await
}

#[derive(Modal)]
pub(crate) struct NoteText {
    #[label = "Text"]
    text: Option<String>,
}

/// Show a note that can be edited.
#[command]
pub(crate) async fn note(ctx: Ctx) -> Result {
    ctx.reply("old")
        .button(edit.button("Edit").secondary(&"old".to_owned()))
        .await
}

#[component(defer = "never")]
pub(crate) async fn edit(ctx: ClickCtx, text: String) -> Result {
    ctx.open(noted.modal(&()).title("Edit the note").filled("text", text))
        .await
}

/// A form of a button changes the message that the button is on.
#[modal]
pub(crate) async fn noted(ctx: ClickCtx, note: NoteText) -> Result {
    let Some(text) = note.text else {
        return refuse("A note can't be empty.");
    };
    ctx.update(text.clone())
        .button(edit.button("Edit").secondary(&text))
        .await
}
