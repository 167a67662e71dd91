//! Services: what plugins do for each other, by name and with types of serde.
//!
//! A call is a request to the host like any other. The host finds who serves at that moment, so a call that comes while
//! the other plugin is replaced waits for its next generation; nothing of the other plugin is linked in.

mod call;
mod context;
mod error;

pub use call::{Service, ServiceCalling};
pub use context::ServiceCtx;
pub use error::ServiceError;
pub(crate) use error::WrongRequest;
use plugin_protocol::MAX_SERVICE_BYTES;
pub use plugin_protocol::ServiceFailure;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Result};

/// An answer as it is sent, for generated code.
#[doc(hidden)]
pub fn answer(answer: &impl Serialize) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(answer)?;
    if json.len() > MAX_SERVICE_BYTES {
        let text = format!(
            "the answer has {} bytes of JSON, at most {MAX_SERVICE_BYTES} are sent: answer with a part at a time",
            json.len()
        );
        return Err(Error::new(text));
    }
    Ok(json)
}

/// Reads JSON; what does not fit is told with its place in the value.
fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, (String, String)> {
    let mut source = serde_json::Deserializer::from_slice(json);
    let read = serde_path_to_error::deserialize(&mut source).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        (path, without_place(&error.into_inner()))
    })?;
    source.end().map_err(|error| (String::new(), without_place(&error)))?;
    Ok(read)
}

/// Without line and column: nobody sees the text that they count.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _)) => what.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Order {
        #[allow(dead_code, reason = "only read")]
        items: Vec<Item>,
    }

    #[derive(Debug, Deserialize)]
    struct Item {
        #[allow(dead_code, reason = "only read")]
        price: u32,
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        let fault = |json: &str| read::<Order>(json.as_bytes()).expect_err(json);
        let texts = [
            fault(r#"{"items":[{"price":1},{"price":-2}]}"#),
            fault(r#"{"items":[{}]}"#),
            fault("[1]"),
            fault(r#"{"items":[]} x"#),
        ];
        let texts = texts.map(|(path, text)| format!("{path}|{text}"));
        assert_eq!(
            texts,
            [
                "items[1].price|invalid value: integer `-2`, expected u32",
                "items[0]|missing field `price`",
                "[0]|invalid type: integer `1`, expected a sequence",
                "|trailing characters",
            ]
        );
        assert!(read::<Order>(br#"{"items":[{"price":1}],"more":2}"#).is_ok());
    }
}
