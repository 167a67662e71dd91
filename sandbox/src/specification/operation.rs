//! One operation of the file: its path's template, parameters, body and answers.
//!
//! Parameters are texts on the wire; each is tried as the types that its schema may mean.

use jsonschema::Registry;
use serde_json::{Map, Value, json};

use super::{
    ANSWERS, REQUESTS, permissions_as_texts,
    rule::{Finding, Rule},
};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

#[derive(Debug)]
pub(super) struct Operation {
    pub(super) method: String,
    pub(super) template: String,
    parameters: Vec<Parameter>,
    /// Whether there is a body, and its schema if it may be JSON.
    takes_body: bool,
    body: Option<Rule>,
    answers: Vec<Reply>,
}

#[derive(Debug)]
struct Parameter {
    name: String,
    in_path: bool,
    is_required: bool,
    rule: Rule,
}

/// What an answer of some status looks like.
#[derive(Debug)]
struct Reply {
    /// `200`, or `4XX` for all of them.
    status: String,
    /// `None`: it has no body.
    body: Option<Rule>,
}

/// All operations of a document.
pub(super) fn read(document: &Value) -> Vec<Operation> {
    let nothing = Map::new();
    let paths = document["paths"].as_object().unwrap_or(&nothing);
    let of_path = |(template, path): (&String, &Value)| -> Vec<Operation> {
        let of_method = |method: &&str| {
            let operation = path.get(*method)?;
            Some(Operation::new(document, method, template, path, operation))
        };
        METHODS.iter().filter_map(of_method).collect()
    };
    paths.iter().flat_map(of_path).collect()
}

/// What a reference names, or the value itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    value["$ref"]
        .as_str()
        .and_then(|target| document.pointer(target.trim_start_matches('#')))
        .unwrap_or(value)
}

impl Operation {
    fn new(document: &Value, method: &str, template: &str, path: &Value, operation: &Value) -> Self {
        let lists = [&path["parameters"], &operation["parameters"]];
        let parameters = lists
            .into_iter()
            .filter_map(Value::as_array)
            .flatten()
            .map(|one| resolved(document, one))
            .filter(|one| one["in"] == "path" || one["in"] == "query")
            .map(|one| Parameter {
                name: one["name"].as_str().unwrap_or_default().to_owned(),
                in_path: one["in"] == "path",
                is_required: one["required"] == true,
                rule: Rule::new(&one["schema"], REQUESTS),
            })
            .collect();
        let content = &operation["requestBody"]["content"];
        let body = content.get("application/json").map(|json| {
            let mut schema = json["schema"].clone();
            permissions_as_texts(&mut schema);
            Rule::new(&schema, REQUESTS)
        });
        let answers = operation["responses"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(status, reply)| Reply {
                status: status.clone(),
                body: resolved(document, reply)["content"]
                    .get("application/json")
                    .map(|json| Rule::new(&json["schema"], ANSWERS)),
            })
            .collect();
        Self {
            method: method.to_uppercase(),
            template: template.to_owned(),
            parameters,
            takes_body: content.is_object(),
            body,
            answers,
        }
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        self.template.trim_start_matches('/').split('/')
    }

    /// Parts of the path that are words, not parameters: the more, the better it fits.
    pub(super) fn named_parts(&self) -> usize {
        self.parts().filter(|part| !part.starts_with('{')).count()
    }

