//! What the settings accept, what they refuse, and in which words.
//!
//! Each writes both files into a folder of its own and gives its own variables; the process's are never read.

use std::{fmt::Write, fs};

use plugin_protocol::Level;

use super::*;

const TOKEN: &str = "MTc1OTI4ODQ3Mjk5MTE3MDYz.Gabcde.abcdefghijklmnopqrstuvwxyz0123456789AB";

struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new(config: Option<&str>, env: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("config.json", config), (".env", env)] {
            if let Some(text) = text {
                fs::write(folder.path().join(name), text).unwrap();
            }
        }
        Self { folder }
    }

    fn load(&self, variables: &[(&str, &str)]) -> Result<(Config, Environment, Vec<Warning>), ConfigError> {
        let root = Root::open(self.folder.path()).unwrap();
        load(&root, &|name| {
            let found = variables.iter().find(|(key, _)| *key == name)?;
            Some(found.1.to_owned())
        })
    }

    fn refusal(&self) -> String {
        self.load(&[]).unwrap_err().to_string()
    }
}

fn env() -> String {
    format!("DISCORD_TOKEN={TOKEN}\nBOT_OWNER_ID=175928847299117064\n")
}

fn config(text: &str) -> Config {
    Case::new(Some(text), Some(&env())).load(&[]).unwrap().0
}

fn refused(text: &str) -> String {
    Case::new(Some(text), Some(&env())).refusal()
}

fn refused_env(text: &str) -> String {
    let refusal = Case::new(Some("{}"), Some(text)).refusal();
    for part in TOKEN.split('.') {
        assert!(!refusal.contains(part), "a refusal shows the token: {refusal}");
    }
    refusal
}

#[test]
fn a_missing_file_is_written_with_defaults_that_load_without_a_word() {
    let case = Case::new(None, Some(&env()));
    let (first, _, warnings) = case.load(&[]).unwrap();
    assert_eq!(warnings, []);
    let path = case.folder.path().join("config.json");
    let text = fs::read_to_string(&path).unwrap();
    let (second, _, warnings) = case.load(&[]).unwrap();
    assert_eq!(warnings, []);
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    insta::assert_snapshot!("defaults", text);
}

#[test]
fn defaults_are_those_of_the_description() {
    let config = config("{}");
    assert_eq!(config.prefix, "!");
    assert!(config.allow_mention_prefix && config.auto_reload && config.extensions.auto_load);
    assert_eq!(config.status.line.kind, ActivityKind::Watching);
    assert_eq!(config.status.interval.as_secs(), 300);
    assert_eq!(config.logging.level, Level::Info);
    assert_eq!(config.logging.max_bytes, 10_485_760);
    assert_eq!(config.cooldowns.default_rate, 3);
    assert_eq!(config.cooldowns.default_per.as_secs(), 5);
    assert_eq!(config.discord.global_requests_per_second, 50);
    assert_eq!(config.discord.intents, IntentChoice::Auto);
    assert_eq!(config.notices.interval.as_secs(), 300);
    assert_eq!(config.colours.credits, Colour(0x00ff_d700));
    assert_eq!(config.replies.errors_delete_after.map(|d| d.as_secs()), Some(15));
    assert_eq!(config.replies.success_delete_after, None);
    assert_eq!(config.shards, 1);
    assert!(config.extensions.path.ends_with("plugins"));
    assert!(config.extensions.path.is_absolute());
}

