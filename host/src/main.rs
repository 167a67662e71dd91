//! The command line of the bot: `run`, `config`, `probe` and `backup`.
//!
//! Exit codes: 0 stopped, 1 failed while running, 75 restart me, 78 bad configuration.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use host::{
    bot::{self, BackupOrder},
    config::{self, Root, TOKEN},
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
    /// Looks into config.json, or changes it.
    Config {
        /// The folder that holds config.json.
        #[arg(long, default_value = ".", global = true)]
        root: PathBuf,
        #[command(subcommand)]
        act: ConfigAct,
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

#[derive(Subcommand)]
enum ConfigAct {
    /// Says every fault of config.json and .env, or "ok". Exit code 78 if there are faults.
    Check,
    /// Shows every setting and where it comes from; secrets are left out.
    Show,
    /// Shows the JSON Schema of config.json.
    Schema,
    /// Sets one value and leaves everything else as it stands; a bot that runs takes it over.
    Set {
        /// The key with dots, such as `status.text`.
        path: String,
        /// The value: JSON, or the text itself where a text belongs.
        #[arg(allow_hyphen_values = true)]
        value: String,
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
        Verb::Config { root, act } => look_into_settings(&root, act),
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

/// What the owner has to change first (`EX_CONFIG` of sysexits.h).
const BAD_CONFIGURATION: u8 = 78;

fn look_into_settings(root: &Path, act: ConfigAct) -> ExitCode {
    let variable = |name: &str| std::env::var(name).ok();
    let root = match Root::look_at(root) {
        Ok(root) => root,
        Err(error) => return refused(&error),
    };
    match act {
        ConfigAct::Check => match config::check(&root, &variable) {
            Ok(warnings) => {
                for warning in warnings {
                    eprintln!("warning: {warning}");
                }
                println!("ok");
                ExitCode::SUCCESS
            }
            Err(error) => refused(&error),
        },
        ConfigAct::Show => match config::show(&root, &variable) {
            Ok(text) => {
                print!("{text}");
                ExitCode::SUCCESS
            }
            Err(error) => refused(&error),
        },
        ConfigAct::Schema => {
            print!("{}", config::schema());
            ExitCode::SUCCESS
        }
        ConfigAct::Set { path, value } => match config::edit::set(&root, &path, &config::edit::meant(&path, &value)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refused(&error),
        },
    }
}

fn refused(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(BAD_CONFIGURATION)
}
