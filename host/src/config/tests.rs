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
        self.files(variables).load()
    }

    fn files(&self, variables: &[(&str, &str)]) -> Files {
        let root = Root::open(self.folder.path()).unwrap();
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        Files::new(root, move |name| {
            let found = variables.iter().find(|(key, _)| key == name)?;
            Some(found.1.clone())
        })
    }

    fn write(&self, config: &str) {
        fs::write(self.folder.path().join("config.json"), config).unwrap();
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
    assert_eq!(config.status.lines[0].kind, ActivityKind::Watching);
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
    assert_eq!(
        config.replies.of_command("ban").success,
        Some(std::time::Duration::ZERO)
    );
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
                       "statuses": ["one", {"type": "custom", "text": "two", "presence": "idle"}]},
            "logging": {"level": "critical", "format": "json"},
            "extensions": {"auto_load": false, "blacklist": ["spam"], "path": "../elsewhere",
                           "only_in": {"levels": ["175928847299117069"]}},
            "slash_limiter": {"priorities": {"levels": -3, "Ban": 7}},
            "replies": {"success_delete_after": 9, "commands": {"Ban": {"success_delete_after": 2.5}}},
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
    assert_eq!(config.status.interval.as_millis(), 10_500);
    assert_eq!(config.status.lines[0].kind, ActivityKind::Playing);
    assert_eq!(config.status.lines[0].presence, OnlineStatus::DoNotDisturb);
    assert_eq!(config.status.lines[1].presence, OnlineStatus::Idle);
    assert_eq!(config.status.lines[1].kind, ActivityKind::Custom);
    assert_eq!(config.status.lines[1].text, "two");
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
    let ban = config.replies.of_command("ban");
    assert_eq!(ban.success.map(|after| after.as_millis()), Some(2500));
    assert_eq!(ban.invocation.map(|after| after.as_millis()), Some(0));
    assert_eq!(
        config.replies.of_command("kick").success.map(|after| after.as_secs()),
        Some(9)
    );
    let priorities: Vec<_> = config.slash_limiter.priorities.into_iter().collect();
    assert_eq!(priorities, [("ban".to_owned(), 7), ("levels".to_owned(), -3)]);
    let levels = "levels".parse().unwrap();
    assert_eq!(config.extensions.only_in[&levels].len(), 1);
    assert!(config.grants[&levels].contains("plugins.reload"));
    assert_eq!(config.plugins.section("levels").unwrap()["rate"], 2);
    assert_eq!(config.plugins.section("absent"), Ok(serde_json::json!({})));
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
fn every_mistake_has_its_words() {
    let mut all = String::new();
    for (mistake, text) in [
        ("empty", ""),
        ("no object", "[]"),
        ("a text", "\"prefix\""),
        ("missing comma", "{\n  \"prefix\": \"!\"\n  \"auto_reload\": true\n}"),
        ("missing bracket", "{\"status\": {\"text\": \"x\""),
        ("bracket too many", "{\"prefix\": \"!\"}}"),
        ("single quotes", "{'prefix': '!'}"),
        ("name without quotes", "{prefix: \"!\"}"),
        (
            "comments and surplus commas, and what stands behind them",
            "{\n  // mine\n  \"prefix\": \"too long\", /* more */\n  \"owner_ids\": [\"me\",], # no\n  \"auto_reload\": 1,\n}",
        ),
        ("python", "{\"auto_reload\": True}"),
        ("a number as text", "{\"status\": {\"interval\": \"60\"}}"),
        ("a fraction", "{\"database\": {\"backups\": 1.5}}"),
        ("too much", "{\"extensions\": {\"memory_percent\": 101}}"),
        ("too little", "{\"logging\": {\"max_bytes\": 1}}"),
        ("a space", "{\"prefix\": \"a b\"}"),
        ("null", "{\"prefix\": null}"),
        ("misspelt value", "{\"status\": {\"type\": \"whatching\"}}"),
        ("misspelt key below", "{\"status\": {\"intervall\": 60}}"),
        ("another's key", "{\"token\": \"secret\", \"level\": \"INFO\"}"),
        ("an id as a name", "{\"notices\": {\"channel\": \"#general\"}}"),
        (
            "several items",
            "{\"owner_ids\": [\"a\", \"175928847299117065\", true]}",
        ),
        (
            "a time for ever",
            "{\"replies\": {\"commands\": {\"ban\": {\"success_delete_after\": -1}}}}",
        ),
        (
            "a priority in words",
            "{\"slash_limiter\": {\"priorities\": {\"ban\": \"high\"}}}",
        ),
        (
            "a server's name",
            "{\"extensions\": {\"only_in\": {\"levels\": [\"home\"]}}}",
        ),
        (
            "a stream elsewhere",
            "{\"status\": {\"url\": \"https://example.com/live\"}}",
        ),
        (
            "a status without a text",
            "{\"status\": {\"statuses\": [{\"type\": \"playing\"}]}}",
        ),
        ("a plugin's name", "{\"plugins\": {\"My Plugin\": {}}}"),
        ("twice", "{\"prefix\": \"!\",\n\"prefix\": \"?\"}"),
    ] {
        let refusal = refused(text);
        let (_, faults) = refusal.split_once("config.json\n").unwrap();
        writeln!(all, "{mistake}:\n{faults}").unwrap();
    }
    insta::assert_snapshot!("mistakes", all);
}

