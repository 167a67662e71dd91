//! Controls by their place in a message, and fields by theirs in a form: custom ids differ between bots, places do not.
//!
//! Pure.

use serde_json::Value;

/// All components that people use, as they come.
pub(super) fn controls(components: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    collect(components, &mut found);
    found
}

fn collect<'v>(components: &'v Value, found: &mut Vec<&'v Value>) {
    for component in components.as_array().into_iter().flatten() {
        one(component, found);
    }
}

fn one<'v>(component: &'v Value, found: &mut Vec<&'v Value>) {
    if component["custom_id"].is_string() {
        found.push(component);
    }
    collect(&component["components"], found);
    for inner in ["accessory", "component"] {
        if component[inner].is_object() {
            one(&component[inner], found);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::controls;

    #[test]
    fn controls_come_in_order_wherever_they_are() {
        let components = json!([
            { "type": 9, "components": [{ "type": 10 }], "accessory": { "type": 2, "custom_id": "a" } },
            { "type": 1, "components": [{ "type": 2, "url": "x" }, { "type": 2, "custom_id": "b" }] },
            { "type": 18, "component": { "type": 4, "custom_id": "c" } },
        ]);
        let ids: Vec<_> = controls(&components)
            .iter()
            .map(|one| one["custom_id"].clone())
            .collect();
        assert_eq!(ids, ["a", "b", "c"]);
    }
}
