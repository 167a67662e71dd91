//! Attachments: new files matched with their descriptions, old ones kept or dropped, and `attachment://` addresses.
//!
//! New messages and edits share it. It writes the descriptions only; storing the files is left to the caller.

use serde_json::{Value, json};

use super::{Fields, id_of};
use crate::rest::{Upload, errors::Faults};

/// The attachments that a message has afterwards: kept ones and new files. `None`: as they are.
pub(super) fn attachments(
    fields: &Fields<'_>,
    files: &[Upload],
    existing: &[Value],
    url: &dyn Fn(u64, &str) -> String,
    faults: &mut Faults,
) -> Option<Vec<Value>> {
    let described = fields.list("attachments", 0..=10, faults);
    let is_cleared = fields.has("attachments") && described.is_none();
    if described.is_none() && files.is_empty() && !is_cleared {
        return None;
    }
    let mut kept: Vec<Value> = match described {
        None if !is_cleared => existing.to_vec(),
        _ => Vec::new(),
    };
    let mut texts: Vec<(u64, Option<&str>, Option<&str>)> = Vec::new();
    for (at, one) in described.unwrap_or_default().iter().enumerate() {
        let known = [
            "id",
            "filename",
            "description",
            "title",
            "duration_secs",
            "waveform",
            "is_spoiler",
            "is_remix",
            "size",
            "url",
            "proxy_url",
            "content_type",
            "width",
            "height",
            "ephemeral",
            "flags",
            "placeholder",
            "placeholder_version",
            "original_content_type",
            "content_scan_version",
        ];
        let path = format!("{}.{at}", fields.at("attachments"));
        let one = Fields::new(one, &path, &known, faults);
        let description = one.text("description", 0..=1024, faults);
        let filename = one.text("filename", 1..=1024, faults);
        let Some(id) = one.required("id", faults).and_then(id_of) else {
            continue;
        };
        if let Some(old) = existing.iter().find(|old| id_of(&old["id"]) == Some(id)) {
            kept.push(old.clone());
        } else if files.iter().any(|file| file.index == id) {
            texts.push((id, filename, description));
        } else {
            faults.add(
                &format!("{path}.id"),
                "ATTACHMENT_NOT_FOUND",
                &format!("No file files[{id}] was sent and the message has no such attachment."),
            );
        }
    }
    for file in files {
        let text = texts.iter().find(|(id, ..)| *id == file.index);
        let name = text.and_then(|(_, name, _)| *name).unwrap_or(&file.filename);
        let name: String = name
            .chars()
            .map(|c| {
                if c.is_alphanumeric() || "._-".contains(c) {
                    c
                } else {
                    '_'
                }
            })
            .collect();
        let address = url(file.index, &name);
        // The id stands before the name in the address.
        let id = address.rsplit('/').nth(1).unwrap_or("0").to_owned();
        let mut attachment = json!({
            "id": id,
            "filename": name,
            "size": file.bytes.len(),
            "url": address,
            "proxy_url": address,
            "content_type": file.content_type,
        });
        if let Some((_, _, Some(description))) = text {
            attachment["description"] = json!(description);
        }
        kept.push(attachment);
    }
    if kept.len() > 10 {
        faults.add(
            &fields.at("attachments"),
            "BASE_TYPE_MAX_LENGTH",
            "Must be 10 or fewer in length.",
        );
    }
    Some(kept)
}

/// Replaces `attachment://name` by the attachment's address.
pub(super) fn point_at_files(list: &mut [Value], attachments: &[Value]) {
    for value in list {
        match value {
            Value::String(text) => {
                if let Some(name) = text.strip_prefix("attachment://")
                    && let Some(found) = attachments.iter().find(|one| one["filename"] == name)
                    && let Some(url) = found["url"].as_str()
                {
                    url.clone_into(text);
                }
            }
            Value::Array(inner) => point_at_files(inner, attachments),
            Value::Object(map) => map
                .values_mut()
                .for_each(|inner| point_at_files(std::slice::from_mut(inner), attachments)),
            _ => {}
        }
    }
}
