//! Economy: coins that everybody has, on all servers. People see and pay them by commands, other plugins by services.
//!
//! All of it is in this plugin's database. A movement is one batch of statements, kept whole or not at all, so that coins
//! neither appear nor vanish, whatever happens in between.

#[cfg(test)]
mod tests;

use plugin_api::{Batch, Host, ProblemCode, prelude::*};
use serde::{Deserialize, Serialize};

/// Who is asked about.
#[derive(Deserialize)]
struct BalanceRequest {
    user: UserId,
}

/// What somebody has.
#[derive(Serialize)]
struct Balance {
    coins: u64,
}

/// Coins that come from nowhere, or go there.
#[derive(Deserialize)]
struct Movement {
    user: UserId,
    coins: u32,
    /// The caller's own number of it: asked twice under one number, it is done once.
    #[serde(default)]
    order: Option<String>,
}

/// Coins that change hands.
#[derive(Deserialize)]
struct Transfer {
    from: UserId,
    to: UserId,
    coins: u32,
    #[serde(default)]
    order: Option<String>,
}

const TAKE: &str = "UPDATE accounts SET coins = coins - ?2 WHERE owner = ?1 AND coins >= ?2";
const GIVE: &str = "INSERT INTO accounts (owner, coins) VALUES (?1, ?2) \
                    ON CONFLICT (owner) DO UPDATE SET coins = coins + ?2";

/// What somebody has.
#[service]
async fn balance(ctx: ServiceCtx, request: BalanceRequest) -> Result<Balance> {
    balance_of(&ctx, request.user).await
}

/// Give somebody coins that nobody had before.
#[service]
async fn deposit(ctx: ServiceCtx, request: Movement) -> Result<Balance> {
    let batch = ctx.db().batch().statement(GIVE, (request.user, request.coins));
    move_once(&ctx, batch, request.order.as_deref()).await?;
    balance_of(&ctx, request.user).await
}

/// Take coins from somebody who has so many; refused else.
#[service]
async fn withdraw(ctx: ServiceCtx, request: Movement) -> Result<Balance> {
    let batch = ctx
        .db()
        .batch()
        .statement(TAKE, (request.user, request.coins))
        .expect_rows(1);
    move_once(&ctx, batch, request.order.as_deref()).await?;
    balance_of(&ctx, request.user).await
}

/// Hand coins from one to another.
#[service]
async fn transfer(ctx: ServiceCtx, request: Transfer) -> Result<Balance> {
    let batch = hand_over(&ctx, request.from, request.to, request.coins)?;
    move_once(&ctx, batch, request.order.as_deref()).await?;
    balance_of(&ctx, request.from).await
}

/// Makes a movement of another plugin, unless it was made before under the same number.
async fn move_once(ctx: &ServiceCtx, mut batch: Batch, order: Option<&str>) -> Result {
    if let Some(order) = order {
        batch = batch.statement(
            "INSERT INTO orders (plugin, number) VALUES (?1, ?2)",
            (ctx.caller(), order),
        );
        let known = "SELECT count(*) FROM orders WHERE plugin = ?1 AND number = ?2";
        if ctx.db().query_one::<u32>(known, (ctx.caller(), order)).await? > 0 {
            return Ok(());
        }
    }
    match batch.await {
        // Asked twice at the same time: the other one has made it.
        Err(error)
            if error
                .problem()
                .is_some_and(|problem| problem.code == ProblemCode::Conflict) =>
        {
            Ok(())
        }
        other => poor(other.map(drop)),
    }
}

fn hand_over(host: &Host, from: UserId, to: UserId, coins: u32) -> Result<Batch> {
    if from == to {
        return refuse("You can't pay yourself.");
    }
    let batch = host.db().batch().statement(TAKE, (from, coins)).expect_rows(1);
    Ok(batch.statement(GIVE, (to, coins)))
}

/// What people are told where there is too little to take.
fn poor(moved: Result) -> Result {
    match moved {
        Err(error) if error.unmet_expectation().is_some() => refuse("There are not enough coins for that."),
        other => other,
    }
}

async fn balance_of(host: &Host, user: UserId) -> Result<Balance> {
    let coins = host
        .db()
        .query_optional("SELECT coins FROM accounts WHERE owner = ?1", user)
        .await?;
    Ok(Balance {
        coins: coins.unwrap_or(0),
    })
}

/// See how many coins somebody has.
#[command(name = "balance", aliases("coins"))]
async fn show(
    ctx: Ctx,
    /// Who; you, if nobody is named
    user: Option<User>,
) -> Result {
    let user = user.unwrap_or_else(|| ctx.author().clone());
    let Balance { coins } = balance_of(&ctx, user.id).await?;
    ctx.reply(format!("{} has {coins} coins.", user.mention())).await
}

/// Give somebody coins of yours.
#[command(examples("pay @Bob 5"))]
async fn pay(
    ctx: Ctx,
    /// Who gets them
    to: User,
    /// How many
    #[min = 1]
    coins: u32,
) -> Result {
    poor(hand_over(&ctx, ctx.author().id, to.id, coins)?.await.map(drop))?;
    ctx.reply(format!("{} has got {coins} coins of you.", to.mention()))
        .await
}

/// Give somebody coins that nobody had before.
#[command(owner_only)]
async fn grant(
    ctx: Ctx,
    /// Who gets them
    to: User,
    /// How many
    #[min = 1]
    coins: u32,
) -> Result {
    ctx.db().execute(GIVE, (to.id, coins)).await?;
    ctx.reply(format!("{} has got {coins} coins.", to.mention())).await
}

plugin! {
    category: "Economy",
    commands: [show, pay, grant],
    erase: [user => "DELETE FROM accounts WHERE owner = ?1"],
    services: [balance, deposit, withdraw, transfer],
    migrations: ["accounts and orders" => include_str!("../migrations/1.sql")],
}
