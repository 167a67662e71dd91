//! Uploads of plugins: the message inside a multipart body is found and made to mention nobody unasked. Pure.
//!
//! Discord takes a message's fields as form fields, too; here they must stand in `payload_json`, so that there is one
//! place to look at (<https://discord.com/developers/docs/reference#uploading-files>).

use super::mentions::{self, Slot};

/// The boundary of a `multipart/form-data` content type.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let mut parts = content_type.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then_some(value)
    })?;
    let boundary = boundary
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(boundary);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
    ((1..=70).contains(&boundary.len()) && boundary.bytes().all(allowed)).then_some(boundary)
}

/// The body with safe mentions in its `payload_json`.
pub(super) fn with_safe_mentions(body: &[u8], boundary: &str, slot: Slot) -> Result<Vec<u8>, String> {
    let mut payload = None;
    for part in parts(body, boundary)? {
        match part.name {
            "payload_json" if payload.is_none() => payload = Some(part.start..part.end),
            "payload_json" => return Err("the upload has `payload_json` twice".to_owned()),
            name if name == "file" || name.starts_with("files[") => {}
            name => {
                return Err(format!(
                    "the upload has a part `{name:.40}`: a message's fields go into `payload_json`, files into \
                     `files[0]`, `files[1]`, ..."
                ));
            }
        }
    }
    let Some(payload) = payload else {
        return Err("the upload has no part `payload_json`: the message goes there, `{}` for none".to_owned());
    };
    let filled = mentions::fill(body[payload.clone()].to_vec(), slot)
        .map_err(|error| format!("the upload's `payload_json` is not valid JSON: {error}"))?;
    Ok([&body[..payload.start], &filled, &body[payload.end..]].concat())
}

struct Part<'a> {
    name: &'a str,
    start: usize,
    end: usize,
}

fn parts<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<Part<'a>>, String> {
    let broken = || "the upload is not well-formed multipart/form-data with the boundary it names".to_owned();
    let delimiter = format!("\r\n--{boundary}");
    let mut parts = Vec::new();
    let first = &delimiter.as_bytes()[2..];
    let mut at = if body.starts_with(first) {
        first.len()
    } else {
        find(body, delimiter.as_bytes(), 0).ok_or_else(broken)? + delimiter.len()
    };
    loop {
        if body[at..].starts_with(b"--") {
            return Ok(parts);
        }
        if !body[at..].starts_with(b"\r\n") {
            return Err(broken());
        }
        let head = at + 2;
        let start = find(body, b"\r\n\r\n", at).ok_or_else(broken)? + 4;
        let end = find(body, delimiter.as_bytes(), start - 2).ok_or_else(broken)?;
        let headers = std::str::from_utf8(body.get(head..start - 2).unwrap_or_default()).map_err(|_| broken())?;
        parts.push(Part {
            name: part_name(headers).ok_or_else(broken)?,
            start,
            end: end.max(start),
        });
        at = end + delimiter.len();
    }
}

fn part_name(headers: &str) -> Option<&str> {
    let line = headers.lines().find(|line| {
        line.split(':')
            .next()
            .is_some_and(|name| name.trim().eq_ignore_ascii_case("content-disposition"))
    })?;
    // `filename="..."` ends in the same letters, so the parameter's beginning counts.
    line.split(';').map(str::trim).find_map(|parameter| {
        let value = parameter.strip_prefix("name=")?;
        Some(value.trim_matches('"'))
    })
}

fn find(haystack: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let haystack = haystack.get(from..)?;
    let found = haystack.windows(needle.len()).position(|window| window == needle)?;
    Some(found + from)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    fn upload(parts: &[(&str, &str)]) -> Vec<u8> {
        let mut body = String::new();
        for (name, content) in parts {
            write!(
                body,
                "--XyZ\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{content}\r\n"
            )
            .unwrap();
        }
        (body + "--XyZ--\r\n").into_bytes()
    }

    #[test]
    fn the_message_in_an_upload_gets_safe_mentions_and_files_stay_as_they_are() {
        let file = "\u{0}--Xy\r\n\r\n--XY binary";
        let sent = upload(&[
            ("files[0]\"; filename=\"payload_json", file),
            ("payload_json", "{\"content\":\"@everyone\"}"),
        ]);
        let filled = with_safe_mentions(&sent, "XyZ", Slot::Whole).unwrap();
        let expected = upload(&[
            ("files[0]\"; filename=\"payload_json", file),
            (
                "payload_json",
                "{\"allowed_mentions\":{\"parse\":[],\"replied_user\":true},\"content\":\"@everyone\"}",
            ),
        ]);
        assert_eq!(String::from_utf8(filled).unwrap(), String::from_utf8(expected).unwrap());
    }

    #[test]
    fn an_upload_that_could_hide_a_message_is_refused() {
        for body in [
            upload(&[("files[0]", "x")]),
            upload(&[("payload_json", "{}"), ("content", "@everyone")]),
            upload(&[("payload_json", "{}"), ("payload_json", "{}")]),
            upload(&[("payload_json", "{")]),
            b"".to_vec(),
            b"--XyZ".to_vec(),
            b"--XyZ\r\n\r\n".to_vec(),
            b"--XyZ\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\n{}".to_vec(),
            b"--Other\r\n".to_vec(),
        ] {
            let text = String::from_utf8_lossy(&body).into_owned();
            assert!(with_safe_mentions(&body, "XyZ", Slot::Whole).is_err(), "{text}");
        }
    }

    #[test]
    fn boundaries_are_read_as_the_standard_has_them() {
        for (kind, expected) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            ("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"", None),
            ("multipart/form-data;boundary=\"abc\"", Some("abc")),
            ("multipart/form-data", None),
            ("multipart/mixed; boundary=abc", None),
            ("multipart/form-data; boundary=a\r\nX: y", None),
        ] {
            assert_eq!(boundary(kind), expected, "{kind}");
        }
    }
}
