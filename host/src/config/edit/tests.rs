//! What an edit leaves as it was, which is everything else, and what it refuses.
//!
//! Texts by snapshot, the rest by a model: whatever is edited, the file then is what the same change of a value makes.

use std::fmt::Write;

use proptest::prelude::*;
use serde_json::json;

use super::*;

const OWN_STYLE: &str = "{\r\n\t\"status\": { \"type\": \"playing\" },\r\n\t\"_comment\": \"mine\",\r\n\t\"prefix\": \"!\",\r\n\t\"plugins\": {\r\n\t\t\"levels\": {\r\n\t\t\t\"rate\": 2\r\n\t\t}\r\n\t}\r\n}\r\n";

#[test]
fn everything_else_stays_as_its_owner_wrote_it() {
    let mut shown = String::new();
    for (path, value) in [
        ("prefix", json!("?")),
        ("status.text", json!("\"quoted\"")),
        ("plugins.levels.rate", json!({"a": [1, 2], "b": {}})),
        ("plugins.levels.names", json!(["x"])),
        ("plugins.other.deep.key", json!(true)),
        ("owner_ids", json!(["175928847299117065"])),
        ("logging.level", json!("DEBUG")),
    ] {
        let text = with(OWN_STYLE, path, &value).unwrap();
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        let plain = text.replace("\r\n", "\n").replace('\t', "    ");
        write!(shown, "--- {path}\n{plain}").unwrap();
    }
    for (text, path) in [
        ("{}", "status.text"),
        ("{ }\n", "prefix"),
        ("{\"prefix\": \"!\"}", "status.text"),
        ("\u{feff}{\n \"owner_ids\": [], \"status\": {}\n}", "status.text"),
    ] {
        let value = json!("?");
        writeln!(shown, "--- {text:?}\n{}", with(text, path, &value).unwrap()).unwrap();
    }
    insta::assert_snapshot!("edits", shown);
}

#[test]
fn what_the_check_refuses_is_not_written() {
    let refusal = |text: &str, path: &str, value: Value| with(text, path, &value).unwrap_err().to_string();
    let texts = [
        refusal("{}", "prefx", json!("?")),
        refusal("{}", "status.interval", json!(1)),
        refusal("{}", "prefix.deeper", json!(1)),
        refusal("{\"prefix\": \"!\"}", "prefix.deeper", json!(1)),
        refusal("{\"prefix\": \"!\",}", "prefix", json!("?")),
    ];
    insta::assert_snapshot!("edits_refused", texts.join("\n\n"));
}

#[test]
fn a_value_on_a_command_line_is_what_is_meant() {
    for (path, text, value) in [
        ("prefix", "?", json!("?")),
        ("prefix", "\"?\"", json!("?")),
        ("prefix", "1", json!("1")),
        ("auto_reload", "false", json!(false)),
        ("notices.channel", "null", Value::Null),
        ("notices.channel", "175928847299117065", json!("175928847299117065")),
        ("owner_ids", "[\"1\"]", json!(["1"])),
        ("plugins.levels.rate", "3", json!(3)),
        ("plugins.levels.name", "three", json!("three")),
    ] {
        assert_eq!(meant(path, text), value, "{path} {text}");
    }
}

#[test]
fn a_file_is_edited_where_it_lies_and_keeps_its_permissions() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::open(folder.path()).unwrap();
    set(&root, "prefix", &json!("?")).unwrap();
    let file = root.config_file();
    let expected = written::defaults().replace("\"prefix\": \"!\"", "\"prefix\": \"?\"");
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        expected,
        "a missing file is written with its defaults"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let elsewhere = folder.path().join("elsewhere.json");
        fs::rename(&file, &elsewhere).unwrap();
        symlink(&elsewhere, &file).unwrap();
        fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o640)).unwrap();
        set(&root, "prefix", &json!("+")).unwrap();
        assert!(file.is_symlink());
        assert_eq!(fs::metadata(&elsewhere).unwrap().permissions().mode() & 0o777, 0o640);
    }
    assert!(fs::read_to_string(&file).unwrap().contains("\"+\"") || cfg!(not(unix)));
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !left.iter().any(|name| name.to_string_lossy().starts_with(".write")),
        "{left:?}"
    );
}

#[test]
fn edits_at_the_same_time_are_all_there_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::open(folder.path()).unwrap();
    fs::write(root.config_file(), "{}").unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let root = &root;
            scope.spawn(move || {
                for number in 0..8 {
                    set(root, &format!("plugins.p{thread}.n{number}"), &json!(number)).unwrap();
                }
            });
        }
    });
    let file: Value = serde_json::from_str(&fs::read_to_string(root.config_file()).unwrap()).unwrap();
    let kept: usize = (0..4)
        .map(|thread| file["plugins"][format!("p{thread}")].as_object().unwrap().len())
        .sum();
    assert_eq!(kept, 32);
}

#[test]
fn what_somebody_else_wrote_meanwhile_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    fs::write(&file, "theirs").unwrap();
    assert!(!replace_if(&file, "ours", || false).unwrap());
    assert_eq!(fs::read_to_string(&file).unwrap(), "theirs");
    assert!(replace_if(&file, "ours", || true).unwrap());
    assert_eq!(fs::read_to_string(&file).unwrap(), "ours");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn an_edit_is_made_of_its_lines_only(
        edits in prop::collection::vec(("[a-c]", "[a-c]{1,2}", prop_oneof![
            any::<i32>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from),
            Just(json!([1, {"x": []}])),
        ]), 1..8),
        compact in any::<bool>(),
    ) {
        let mut text = if compact { "{\"prefix\":\"!\"}".to_owned() } else { written::defaults() };
        let mut model: Value = serde_json::from_str(&text).unwrap();
        for (plugin, key, value) in edits {
            let path = format!("plugins.{plugin}.{key}");
            text = with(&text, &path, &value).unwrap();
            put(&mut model, &path, &value).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), &model);
        }
    }
}
