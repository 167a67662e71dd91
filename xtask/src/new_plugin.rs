//! `cargo xtask new-plugin NAME`: a crate that compiles and answers one command, to start from.
//!
//! Inside the workspace it is a member like the bundled plugins; with `--path` it stands alone and
//! depends on this checkout's `plugin-api` by path.

use std::fs;
use std::path::{self, Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// Write a new plugin that compiles and answers one command
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// 1 to 32 of a-z, 0-9, _ and -, beginning with a letter
    name: String,
    /// Put the crate into this new folder, outside the workspace, instead of plugins/NAME
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let workspace = Workspace::read()?;
    let name = &arguments.name;
    check_name(name)?;
    let folder = match &arguments.path {
        None => {
            check_free(name, &workspace)?;
            let folder = workspace.root.join("plugins").join(name);
            write(&folder, &member_manifest(name), &source(name))?;
            folder
        }
        Some(folder) => {
            let folder = path::absolute(folder)?;
            if folder.starts_with(&workspace.root) {
                bail!(
                    "{} is inside this workspace: leave out --path, or name a folder outside",
                    folder.display()
                );
            }
            write(
                &folder,
                &outside_manifest(name, &workspace.root.join("plugin-api"))?,
                &source(name),
            )?;
            folder
        }
    };
    println!(
        "{}",
        next_steps(name, &folder, &workspace.root, arguments.path.is_some())
    );
    Ok(ExitCode::SUCCESS)
}

/// The registry's rule for names, and cargo's: a package begins with a letter.
fn check_name(name: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    if name.is_empty() || name.len() > 32 || !name.bytes().all(allowed) {
        bail!("`{name}` is no name for a plugin: it has 1 to 32 of a-z, 0-9, _ and -");
    }
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        bail!("`{name}` is no name for a plugin: it begins with a letter");
    }
    Ok(())
}

/// Two packages of one name, or two plugins whose files have one name, cannot live in one workspace.
fn check_free(name: &str, workspace: &Workspace) -> Result<()> {
    if let Some(other) = workspace
        .plugins
        .iter()
        .find(|plugin| plugin.name.replace('-', "_") == name.replace('-', "_"))
    {
        bail!(
            "there is a plugin {} already, in {}",
            other.name,
            other.manifest.with_file_name("").display()
        );
    }
    let lock = fs::read_to_string(workspace.root.join("Cargo.lock")).unwrap_or_default();
    if lock.lines().any(|line| line == format!("name = \"{name}\"")) {
        bail!("{name} is a package that this workspace uses: cargo could not tell the two apart");
    }
    Ok(())
}

fn write(folder: &Path, manifest: &str, source: &str) -> Result<()> {
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file() {
        bail!("{} exists already", folder.display());
    }
    // The manifest last: until it is there, cargo does not take the folder for a crate.
    fs::create_dir_all(folder.join("src"))
        .and_then(|()| fs::write(folder.join("src/lib.rs"), source))
        .and_then(|()| fs::write(folder.join("Cargo.toml"), manifest))
        .with_context(|| format!("cannot write {}", folder.display()))
}

fn member_manifest(name: &str) -> String {
    format!(
        r#"[package]
name = "{name}"
version = "0.1.0"
edition.workspace = true
license.workspace = true
authors.workspace = true
description = "What {name} does, in a line: people see it in Discord"
publish = false

[lib]
crate-type = ["cdylib"]

[dependencies]
plugin-api.workspace = true

[dev-dependencies]
plugin-testing.workspace = true
tokio = {{ workspace = true, features = ["macros", "rt"] }}

[lints]
workspace = true
"#
    )
}

fn outside_manifest(name: &str, plugin_api: &Path) -> Result<String> {
    // A JSON string is a TOML string: it takes care of backslashes and quotes in the path.
    let path = |folder: &Path| {
        let folder = folder.to_str().context("the path of this checkout is not Unicode")?;
        serde_json::to_string(folder).context("a path is a text")
    };
    let testing = path(&plugin_api.join("testing"))?;
    let plugin_api = path(plugin_api)?;
    Ok(format!(
        r#"[package]
name = "{name}"
version = "0.1.0"
edition = "2024"
description = "What {name} does, in a line: people see it in Discord"
publish = false

[lib]
crate-type = ["cdylib"]

[dependencies]
plugin-api = {{ path = {plugin_api} }}

[dev-dependencies]
plugin-testing = {{ path = {testing} }}
tokio = {{ version = "1", features = ["macros", "rt"] }}

# As in the bot's own workspace, so that what was compiled there for tests is not compiled again.
[profile.dev]
debug = "line-tables-only"

# A panic must stay inside the plugin, so it has to unwind.
[profile.release]
panic = "unwind"
strip = "debuginfo"

# A workspace of its own, whatever folder it is put into.
[workspace]
"#
    ))
}

fn source(name: &str) -> String {
    format!(
        r#"//! {name}: what this plugin does.
//!
//! A command is a documented async function; its doc comment is what people read in Discord.

use plugin_api::prelude::*;

/// Say hello.
#[command(slash, prefix)]
async fn hello(ctx: Ctx, name: Option<String>) -> Result {{
    let name = name.unwrap_or_else(|| ctx.author().mention());
    ctx.reply(format!("Hello, {{name}}!")).await?;
    Ok(())
}}

plugin! {{ commands: [hello] }}

#[cfg(test)]
mod tests {{
    use plugin_testing::{{TestBot, json}};

    /// The bot with this plugin and a local Discord: `cargo test`. The first time takes some minutes, later ones seconds.
    #[tokio::test]
    async fn everybody_is_greeted() {{
        let bot = TestBot::with_plugin("{name}").await;
        let alice = bot.member("alice");
        alice.says("!hello").await.expect_text("Hello, @alice!");
        alice.slash("hello", json!({{ "name": "world" }})).await.expect_text("Hello, world!");
    }}
}}
"#
    )
}

