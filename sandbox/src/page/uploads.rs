//! Files that people give along: with messages, to options of commands and to fields of forms. They come as Discord's
//! clients send them, a form with `payload_json` and `files[n]`; bodies without files stay plain JSON.
//!
//! Apart from the acts, since several of them take files, and all keep them in the same place.

use axum::{body::Bytes, http::HeaderMap};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::acts::{Refused, read};
use crate::{
    rest::{Upload, read_body},
    world::World,
};

/// Files of one message, as on Discord.
const MOST: usize = 10;

/// What a person's page says of a file that it sends.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Described {
    id: u64,
    description: Option<String>,
    #[serde(default)]
    is_spoiler: bool,
}

/// A body and the files that came with it.
pub(crate) async fn form<T: DeserializeOwned>(headers: &HeaderMap, body: Bytes) -> Result<(T, Vec<Upload>), Refused> {
    let is_form = headers
        .get("content-type")
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("multipart/form-data"));
    if !is_form {
        return Ok((read(&body)?, Vec::new()));
    }
    let (json, files) = read_body(headers, body)
        .await
        .map_err(|_| "the files can't be read: each may have 10 MiB, and parts are called payload_json and files[n]")?;
    if files.len() > MOST {
        return Err("at most ten files go with one message".into());
    }
    let json = serde_json::from_value(json).map_err(|error| Refused(format!("the body can't be read: {error}")))?;
    Ok((json, files))
}

/// Keeps the files and gives their attachment objects, in the files' order.
pub(crate) fn keep(
    world: &mut World,
    base: &str,
    channel: u64,
    files: Vec<Upload>,
    described: &[Described],
    is_ephemeral: bool,
) -> Vec<Value> {
    let mut attachments = Vec::new();
    for file in files {
        let about = described.iter().find(|one| one.id == file.index);
        let mut name = file.filename;
        if about.is_some_and(|about| about.is_spoiler) && !name.starts_with("SPOILER_") {
            name.insert_str(0, "SPOILER_");
        }
        let kind = file.content_type.as_deref();
        let mut attachment = world.keep_upload(base, channel, &name, kind, file.bytes);
        if let Some(text) = about
            .and_then(|about| about.description.as_deref())
            .filter(|text| !text.is_empty())
        {
            attachment["description"] = json!(text.chars().take(1024).collect::<String>());
        }
        if is_ephemeral {
            attachment["ephemeral"] = json!(true);
        }
        attachments.push(attachment);
    }
    attachments
}

/// Puts attachments in the places of `{"file": n}`, wherever they stand in options.
pub(crate) fn place(value: &mut Value, attachments: &[Value]) {
    if let Some(index) = value["file"].as_u64().filter(|_| value.is_object()) {
        let found = usize::try_from(index).ok().and_then(|index| attachments.get(index));
        *value = found.cloned().unwrap_or_default();
        return;
    }
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| place(value, attachments)),
        Value::Object(fields) => fields.values_mut().for_each(|value| place(value, attachments)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::place;

    #[test]
    fn files_take_their_places_at_any_depth() {
        let mut options = json!([{ "name": "add", "options": [{ "name": "image", "value": { "file": 0 } }, { "name": "n", "value": 1 }] }]);
        place(&mut options, &[json!({ "id": "7" })]);
        assert_eq!(options[0]["options"][0]["value"]["id"], "7");
        assert_eq!(options[0]["options"][1]["value"], 1);
    }
}
