//! Settings of servers, one of each kind, a command that says what they are, one that changes them, and who hears of it.
//!
//! Apart because the struct is all that there is to declare: the bot shows, reads and keeps them.

use std::time::Duration;

use plugin_api::{Host, prelude::*, tracing::info};

/// How strict somebody is.
#[derive(Choice, Clone, Copy, Debug)]
pub(crate) enum Strictness {
    Lax,
    Normal,
    VeryStrict,
}

/// What a server sets for this plugin: `serversettings showcase`.
#[settings(guild)]
pub(crate) struct Preferences {
    /// Where things are told
    #[channel_types(text, announcement)]
    log: Option<ChannelId>,
    /// How many there may be
    #[default = 5]
    #[min = 1]
    #[max = 20]
    limit: u32,
    /// What newcomers are told
    #[default = "Welcome!"]
    #[max_length = 50]
    greeting: String,
    /// How strict it is
    #[default = Strictness::Normal]
    strictness: Strictness,
    /// Whether it says what it does
    loud: bool,
    /// How long it waits
    #[default = Duration::from_secs(90)]
    pause: Duration,
    /// The colour of its cards
    #[default = Colour(0x1a_bc9c)]
    colour: Colour,
    /// Who helps
    helpers: Vec<RoleId>,
    /// Who is left alone
    ignored: Vec<UserId>,
    /// Words that are not said
    words: Vec<String>,
}

/// Say what this server has set.
#[command]
pub(crate) async fn preferences(ctx: Ctx) -> Result {
    let set = ctx.settings::<Preferences>();
    let log = set
        .log
        .map_or_else(|| "nowhere".to_owned(), |channel| channel.mention());
    let helpers: Vec<_> = set.helpers.iter().map(Mention::mention).collect();
    let ignored: Vec<_> = set.ignored.iter().map(Mention::mention).collect();
    ctx.reply(format!(
        "log {log}, limit {}, greeting {:?}, {:?}, loud {}, pause {:?}, colour {}, helpers [{}], ignored [{}], words {:?}",
        set.limit,
        set.greeting,
        set.strictness,
        set.loud,
        set.pause,
        set.colour,
        helpers.join(", "),
        ignored.join(", "),
        set.words,
    ))
    .await
}

/// Tell things here, and so many.
#[command(guild_only, requires(MANAGE_GUILD))]
pub(crate) async fn prefer(ctx: Ctx, limit: u32, #[rest] words: Option<String>) -> Result {
    let channel = ctx.channel_id();
    let set = ctx
        .update_settings::<Preferences>(|set| {
            set.log = Some(channel);
            set.limit = limit;
            set.words.extend(words);
        })
        .await;
    match set {
        Ok(set) => ctx.reply(format!("limit {}, words {:?}", set.limit, set.words)).await,
        // A value that doesn't fit is told as whoever sets it by hand is told.
        Err(error) => refuse(error.problem().ok_or_else(|| Error::new("no problem"))?.message.clone()),
    }
}

/// Says in the log which servers have changed theirs.
pub(crate) async fn follow(host: Host) -> Result {
    let mut changes = host.settings_changes();
    loop {
        let guild = changes.changed().await;
        info!(
            "server {guild} has the limit {} now",
            host.guild_settings::<Preferences>(guild).limit
        );
    }
}
