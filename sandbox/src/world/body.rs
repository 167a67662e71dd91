//! A message object as it is kept: the text that goes over the wire, the value that is looked into, or both.
//!
//! It is apart from messages, since it is why the gateway keeps up with people who write tens of thousands of messages a
//! second: most of those are sent once and never looked into, so the tree of values is made when it is first asked for. It
//! knows nothing of what the object says.

use std::{ops::Deref, sync::OnceLock};

use serde::{Serialize, Serializer};
use serde_json::Value;

/// One of the two is there from the beginning.
#[derive(Debug)]
pub(crate) struct Body {
    text: OnceLock<Box<str>>,
    value: OnceLock<Value>,
}

impl Body {
    /// An object, written.
    pub(crate) fn written(text: String) -> Self {
        Self {
            text: OnceLock::from(text.into_boxed_str()),
            value: OnceLock::new(),
        }
    }

    /// The object as it is written.
    pub(crate) fn text(&self) -> &str {
        self.text.get_or_init(|| {
            self.value
                .get()
                .map(Value::to_string)
                .unwrap_or_default()
                .into_boxed_str()
        })
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        Self {
            text: OnceLock::new(),
            value: OnceLock::from(value),
        }
    }
}

impl Deref for Body {
    type Target = Value;

    fn deref(&self) -> &Value {
        self.value.get_or_init(|| {
            let text = self.text.get();
            text.and_then(|text| serde_json::from_str(text).ok())
                .unwrap_or_default()
        })
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Body;

    #[test]
    fn it_is_the_same_whether_it_was_written_or_made() {
        let value = json!({ "b": ["ä\n", null], "a": { "id": "1" } });
        let (written, made) = (Body::written(value.to_string()), Body::from(value.clone()));
        assert_eq!((&*written, &*made), (&value, &value));
        assert_eq!(
            (written.text(), made.text()),
            (&*value.to_string(), &*value.to_string())
        );
        assert_eq!(json!({ "x": written }), json!({ "x": value }));
    }
}
