//! `cargo xtask dev PLUGIN`: the bot and a local Discord, and the plugin built anew whenever its source is saved.
//!
//! What the compiler says is shown in the terminal and on the page; the conversation there stays. `watched` decides what
//! is a change, `progress` reads cargo's messages; both are pure. One thread builds, so that Ctrl-C is heard meanwhile.

mod page;
mod progress;
mod watched;

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use notify::{RecursiveMode, Watcher};

use crate::cargo::{self, Profile};
use crate::install::{self, Source};
use crate::local_discord::{self, LocalDiscord};
use crate::process::{Interrupted, Stop};
use crate::steps::Steps;
use crate::supervisor;
use crate::workspace::Workspace;
use page::{Page, Standing};
use progress::{Built, Progress};

/// Within what time saves count as one: editors write in steps, and people save several files.
const GATHERED: Duration = Duration::from_millis(60);

/// Work on a plugin: build it again whenever it is saved, and see the new answer on the page
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A plugin of this workspace by name, or one elsewhere by the path of its crate (./my-plugin)
    plugin: String,
    /// The port of the local Discord's page, 0 for any free one [default: 7800, or any free one]
    #[arg(long)]
    port: Option<u16>,
    /// The bot's folder, with config.json, plugins/ and data/ [default: target/dev-bot of this checkout]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Build the plugin as it is shipped (cargo's release profile): slower to build
    #[arg(long)]
    release: bool,
    /// Build bot and local Discord by cargo's dev profile, too
    #[arg(long)]
    quick: bool,
}

pub(crate) fn run(arguments: &Arguments, stop: &Stop) -> Result<ExitCode> {
    let workspace = Workspace::read()?;
    let root = &workspace.root;
    let source = Source::named(&arguments.plugin, &workspace)?;
    let home = match &arguments.root {
        Some(folder) => std::path::absolute(folder)?,
        None => workspace.target.join("dev-bot"),
    };
    let folder = home.join("plugins");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let of_bot = if arguments.quick {
        Profile::Dev
    } else {
        Profile::Release
    };
    let of_plugin = if arguments.release {
        Profile::Release
    } else {
        Profile::Dev
    };

    let mut steps = Steps::new(1);
    let (bot, sandbox) = steps.step("building the bot and the local Discord", || {
        let wanted = ["-p", "host", "-p", "sandbox", "--bin", "bothost", "--bin", "sandbox"];
        let artifacts = cargo::build(of_bot, &wanted, root, stop)?;
        Ok((
            cargo::executable(&artifacts, "bothost")?,
            cargo::executable(&artifacts, "sandbox")?,
        ))
    })?;
    let port = local_discord::port(arguments.port).to_string();
    let local = LocalDiscord::start(
        Command::new(sandbox).args(["--port", &port, "--until-stdin-closes"]),
        stop,
    )?;
    let page = Page::new(&local.addresses.page_url);
    let mut bot = Command::new(bot);
    bot.current_dir(&home).args(["run", "--root", "."]);
    bot.envs(local.addresses.environment());

    let crate_folder = source.folder().to_owned();
    let (saved, saves) = mpsc::channel();
    // The first build is for what is there.
    let _ = saved.send(());
    let of_watcher = saved.clone();
    let watched = crate_folder.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| watched::is_a_save(&watched, &event)) {
            let _ = of_watcher.send(());
        }
    })
    .context("files can't be watched")?;
    watcher
        .watch(&crate_folder, RecursiveMode::Recursive)
        .with_context(|| format!("{} can't be watched", crate_folder.display()))?;

    println!("{}", welcome(&local.addresses.page_url, &crate_folder));
    let works = Works {
        name: arguments.plugin.clone(),
        source,
        workspace,
        profile: of_plugin,
        folder,
        page,
        targets: Cell::new(0),
        stop: Stop::default(),
    };
    let building = works.stop.clone();
    let worker = thread::spawn(move || works.keep(&saves));
    let code = supervisor::run(bot, Some(local), stop);
    drop(watcher);
    building.ask();
    drop(saved);
    let _ = worker.join();
    Ok(ExitCode::from(code?))
}

fn welcome(page: &str, folder: &Path) -> String {
    format!(
        "
  Open   {page}
  Edit   {}
         each save builds it and hands it to the bot; the conversation stays
  Stop   Ctrl-C
",
        folder.display()
    )
}

/// What builds, again and again.
struct Works {
    name: String,
    source: Source,
    workspace: Workspace,
    profile: Profile,
    folder: PathBuf,
    page: Page,
    /// How many targets the last build had.
    targets: Cell<usize>,
    /// Asked when all ends: cargo ends with it.
    stop: Stop,
}

impl Works {
    /// Builds at each save, until nobody can save any more.
    fn keep(&self, saves: &mpsc::Receiver<()>) {
        while saves.recv().is_ok() {
            while saves.recv_timeout(GATHERED).is_ok() {}
            match self.once() {
                Err(error) if error.is::<Interrupted>() => return,
                Err(error) => {
                    eprintln!("error: {error:#}");
                    self.page
                        .tell(Standing::Failed, &self.name, Some(&format!("{error:#}")), None);
                }
                Ok(()) => {}
            }
        }
    }

    fn once(&self) -> Result<()> {
        let began = Instant::now();
        eprintln!("building {}", self.name);
        self.page.tell(Standing::Building, &self.name, None, Some(0.0));
        let (selection, folder) = self.source.selection(&self.workspace);
        // As many as the last time; before that, cargo's guess.
        let total = match self.targets.get() {
            0 => cargo::targets(&selection, folder),
            known => known,
        };
        let mut progress = Progress::new(total);
        let mut shown = Instant::now();
        let ended = cargo::build_watched(self.profile, &selection, folder, &self.stop, |line| {
            let share = progress.take(line);
            if let Some(share) = share.filter(|_| shown.elapsed() > Duration::from_millis(100)) {
                shown = Instant::now();
                self.page.tell(Standing::Building, &self.name, None, Some(share));
            }
        });
        let Built { artifacts, said } = progress.end();
        self.targets.set(artifacts.len());
        if !said.is_empty() {
            eprint!("{said}");
        }
        if let Err(error) = ended {
            if error.is::<Interrupted>() {
                return Err(error);
            }
            let said = if said.is_empty() {
                format!("{error:#}")
            } else {
                progress::plain(&said)
            };
            eprintln!(
                "{} does not compile: mend it and save, the bot goes on with what it has",
                self.name
            );
            self.page.tell(Standing::Failed, &self.name, Some(&said), None);
            return Ok(());
        }
        let file = cargo::cdylib(&artifacts, self.source.manifest())?;
        self.page.tell(Standing::Ok, &self.name, None, Some(1.0));
        install::drop_into(&self.folder, &file)?;
        let warnings = (!said.is_empty()).then(|| progress::plain(&said));
        self.page
            .tell(Standing::Installed, &self.name, warnings.as_deref(), None);
        eprintln!("installed {} after {:.1} s", self.name, began.elapsed().as_secs_f64());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::welcome;

    #[test]
    fn the_welcome_names_page_and_folder() {
        let text = welcome("http://127.0.0.1:7800/", Path::new("/w/plugins/levels"));
        assert!(
            text.contains("http://127.0.0.1:7800/") && text.contains("/w/plugins/levels"),
            "{text}"
        );
    }
}
