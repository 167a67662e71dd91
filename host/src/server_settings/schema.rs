//! Whether a plugin's settings can be shown, read and kept: asked when the plugin is probed.
//!
//! What the macros refuse is refused here once more, since a file may have been built by others.

use plugin_protocol::{
    Choice,
    server_settings::{MAX_SETTINGS, MAX_WRITTEN, RESET, Setting, SettingsSchema},
};

use super::value::{fits, is_too_long, written};

/// Whether a schema is sound.
///
/// # Errors
///
/// Which setting is not, and what it should be.
pub fn check(schema: &SettingsSchema) -> Result<(), String> {
    if schema.settings.len() > MAX_SETTINGS {
        let count = schema.settings.len();
        return Err(format!(
            "it has {count} settings of servers, a plugin has at most {MAX_SETTINGS}"
        ));
    }
    for (at, setting) in schema.settings.iter().enumerate() {
        let name = &setting.value.name;
        let is_doubled = schema.settings[..at].iter().any(|other| other.value.name == *name);
        let problem = if is_doubled {
            Some("is there twice: rename one".to_owned())
        } else {
            problem(setting)
        };
        if let Some(problem) = problem {
            return Err(format!("its setting `{name}` {problem}"));
        }
    }
    Ok(())
}

/// What is wrong with a setting.
fn problem(setting: &Setting) -> Option<String> {
    let value = &setting.value;
    let is_letter = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    if !(1..=32).contains(&value.name.len()) || !value.name.bytes().all(is_letter) {
        return Some("has a name that can't be written: 1 to 32 of a-z, 0-9, _ and -".to_owned());
    }
    if !(1..=100).contains(&value.description.chars().count()) {
        return Some("needs a description of 1 to 100 characters".to_owned());
    }
    if !Setting::can_be(value.kind) {
        return Some("is of a type that no setting can have: build it with the plugin-api of this host".to_owned());
    }
    let is_choice = |name: &str| (1..=100).contains(&name.chars().count());
    let are_choices =
        value.choices.len() <= 25 && value.choices.iter().all(|c| is_choice(&c.name) && is_choice(&c.value));
    if !are_choices {
        return Some("has too many choices or too long ones: at most 25, of 1 to 100 characters".to_owned());
    }
    let is_empty = |min: Option<f64>, max: Option<f64>| min.zip(max).is_some_and(|(min, max)| min > max);
    let length = |length: Option<u16>| length.map(f64::from);
    if is_empty(value.min, value.max) || is_empty(length(value.min_length), length(value.max_length)) {
        return Some("has limits that nothing keeps".to_owned());
    }
    if value.max_length.is_some_and(|max| usize::from(max) > MAX_WRITTEN) {
        return Some(format!(
            "may be longer than a form takes: at most {MAX_WRITTEN} characters"
        ));
    }
    let is_reset = |choice: &Choice| choice.name.trim().eq_ignore_ascii_case(RESET);
    if value.choices.iter().any(is_reset) {
        return Some(format!(
            "has a choice `{RESET}`, the word that goes back to the default: rename it"
        ));
    }
    if is_too_long(&written(setting, &setting.default)) {
        return Some(format!(
            "has a default that is longer than a form takes: at most {MAX_WRITTEN} characters"
        ));
    }
    if !fits(setting, &setting.default) {
        return Some(format!("has a default that it can't be: {}", setting.default));
    }
    None
}

#[cfg(test)]
mod tests {
    use plugin_protocol::{Argument, ArgumentKind};
    use serde_json::{Value, json};

    use super::*;

    fn setting(change: impl FnOnce(&mut Argument), default: Value) -> Setting {
        let mut value = Argument {
            name: "limit".to_owned(),
            description: "How many".to_owned(),
            kind: ArgumentKind::Integer,
            required: true,
            ..Argument::default()
        };
        change(&mut value);
        Setting { value, default }
    }

    #[test]
    fn what_cannot_be_shown_read_or_kept_is_refused_by_its_name() {
        let refusal = |setting: Setting| {
            let settings = vec![setting];
            check(&SettingsSchema { settings }).err().unwrap_or_default()
        };
        assert_eq!(refusal(setting(|_| {}, json!(5))), "");
        let long = vec!["x".repeat(900); 5];
        let cases: [(Setting, &str); 12] = [
            (
                setting(|value| value.name = "Limit".to_owned(), json!(5)),
                "1 to 32 of a-z",
            ),
            (
                setting(|value| value.description.clear(), json!(5)),
                "a description of 1 to 100",
            ),
            (
                setting(|value| value.kind = ArgumentKind::Attachment, json!(5)),
                "no setting can have",
            ),
            (
                setting(|value| value.kind = ArgumentKind::Unknown, json!(5)),
                "no setting can have",
            ),
            (
                setting(|value| value.min = Some(6.0), json!(5)),
                "a default that it can't be: 5",
            ),
            (setting(|_| {}, Value::Null), "a default that it can't be: null"),
            (
                setting(|value| (value.min, value.max) = (Some(9.0), Some(1.0)), json!(5)),
                "limits that nothing keeps",
            ),
            (
                setting(
                    |value| (value.min_length, value.max_length) = (Some(9), Some(1)),
                    json!(5),
                ),
                "limits that nothing keeps",
            ),
            (setting(|value| value.max_length = Some(4001), json!(5)), "at most 4000"),
            (
                setting(|value| value.choices = vec![Choice::from("x"); 26], json!(5)),
                "at most 25",
            ),
            (
                setting(|value| value.choices = vec![Choice::from("Reset")], json!(5)),
                "goes back to the default",
            ),
            (
                setting(
                    |value| (value.kind, value.variadic) = (ArgumentKind::String, true),
                    json!(long),
                ),
                "longer than a form takes",
            ),
        ];
        for (setting, expected) in cases {
            let told = refusal(setting);
            assert!(told.starts_with("its setting `") && told.contains(expected), "{told}");
        }
        let twice = vec![setting(|_| {}, json!(1)); 2];
        assert!(check(&SettingsSchema { settings: twice }).is_err_and(|told| told.contains("is there twice")));
        let many = vec![setting(|_| {}, json!(1)); MAX_SETTINGS + 1];
        assert!(check(&SettingsSchema { settings: many }).is_err_and(|told| told.contains("at most 25")));
    }
}