#[test]
fn what_is_set_takes_effect() {
    let config = config(
        r#"{
            "prefix": "?!", "allow_mention_prefix": false, "owner_ids": ["175928847299117065", 175928847299117066],
            "auto_reload": false,
            "status": {"type": "Playing", "text": "chess", "presence": "dnd", "interval": 10.5,
                       "statuses": ["one", {"type": "custom", "text": "two"}]},
            "logging": {"level": "critical", "format": "json"},
            "extensions": {"auto_load": false, "blacklist": ["spam"], "path": "../elsewhere"},
            "discord": {"intents": ["GUILDS", "message_content"], "home_guilds": ["175928847299117067"],
                        "global_requests_per_second": 500},
            "notices": {"channel": "175928847299117068", "dm_owner": false, "interval": 0},
            "colours": {"error": "0x010203"},
            "grants": {"levels": ["plugins.reload"]},
            "plugins": {"levels": {"rate": 2}}
        }"#,
    );
    assert_eq!(config.prefix, "?!");
    assert_eq!(config.owner_ids.len(), 2);
    assert_eq!(config.status.line.kind, ActivityKind::Playing);
    assert_eq!(config.status.presence, OnlineStatus::DoNotDisturb);
    assert_eq!(config.status.interval.as_millis(), 10_500);
    assert_eq!(config.status.rotation[0].kind, ActivityKind::Playing);
    assert_eq!(config.status.rotation[1].kind, ActivityKind::Custom);
    assert_eq!(config.status.rotation[1].text, "two");
    assert_eq!(config.logging.level, Level::Error);
    assert_eq!(config.logging.format, LogFormat::Json);
    assert!(config.extensions.blacklist.contains("spam"));
    assert!(matches!(config.discord.intents, IntentChoice::Only(intents) if intents.bits() == 1 | 1 << 15));
    assert_eq!(config.discord.home_guilds.len(), 1);
    assert_eq!(
        config.notices.channel.map(plugin_protocol::ChannelId::get),
        Some(175_928_847_299_117_068)
    );
    assert_eq!(config.colours.error, Colour(0x01_02_03));
    let levels = "levels".parse().unwrap();
    assert!(config.grants[&levels].contains("plugins.reload"));
    assert_eq!(config.plugins.section("levels")["rate"], 2);
    assert_eq!(config.plugins.section("absent"), serde_json::json!({}));
}

#[test]
fn all_faults_are_told_at_once_with_their_lines() {
    let text = r#"{
  "prefix": "a very long one",
  "prefx": "!",
  "auto_reload": "yes",
  "owner_ids": ["175928847299117065",
    "me"],
  "status": {"type": "eating", "interval": 3},
  "logging": "INFO",
  "level": "INFO",
  "cooldowns": {
    "default_rate": 0,
    "default_rate": 1.5
  },
  "discord": {"intents": ["GUILDS", "GUILD_EVERYTHING"]},
  "colours": {"error": "red"},
  "plugins": {"levels": 5},
  "grants": {"Bad Name": []},
  "notices": {"channel": "general"}
}"#;
    insta::assert_snapshot!("faults", refused(text));
}

#[test]
fn broken_json_is_told_with_its_line() {
    insta::assert_snapshot!(
        "broken_json",
        refused("{\n  \"prefix\": \"!\"\n  \"auto_reload\": true\n}")
    );
    insta::assert_snapshot!("no_object", refused("[]"));
}

#[test]
fn keys_of_the_originals_file_are_accepted_with_one_warning() {
    let text = r#"{"_comment": "x", "status": {"_comment_status": "y"}, "shard_monitor": {"enabled": true}}"#;
    let (_, _, warnings) = Case::new(Some(text), Some(&env())).load(&[]).unwrap();
    assert_eq!(warnings.len(), 1);
    insta::assert_snapshot!("foreign_keys", warnings[0]);
}

#[test]
fn a_byte_order_mark_does_no_harm() {
    assert_eq!(config("\u{feff}{\"prefix\": \"?\"}").prefix, "?");
    let env = format!("\u{feff}{}", env().replace('\n', "\r\n"));
    assert!(Case::new(None, Some(&env)).load(&[]).is_ok());
}

#[test]
fn variables_are_filled_into_plugin_sections_only() {
    let text = r#"{
        "prefix": "${P}",
        "plugins": {"a": {"key": "x ${KEY} y", "list": ["${QUOTED}"], "plain": "$${KEY} ${"}}
    }"#;
    let env = format!("{}KEY=s3cret\nQUOTED=\"with spaces\"\n", env());
    let (config, ..) = Case::new(Some(text), Some(&env))
        .load(&[("KEY", "from process")])
        .unwrap();
    let section = config.plugins.section("a");
    assert_eq!(section["key"], "x from process y");
    assert_eq!(section["list"][0], "with spaces");
    assert_eq!(section["plain"], "${KEY} ${");
    assert_eq!(config.prefix, "${P}");
    assert!(!format!("{config:?}").contains("from process"));
}

