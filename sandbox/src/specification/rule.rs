//! One schema of the file, compiled when it is first asked, and what it finds: the place, the rule, and words.
//!
//! Of a union that nothing fits, the branch is told that came nearest: "not valid under any" helps nobody.

use std::sync::OnceLock;

use jsonschema::{Registry, ValidationError, Validator, error::ValidationErrorKind};
use serde_json::Value;

/// A schema out of the file.
#[derive(Debug)]
pub(super) struct Rule {
    schema: Value,
    validator: OnceLock<Option<Validator>>,
}

/// What is wrong at one place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Finding {
    /// Where: `body/embeds/0/title`, `query/limit`, `path/channel_id`, `status`.
    pub(crate) pointer: String,
    /// Which rule: the place in the file.
    pub(crate) rule: String,
    /// What it says.
    pub(crate) text: String,
}

impl Rule {
    /// A schema whose references are looked up in the document at `base`.
    pub(super) fn new(schema: &Value, base: &str) -> Self {
        let mut schema = schema.clone();
        point_at(&mut schema, base);
        Self {
            schema,
            validator: OnceLock::new(),
        }
    }

    /// What is wrong with `value`, which stands at `place`.
    pub(super) fn check(&self, registry: &Registry<'_>, value: &Value, place: &str) -> Vec<Finding> {
        let validator = self.validator.get_or_init(|| {
            let built = jsonschema::options()
                .with_draft(jsonschema::Draft::Draft202012)
                .should_validate_formats(true)
                .with_registry(registry)
                .build(&self.schema);
            built
                .inspect_err(|error| tracing::error!(%error, schema = %self.schema, "a schema can't be used"))
                .ok()
        });
        let Some(validator) = validator else {
            return vec![Finding {
                pointer: place.to_owned(),
                rule: self.schema.to_string(),
                text: "this schema of the file can't be used; the log says why".to_owned(),
            }];
        };
        validator
            .iter_errors(value)
            .map(|error| {
                let error = nearest(&error);
                Finding {
                    pointer: format!("{place}{}", error.instance_path()),
                    rule: error.schema_path().to_string(),
                    text: shortened(&error.to_string()),
                }
            })
            .collect()
    }

    /// Whether `value` is right.
    pub(super) fn allows(&self, registry: &Registry<'_>, value: &Value) -> bool {
        self.check(registry, value, "").is_empty()
    }
}

/// Makes references into the document absolute.
fn point_at(schema: &mut Value, base: &str) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value {
                    Value::String(target) if key == "$ref" && target.starts_with('#') => {
                        target.insert_str(0, base);
                    }
                    other => point_at(other, base),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|one| point_at(one, base)),
        _ => {}
    }
}

/// The error that tells most: in a union, that of the branch whose kind fits and that got deepest.
fn nearest<'e>(error: &'e ValidationError<'e>) -> &'e ValidationError<'e> {
    let (ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context }) = error.kind() else {
        return error;
    };
    let depth = |error: &ValidationError<'_>| error.instance_path().as_str().matches('/').count();
    let own = depth(error);
    let branches = context.iter().filter(|branch| {
        // Another JSON type, or another component's or option's "type", is another branch's business.
        !branch.iter().any(|one| {
            let is_other_type = matches!(one.kind(), ValidationErrorKind::Type { .. }) && depth(one) == own;
            let is_discriminator = one.instance_path().as_str().ends_with("/type") && depth(one) == own + 1;
            is_other_type || is_discriminator
        })
    });
    branches
        .filter_map(|branch| branch.iter().map(nearest).max_by_key(|one| depth(one)))
        .max_by_key(|one| depth(one))
        .unwrap_or(error)
}

/// Without most of a large value that a message quotes.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 240;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let (half, count) = (LONGEST / 2, text.chars().count());
    let begin: String = text.chars().take(half).collect();
    let end: String = text.chars().skip(count - half).collect();
    format!("{begin} … {end}")
}
