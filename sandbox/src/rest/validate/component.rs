//! Message components: which may stand where, their limits, unique ids
//! (<https://discord.com/developers/docs/components/reference>).

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{
    Fields,
    select::{default_values, emoji, select_options},
};
use crate::rest::errors::Faults;

/// Components of a message made of components only, nested ones included.
const MOST_V2: usize = 40;
/// Action rows of other messages.
const MOST_ROWS: usize = 5;

const ROW: i64 = 1;
const BUTTON: i64 = 2;
const STRING_SELECT: i64 = 3;
const SECTION: i64 = 9;
const TEXT: i64 = 10;
const THUMBNAIL: i64 = 11;
const GALLERY: i64 = 12;
const FILE: i64 = 13;
const SEPARATOR: i64 = 14;
const CONTAINER: i64 = 17;

/// Checks a message's components and gives them as Discord answers them: with ids and defaults.
pub(crate) fn components(list: &[Value], path: &str, is_v2: bool, faults: &mut Faults) -> Vec<Value> {
    let mut check = Check {
        faults,
        custom_ids: HashSet::new(),
        ids: HashSet::new(),
        count: 0,
        is_v2,
    };
    let mut read: Vec<Value> = list
        .iter()
        .enumerate()
        .map(|(at, one)| check.component(one, &format!("{path}.{at}"), Inside::Message))
        .collect();
    let Check { mut ids, count, .. } = check;
    if is_v2 && count > MOST_V2 {
        faults.add(
            path,
            "BASE_TYPE_MAX_LENGTH",
            &format!("Must be {MOST_V2} or fewer in total, got {count}."),
        );
    }
    if !is_v2 && list.len() > MOST_ROWS {
        faults.add(
            path,
            "BASE_TYPE_MAX_LENGTH",
            &format!("Must be {MOST_ROWS} or fewer in length."),
        );
    }
    let mut next = 1;
    for component in &mut read {
        number(component, &mut ids, &mut next);
    }
    read
}

