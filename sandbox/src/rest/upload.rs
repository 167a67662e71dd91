//! Bodies of requests: JSON, or a form with `payload_json` and `files[n]`
//! (<https://discord.com/developers/docs/reference#uploading-files>).

use axum::{
    RequestExt,
    body::{Body, Bytes},
    extract::{Multipart, Request},
    http::{HeaderMap, header},
};
use serde_json::Value;

use super::errors::{self, Refusal};

/// Largest request.
pub(crate) const MAX_BODY: usize = 26 << 20;
/// Largest file (10 MiB).
const MAX_FILE: usize = 10 << 20;

/// A file that came with a request.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    /// The `n` of `files[n]`.
    pub(crate) index: u64,
    pub(crate) filename: String,
    pub(crate) content_type: Option<String>,
    pub(crate) bytes: Bytes,
}

/// The JSON and the files of a body; null if there is none.
pub(crate) async fn read(headers: &HeaderMap, body: Bytes) -> Result<(Value, Vec<Upload>), Refusal> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if kind.starts_with("multipart/form-data") {
        return read_form(headers, body).await;
    }
    if body.is_empty() {
        return Ok((Value::Null, Vec::new()));
    }
    let json = serde_json::from_slice(&body).map_err(|_| Refusal::from(errors::INVALID_JSON))?;
    Ok((json, Vec::new()))
}

async fn read_form(headers: &HeaderMap, body: Bytes) -> Result<(Value, Vec<Upload>), Refusal> {
    let broken = || Refusal::at("", "CONTENT_TYPE_INVALID", "The multipart form could not be read.");
    let mut request = Request::new(Body::from(body));
    *request.headers_mut() = headers.clone();
    let mut form: Multipart = request.extract().await.map_err(|_| broken())?;
    let mut json = Value::Null;
    let mut files: Vec<Upload> = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|_| broken())? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "payload_json" {
            let bytes = field.bytes().await.map_err(|_| broken())?;
            json = serde_json::from_slice(&bytes).map_err(|_| Refusal::from(errors::INVALID_JSON))?;
            continue;
        }
        let index = name
            .strip_prefix("files[")
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or_default()
            .parse();
        let Ok(index) = index else {
            return Err(Refusal::at(
                &name,
                "UNKNOWN_KEY",
                "Form parts are called payload_json and files[n].",
            ));
        };
        let filename = field.file_name().unwrap_or("file").to_owned();
        let content_type = field.content_type().map(str::to_owned);
        let bytes = field.bytes().await.map_err(|_| broken())?;
        if bytes.len() > MAX_FILE {
            return Err(errors::TOO_LARGE.into());
        }
        files.push(Upload {
            index,
            filename,
            content_type,
            bytes,
        });
    }
    Ok((json, files))
}

/// Decodes `%xx`; what is no text afterwards stays readable.
pub(crate) fn percent_decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = if bytes[at] == b'%' {
            text.get(at + 1..at + 3)
                .and_then(|hex| u8::from_str_radix(hex, 16).ok())
        } else {
            None
        };
        out.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The parameters of a query.
pub(crate) fn query(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (percent_decode(key), percent_decode(&value.replace('+', " "))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{percent_decode, query};

    #[test]
    fn percent_signs_are_decoded() {
        assert_eq!(percent_decode("%F0%9F%91%8D"), "👍");
        assert_eq!(percent_decode("100%"), "100%");
        assert_eq!(percent_decode("a%2"), "a%2");
        assert_eq!(
            query("limit=5&query=a+b%26&x"),
            [("limit", "5"), ("query", "a b&"), ("x", "")].map(|(k, v)| (k.to_owned(), v.to_owned()))
        );
    }
}