#[test]
fn files_that_are_no_text_say_what_they_are() {
    let case = Case::new(None, Some(&env()));
    fs::create_dir(case.folder.path().join("config.json")).unwrap();
    let folder = case.refusal();
    fs::remove_dir(case.folder.path().join("config.json")).unwrap();
    fs::write(case.folder.path().join("config.json"), b"{\"prefix\": \"\xe4\"}").unwrap();
    let latin = case.refusal();
    insta::assert_snapshot!("no_text", format!("{folder}\n\n{latin}"));
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
    let section = config.plugins.section("a").unwrap();
    assert_eq!(section["key"], "x from process y");
    assert_eq!(section["list"][0], "with spaces");
    assert_eq!(section["plain"], "${KEY} ${");
    assert_eq!(config.prefix, "${P}");
    assert!(!format!("{config:?}").contains("from process"));
}

#[test]
fn a_variable_that_is_missing_or_not_for_plugins_is_the_matter_of_that_plugin() {
    let text = r#"{"plugins": {"a": {"key": "${ABSENT}", "token": ["${DISCORD_TOKEN}"]}, "b": {"key": "fine"}}}"#;
    let (config, ..) = Case::new(Some(text), Some(&env())).load(&[]).unwrap();
    insta::assert_snapshot!("variables", config.plugins.section("a").unwrap_err());
    assert!(config.plugins.section("b").is_ok());
    assert_eq!(config.plugins.faults().count(), 1);
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
    insta::assert_snapshot!("schema", schema());
}

#[test]
fn what_the_originals_shipped_file_has_is_accepted() {
    let text = r#"{
        "status": {"statuses": [{"presence": "dnd", "type": "custom", "text": "a"}, {"presence": "idle", "text": "b"}],
                   "interval": 20, "log_status_updates": false},
        "_comment_framework": "x",
        "framework": {"enable_shard_monitor": true, "enable_shard_manager": true, "enable_backup_restore": true,
                      "_comment": "y"}
    }"#;
    let (config, _, warnings) = Case::new(Some(text), Some(&env())).load(&[]).unwrap();
    assert_eq!(config.status.lines[1].presence, OnlineStatus::Idle);
    insta::assert_snapshot!(
        "the_originals_keys",
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn what_is_odd_about_statuses_is_warned_of() {
    let text = r#"{"status": {"type": "streaming", "text": "{servers} and {guilds}"}}"#;
    let (.., warnings) = Case::new(Some(text), Some(&env())).load(&[]).unwrap();
    insta::assert_snapshot!(
        "odd_statuses",
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn the_schema_agrees_with_the_check() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let defaults: serde_json::Value = serde_json::from_str(&super::written::defaults()).unwrap();
    assert!(
        validator.is_valid(&defaults),
        "{:?}",
        validator.iter_errors(&defaults).collect::<Vec<_>>()
    );
    for text in [
        r#"{"prefix": "a b"}"#,
        r#"{"prefx": "!"}"#,
        r#"{"owner_ids": ["me"]}"#,
        r#"{"status": {"interval": 1}}"#,
        r#"{"status": {"url": "https://example.com"}}"#,
        r#"{"status": {"statuses": [{"type": "playing"}]}}"#,
        r#"{"discord": {"intents": ["GUILD_EVERYTHING"]}}"#,
        r#"{"plugins": {"My Plugin": {}}}"#,
        r#"{"grants": {"a": "plugins.reload"}}"#,
        r#"{"colours": {"error": "red"}}"#,
        r#"{"notices": {"channel": 5.5}}"#,
    ] {
        let file = serde_json::from_str(text).unwrap();
        assert!(!validator.is_valid(&file), "the schema accepts {text}");
        refused(text);
    }
    // Every key says what it is for.
    for key in super::keys::KEYS.iter() {
        assert!(
            super::faults::faults(key.kind, &key.default).is_empty(),
            "{}: its default is refused",
            key.path
        );
        assert!(
            key.about.ends_with('.') && key.about.len() > 15,
            "{}: {}",
            key.path,
            key.about
        );
    }
}

#[test]
fn a_schema_is_written_beside_the_file_and_only_if_it_differs() {
    let case = Case::new(None, Some(&env()));
    case.load(&[]).unwrap();
    let path = case.folder.path().join("config.schema.json");
    assert_eq!(fs::read_to_string(&path).unwrap(), schema());
    let written = fs::metadata(&path).unwrap().modified().unwrap();
    case.load(&[]).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), written);
    fs::write(&path, "old").unwrap();
    case.load(&[]).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), schema());
}

