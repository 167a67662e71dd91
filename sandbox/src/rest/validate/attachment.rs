//! Attachments: new files matched with their descriptions, old ones kept or dropped, and `attachment://` addresses.
//!
//! New messages and edits share it. It writes the descriptions only; storing the files is left to the caller.

use serde_json::{Value, json};

use super::{Fields, id_of};
use crate::{
    rest::{Upload, errors::Faults},
    world::file,
};

/// Attachment flag: blurred until clicked.
const IS_SPOILER: u64 = 1 << 3;

/// Keys of a request, and of the objects that clients send back as they read them.
const KNOWN: &[&str] = &[
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

/// What a request tells of a file.
struct Told<'a> {
    filename: Option<&'a str>,
    title: Option<&'a str>,
    description: Option<Option<&'a str>>,
    duration: Option<&'a Value>,
    waveform: Option<&'a str>,
    is_spoiler: Option<bool>,
}

impl<'a> Told<'a> {
    fn read(one: &Fields<'a>, faults: &mut Faults) -> Self {
        let duration = one.get("duration_secs");
        if duration.is_some_and(|seconds| seconds.as_f64().is_none_or(|seconds| seconds < 0.0)) {
            faults.add(
                &one.at("duration_secs"),
                "FLOAT_TYPE_COERCE",
                "Value is not a duration in seconds.",
            );
        }
        Self {
            filename: one.text("filename", 1..=1024, faults),
            title: one.text("title", 0..=1024, faults),
            description: one.has("description").then(|| {
                one.text("description", 0..=1024, faults)
                    .filter(|text| !text.is_empty())
            }),
            duration,
            waveform: one.text("waveform", 0..=400, faults),
            is_spoiler: one.flag("is_spoiler", faults),
        }
    }

    /// Puts it into an attachment; of one that is there already, Discord changes only two things.
    fn put(&self, attachment: &mut Value, is_old: bool) {
        match self.description {
            Some(Some(text)) => attachment["description"] = json!(text),
            Some(None) => {
                attachment.as_object_mut().map(|fields| fields.remove("description"));
            }
            None => {}
        }
        if let Some(is_spoiler) = self.is_spoiler {
            let flags = attachment["flags"].as_u64().unwrap_or(0) & !IS_SPOILER;
            attachment["flags"] = json!(if is_spoiler { flags | IS_SPOILER } else { flags });
        }
        if is_old {
            return;
        }
        if let Some(title) = self.title.filter(|title| !title.is_empty()) {
            attachment["title"] = json!(title);
        }
        if let (Some(duration), Some(waveform)) = (self.duration, self.waveform) {
            attachment["duration_secs"] = duration.clone();
            attachment["waveform"] = json!(waveform);
        }
    }
}

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
    let mut told: Vec<(u64, Told<'_>)> = Vec::new();
    for (at, one) in described.unwrap_or_default().iter().enumerate() {
        let path = format!("{}.{at}", fields.at("attachments"));
        let one = Fields::new(one, &path, KNOWN, faults);
        let about = Told::read(&one, faults);
        let Some(id) = one.required("id", faults).and_then(id_of) else {
            continue;
        };
        if let Some(old) = existing.iter().find(|old| id_of(&old["id"]) == Some(id)) {
            let mut old = old.clone();
            about.put(&mut old, true);
            kept.push(old);
        } else if files.iter().any(|file| file.index == id) {
            told.push((id, about));
        } else {
            faults.add(
                &format!("{path}.id"),
                "ATTACHMENT_NOT_FOUND",
                &format!("No file files[{id}] was sent and the message has no such attachment."),
            );
        }
    }
    for file in files {
        let about = told.iter().find(|(id, _)| *id == file.index).map(|(_, about)| about);
        let name = about.and_then(|about| about.filename).unwrap_or(&file.filename);
        let name = file::safe_name(name);
        let address = url(file.index, &name);
        // The id stands before the name in the address.
        let id = address.rsplit('/').nth(1).and_then(|id| id.parse().ok()).unwrap_or(0);
        let mut attachment = file::attachment(id, &name, &address, file.content_type.as_deref(), &file.bytes);
        if let Some(about) = about {
            about.put(&mut attachment, false);
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
