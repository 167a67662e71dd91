//! The program: its arguments, its scenarios in order, its report.
//!
//! Whatever ends it, a signal, too, ends the bots.

use std::{env, fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};
use tokio::signal::{
    ctrl_c,
    unix::{SignalKind, signal},
};

use crate::{
    bot::{Kind, Programs},
    load::Load,
    machine::Machine,
    null,
    report::Report,
    scenarios::{commands, generator, memory, reload, start, storage, swaps, ways, within},
};

/// How the bots are set up, for the report.
const SETUP: &str = "Both bots: release profile, tokio's multi-threaded runtime with its defaults, zstd-stream, global \
    rate limit 65,535 a second, at most 64 requests under way (twilight); the host bounds answers by \
    commands under way only. Answers are replies.\n\
    The host runs on mimalloc, its plugins on the system's allocator; twilight, the reference, on the system's; \"twilight + \
    mimalloc\", where it is shown, on the host's.";

/// Measure the host beside a bare twilight bot.
#[derive(Parser)]
#[command(name = "bench")]
struct Arguments {
    #[command(flatten)]
    programs: Programs,
    /// Where everything is written as JSON
    #[arg(long, value_name = "FILE", overrides_with = "json")]
    json: PathBuf,
    /// Fewer and smaller rounds
    #[arg(long)]
    quick: bool,
    /// How many rounds [default: 7, quick 3]
    #[arg(long)]
    rounds: Option<usize>,
    /// Only this; may be given more than once
    #[arg(long, value_name = "NAME")]
    only: Vec<Scenario>,
    /// Put a load on a bot until Ctrl-C, for a profiler, and measure nothing else
    #[arg(long, value_name = "LOAD")]
    hold: Option<Load>,
    /// Which bot holds the load
    #[arg(long, value_name = "BOT", default_value = "host")]
    bot: Kind,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// 64 commands in flight
    Flight,
    /// 5,000 commands at once
    Burst,
    /// 200 commands a second
    Rate,
    /// Messages that nobody wants
    Plain,
    /// Commands by each door, behind each check, with an argument of each kind
    Ways,
    /// Start to first answer
    Start,
    /// Memory at rest
    Memory,
    /// Reloads of a plugin
    Reload,
    /// Reloads of a plugin that is used, while events come and others call it
    Swaps,
    /// Calls of another plugin's service
    Calls,
    /// What counting allocations costs
    Allocator,
    /// Keys, tables and files of plugins
    Storage,
    /// The generator alone
    Generator,
}

impl Scenario {
    const fn load(self) -> Option<Load> {
        match self {
            Self::Flight => Some(Load::Flight),
            Self::Burst => Some(Load::Burst),
            Self::Rate => Some(Load::Rate),
            Self::Plain => Some(Load::Plain),
            _ => None,
        }
    }
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let outcome = if env::args_os().nth(1).is_some_and(|argument| argument == null::ARGUMENT) {
        null::run()
    } else {
        run(&Arguments::parse())
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    // One thread: the generator is not to take the bots' cores.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Dropping what is under way ends the bots, which a signal's default would leave behind.
        if let Some(load) = arguments.hold {
            return tokio::select! {
                held = commands::hold(&arguments.programs, load, arguments.bot) => held,
                stopped = stopped() => stopped.map(drop),
            };
        }
        let report = tokio::select! {
            measured = measure(arguments) => measured?,
            stopped = stopped() => bail!("stopped by {}", stopped?),
        };
        println!("{}", report.text());
        fs::write(&arguments.json, serde_json::to_vec_pretty(&report)?)
            .with_context(|| format!("{} can't be written", arguments.json.display()))?;
        println!("Everything, round by round: {}", arguments.json.display());
        let wrong = report.wrong();
        if !wrong.is_empty() {
            bail!("what must not be at a reload:\n{}", wrong.join("\n"));
        }
        if report.is_complete() {
            Ok(())
        } else {
            bail!("commands were not answered, refused or answered twice: the figures of that load are no comparison")
        }
    })
}

async fn stopped() -> Result<&'static str> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = ctrl_c() => interrupted.map(|()| "Ctrl-C").context("Ctrl-C can't be heard"),
        _ = terminated.recv() => Ok("SIGTERM"),
    }
}

async fn measure(arguments: &Arguments) -> Result<Report> {
    let programs = &arguments.programs;
    let machine = Machine::look(&programs.host);
    let wanted = |scenario: Scenario| arguments.only.is_empty() || arguments.only.contains(&scenario);
    let rounds = arguments.rounds.unwrap_or(if arguments.quick { 3 } else { 7 }).max(1);

    let loads: Vec<Load> = Scenario::value_variants()
        .iter()
        .filter(|&&scenario| wanted(scenario))
        .filter_map(|scenario| scenario.load())
        .collect();
    let loads = if loads.is_empty() {
        Vec::new()
    } else {
        commands::measure(programs, &loads, rounds, arguments.quick).await?
    };
    let is_quick = arguments.quick;
    let ways = if wanted(Scenario::Ways) {
        ways::measure(programs, rounds, is_quick).await?
    } else {
        Vec::new()
    };
    let start = if wanted(Scenario::Start) {
        start::measure(programs, if is_quick { 3 } else { 11 }).await?
    } else {
        Vec::new()
    };
    let memory = if wanted(Scenario::Memory) {
        memory::measure(programs, if is_quick { 1 } else { 3 }).await?
    } else {
        Vec::new()
    };
    let reloads = if wanted(Scenario::Reload) {
        Some(reload::measure(programs, if is_quick { 10 } else { 60 }).await?)
    } else {
        None
    };
    let swaps = if wanted(Scenario::Swaps) {
        swaps::measure(programs, if is_quick { 20 } else { 300 }).await?
    } else {
        Vec::new()
    };
    let calls = if wanted(Scenario::Calls) {
        within::calls(programs, if is_quick { 5_000 } else { 50_000 }).await?
    } else {
        Vec::new()
    };
    let counting = if wanted(Scenario::Allocator) {
        Some(within::counting(programs, rounds, is_quick).await?)
    } else {
        None
    };
    let storage = if wanted(Scenario::Storage) {
        Some(storage::measure(programs, if is_quick { 10_000 } else { 50_000 }).await?)
    } else {
        None
    };
    let generator = if wanted(Scenario::Generator) {
        generator::measure(programs, is_quick).await?
    } else {
        Vec::new()
    };
    Ok(Report {
        machine,
        setup: SETUP,
        loads,
        ways,
        start,
        memory,
        reloads,
        swaps,
        calls,
        counting,
        storage,
        generator,
    })
}