#[test]
fn a_variable_that_is_not_set_or_not_for_plugins_is_refused() {
    let text = "{\"plugins\": {\"a\": {\n\"key\": \"${ABSENT}\",\n\"token\": \"${DISCORD_TOKEN}\"}}}";
    insta::assert_snapshot!("variables", refused(text));
}

#[test]
fn the_environment_wins_over_the_file() {
    let case = Case::new(None, Some(&env()));
    let (_, environment, _) = case
        .load(&[
            ("BOT_OWNER_ID", "175928847299117099"),
            ("DISCORD_TOKEN", ""),
            ("DISCORD_API_URL", "http://127.0.0.1:7800/"),
            ("DISCORD_GATEWAY_URL", "ws://127.0.0.1:7800/"),
        ])
        .unwrap();
    assert_eq!(
        environment.owner_id.map(plugin_protocol::UserId::get),
        Some(175_928_847_299_117_099)
    );
    assert_eq!(environment.token.expose(), TOKEN);
    let api = environment.api.clone().unwrap();
    assert_eq!((api.authority.as_str(), api.is_plain_http), ("127.0.0.1:7800", true));
    assert_eq!(environment.gateway_url.as_deref(), Some("ws://127.0.0.1:7800"));
    assert!(!format!("{environment:?}").contains(TOKEN));
}

#[test]
fn half_an_address_and_a_missing_owner_are_warned_of() {
    let case = Case::new(
        None,
        Some(&format!(
            "DISCORD_TOKEN={TOKEN}\nDISCORD_API_URL=https://proxy.example\n"
        )),
    );
    let (_, _, warnings) = case.load(&[]).unwrap();
    let texts: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!("warnings", texts.join("\n"));
    let owned = Case::new(
        Some(r#"{"owner_ids": ["175928847299117065"]}"#),
        Some(&format!("DISCORD_TOKEN={TOKEN}\n")),
    );
    assert_eq!(owned.load(&[]).unwrap().2, []);
}

#[test]
fn each_fault_of_the_environment_has_its_own_text() {
    let mut all = String::new();
    for (name, text) in [
        (
            "quotes",
            format!("DISCORD_TOKEN=\"{TOKEN}\"\nBOT_OWNER_ID='175928847299117064'"),
        ),
        (
            "spaces",
            format!("DISCORD_TOKEN = {TOKEN}\nBOT_OWNER_ID= 175928847299117064"),
        ),
        ("bot prefix", format!("DISCORD_TOKEN=Bot {TOKEN}")),
        ("no token", "DISCORD_TOKEN=paste-it-here".to_owned()),
        ("client secret", format!("DISCORD_TOKEN={}", "aB3_".repeat(8))),
        ("application id", "DISCORD_TOKEN=175928847299117064".to_owned()),
        ("empty", "DISCORD_TOKEN=\nBOT_OWNER_ID=".to_owned()),
        ("no line", "# nothing".to_owned()),
        ("owner's name", format!("DISCORD_TOKEN={TOKEN}\nBOT_OWNER_ID=alice")),
        ("no form", format!("DISCORD_TOKEN={TOKEN}\nwhat is this")),
        (
            "addresses",
            format!("DISCORD_TOKEN={TOKEN}\nDISCORD_API_URL=127.0.0.1:1\nDISCORD_GATEWAY_URL=ws://127.0.0.1:1/?v=10"),
        ),
    ] {
        write!(all, "{name}: {}\n\n", refused_env(&text)).unwrap();
    }
    insta::assert_snapshot!("environment", all);
}

#[test]
fn a_file_that_windows_named_is_found() {
    let case = Case::new(Some("{}"), None);
    insta::assert_snapshot!("no_env", case.refusal());
    fs::write(case.folder.path().join(".env.txt"), env()).unwrap();
    insta::assert_snapshot!("env_txt", case.refusal());
}

#[test]
fn the_settings_in_the_tree_are_the_defaults() {
    assert_eq!(super::written::defaults(), include_str!("../../../config.json"));
}
