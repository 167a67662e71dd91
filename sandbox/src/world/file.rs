//! Files of attachments: their bytes, kept for the addresses that messages give, and what a file says of itself.
//!
//! Bounded: the oldest bytes go first; their messages stay.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::{Value, json};

use super::World;

/// Bytes kept.
const KEPT_BYTES: usize = 64 << 20;

/// One file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) id: u64,
    pub(crate) content_type: String,
    pub(crate) bytes: Bytes,
}

/// Those that are remembered, newest last.
#[derive(Debug, Default)]
pub(crate) struct Files {
    kept: VecDeque<File>,
    size: usize,
}

impl Files {
    pub(crate) fn get(&self, id: u64) -> Option<&File> {
        self.kept.iter().rev().find(|file| file.id == id)
    }

    pub(crate) fn keep(&mut self, file: File) {
        self.size += file.bytes.len();
        self.kept.push_back(file);
        while self.size > KEPT_BYTES
            && let Some(oldest) = self.kept.pop_front()
        {
            self.size -= oldest.bytes.len();
        }
    }
}

impl World {
    /// Keeps a file that somebody uploads, and gives its attachment object.
    pub(crate) fn keep_upload(
        &mut self,
        base: &str,
        channel: u64,
        name: &str,
        content_type: Option<&str>,
        bytes: Bytes,
    ) -> Value {
        let id = self.ids.timed();
        let name = safe_name(name);
        let url = format!("{base}/attachments/{channel}/{id}/{name}");
        let attachment = attachment(id, &name, &url, content_type, &bytes);
        let content_type = attachment["content_type"].as_str().unwrap_or_default().to_owned();
        self.files.keep(File {
            id,
            content_type,
            bytes,
        });
        attachment
    }
}

/// The attachment object of a file (`MessageAttachmentResponse`).
pub(crate) fn attachment(id: u64, name: &str, url: &str, content_type: Option<&str>, bytes: &Bytes) -> Value {
    let content_type = content_type
        .filter(|given| !given.is_empty() && *given != "application/octet-stream")
        .unwrap_or_else(|| content_type_of(name));
    let mut attachment = json!({
        "id": id.to_string(),
        "filename": name,
        "size": bytes.len(),
        "url": url,
        "proxy_url": url,
        "content_type": content_type,
    });
    if let Some((width, height)) = dimensions(bytes) {
        attachment["width"] = json!(width);
        attachment["height"] = json!(height);
    }
    attachment
}

/// A file's name as Discord gives it back: letters, digits, dots, dashes and underscores.
pub(crate) fn safe_name(name: &str) -> String {
    let safe = |c: char| {
        if c.is_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '_'
        }
    };
    name.chars().map(safe).collect()
}

/// What a name promises.
fn content_type_of(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
    match ending.as_deref().unwrap_or_default() {
        "txt" | "log" | "md" => "text/plain; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "json" => "application/json; charset=utf-8",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "wav" => "audio/x-wav",
        _ => "application/octet-stream",
    }
}

/// Width and height of a PNG, GIF or JPEG.
fn dimensions(bytes: &[u8]) -> Option<(u32, u32)> {
    let big = |at: usize| Some(u32::from(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])));
    let little = |at: usize| Some(u32::from(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])));
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        let whole = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        return Some((whole(16)?, whole(20)?));
    }
    if bytes.starts_with(b"GIF8") {
        return Some((little(6)?, little(8)?));
    }
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return None;
    }
    let mut at = 2;
    loop {
        let (lead, marker) = (*bytes.get(at)?, *bytes.get(at + 1)?);
        if lead != 0xff {
            return None;
        }
        // The frame's header; C4, C8 and CC are something else.
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            return Some((big(at + 7)?, big(at + 5)?));
        }
        at += 2 + big(at + 2)? as usize;
    }
}

#[cfg(test)]
mod tests {
    use super::{File, Files, KEPT_BYTES, content_type_of, dimensions, safe_name};

    #[test]
    fn what_files_say_of_themselves() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend([0, 0, 1, 0, 0, 0, 0, 2]);
        assert_eq!(dimensions(&png), Some((256, 2)));
        assert_eq!(dimensions(b"GIF89a\x03\x00\x04\x00"), Some((3, 4)));
        let jpeg = [0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xc0, 0, 17, 8, 0, 5, 0, 6];
        assert_eq!(dimensions(&jpeg), Some((6, 5)));
        for broken in [
            &b"\x89PNG\r\n\x1a\n"[..],
            b"GIF89a\x03",
            &jpeg[..9],
            b"",
            b"\xff\xd8\xff\xff\0\0",
        ] {
            assert_eq!(dimensions(broken), None, "{broken:?}");
        }
        assert_eq!(content_type_of("A.PNG"), "image/png");
        assert_eq!(content_type_of("none"), "application/octet-stream");
        assert_eq!(safe_name("a b/ä.txt"), "a_b_ä.txt");
    }

    #[test]
    fn the_oldest_bytes_go_first() {
        let mut files = Files::default();
        for id in 0..5 {
            let bytes = vec![0; KEPT_BYTES / 3].into();
            files.keep(File {
                id,
                content_type: String::new(),
                bytes,
            });
        }
        assert!(files.get(1).is_none() && files.get(4).is_some());
    }
}
