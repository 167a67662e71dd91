//! The command line of the bot: `run` and `probe`.
//!
//! Exit codes: 0 stopped, 1 failed while running, 75 restart me, 78 bad configuration.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use host::{bot, config::TOKEN, plugins::probe, process};

/// Memory changes threads all the time here (shard, lane, worker), which the system's allocator is slow at. Without huge
/// pages, which would double what an idle bot takes. Plugins have allocators of their own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A Discord bot that loads native plugins and replaces them while it runs.
#[derive(Parser)]
#[command(name = "bothost", version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Runs the bot until it is stopped by SIGINT or SIGTERM.
    Run {
        /// The folder that holds config.json, .env, plugins/ and data/.
        #[arg(long, default_value = ".")]
        root: PathBuf,
    },
    /// Says whether a compiled plugin would be loaded, and why not.
    Probe {
        /// The compiled plugin.
        file: PathBuf,
        /// Opens the file in this very process and answers to the host that asked: the throw-away child.
        #[arg(long, hide = true)]
        child: bool,
    },
}

fn main() -> ExitCode {
    match Arguments::parse().verb {
        Verb::Run { root } => match bot::run(&root, process::take_variable(TOKEN)) {
            Ok(()) => process::exit_now(0),
            Err(failure) => {
                if !failure.is_logged() {
                    eprintln!("{failure}");
                }
                process::exit_now(failure.exit_code())
            }
        },
        Verb::Probe { file, child: true } => match probe::child(&file) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Verb::Probe { file, child: false } => match probe::explain(&file) {
            Ok(text) => {
                println!("{text}");
                ExitCode::SUCCESS
            }
            Err(text) => {
                eprintln!("{text}");
                ExitCode::FAILURE
            }
        },
    }
}
