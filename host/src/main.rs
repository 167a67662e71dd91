//! The command line of the bot: `run`, `probe` and `backup`.
//!
//! Exit codes: 0 stopped, 1 failed while running, 75 restart me, 78 bad configuration.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use host::{
    bot::{self, BackupOrder},
    config::TOKEN,
    plugins::probe,
    process,
    storage::BackupId,
};

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
    /// Lists, verifies and restores backups of a bot that is stopped.
    Backup {
        #[command(subcommand)]
        order: Order,
        /// The folder that holds config.json, .env, plugins/ and data/.
        #[arg(long, default_value = ".", global = true)]
        root: PathBuf,
    },
}

#[derive(Subcommand)]
enum Order {
    /// Shows the backups that there are, newest first.
    List,
    /// Unpacks a backup aside and checks all of it.
    Verify {
        /// Its name, such as 20261122-205017.
        id: BackupId,
    },
    /// Puts a backup in the place of what there is, which is backed up before.
    Restore {
        /// Its name, such as 20261122-205017.
        id: BackupId,
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
        Verb::Backup { order, root } => {
            let order = match order {
                Order::List => BackupOrder::List,
                Order::Verify { id } => BackupOrder::Verify(id),
                Order::Restore { id } => BackupOrder::Restore(id),
            };
            match bot::offline_backups(&root, order) {
                Ok(text) => {
                    println!("{text}");
                    ExitCode::SUCCESS
                }
                Err(text) => {
                    eprintln!("{text}");
                    ExitCode::FAILURE
                }
            }
        }
    }
}
