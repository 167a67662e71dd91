//! Every row of the table of routes is called once with success, and nothing that is answered or told on the way is
//! against Discord's specification.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use serde_json::Value;
use support::{Rest, valid};

#[test]
fn every_row_has_a_valid_request() {
    let missing: Vec<_> = valid::rows()
        .into_iter()
        .filter(|row| !valid::VALID.iter().any(|one| (one.0, one.1) == *row))
        .collect();
    assert!(valid::rows().len() > 100, "FIDELITY.md lists no rows");
    assert!(
        missing.is_empty(),
        "add a valid request for each to tests/support/valid.rs: {missing:#?}"
    );
    let unknown = valid::VALID
        .iter()
        .filter(|one| !valid::rows().contains(&(one.0, one.1)));
    let unknown: Vec<_> = unknown.map(|one| (one.0, one.1)).collect();
    assert!(unknown.is_empty(), "these are no rows of FIDELITY.md: {unknown:#?}");
}

#[tokio::test]
async fn every_row_answers_as_the_specification_says() {
    // Interactions wait for as long as this takes.
    let builder = support::builder().interaction_window(Duration::from_secs(600));
    let sandbox = builder.start().await.unwrap();
    let rest = Rest::new(&sandbox);
    let (filled, mut socket) = valid::prepare(&sandbox).await;
    let mut wrong = Vec::new();
    for one in valid::VALID {
        let path = filled.path(one);
        let answer = match filled.body(one) {
            Some(body) => rest.send(one.0, &path, body).await,
            None => rest.bare(one.0, &path).await,
        };
        let is_right = if one.4 == 0 {
            (200..300).contains(&answer.status)
        } else {
            answer.status == one.4
        };
        // A route that refuses says so in Discord's form, not as one that is not there.
        let is_there = answer.status < 300 || answer.body["code"].as_u64().is_some_and(|code| code != 0);
        if !is_right || !is_there {
            wrong.push(format!(
                "{} {path}: {} {}",
                one.0,
                answer.status,
                shortened(&answer.body)
            ));
        }
    }
    socket.beats().await;
    wrong.extend(sandbox.violations().iter().map(ToString::to_string));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn shortened(body: &Value) -> String {
    body.to_string().chars().take(400).collect()
}
