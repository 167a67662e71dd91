//! The project's own commands, as `cargo xtask VERB`: one file a verb, this one is the index.
//!
//! What the verbs share stands beside them: `workspace` (what is in the tree), `cargo` (building),
//! `steps` (progress and failures), `process` (children and Ctrl-C).

mod bench;
mod cargo;
mod dev;
mod install;
mod local_discord;
mod new_plugin;
mod process;
mod run;
mod steps;
mod supervisor;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use process::{Interrupted, Stop};

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Run(run::Arguments),
    Dev(dev::Arguments),
    Test(test::Arguments),
    Bench(bench::Arguments),
    Install(install::Arguments),
    NewPlugin(new_plugin::Arguments),
    Tidy(tidy::Arguments),
}

fn main() -> ExitCode {
    let Arguments { verb } = Arguments::parse();
    let outcome = Stop::on_signals().and_then(|stop| match verb {
        Verb::Run(arguments) => run::run(&arguments, &stop),
        Verb::Dev(arguments) => dev::run(&arguments, &stop),
        Verb::Test(arguments) => test::run(&arguments, &stop),
        Verb::Bench(arguments) => bench::run(&arguments, &stop),
        Verb::Install(arguments) => install::run(&arguments, &stop),
        Verb::NewPlugin(arguments) => new_plugin::run(&arguments),
        Verb::Tidy(arguments) => tidy::run(&arguments),
    });
    match outcome {
        Ok(code) => code,
        Err(error) if error.is::<Interrupted>() => {
            eprintln!("stopped");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
