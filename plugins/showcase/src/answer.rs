//! Answers: files, long texts, reactions, messages that go by themselves, and whom they may notify.
//!
//! Apart because they show what becomes of a message, not what a command takes.

use std::time::Duration;

use plugin_api::{Layout, Section, prelude::*};

/// Send files, describe them, and replace them in an edit.
#[command]
pub(crate) async fn files(ctx: Ctx, name: String) -> Result {
    let answer = ctx
        .reply("Two files.")
        .file(Upload::new(name, "one").description("The first"))
        .file(Upload::new("second.bin", vec![0, 1, 2]).spoiler())
        .handle()
        .await?;
    ctx.reply("A further one.")
        .file(Upload::new("further.txt", "more"))
        .await?;
    answer
        .edit("One file.")
        .file(Upload::new("edited.txt", "edited"))
        .await?;
    ctx.send(ctx.channel_id(), "In the channel.")
        .file(Upload::new("channel.txt", "sent"))
        .await
}

/// Say how large a file is.
#[command]
pub(crate) async fn measure(ctx: Ctx, file: Attachment) -> Result {
    ctx.reply(format!("{}: {} bytes", file.filename, file.size)).await
}

/// Say a long text.
#[command]
pub(crate) async fn long(ctx: Ctx, as_file: bool) -> Result {
    let text = "A sentence that is said again and again.\n".repeat(100);
    if as_file {
        return ctx.reply(text).or_file("long.txt").await;
    }
    ctx.reply(text).split().await
}

/// Answer, and take it back.
#[command]
pub(crate) async fn fleeting(ctx: Ctx) -> Result {
    ctx.reply("Soon gone.").delete_after(Duration::from_millis(300)).await
}

/// Answer for some seconds.
#[command]
pub(crate) async fn vanish(ctx: Ctx, seconds: u8) -> Result {
    ctx.reply("Gone later.")
        .delete_after(Duration::from_secs(seconds.into()))
        .await
}

/// React to what was asked, and to the answer.
#[command]
pub(crate) async fn react(ctx: Ctx) -> Result {
    ctx.react("👍").await?;
    ctx.reply("Reacted.").handle().await?.react("🎉").await
}

/// Show a card made of components alone.
#[command]
pub(crate) async fn card(ctx: Ctx) -> Result {
    let inner = Layout::new()
        .text("# A card")
        .section(Section::new("With a button.").button(nothing.button("Beside").secondary(&())))
        .section(
            Section::new("With a picture.")
                .text("And more.")
                .thumbnail("attachment://dot.png"),
        )
        .separator()
        .gallery([("attachment://dot.png", Some("A dot".to_owned()))])
        .control(restyle.button("Restyle").primary(&()));
    let card = Layout::new()
        .container(0x58_65f2, inner)
        .file(Upload::new("card.txt", "a file"))
        .attach(Upload::new("dot.png", vec![0x89, b'P', b'N', b'G']));
    ctx.reply(card).await
}

#[component]
pub(crate) async fn restyle(ctx: ClickCtx) -> Result {
    ctx.update(Layout::new().text("Restyled.")).without_files().await
}

/// Call everybody, if you may.
#[command]
pub(crate) async fn everybody(ctx: Ctx) -> Result {
    ctx.reply("@everyone").ping_everyone().await
}

/// Answer late, for you only.
#[command(defer = "ephemeral")]
pub(crate) async fn late(ctx: Ctx) -> Result {
    plugin_api::tokio::time::sleep(Duration::from_millis(2500)).await;
    ctx.reply("Late.").await
}

/// Promise an answer for you only, at once or late.
#[command]
pub(crate) async fn promise(ctx: Ctx, late: bool) -> Result {
    if late {
        plugin_api::tokio::time::sleep(Duration::from_millis(2500)).await;
    }
    ctx.defer_ephemeral().await?;
    ctx.reply("Promised.")
        .button(promised.button("Again").primary(&()))
        .await
}

#[component]
pub(crate) async fn promised(ctx: ClickCtx) -> Result {
    ctx.defer_ephemeral().await?;
    ctx.reply("Promised again.").await
}

/// Never answer.
#[command]
pub(crate) async fn forever(ctx: Ctx) -> Result {
    std::future::pending::<()>().await;
    ctx.reply("Never.").await
}

/// Show a button that is disabled soon.
#[command]
pub(crate) async fn idle(ctx: Ctx) -> Result {
    ctx.reply("Idle.")
        .button(nothing.button("Nothing").primary(&()))
        .disable_after(Duration::from_millis(300))
        .await
}

#[component]
pub(crate) async fn nothing(ctx: ClickCtx) -> Result {
    ctx.reply("Nothing.").ephemeral().await
}
