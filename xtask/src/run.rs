//! `cargo xtask run`: builds everything and runs it, against Discord or, without a token, against a
//! local Discord whose page it prints.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

use anyhow::Result;

use crate::cargo::{self, Profile};
use crate::install::Source;
use crate::local_discord::{self, LocalDiscord};
use crate::process::Stop;
use crate::steps::Steps;
use crate::supervisor;
use crate::workspace::Workspace;

/// Build and run the bot: against Discord with a token, else against a local Discord
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The port of the local Discord's page, 0 for any free one [default: 7800, or any free one]
    #[arg(long)]
    port: Option<u16>,
    /// The bot's folder, with config.json, .env, plugins/ and data/ [default: this checkout]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Build faster and run slower (cargo's dev profile)
    #[arg(long)]
    quick: bool,
    /// Further arguments for `bothost run`
    #[arg(last = true, value_name = "BOTHOST ARGUMENTS")]
    bot: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, stop: &Stop) -> Result<ExitCode> {
    let workspace = Workspace::read()?;
    let root = &workspace.root;
    let home = match &arguments.root {
        Some(folder) => std::path::absolute(folder)?,
        None => root.clone(),
    };
    fs::create_dir_all(&home)?;
    let profile = if arguments.quick {
        Profile::Dev
    } else {
        Profile::Release
    };
    let plugins: Vec<Source> = workspace.bundled().into_iter().map(Source::Member).collect();
    let real = has_token(env::var("DISCORD_TOKEN").ok().as_deref(), &home.join(".env"));
    let mut steps = Steps::new(plugins.len() + 1);

    let (what, packages, programs): (_, &[&str], &[&str]) = if real {
        ("building the bot", &["host"], &["bothost"])
    } else {
        (
            "building the bot and the local Discord",
            &["host", "sandbox"],
            &["bothost", "sandbox"],
        )
    };
    let (bot, sandbox) = steps.step(what, || {
        let wanted = packages.iter().flat_map(|package| ["-p", package]);
        let wanted: Vec<_> = wanted
            .chain(programs.iter().flat_map(|program| ["--bin", program]))
            .collect();
        let artifacts = cargo::build(profile, &wanted, root, stop)?;
        let sandbox = if real {
            None
        } else {
            Some(cargo::executable(&artifacts, "sandbox")?)
        };
        Ok((cargo::executable(&artifacts, "bothost")?, sandbox))
    })?;
    for plugin in &plugins {
        steps.step(&plugin.what(), || {
            plugin.install(&workspace, profile, &[], &home.join("plugins"), stop)
        })?;
    }

    let local = sandbox.map(|program| {
        let port = local_discord::port(arguments.port).to_string();
        LocalDiscord::start(
            Command::new(program).args(["--port", &port, "--until-stdin-closes"]),
            stop,
        )
    });
    let local = local.transpose()?;
    let mut bot = Command::new(bot);
    bot.current_dir(&home).args(["run", "--root", "."]).args(&arguments.bot);
    if let Some(local) = &local {
        bot.envs(local.addresses.environment());
        println!("{}", welcome(&local.addresses.page_url));
    } else {
        println!("\nStarting the bot on Discord with the token found. Ctrl-C stops it.\n");
    }
    Ok(ExitCode::from(supervisor::run(bot, local, stop)?))
}

fn welcome(page: &str) -> String {
    format!(
        "
  Open   {page}
  Try    !ping or /ping in the box at the bottom of the page
  Stop   Ctrl-C

  This is a local Discord: nothing leaves this machine. To run the bot on Discord itself, copy
  .env.example to .env, put the bot's token behind DISCORD_TOKEN= and run this again.
"
    )
}

/// Whether there is a token, in the environment or in the file. Whether it is a good one, and what is
/// wrong with the line, is the bot's to say.
fn has_token(environment: Option<&str>, file: &Path) -> bool {
    environment.is_some_and(|token| !token.trim().is_empty())
        || fs::read_to_string(file).is_ok_and(|text| names_a_token(&text))
}

fn names_a_token(text: &str) -> bool {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .any(|(key, value)| {
            let key = key.trim();
            key.strip_prefix("export ").unwrap_or(key).trim() == "DISCORD_TOKEN"
                && !value.trim().trim_matches(['"', '\'']).trim().is_empty()
        })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{has_token, names_a_token, welcome};

    #[test]
    fn a_token_is_a_value_behind_its_name() {
        for with in [
            "DISCORD_TOKEN=abc",
            "A=1\n DISCORD_TOKEN = abc\n",
            "export DISCORD_TOKEN='abc'",
        ] {
            assert!(names_a_token(with), "{with}");
        }
        for without in [
            "",
            "DISCORD_TOKEN=",
            "DISCORD_TOKEN=\"\"",
            "# DISCORD_TOKEN=abc",
            "OLD_DISCORD_TOKEN=abc",
        ] {
            assert!(!names_a_token(without), "{without}");
        }
        assert!(
            !names_a_token(include_str!("../../.env.example")),
            "the example file holds no token"
        );
    }

    #[test]
    fn an_empty_variable_is_no_token_and_the_file_counts_too() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join(".env");
        assert!(!has_token(None, &file));
        assert!(!has_token(Some(" "), &file));
        assert!(has_token(Some("abc"), &file));
        fs::write(&file, "DISCORD_TOKEN=abc").expect("a file");
        assert!(has_token(None, &file));
    }

    #[test]
    fn the_welcome_names_the_page_and_the_way_to_discord() {
        let text = welcome("http://127.0.0.1:7800/");
        assert!(
            text.contains("http://127.0.0.1:7800/") && text.contains("DISCORD_TOKEN="),
            "{text}"
        );
    }
}
