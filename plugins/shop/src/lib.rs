//! A shop: things to buy for the coins of the plugin `economy`, which this one depends on.
//!
//! It asks `economy` by its services alone, so that either may be replaced while the other runs. If a plugin `loyalty` is
//! there, it says how much cheaper somebody buys; a plugin `black-market` must not run beside it.

use plugin_api::{ServiceError, client, prelude::*};
use serde::{Deserialize, Serialize};

/// What the plugin `economy` does for us: the shape of what we send it, and of what we read of its answers.
#[client("economy")]
trait Economy {
    /// Takes coins from somebody who has so many; refused else.
    async fn withdraw(request: Movement) -> Result<Balance>;
    /// Gives somebody coins.
    async fn deposit(request: Movement) -> Result<Balance>;
}

#[derive(Serialize)]
struct Movement<'m> {
    user: UserId,
    coins: u32,
    order: &'m str,
}

#[derive(Deserialize)]
struct Balance {
    coins: u64,
}

/// What there is to buy.
#[derive(Clone, Copy, Choice)]
enum Item {
    Apple,
    Book,
    Crown,
}

impl Item {
    const ALL: [Self; 3] = [Self::Apple, Self::Book, Self::Crown];

    fn name(self) -> &'static str {
        match self {
            Self::Apple => "apple",
            Self::Book => "book",
            Self::Crown => "crown",
        }
    }

    fn price(self) -> u32 {
        match self {
            Self::Apple => 2,
            Self::Book => 20,
            Self::Crown => 500,
        }
    }
}

/// See what there is to buy.
#[command]
async fn shop(ctx: Ctx) -> Result {
    let lines = Item::ALL.map(|item| format!("{} for {} coins", item.name(), item.price()));
    ctx.reply(lines.join("\n")).await
}

/// Buy something.
#[command(examples("buy apple"))]
async fn buy(
    ctx: Ctx,
    /// What
    item: Item,
) -> Result {
    let (economy, buyer) = (Economy::of(&ctx), ctx.author().id);
    let order = order_of(&ctx);
    let payment = Movement {
        user: buyer,
        coins: price_for(&ctx, item).await?,
        order: &order,
    };
    // Too few coins are a refusal of the economy's, and so one of ours: its text goes to whoever wants to buy.
    let Balance { coins } = economy.withdraw(&payment).await?;
    let sql = "INSERT INTO purchases (number, buyer, item) VALUES (?1, ?2, ?3)";
    if let Err(error) = ctx.db().execute(sql, (&order, buyer, item.name())).await {
        let back = format!("{order} back");
        economy
            .deposit(&Movement {
                order: &back,
                ..payment
            })
            .await?;
        return Err(error);
    }
    ctx.reply(format!("Here is your {}. You have {coins} coins left.", item.name()))
        .await
}

/// See what you have bought.
#[command]
async fn bought(ctx: Ctx) -> Result {
    let sql = "SELECT item, count(*) FROM purchases WHERE buyer = ?1 GROUP BY item ORDER BY item";
    let bought: Vec<(String, u32)> = ctx.db().query(sql, ctx.author().id).await?;
    if bought.is_empty() {
        return ctx.reply("Nothing yet.").await;
    }
    let lines: Vec<_> = bought.iter().map(|(item, count)| format!("{count} × {item}")).collect();
    ctx.reply(lines.join("\n")).await
}

/// The number of a purchase: that of the message or interaction that asked for it.
fn order_of(ctx: &Ctx) -> String {
    match ctx.interaction_id() {
        Some(interaction) => interaction.to_string(),
        None => ctx.message_id().map_or_else(String::new, |message| message.to_string()),
    }
}

/// The price, less what the plugin `loyalty` grants; without that plugin, the whole.
async fn price_for(ctx: &Ctx, item: Item) -> Result<u32> {
    let percent: u32 = match ctx.service("loyalty").call("discount", &ctx.author().id).await {
        Ok(percent) => percent,
        Err(error) if error.service().is_some_and(ServiceError::is_not_loaded) => 0,
        Err(error) => return Err(error),
    };
    Ok(item.price() * (100 - percent.min(100)) / 100)
}

plugin! {
    category: "Economy",
    commands: [shop, buy, bought],
    erase: [user => "DELETE FROM purchases WHERE buyer = ?1"],
    depends: ["economy >=1.2", "loyalty?"],
    conflicts: ["black-market"],
    migrations: ["purchases" => include_str!("../migrations/1.sql")],
}
