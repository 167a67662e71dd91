//! A guide: from nothing to a command with pages, permissions and a database, in ten minutes.
//!
//! # A plugin
//!
//! `cargo xtask new-plugin quotes` makes `plugins/quotes`: a crate with one command. `cargo xtask run` starts the bot (and,
//! without a token, a local Discord with its page), `cargo xtask install quotes` builds the plugin and drops it into the
//! running bot, again and again: each time the new version takes over within a moment. `cargo check -p quotes` is quicker
//! while you write.
//!
//! # A command
//!
//! One documented async function is one command, by slash and as a message with the prefix. Its documentation's first
//! paragraph is what Discord shows; parameters are its arguments, read and checked before your code runs, with the same
//! texts by both ways when they are wrong.
//!
//! ```
//! use plugin_api::prelude::*;
//!
//! /// Say something in somebody's name.
//! #[command(category = "Quotes", examples("say @Bob I was here"))]
//! async fn say(
//!     ctx: Ctx,
//!     #[description = "Who has said it"] who: User,
//!     #[description = "What they have said"]
//!     #[rest]
//!     #[max_length = 500]
//!     text: String,
//! ) -> Result {
//!     if who.bot {
//!         // An answer, not a fault: by slash only the asker sees it.
//!         return refuse("Bots say nothing worth remembering.");
//!     }
//!     ctx.reply(format!("\u{201c}{text}\u{201d} ({})", who.mention())).await
//! }
//! # mod linked { plugin_api::plugin!(linked; commands: [super::say]); }
//! # fn main() {}
//! ```
//!
//! Nobody is pinged by what people make your bot say: a message notifies those only whom you name by
//! [`ping_user`](crate::Message::ping_user) and its siblings. An error that you return by `?` becomes a code for the asker,
//! and a line with its place in the log for the bot's owner.
//!
//! # Something to remember
//!
//! Each plugin has an SQLite database of its own. Its tables are declared as steps, which the bot makes when they are due,
//! while no version of the plugin serves; one that fails leaves the older version on the older tables.
//!
//! ```
//! use plugin_api::prelude::*;
//!
//! /// Remember what somebody has said.
//! #[command(name = "remember", category = "Quotes", guild_only)]
//! async fn remember(ctx: Ctx, who: User, #[rest] #[max_length = 500] text: String) -> Result {
//!     ctx.db()
//!         .execute("INSERT INTO quotes (guild, who, text) VALUES (?1, ?2, ?3)", (ctx.guild_id(), who.id, &text))
//!         .await?;
//!     ctx.reply("I won't forget that.").await
//! }
//!
//! # mod linked { use super::*;
//! # plugin!(linked;
//! #   commands: [super::remember],
//! #   migrations: ["quotes" => "CREATE TABLE quotes (id INTEGER PRIMARY KEY, guild INTEGER, who INTEGER, text TEXT) STRICT"],
//! # );
//! # } #[cfg(any())]
//! plugin! {
//!     commands: [remember],
//!     migrations: [
//!         "quotes" => "CREATE TABLE quotes (id INTEGER PRIMARY KEY, guild INTEGER, who INTEGER, text TEXT) STRICT",
//!     ],
//! }
//! # fn main() {}
//! ```
//!
//! What is small needs no tables: [`Host::guild_store`](crate::Host::guild_store) and its siblings keep values by key, and
//! [`Host::files`](crate::Host::files) whole files. All of it is part of the bot's backups.
//!
//! # Pages, permissions, a group
//!
//! Commands in a module are a group: `!quotes list`, `/quotes list`. `requires` is what a member must be permitted, as
//! Discord's own gate and by message; servers' owners can open or close commands by `/config`. `bot_requires` is what the
//! bot must be permitted, so that people hear what is missing before half of it is done.
//!
//! ```
//! use plugin_api::prelude::*;
//! use serde::Deserialize;
//!
//! mod quotes {
//!     use super::*;
//!
//!     #[derive(Deserialize)]
//!     struct Quote {
//!         id: i64,
//!         who: UserId,
//!         text: String,
//!     }
//!
//!     /// Show what was said here, page by page.
//!     #[command(category = "Quotes", guild_only, cooldown(2, per = "10s"))]
//!     pub async fn list(ctx: Ctx) -> Result {
//!         let sql = "SELECT id, who, text FROM quotes WHERE guild = ?1 ORDER BY id";
//!         let quotes: Vec<Quote> = ctx.db().query(sql, ctx.guild_id()).await?;
//!         if quotes.is_empty() {
//!             return refuse("Nothing was said here yet.");
//!         }
//!         let pages = quotes.chunks(5).map(|some| {
//!             some.iter().fold(embed("Quotes"), |card, Quote { id, who, text }| {
//!                 card.field(format!("#{id}"), format!("{text}\n{}", who.mention()))
//!             })
//!         });
//!         // Only the asker turns them; they work on after a reload and a restart.
//!         ctx.paginate(pages).await
//!     }
//!
//!     /// Forget one of them.
//!     #[command(category = "Quotes", guild_only, requires(MANAGE_MESSAGES), examples("quotes forget 3"))]
//!     pub async fn forget(ctx: Ctx, #[min = 1] number: i64) -> Result {
//!         let question = format!("Forget #{number}?");
//!         ctx.confirm(question, forgotten.button("Forget").danger(&number)).await
//!     }
//!
//!     /// What was given to `danger` comes back with the click, after a restart, too.
//!     #[component]
//!     pub async fn forgotten(ctx: ClickCtx, number: i64) -> Result {
//!         let sql = "DELETE FROM quotes WHERE id = ?1 AND guild = ?2";
//!         let deleted = ctx.db().execute(sql, (number, ctx.guild_id())).await?;
//!         let text = if deleted.rows_changed == 0 { "It was gone already." } else { "Forgotten." };
//!         ctx.update(text).without_controls().await
//!     }
//! }
//!
//! # mod linked { use super::*;
//! # plugin!(linked; commands: [super::quotes::{list, forget}], components: [super::quotes::forgotten]);
//! # } #[cfg(any())]
//! plugin! {
//!     commands: [quotes::{list, forget}],
//!     components: [quotes::forgotten],
//! }
//! # fn main() {}
//! ```
//!
//! # Where to go on
//!
//! [`command`](macro@crate::command) names every kind of argument, and [`Ctx`](crate::Ctx) every way to answer;
//! [`component`](macro@crate::component) and [`modal`](macro@crate::modal) are for buttons, selects and forms,
//! [`event`](macro@crate::event) for what happens in servers. `plugins/moderation` is a whole plugin that people use;
//! `plugins/example` shows each part once.
