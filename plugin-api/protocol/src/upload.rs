//! Files that go along with a message: the head says how long each is, the tail has them one after another.
//!
//! Pure. Also writes the body that Discord takes, since both sides send some
//! (<https://discord.com/developers/docs/reference#uploading-files>).

use std::{collections::hash_map::RandomState, hash::BuildHasher};

use serde::{Deserialize, Serialize};

/// A file in a tail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePart {
    /// Its name.
    pub filename: String,
    /// How many bytes of the tail it has, behind the message and the files before it.
    pub bytes: u64,
}

/// Takes a tail apart: the message, and each file; `None` if the lengths don't fit.
#[must_use]
pub fn parts<'a>(tail: &'a [u8], files: &[FilePart]) -> Option<(&'a [u8], Vec<&'a [u8]>)> {
    let total = files
        .iter()
        .try_fold(0_usize, |sum, file| sum.checked_add(usize::try_from(file.bytes).ok()?))?;
    let (message, mut rest) = tail.split_at_checked(tail.len().checked_sub(total)?)?;
    let mut parts = Vec::with_capacity(files.len());
    for file in files {
        let (part, behind) = rest.split_at_checked(usize::try_from(file.bytes).ok()?)?;
        parts.push(part);
        rest = behind;
    }
    Some((message, parts))
}

/// The type and the bytes of a body with a message and its files. What a name can't have there is written as `_`.
#[must_use]
pub fn multipart<'a>(message: &[u8], files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> (String, Vec<u8>) {
    // Nobody knows it before, so that no file can have it.
    let random = RandomState::new();
    let boundary = format!("bothost-{:016x}{:016x}", random.hash_one(0), random.hash_one(1));
    let mut body = Vec::new();
    let mut part = |head: &str, content: &[u8]| {
        body.extend(format!("--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n").bytes());
        body.extend(content);
        body.extend(b"\r\n");
    };
    part("name=\"payload_json\"\r\nContent-Type: application/json", message);
    for (number, (name, content)) in files.into_iter().enumerate() {
        let name: String = name
            .chars()
            .map(|letter| {
                if letter.is_control() || matches!(letter, '"' | '\\' | '/') {
                    '_'
                } else {
                    letter
                }
            })
            .collect();
        part(
            &format!("name=\"files[{number}]\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream"),
            content,
        );
    }
    body.extend(format!("--{boundary}--\r\n").bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(filename: &str, bytes: u64) -> FilePart {
        FilePart {
            filename: filename.to_owned(),
            bytes,
        }
    }

    #[test]
    fn a_tail_is_taken_apart_by_its_lengths() {
        let files = [file("a", 2), file("b", 0), file("c", 1)];
        let (message, parts) = super::parts(b"{}aac", &files).unwrap();
        assert_eq!((message, parts), (&b"{}"[..], vec![&b"aa"[..], b"", b"c"]));
        assert_eq!(super::parts(b"aa", &files), None);
        assert_eq!(super::parts(b"aa", &[file("a", u64::MAX), file("b", 3)]), None);
        assert_eq!(super::parts(b"{}", &[]), Some((&b"{}"[..], Vec::new())));
    }

    #[test]
    fn a_body_has_the_message_and_the_files() {
        let (kind, body) = multipart(b"{}", [("a\"\r\n.txt", &b"x\r\ny"[..])]);
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let text = String::from_utf8(body).unwrap().replace(boundary, "B");
        assert_eq!(
            text,
            "--B\r\nContent-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: application/json\r\n\r\n{}\r\n\
             --B\r\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"a___.txt\"\r\n\
             Content-Type: application/octet-stream\r\n\r\nx\r\ny\r\n--B--\r\n"
        );
    }
}