#[test]
fn a_change_counts_at_once_or_from_the_next_start_on() {
    let case = Case::new(Some("{\"sharding\": {\"shards\": 2}}"), Some(&env()));
    let mut files = case.files(&[]);
    files.load().unwrap();
    assert!(matches!(files.look(), Look::Unchanged));
    case.write(r#"{"prefix": "?", "sharding": {"shards": 3}, "database": {"path": "x.db"}}"#);
    let Look::Right(change) = files.look() else {
        panic!("it is right")
    };
    assert_eq!(
        (change.changed, change.at_start),
        (vec!["prefix"], vec!["database.path", "sharding.shards"])
    );
    assert_eq!((change.config.prefix.as_str(), change.config.shards), ("?", 2));
    assert!(change.config.database.path.ends_with("data/bot.db"));
    // What was told is not told again, what is new is.
    case.write(r#"{"prefix": "?", "sharding": {"shards": 4}, "extensions": {"path": "x"}, "_comment": ""}"#);
    let Look::Right(change) = files.look() else {
        panic!("it is right")
    };
    assert_eq!((change.changed, change.at_start), (vec![], vec!["extensions.path"]));
    assert_eq!(change.warnings.len(), 1);
    // A fault changes nothing, whatever else is in the file.
    case.write(r#"{"prefix": "+", "auto_reload": "yes"}"#);
    let Look::Faulty(error) = files.look() else {
        panic!("it is faulty")
    };
    assert_eq!(error.count(), 1);
    assert!(matches!(files.look(), Look::Unchanged));
    fs::remove_file(case.folder.path().join("config.json")).unwrap();
    assert!(matches!(files.look(), Look::Missing));
    case.write("{}");
    let Look::Right(change) = files.look() else {
        panic!("it is right")
    };
    assert_eq!(change.changed, ["prefix"]);
}

#[test]
fn a_secret_that_changes_is_read_again() {
    let text = r#"{"plugins": {"a": {"key": "${KEY}"}}}"#;
    let case = Case::new(Some(text), Some(&format!("{}KEY=one\n", env())));
    let mut files = case.files(&[]);
    let (config, ..) = files.load().unwrap();
    assert_eq!(config.plugins.secrets().collect::<Vec<_>>(), ["one"]);
    fs::write(case.folder.path().join(".env"), format!("{}KEY=two\n", env())).unwrap();
    let Look::Right(change) = files.look() else {
        panic!("it is right")
    };
    assert_eq!(change.config.plugins.section("a").unwrap()["key"], "two");
    fs::write(case.folder.path().join(".env"), env()).unwrap();
    let Look::Right(change) = files.look() else {
        panic!("it is right")
    };
    assert!(change.config.plugins.section("a").is_err());
}

#[test]
fn the_overview_names_sources_and_shows_no_secret() {
    let text = "{\n  \"prefix\": \"?\",\n  \"plugins\": {\"a\": {\"rate\": 2, \"key\": \"${KEY}\", \"other\": \"${ABSENT}\", \"plain\": \"hunter2\"}}\n}";
    let case = Case::new(Some(text), Some(&format!("{}KEY=s3cret\n", env())));
    let root = Root::look_at(case.folder.path()).unwrap();
    let process = |name: &str| (name == "DISCORD_API_URL").then(|| "http://127.0.0.1:1".to_owned());
    let shown = show(&root, &process).unwrap();
    for secret in ["s3cret", "hunter2", TOKEN] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let picked: Vec<_> = shown
        .lines()
        .filter(|line| !line.ends_with("# default"))
        .chain(shown.lines().take(2))
        .collect();
    insta::assert_snapshot!("overview", picked.join("\n"));
    let warnings: Vec<_> = check(&root, &process)
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    insta::assert_snapshot!("overview_warnings", warnings.join("\n"));
    assert!(!case.folder.path().join("data").exists(), "looking makes nothing");
    // Without a token it can be checked all the same, and a fault is one.
    let bare = Case::new(Some("{\"prefix\": 1}"), None);
    let root = Root::look_at(bare.folder.path()).unwrap();
    assert_eq!(check(&root, &|_| None).unwrap_err().count(), 1);
    bare.write("{}");
    assert!(check(&root, &|_| None).is_ok());
}
