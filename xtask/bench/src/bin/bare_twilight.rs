//! The peer: the least bot that twilight makes, with no cache and no look-up of prefixes or commands.
//!
//! It answers `!ping` with a reply, and `/ping`, `pong`, as the host does, and has the defaults of its libraries, but for two limits that both bots have: the
//! global rate limit is out of the way, and at most 64 requests are under way, which is what the host allows a plugin.
//! Without that bound a burst would open thousands of connections.

use std::{env, sync::Arc};

use anyhow::{Context, Result};
use tokio::sync::Semaphore;
use twilight_gateway::{ConfigBuilder, Event, EventTypeFlags, Intents, Shard, ShardId, StreamExt};
use twilight_http::Client;
use twilight_http_ratelimiting::RateLimiter;
use twilight_model::{
    application::interaction::InteractionData,
    http::interaction::{InteractionResponse, InteractionResponseData, InteractionResponseType},
};

/// How many requests may be under way.
const REQUESTS: usize = 64;

#[tokio::main]
pub(crate) async fn main() -> Result<()> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok()
        .context("the provider of TLS is set already")?;
    let token = env::var("DISCORD_TOKEN").context("DISCORD_TOKEN is not set")?;
    let gateway = env::var("DISCORD_GATEWAY_URL").context("DISCORD_GATEWAY_URL is not set")?;
    let api = env::var("DISCORD_API_URL").context("DISCORD_API_URL is not set")?;
    let authority = api
        .strip_prefix("http://")
        .and_then(|rest| rest.split('/').next())
        .context("DISCORD_API_URL is no http:// address")?;

    let http = Arc::new(
        Client::builder()
            .token(token.clone())
            .proxy(authority.to_owned(), true)
            .ratelimiter(Some(RateLimiter::new(u16::MAX)))
            .build(),
    );
    let intents = Intents::GUILDS | Intents::GUILD_MESSAGES | Intents::MESSAGE_CONTENT;
    let config = ConfigBuilder::new(token, intents).proxy_url(gateway).build();
    let mut shard = Shard::with_config(ShardId::ONE, config);
    let places = Arc::new(Semaphore::new(REQUESTS));

    let wanted = EventTypeFlags::MESSAGE_CREATE | EventTypeFlags::INTERACTION_CREATE;
    while let Some(item) = shard.next_event(wanted).await {
        let event = match item {
            Ok(event) => event,
            Err(error) => {
                eprintln!("{error}");
                continue;
            }
        };
        let (http, places) = (Arc::clone(&http), Arc::clone(&places));
        match event {
            Event::MessageCreate(message) if message.content == "!ping" && !message.author.bot => {
                tokio::spawn(async move {
                    let _place = places.acquire().await;
                    let reply = http
                        .create_message(message.channel_id)
                        .reply(message.id)
                        .content("pong");
                    if let Err(error) = reply.await {
                        eprintln!("{error}");
                    }
                });
            }
            Event::InteractionCreate(interaction) => {
                let Some(InteractionData::ApplicationCommand(data)) = &interaction.data else {
                    continue;
                };
                if data.name != "ping" {
                    continue;
                }
                tokio::spawn(async move {
                    let _place = places.acquire().await;
                    let response = InteractionResponse {
                        kind: InteractionResponseType::ChannelMessageWithSource,
                        data: Some(InteractionResponseData {
                            content: Some("pong".to_owned()),
                            ..InteractionResponseData::default()
                        }),
                    };
                    let client = http.interaction(interaction.application_id);
                    let answer = client.create_response(interaction.id, &interaction.token, &response);
                    if let Err(error) = answer.await {
                        eprintln!("{error}");
                    }
                });
            }
            _ => {}
        }
    }
    Ok(())
}