fn next_steps(name: &str, folder: &Path, root: &Path, outside: bool) -> String {
    let install = if outside {
        folder.display().to_string()
    } else {
        name.to_owned()
    };
    let test = if outside {
        format!("cargo test --manifest-path {}", folder.join("Cargo.toml").display())
    } else {
        format!("cargo test -p {name}")
    };
    format!(
        "Wrote {folder}

  From anywhere inside the checkout {root}, the only place where cargo xtask works:

  cargo xtask dev {install}
      starts a bot and a local Discord and prints its page: try !hello or /hello there. Each save of the
      source builds it and hands it to the bot. The first build takes some minutes, later ones seconds.
  {test}
      runs its tests, of which there is a first one.
  cargo xtask install {install}
      builds it as it is shipped and hands it to the bot of `cargo xtask run`.

  The command is in src/lib.rs; the description that people read is in Cargo.toml.",
        folder = folder.display(),
        root = root.display()
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{check_free, check_name, member_manifest, next_steps, outside_manifest, source, write};
    use crate::workspace::{Plugin, Workspace};

    #[test]
    fn names_follow_the_registrys_rule_and_cargos() {
        for good in ["a", "levels", "my-plugin_2", &"x".repeat(32)] {
            check_name(good).expect(good);
        }
        for bad in [
            "",
            "Levels",
            "my plugin",
            "../up",
            "über",
            "2fast",
            "-x",
            "_x",
            &"x".repeat(33),
        ] {
            let error = check_name(bad).expect_err(bad).to_string();
            assert!(error.contains(bad), "{error}");
        }
    }

    #[test]
    fn a_taken_name_is_refused_with_the_reason() {
        let root = tempfile::tempdir().expect("a temporary folder");
        fs::write(root.path().join("Cargo.lock"), "[[package]]\nname = \"tokio\"\n").expect("a file");
        let plugin = Plugin {
            name: "my-plugin".to_owned(),
            manifest: PathBuf::from("/w/plugins/my-plugin/Cargo.toml"),
            fixture: false,
        };
        let workspace = Workspace {
            root: root.path().to_owned(),
            target: PathBuf::from("/w/target"),
            plugins: vec![plugin],
        };
        check_free("levels", &workspace).expect("nobody has it");
        // Both compile to libmy_plugin.so.
        let same_file = check_free("my_plugin", &workspace)
            .expect_err("it is taken")
            .to_string();
        assert!(same_file.contains("my-plugin"), "{same_file}");
        let dependency = check_free("tokio", &workspace).expect_err("it is taken").to_string();
        assert!(dependency.contains("cargo"), "{dependency}");
    }

    #[test]
    fn nothing_that_exists_is_overwritten() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let plugin = folder.path().join("levels");
        write(&plugin, "manifest", "source").expect("the folder is new");
        let again = write(&plugin, "other", "other").expect_err("it exists").to_string();
        assert!(again.contains("exists"), "{again}");
        assert_eq!(
            fs::read_to_string(plugin.join("src/lib.rs")).expect("the file"),
            "source"
        );
    }

    #[test]
    fn a_member_inherits_and_an_outsider_stands_alone() {
        let member = member_manifest("levels");
        assert!(member.contains("plugin-api.workspace = true") && member.contains("[lints]\nworkspace = true"));
        assert!(!member.contains("[workspace]"));

        let outside = outside_manifest("levels", Path::new("/some \"where\"/plugin-api")).expect("it is Unicode");
        assert!(
            outside.contains(r#"plugin-api = { path = "/some \"where\"/plugin-api" }"#),
            "{outside}"
        );
        assert!(
            outside.contains("\n[workspace]\n") && outside.contains("panic = \"unwind\""),
            "{outside}"
        );
        assert!(
            outside.contains("[profile.dev]\ndebug = \"line-tables-only\"\n"),
            "{outside}"
        );
        assert!(
            outside.contains(r#"plugin-testing = { path = "/some \"where\"/plugin-api/testing" }"#),
            "{outside}"
        );
        for manifest in [member, outside] {
            assert!(manifest.contains("crate-type = [\"cdylib\"]") && manifest.contains("name = \"levels\""));
        }
    }

    #[test]
    fn the_next_steps_say_where_and_how_long() {
        let (root, folder) = (Path::new("/w"), Path::new("/else/where"));
        let inside = next_steps("levels", &root.join("plugins/levels"), root, false);
        assert!(inside.contains("inside the checkout /w,"), "{inside}");
        assert!(inside.contains("cargo xtask dev levels\n"), "{inside}");
        assert!(inside.contains("cargo xtask install levels\n"), "{inside}");
        assert!(inside.contains("cargo test -p levels\n"), "{inside}");
        assert!(inside.contains("some minutes"), "{inside}");
        let outside = next_steps("levels", folder, root, true);
        assert!(outside.contains("cargo xtask install /else/where\n"), "{outside}");
        assert!(
            outside.contains("cargo test --manifest-path /else/where/Cargo.toml\n"),
            "{outside}"
        );
    }

    #[test]
    fn the_source_opens_as_the_house_asks() {
        let source = source("levels");
        assert!(source.starts_with("//! levels: "), "{source}");
        assert_eq!(
            crate::tidy::source_findings("plugins/levels/src/lib.rs", &source),
            Vec::<String>::new()
        );
    }
}