/// Gives every component without an id the next free one, in reading order.
fn number(component: &mut Value, ids: &mut HashSet<i64>, next: &mut i64) {
    // What is no object is a fault already.
    if !component.is_object() {
        return;
    }
    if component["id"].as_i64().unwrap_or(0) == 0 {
        while !ids.insert(*next) {
            *next += 1;
        }
        component["id"] = json!(*next);
    }
    for key in ["components", "accessory"] {
        match component.get_mut(key) {
            Some(Value::Array(list)) => list.iter_mut().for_each(|one| number(one, ids, next)),
            Some(one @ Value::Object(_)) => number(one, ids, next),
            _ => {}
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Message,
    Row,
    Section,
    Accessory,
    Container,
}

struct Check<'a> {
    faults: &'a mut Faults,
    custom_ids: HashSet<String>,
    ids: HashSet<i64>,
    count: usize,
    is_v2: bool,
}

impl Check<'_> {
    fn component(&mut self, value: &Value, path: &str, inside: Inside) -> Value {
        self.count += 1;
        let kind = value["type"].as_i64().unwrap_or(0);
        let keys: &[&str] = match kind {
            ROW => &["type", "id", "components"],
            BUTTON => &[
                "type",
                "id",
                "style",
                "label",
                "emoji",
                "custom_id",
                "sku_id",
                "url",
                "disabled",
            ],
            STRING_SELECT => &[
                "type",
                "id",
                "custom_id",
                "options",
                "placeholder",
                "min_values",
                "max_values",
                "disabled",
                "required",
            ],
            5..=8 => &[
                "type",
                "id",
                "custom_id",
                "channel_types",
                "placeholder",
                "default_values",
                "min_values",
                "max_values",
                "disabled",
                "required",
            ],
            SECTION => &["type", "id", "components", "accessory"],
            TEXT => &["type", "id", "content"],
            THUMBNAIL => &["type", "id", "media", "description", "spoiler"],
            GALLERY => &["type", "id", "items"],
            FILE => &["type", "id", "file", "spoiler", "name", "size"],
            SEPARATOR => &["type", "id", "divider", "spacing"],
            CONTAINER => &["type", "id", "components", "accent_color", "spoiler"],
            _ => {
                self.faults.add(
                    &format!("{path}.type"),
                    "UNION_TYPE_CHOICES",
                    "Value of field \"type\" must be a component type that messages may have.",
                );
                return value.clone();
            }
        };
        let fields = Fields::new(value, path, keys, self.faults);
        self.check_place(kind, path, inside);
        if let Some(id) = fields.integer("id", 0..=i64::from(i32::MAX), self.faults)
            && id != 0
            && !self.ids.insert(id)
        {
            self.faults.add(
                &fields.at("id"),
                "COMPONENT_ID_DUPLICATED",
                "Component id cannot be duplicated",
            );
        }
        let mut out: Map<String, Value> = value.as_object().cloned().unwrap_or_default();
        out.retain(|_, field| !field.is_null());
        match kind {
            ROW => self.row(&fields, &mut out),
            BUTTON => self.button(&fields),
            STRING_SELECT | 5..=8 => self.select(kind, &fields, &mut out),
            SECTION => self.section(&fields, &mut out),
            TEXT => {
                fields.required("content", self.faults);
                fields.text("content", 1..=4000, self.faults);
            }
            THUMBNAIL => self.media(&fields, "media", &mut out),
            GALLERY => self.gallery(&fields, &mut out),
            FILE => self.media(&fields, "file", &mut out),
            SEPARATOR => {
                fields.flag("divider", self.faults);
                fields.integer("spacing", 1..=2, self.faults);
                out.entry("divider").or_insert(json!(true));
                out.entry("spacing").or_insert(json!(1));
            }
            _ => {
                fields.required("components", self.faults);
                fields.integer("accent_color", 0..=0xff_ffff, self.faults);
                let list = fields.list("components", 1..=MOST_V2, self.faults).unwrap_or_default();
                out.insert(
                    "components".to_owned(),
                    self.all(list, &fields.at("components"), Inside::Container),
                );
                out.entry("spoiler").or_insert(json!(false));
                out.entry("accent_color").or_insert(Value::Null);
            }
        }
        Value::Object(out)
    }

    fn all(&mut self, list: &[Value], path: &str, inside: Inside) -> Value {
        list.iter()
            .enumerate()
            .map(|(at, one)| self.component(one, &format!("{path}.{at}"), inside))
            .collect()
    }

    fn check_place(&mut self, kind: i64, path: &str, inside: Inside) {
        let fits = match inside {
            Inside::Message if self.is_v2 => {
                matches!(kind, ROW | SECTION | TEXT | GALLERY | FILE | SEPARATOR | CONTAINER)
            }
            Inside::Message => kind == ROW,
            Inside::Row => matches!(kind, BUTTON | STRING_SELECT | 5..=8),
            Inside::Section => kind == TEXT,
            Inside::Accessory => matches!(kind, BUTTON | THUMBNAIL),
            Inside::Container => matches!(kind, ROW | SECTION | TEXT | GALLERY | FILE | SEPARATOR),
        };
        if !fits {
            let text = match inside {
                Inside::Message if !self.is_v2 => {
                    "Only action rows may stand here; other components need the flag IS_COMPONENTS_V2 (1 << 15)."
                }
                _ => "A component of this type may not stand here.",
            };
            self.faults.add(&format!("{path}.type"), "UNION_TYPE_CHOICES", text);
        }
    }

    fn row(&mut self, fields: &Fields<'_>, out: &mut Map<String, Value>) {
        fields.required("components", self.faults);
        let list = fields.list("components", 1..=5, self.faults).unwrap_or_default();
        let selects = list.iter().filter(|one| one["type"] != BUTTON).count();
        if selects > 0 && list.len() > 1 {
            self.faults.add(
                &fields.at("components"),
                "BASE_TYPE_MAX_LENGTH",
                "A row holds up to five buttons or one select.",
            );
        }
        out.insert(
            "components".to_owned(),
            self.all(list, &fields.at("components"), Inside::Row),
        );
    }

    fn custom_id(&mut self, fields: &Fields<'_>) {
        fields.required("custom_id", self.faults);
        if let Some(id) = fields.text("custom_id", 1..=100, self.faults)
            && !self.custom_ids.insert(id.to_owned())
        {
            self.faults.add(
                &fields.at("custom_id"),
                "COMPONENT_CUSTOM_ID_DUPLICATED",
                "Component custom id cannot be duplicated",
            );
        }
    }

    fn button(&mut self, fields: &Fields<'_>) {
        fields.required("style", self.faults);
        let style = fields.integer("style", 1..=6, self.faults).unwrap_or(1);
        let label = fields.text("label", 0..=80, self.faults).unwrap_or_default();
        fields.flag("disabled", self.faults);
        emoji(fields, self.faults);
        let refuse = |check: &mut Self, key: &str, text: &str| {
            check.faults.add(&fields.at(key), "BUTTON_COMPONENT_INVALID", text);
        };
        match style {
            5 => {
                if fields.required("url", self.faults).is_some() {
                    fields.text("url", 1..=512, self.faults);
                    let is_app = fields
                        .get("url")
                        .and_then(Value::as_str)
                        .is_some_and(|url| url.starts_with("discord://"));
                    if !is_app {
                        fields.url("url", false, self.faults);
                    }
                }
                if fields.get("custom_id").is_some() {
                    refuse(self, "custom_id", "A link button has a url and no custom id.");
                }
            }
            6 => {
                fields.required("sku_id", self.faults);
            }
            _ => {
                self.custom_id(fields);
                if fields.get("url").is_some() {
                    refuse(self, "url", "Only a link button (style 5) has a url.");
                }
            }
        }
        if style != 6 && label.is_empty() && fields.get("emoji").is_none() {
            refuse(self, "label", "A button needs a label or an emoji.");
        }
    }

    fn select(&mut self, kind: i64, fields: &Fields<'_>, out: &mut Map<String, Value>) {
        self.custom_id(fields);
        fields.text("placeholder", 0..=150, self.faults);
        fields.flag("disabled", self.faults);
        let least = fields.integer("min_values", 0..=25, self.faults).unwrap_or(1);
        let most = fields.integer("max_values", 1..=25, self.faults).unwrap_or(1);
        if least > most {
            self.faults.add(
                &fields.at("min_values"),
                "NUMBER_TYPE_MAX",
                "min_values must not exceed max_values.",
            );
        }
        out.entry("min_values").or_insert(json!(1));
        out.entry("max_values").or_insert(json!(1));
        if kind != STRING_SELECT {
            let chosen = fields.list("default_values", 0..=25, self.faults).unwrap_or_default();
            default_values(chosen, &fields.at("default_values"), self.faults);
            if !chosen.is_empty() && !(least..=most).contains(&i64::try_from(chosen.len()).unwrap_or(i64::MAX)) {
                self.faults.add(
                    &fields.at("default_values"),
                    "SELECT_COMPONENT_INVALID_DEFAULT_VALUES",
                    "The number of default values must be between min_values and max_values.",
                );
            }
            return;
        }
        fields.required("options", self.faults);
        let options = fields.list("options", 1..=25, self.faults).unwrap_or_default();
        if !options.is_empty() && (options.len() as u64) < most.unsigned_abs() {
            self.faults.add(
                &fields.at("max_values"),
                "NUMBER_TYPE_MAX",
                "max_values must not exceed the number of options.",
            );
        }
        select_options(options, &fields.at("options"), self.faults);
    }

    fn section(&mut self, fields: &Fields<'_>, out: &mut Map<String, Value>) {
        fields.required("components", self.faults);
        fields.required("accessory", self.faults);
        let list = fields.list("components", 1..=3, self.faults).unwrap_or_default();
        out.insert(
            "components".to_owned(),
            self.all(list, &fields.at("components"), Inside::Section),
        );
        if let Some(accessory) = fields.get("accessory") {
            out.insert(
                "accessory".to_owned(),
                self.component(accessory, &fields.at("accessory"), Inside::Accessory),
            );
        }
    }

    fn gallery(&mut self, fields: &Fields<'_>, out: &mut Map<String, Value>) {
        fields.required("items", self.faults);
        let mut items = Vec::new();
        for (at, item) in fields
            .list("items", 1..=10, self.faults)
            .unwrap_or_default()
            .iter()
            .enumerate()
        {
            let path = format!("{}.{at}", fields.at("items"));
            let fields = Fields::new(item, &path, &["media", "description", "spoiler"], self.faults);
            let mut item: Map<String, Value> = item.as_object().cloned().unwrap_or_default();
            self.media(&fields, "media", &mut item);
            items.push(Value::Object(item));
        }
        out.insert("items".to_owned(), Value::Array(items));
    }

    fn media(&mut self, fields: &Fields<'_>, key: &str, out: &mut Map<String, Value>) {
        fields.text("description", 0..=1024, self.faults);
        fields.flag("spoiler", self.faults);
        out.entry("spoiler").or_insert(json!(false));
        if key == "media" {
            out.entry("description").or_insert(Value::Null);
        } else {
            out.entry("name").or_insert(Value::Null);
            out.entry("size").or_insert(Value::Null);
        }
        if let Some(media) = fields.required(key, self.faults) {
            let known = [
                "url",
                "proxy_url",
                "height",
                "width",
                "content_type",
                "attachment_id",
                "id",
                "placeholder",
                "placeholder_version",
                "loading_state",
                "flags",
            ];
            let fields = Fields::new(media, &fields.at(key), &known, self.faults);
            fields.required("url", self.faults);
            let url = fields.url("url", true, self.faults).unwrap_or_default();
            if key == "file" && !url.starts_with("attachment://") {
                self.faults.add(
                    &fields.at("url"),
                    "URL_TYPE_INVALID_SCHEME",
                    "A file component shows an attachment:// of the same message.",
                );
            }
            out.insert(key.to_owned(), json!({ "id": "0", "url": url, "proxy_url": url, "width": null, "height": null, "content_type": null, "loading_state": 2 }));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::components;
    use crate::rest::errors::Faults;

    fn refused(list: &Value, is_v2: bool) -> String {
        let mut faults = Faults::default();
        components(list.as_array().expect("a list"), "components", is_v2, &mut faults);
        if faults.is_empty() {
            String::new()
        } else {
            faults.refusal().json()["errors"].to_string()
        }
    }

    fn row(inner: &[Value]) -> Value {
        json!({ "type": 1, "components": inner })
    }

    fn button(id: &str) -> Value {
        json!({ "type": 2, "style": 1, "label": "x", "custom_id": id })
    }

    #[test]
    fn what_discord_refuses() {
        let select = json!({ "type": 3, "custom_id": "s", "options": [{ "label": "a", "value": "a" }] });
        for (list, word) in [
            (
                json!([row(&[button("a"), button("a")])]),
                "COMPONENT_CUSTOM_ID_DUPLICATED",
            ),
            (
                json!(vec![
                    row(&[
                        json!({ "type": 2, "style": 5, "label": "x", "url": "https://a" })
                    ]);
                    6
                ]),
                "5 or fewer",
            ),
            (
                json!([row(&["1", "2", "3", "4", "5", "6"].map(button))]),
                "between 1 and 5",
            ),
            (
                json!([row(&[json!({ "type": 2, "style": 1, "label": "x" })])]),
                "custom_id",
            ),
            (json!([row(&[json!({ "type": 2, "style": 5, "label": "x" })])]), "url"),
            (
                json!([row(&[
                    json!({ "type": 2, "style": 5, "label": "x", "url": "https://a", "custom_id": "c" })
                ])]),
                "custom_id",
            ),
            (
                json!([row(&[json!({ "type": 2, "style": 1, "custom_id": "c" })])]),
                "label",
            ),
            (
                json!([row(&[
                    json!({ "type": 2, "style": 1, "label": "x".repeat(81), "custom_id": "c" })
                ])]),
                "label",
            ),
            (json!([row(&[button(&"c".repeat(101))])]), "custom_id"),
            (json!([row(&[select.clone(), button("b")])]), "one select"),
            (
                json!([row(&[json!({ "type": 3, "custom_id": "s", "options": [] })])]),
                "options",
            ),
            (
                json!([row(&[
                    json!({ "type": 3, "custom_id": "s", "max_values": 2, "options": [{ "label": "a", "value": "a" }] })
                ])]),
                "max_values",
            ),
            (
                json!([row(&[
                    json!({ "type": 3, "custom_id": "s", "options": [{ "label": "a", "value": "a" }, { "label": "b", "value": "a" }] })
                ])]),
                "OPTION_VALUE_DUPLICATED",
            ),
            (json!([button("b")]), "action rows"),
            (json!([{ "type": 10, "content": "text" }]), "IS_COMPONENTS_V2"),
            (json!([row(&[])]), "components"),
            (
                json!([row(&[
                    json!({ "type": 2, "style": 1, "lable": "x", "custom_id": "c", "label": "x" })
                ])]),
                "lable",
            ),
            (json!([{ "type": 99 }]), "type"),
        ] {
            let errors = refused(&list, false);
            assert!(errors.contains(word), "{list}: {errors}");
        }
        assert_eq!(
            refused(&json!([row(&[select]), row(&[button("a"), button("b")])]), false),
            ""
        );
    }

    #[test]
    fn components_v2_count_nested_ones() {
        let text = json!({ "type": 10, "content": "t" });
        let container = json!({ "type": 17, "components": vec![text.clone(); 39] });
        assert_eq!(refused(&json!([container]), true), "");
        assert!(refused(&json!([container, text]), true).contains("40 or fewer"));
        let section = json!({ "type": 9, "components": [text], "accessory": { "type": 11, "media": { "url": "https://a/b.png" } } });
        assert_eq!(refused(&json!([section]), true), "");
        assert!(refused(&json!([{ "type": 9, "components": [text] }]), true).contains("accessory"));
    }

    #[test]
    fn answers_carry_ids_and_defaults() {
        let mut faults = Faults::default();
        let list = json!([row(&[
            button("a"),
            json!({ "type": 2, "style": 2, "label": "y", "custom_id": "b", "id": 2 })
        ])]);
        let read = components(list.as_array().expect("a list"), "components", false, &mut faults);
        assert_eq!(
            (
                &read[0]["id"],
                &read[0]["components"][0]["id"],
                &read[0]["components"][1]["id"]
            ),
            (&json!(1), &json!(3), &json!(2))
        );
    }
}
