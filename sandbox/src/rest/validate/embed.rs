//! Embeds: their limits, one by one and in sum
//! (<https://discord.com/developers/docs/resources/message#embed-object-embed-limits>).

use serde_json::{Map, Value, json};

use super::{Fields, text_length};
use crate::rest::errors::Faults;

/// Characters of all embeds of a message together.
const TOTAL: usize = 6000;

const IMAGE: &[&str] = &[
    "url",
    "proxy_url",
    "width",
    "height",
    "placeholder",
    "placeholder_version",
    "is_animated",
    "description",
    "content_type",
    "flags",
];

/// Checks a message's embeds and gives them as Discord answers them.
pub(crate) fn embeds(list: &[Value], path: &str, faults: &mut Faults) -> Vec<Value> {
    let mut total = 0;
    let read: Vec<Value> = list
        .iter()
        .enumerate()
        .map(|(at, one)| embed(one, &format!("{path}.{at}"), &mut total, faults))
        .collect();
    if total > TOTAL {
        faults.add(
            path,
            "MAX_EMBED_SIZE_EXCEEDED",
            &format!("Embed size exceeds maximum size of {TOTAL}"),
        );
    }
    read
}

fn embed(value: &Value, path: &str, total: &mut usize, faults: &mut Faults) -> Value {
    let known = [
        "title",
        "type",
        "description",
        "url",
        "timestamp",
        "color",
        "footer",
        "image",
        "thumbnail",
        "video",
        "provider",
        "author",
        "fields",
        "flags",
        "content_scan_version",
        "id",
        "reference_id",
    ];
    let fields = Fields::new(value, path, &known, faults);
    let mut out = Map::new();
    out.insert("type".to_owned(), json!("rich"));
    let mut keep = |key: &str, text: Option<&str>, total: &mut usize| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            *total += text_length(text);
            out.insert(key.to_owned(), json!(text));
        }
    };
    keep("title", fields.text("title", 0..=256, faults), total);
    keep("description", fields.text("description", 0..=4096, faults), total);
    keep("url", fields.url("url", false, faults), &mut 0);
    if let Some(color) = fields.integer("color", 0..=0xff_ffff, faults) {
        out.insert("color".to_owned(), json!(color));
    }
    if let Some(at) = fields.text("timestamp", 0..=64, faults) {
        if is_timestamp(at) {
            out.insert("timestamp".to_owned(), json!(at));
        } else {
            faults.add(
                &fields.at("timestamp"),
                "DATE_TYPE_PARSE",
                &format!("Could not parse {at}. Should be ISO8601."),
            );
        }
    }
    if let Some(author) = fields.get("author") {
        let fields = Fields::new(
            author,
            &fields.at("author"),
            &["name", "url", "icon_url", "proxy_icon_url"],
            faults,
        );
        fields.required("name", faults);
        let name = fields.text("name", 1..=256, faults).unwrap_or_default();
        *total += text_length(name);
        let mut author = json!({ "name": name });
        copy_url(&fields, "url", false, &mut author, faults);
        copy_url(&fields, "icon_url", true, &mut author, faults);
        out.insert("author".to_owned(), author);
    }
    if let Some(footer) = fields.get("footer") {
        let fields = Fields::new(
            footer,
            &fields.at("footer"),
            &["text", "icon_url", "proxy_icon_url"],
            faults,
        );
        fields.required("text", faults);
        let text = fields.text("text", 1..=2048, faults).unwrap_or_default();
        *total += text_length(text);
        let mut footer = json!({ "text": text });
        copy_url(&fields, "icon_url", true, &mut footer, faults);
        out.insert("footer".to_owned(), footer);
    }
    for key in ["image", "thumbnail"] {
        if let Some(image) = fields.get(key) {
            let fields = Fields::new(image, &fields.at(key), IMAGE, faults);
            fields.required("url", faults);
            let mut image = json!({});
            copy_url(&fields, "url", true, &mut image, faults);
            image["proxy_url"] = image["url"].clone();
            image["width"] = json!(0);
            image["height"] = json!(0);
            out.insert(key.to_owned(), image);
        }
    }
    if let Some(list) = fields.list("fields", 0..=25, faults) {
        let read: Vec<Value> = list
            .iter()
            .enumerate()
            .map(|(at, one)| {
                let path = format!("{}.{at}", fields.at("fields"));
                let fields = Fields::new(one, &path, &["name", "value", "inline"], faults);
                fields.required("name", faults);
                fields.required("value", faults);
                let name = fields.text("name", 1..=256, faults).unwrap_or_default();
                let value = fields.text("value", 1..=1024, faults).unwrap_or_default();
                *total += text_length(name) + text_length(value);
                json!({ "name": name, "value": value, "inline": fields.flag("inline", faults).unwrap_or(false) })
            })
            .collect();
        if !read.is_empty() {
            out.insert("fields".to_owned(), Value::Array(read));
        }
    }
    let shows = [
        "title",
        "description",
        "author",
        "footer",
        "image",
        "thumbnail",
        "fields",
    ];
    if !shows.iter().any(|key| out.contains_key(*key)) {
        faults.add(
            &fields.at("description"),
            "BASE_TYPE_REQUIRED",
            "This field is required",
        );
    }
    Value::Object(out)
}

