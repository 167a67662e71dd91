//! The program `sandbox`: a local Discord until it is interrupted. Standard output carries exactly one line, JSON with
//! the addresses and the token, so that other programs can start it and read where it is.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use sandbox::{PrivilegedIntents, RateLimits, Sandbox};
use tokio::io::AsyncReadExt;

/// A local Discord: gateway, REST and a web page on 127.0.0.1.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 7800)]
    port: u16,
    /// The bot's token; one is made up if none is given.
    #[arg(long)]
    token: Option<String>,
    /// The name of the person who owns the bot and the server.
    #[arg(long, default_value = "olivia")]
    owner_name: String,
    /// Rate limits: off, generous (headers, but nobody reaches a limit) or real (like Discord's; then also
    /// one session start in five seconds).
    #[arg(long, value_name = "HOW", default_value = "generous", value_parser = rate_limits)]
    rate_limits: RateLimits,
    /// Discord's openapi.json: refuse requests that break it, and log what the sandbox itself says against it; the
    /// environment's `DISCORD_OPENAPI`, if it is not given.
    #[arg(long, value_name = "FILE")]
    openapi: Option<PathBuf>,
    /// How many shards to recommend to the bot.
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    shards_recommended: u64,
    /// The privileged intents that the bot may use: members, presences, message-content, all or none, separated by commas.
    #[arg(long, value_name = "NAMES", default_value = "all", value_delimiter = ',')]
    privileged_intents: Vec<Privilege>,
    /// End when standard input ends: with the program that started this one.
    #[arg(long)]
    until_stdin_closes: bool,
}

fn rate_limits(text: &str) -> Result<RateLimits, String> {
    match text {
        "off" => Ok(RateLimits::Off),
        "generous" => Ok(RateLimits::Generous),
        "real" => Ok(RateLimits::Real),
        _ => Err("say off, generous or real".to_owned()),
    }
}

/// A privileged intent, or all or none of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Privilege {
    All,
    None,
    Members,
    Presences,
    MessageContent,
}

/// What the names say together; `none` says nothing beside others.
fn privileged(names: &[Privilege]) -> PrivilegedIntents {
    let has = |name| names.contains(&Privilege::All) || names.contains(&name);
    PrivilegedIntents {
        members: has(Privilege::Members),
        presences: has(Privilege::Presences),
        message_content: has(Privilege::MessageContent),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    let mut builder = Sandbox::builder()
        .port(arguments.port)
        .owner_name(arguments.owner_name)
        .rate_limits(arguments.rate_limits)
        .shards(arguments.shards_recommended)
        .privileged_intents(privileged(&arguments.privileged_intents));
    if let Some(token) = arguments.token {
        builder = builder.bot_token(token);
    }
    let named = std::env::var_os("DISCORD_OPENAPI").filter(|file| !file.is_empty());
    if let Some(file) = arguments.openapi.or_else(|| named.map(PathBuf::from)) {
        builder = builder.specification(file);
    }
    let sandbox = builder.start().await?;
    let ready = serde_json::json!({
        "page_url": sandbox.page_url(),
        "api_url": sandbox.api_url(),
        "gateway_url": sandbox.gateway_url(),
        "token": sandbox.token(),
        "owner_id": sandbox.owner().id().to_string(),
        "application_id": sandbox.application_id().to_string(),
    });
    println!("{ready}");
    tokio::select! {
        stopped = stop_signal() => stopped?,
        () = end_of_input(), if arguments.until_stdin_closes => {}
    }
    sandbox.stop().await;
    // A read of standard input that still waits must not keep the process.
    std::process::exit(0)
}

async fn end_of_input() {
    let mut input = tokio::io::stdin();
    let mut buffer = [0; 256];
    while matches!(input.read(&mut buffer).await, Ok(1..)) {}
}

#[cfg(unix)]
async fn stop_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn stop_signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