    /// The path's parameters, if a path is one of this operation.
    pub(super) fn fit(&self, path: &[&str]) -> Option<Vec<(&str, String)>> {
        if self.parts().count() != path.len() {
            return None;
        }
        let mut found = Vec::new();
        for (part, given) in self.parts().zip(path) {
            match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) => found.push((name, (*given).to_owned())),
                None if part == *given => {}
                None => return None,
            }
        }
        Some(found)
    }

    pub(super) fn check_request(
        &self,
        registry: &Registry<'_>,
        path: &[(&str, String)],
        query: &[(String, String)],
        body: &Value,
    ) -> Vec<Finding> {
        let mut found = Vec::new();
        for (name, _) in query {
            if !self.parameters.iter().any(|one| !one.in_path && one.name == *name) {
                found.push(Finding {
                    pointer: format!("query/{name}"),
                    rule: "parameters".to_owned(),
                    text: format!("{} {} has no parameter \"{name}\"", self.method, self.template),
                });
            }
        }
        for parameter in &self.parameters {
            let given: Vec<&str> = if parameter.in_path {
                let of_path = path.iter().filter(|(name, _)| *name == parameter.name);
                of_path.map(|(_, text)| text.as_str()).collect()
            } else {
                let of_query = query.iter().filter(|(name, _)| *name == parameter.name);
                of_query.map(|(_, text)| text.as_str()).collect()
            };
            found.extend(parameter.check(registry, &given));
        }
        let is_nothing = body.is_null() || body.as_object().is_some_and(Map::is_empty);
        match &self.body {
            // No body is an empty one: so Discord takes it where nothing is required.
            Some(rule) => found.extend(rule.check(registry, if body.is_null() { &EMPTY } else { body }, "body")),
            None if self.takes_body || is_nothing => {}
            None => found.push(Finding {
                pointer: "body".to_owned(),
                rule: "requestBody".to_owned(),
                text: format!("{} {} has no body", self.method, self.template),
            }),
        }
        found
    }

    pub(super) fn check_answer(&self, registry: &Registry<'_>, status: u16, body: Option<&Value>) -> Vec<Finding> {
        let (exact, class) = (status.to_string(), format!("{}XX", status / 100));
        let of_status = |wanted: &str| self.answers.iter().find(|one| one.status == wanted);
        let finding = |pointer: &str, text: String| {
            vec![Finding {
                pointer: pointer.to_owned(),
                rule: "responses".to_owned(),
                text,
            }]
        };
        let Some(reply) = of_status(&exact).or_else(|| of_status(&class)) else {
            let known: Vec<&str> = self.answers.iter().map(|one| one.status.as_str()).collect();
            return finding(
                "status",
                format!("{status} is none of the statuses {}", known.join(", ")),
            );
        };
        match (&reply.body, body) {
            (Some(rule), Some(body)) => rule.check(registry, body, "body"),
            (None, None) => Vec::new(),
            (Some(_), None) => finding("body", format!("an answer with status {status} has a body")),
            (None, Some(_)) => finding("body", format!("an answer with status {status} has no body")),
        }
    }
}

static EMPTY: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| json!({}));

impl Parameter {
    fn check(&self, registry: &Registry<'_>, given: &[&str]) -> Vec<Finding> {
        let place = format!("{}/{}", if self.in_path { "path" } else { "query" }, self.name);
        let Some(first) = given.first() else {
            let missing = Finding {
                pointer: place,
                rule: "parameters".to_owned(),
                text: format!("the parameter \"{}\" is required", self.name),
            };
            return self.is_required.then_some(missing).into_iter().collect();
        };
        let split: Vec<&str> = given.iter().flat_map(|text| text.split(',')).collect();
        let mut readings = meanings(first);
        readings.push(split.iter().map(|text| json!(text)).collect());
        readings.push(
            split
                .iter()
                .filter_map(|text| meanings(text).into_iter().next())
                .collect(),
        );
        if given.len() == 1 && readings.iter().any(|reading| self.rule.allows(registry, reading))
            || given.len() > 1
                && readings[readings.len() - 2..]
                    .iter()
                    .any(|list| self.rule.allows(registry, list))
        {
            return Vec::new();
        }
        self.rule.check(registry, &readings[0], &place)
    }
}

/// What a text may stand for, the likeliest first.
fn meanings(text: &str) -> Vec<Value> {
    let mut readings = Vec::new();
    if let Ok(number) = text.parse::<i64>() {
        readings.push(json!(number));
    }
    match text {
        "true" | "True" | "1" => readings.push(json!(true)),
        "false" | "False" | "0" => readings.push(json!(false)),
        _ => {}
    }
    readings.push(json!(text));
    readings
}