fn copy_url(fields: &Fields<'_>, key: &str, attachment: bool, to: &mut Value, faults: &mut Faults) {
    if let Some(url) = fields.url(key, attachment, faults) {
        to[key] = json!(url);
    }
}

/// Whether a text is an ISO 8601 date, or date and time with an optional zone.
pub(crate) fn is_timestamp(text: &str) -> bool {
    let digits = |part: &str, length: usize| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    let Some((date, time)) = text.split_once(['T', ' ']) else {
        return false;
    };
    let date: Vec<&str> = date.split('-').collect();
    let [year, month, day] = date.as_slice() else {
        return false;
    };
    let (clock, zone) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => time.split_at(at),
        None => (time, "Z"),
    };
    let zone_is_right = match zone.get(1..) {
        Some("") => zone.eq_ignore_ascii_case("z"),
        Some(offset) => digits(&offset.replace(':', ""), 4),
        None => false,
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let clock: Vec<&str> = clock.split(':').collect();
    let in_range = |part: &str, most: u32| digits(part, 2) && part.parse().is_ok_and(|number: u32| number <= most);
    digits(year, 4)
        && in_range(month, 12)
        && in_range(day, 31)
        && matches!(clock.len(), 2 | 3)
        && in_range(clock[0], 23)
        && clock[1..].iter().all(|part| in_range(part, 60))
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
        && zone_is_right
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{embeds, is_timestamp};
    use crate::rest::errors::Faults;

    fn refused(list: &Value) -> String {
        let mut faults = Faults::default();
        embeds(list.as_array().expect("a list"), "embeds", &mut faults);
        if faults.is_empty() {
            String::new()
        } else {
            faults.refusal().json()["errors"].to_string()
        }
    }

    #[test]
    fn each_limit() {
        let ok = json!([{ "title": "t".repeat(256), "description": "d".repeat(4096), "color": 0xff_ffff,
            "fields": [{ "name": "n".repeat(256), "value": "v".repeat(1024) }], "author": { "name": "a" },
            "footer": { "text": "f" }, "image": { "url": "attachment://a.png" }, "url": "https://example.com",
            "timestamp": "2025-01-02T03:04:05.678Z" }]);
        assert_eq!(refused(&ok), "");
        for (embed, path) in [
            (json!({ "title": "t".repeat(257) }), "title"),
            (json!({ "description": "d".repeat(4097) }), "description"),
            (json!({}), "description"),
            (json!({ "color": 5 }), "description"),
            (json!({ "title": "t", "color": 0x100_0000 }), "color"),
            (json!({ "fields": [{ "name": "", "value": "v" }] }), "name"),
            (
                json!({ "fields": [{ "name": "n", "value": "v".repeat(1025) }] }),
                "value",
            ),
            (
                json!({ "fields": vec![json!({ "name": "n", "value": "v" }); 26] }),
                "fields",
            ),
            (json!({ "footer": { "text": "f".repeat(2049) } }), "footer"),
            (json!({ "author": { "name": "a".repeat(257) } }), "author"),
            (json!({ "author": {} }), "author"),
            (json!({ "title": "t", "url": "ftp://x" }), "url"),
            (json!({ "image": { "url": "no address" } }), "image"),
            (json!({ "title": "t", "timestamp": "yesterday" }), "timestamp"),
            (json!({ "titel": "t" }), "titel"),
        ] {
            let errors = refused(&json!([embed]));
            assert!(errors.contains(&format!("\"{path}\"")), "{embed}: {errors}");
        }
    }

    #[test]
    fn the_sum_counts_over_all_embeds_without_surrounding_space() {
        let long = json!({ "description": format!("  {}  ", "d".repeat(3000)) });
        assert_eq!(refused(&json!([long, long])), "");
        assert!(refused(&json!([long, long, { "title": "t" }])).contains("MAX_EMBED_SIZE_EXCEEDED"));
    }

    #[test]
    fn timestamps() {
        for good in [
            "2025-01-02T03:04:05Z",
            "2025-01-02T03:04:05.123456+00:00",
            "2025-01-02T03:04:05-0530",
            "2025-01-02 03:04",
        ] {
            assert!(is_timestamp(good), "{good}");
        }
        for bad in [
            "",
            "now",
            "2025-13-02T03:04:05Z",
            "2025-01-02T25:04:05Z",
            "2025-01-02T03:04:05.Z",
            "2025-01-02T03:04:05+1",
            "1700000000",
        ] {
            assert!(!is_timestamp(bad), "{bad}");
        }
    }
}
