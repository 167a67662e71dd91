//! Discord's `OpenAPI` file, enforced: requests before they are served, answers and events before they are sent.
//!
//! It is a second opinion beside the checks of `rest/validate`, and the only one about what the sandbox itself says. It
//! knows nothing of the world: it is asked, and answers with what is wrong. Four things of the file are read
//! otherwise than written, since Discord's documentation says so: in requests ids may be numbers and permission sets
//! texts, the codes of form errors are texts (<https://discord.com/developers/docs/reference#error-messages>), and
//! messages can be forwarded (<https://discord.com/developers/docs/resources/message#message-reference-types>).

mod events;
mod operation;
mod rule;
mod violation;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use jsonschema::Registry;
use serde_json::{Value, json};

pub use self::violation::{Violation, ViolationOf};
use self::{events::Events, operation::Operation};
pub(crate) use self::{rule::Finding, violation::Violations};

/// Where the document as written is registered: for what the sandbox says.
const ANSWERS: &str = "urn:discord:answers";
/// Where the document with lenient ids is registered: for what bots say.
const REQUESTS: &str = "urn:discord:requests";

/// A loaded file.
pub(crate) struct Specification {
    registry: Registry<'static>,
    operations: Vec<Operation>,
    events: Events,
}

impl std::fmt::Debug for Specification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Specification")
            .field("operations", &self.operations.len())
            .finish_non_exhaustive()
    }
}

/// What the file says about one request.
pub(crate) struct Matched<'a> {
    specification: &'a Specification,
    operation: &'a Operation,
    /// What the path holds, by the template's names.
    path: Vec<(&'a str, String)>,
}

impl Specification {
    /// The file, read once a process: tests start many sandboxes with the same one.
    ///
    /// # Errors
    ///
    /// Why it can't be used, in words.
    pub(crate) fn load(path: &Path) -> Result<Arc<Self>, String> {
        static LOADED: Mutex<Vec<(PathBuf, Arc<Specification>)>> = Mutex::new(Vec::new());
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = loaded.iter().find(|(known, _)| known == path) {
            return Ok(Arc::clone(known));
        }
        let bytes = fs::read(path).map_err(|error| error.to_string())?;
        let document = serde_json::from_slice(&bytes).map_err(|error| format!("it is no JSON: {error}"))?;
        let read = Arc::new(Self::read(document)?);
        loaded.push((path.to_owned(), Arc::clone(&read)));
        Ok(read)
    }

    fn read(mut document: Value) -> Result<Self, String> {
        let operations = operation::read(&document);
        if operations.is_empty() || !document["components"]["schemas"].is_object() {
            return Err("it is no OpenAPI file: it needs \"paths\" and \"components\"".to_owned());
        }
        let components = document["components"].take();
        let mut answers = json!({ "components": components });
        if let Some(code) = answers.pointer_mut("/components/schemas/InnerErrors/properties/_errors/items") {
            *code = json!({ "type": "object", "required": ["code", "message"], "properties": {
                "code": { "type": ["string", "integer"] }, "message": { "type": "string" } } });
        }
        let kinds = answers.pointer_mut("/components/schemas/MessageReferenceType/oneOf");
        if let Some(kinds) = kinds.and_then(Value::as_array_mut)
            && !kinds.iter().any(|kind| kind["const"] == 1)
        {
            kinds.push(json!({ "title": "FORWARD", "const": 1 }));
        }
        let mut requests = answers.clone();
        if let Some(id) = requests.pointer_mut("/components/schemas/SnowflakeType") {
            let text = id.take();
            *id = json!({ "anyOf": [text, { "type": "integer", "minimum": 0 }] });
        }
        if let Some(schemas) = requests
            .pointer_mut("/components/schemas")
            .and_then(Value::as_object_mut)
        {
            schemas.values_mut().for_each(permissions_as_texts);
        }
        let events = Events::new(&answers);
        let registry = Registry::new()
            .add(ANSWERS, answers)
            .and_then(|registry| registry.add(REQUESTS, requests))
            .and_then(jsonschema::RegistryBuilder::prepare)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            registry,
            operations,
            events,
        })
    }

    /// The operation of a request, its path in parts; `None` if the file has none.
    pub(crate) fn find(&self, method: &str, path: &[&str]) -> Option<Matched<'_>> {
        let fitting = self.operations.iter().filter(|one| one.method == method);
        fitting
            .filter_map(|operation| Some((operation, operation.fit(path)?)))
            .max_by_key(|(operation, _)| operation.named_parts())
            .map(|(operation, path)| Matched {
                specification: self,
                operation,
                path,
            })
    }

    /// What is wrong with an event's data.
    pub(crate) fn check_event(&self, name: &str, data: &Value) -> Vec<Finding> {
        self.events.check(&self.registry, name, data)
    }
}

/// Lets a schema's permission sets be texts of digits too.
fn permissions_as_texts(schema: &mut Value) {
    const NAMES: [&str; 4] = ["permissions", "allow", "deny", "default_member_permissions"];
    let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (_, field) in fields.iter_mut().filter(|(name, _)| NAMES.contains(&name.as_str())) {
        let is_number = field["type"] == "integer"
            || field["type"]
                .as_array()
                .is_some_and(|types| types.iter().any(|one| one == "integer"));
        if is_number {
            let number = field.take();
            *field = json!({ "anyOf": [number, { "type": "string", "pattern": "^[0-9]+$" }] });
        }
    }
}

impl Matched<'_> {
    /// The path's template.
    pub(crate) fn template(&self) -> &str {
        &self.operation.template
    }

    /// What is wrong with a request.
    pub(crate) fn check_request(&self, query: &[(String, String)], body: &Value) -> Vec<Finding> {
        self.operation
            .check_request(&self.specification.registry, &self.path, query, body)
    }

    /// What is wrong with an answer; `None` is an answer without a body.
    pub(crate) fn check_answer(&self, status: u16, body: Option<&Value>) -> Vec<Finding> {
        self.operation.check_answer(&self.specification.registry, status, body)
    }
}

/// What the ledger of fidelity is made of.
#[cfg(test)]
pub(crate) mod ledger {
    use serde_json::Value;

    use super::{events, operation};

    /// An operation's method and its path's template.
    pub(crate) struct Operation {
        pub(crate) method: String,
        pub(crate) template: String,
    }

    /// The operations of a document.
    pub(crate) fn operations(document: &Value) -> Vec<Operation> {
        let all = operation::read(document).into_iter();
        all.map(|one| Operation {
            method: one.method,
            template: one.template,
        })
        .collect()
    }

    /// The places of an event's data that are checked, with their schemas.
    pub(crate) fn validated_parts(event: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
        events::PARTS
            .iter()
            .filter(move |(name, ..)| *name == event)
            .map(|(_, place, schema)| (*place, *schema))
    }
}
