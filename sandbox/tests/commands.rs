//! Application commands over REST: languages, kinds and their limits, the day's new ones, and where they are offered.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::Rest;

fn slash(name: &str) -> Value {
    json!({ "name": name, "description": "d" })
}

#[tokio::test]
async fn lists_show_one_language_or_all() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let path = format!("/applications/{}/commands", sandbox.application_id());
    let command = json!({
        "name": "size", "name_localizations": { "de": "größe" },
        "description": "How big", "description_localizations": { "de": "Wie groß", "fr": "Quelle taille" },
        "options": [{
            "type": 3, "name": "of", "name_localizations": { "de": "von" }, "description": "d",
            "choices": [{ "name": "House", "name_localizations": { "de": "Haus" }, "value": "h" }],
        }],
    });
    let made = rest.send("POST", &path, command).await;
    assert_eq!(
        (made.status, &made.body["name_localizations"]["de"]),
        (201, &json!("größe"))
    );
    let all = rest.get(&format!("{path}?with_localizations=true")).await.body;
    assert_eq!(all[0]["options"][0]["choices"][0]["name_localizations"]["de"], "Haus");
    assert!(all[0].get("name_localized").is_none());
    let in_german = Rest::run(rest.request("GET", &path).header("x-discord-locale", "de"))
        .await
        .body;
    let one = &in_german[0];
    assert_eq!(
        (&one["name"], &one["name_localized"]),
        (&json!("size"), &json!("größe"))
    );
    assert_eq!(one["description_localized"], "Wie groß");
    assert_eq!(one["options"][0]["name_localized"], "von");
    assert_eq!(one["options"][0]["choices"][0]["name_localized"], "Haus");
    assert!(one.get("name_localizations").is_none() && one["options"][0].get("name_localizations").is_none());
    let plain = rest.get(&path).await.body;
    assert!(plain[0].get("name_localized").is_none() && plain[0].get("name_localizations").is_none());
    // One alone comes whole.
    let id = made.body["id"].as_str().unwrap();
    assert_eq!(
        rest.get(&format!("{path}/{id}")).await.body["name_localizations"]["de"],
        "größe"
    );
}

#[tokio::test]
async fn each_kind_has_its_rules_and_its_limit() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let global = format!("/applications/{}/commands", sandbox.application_id());
    let of_guild = format!(
        "/applications/{}/guilds/{}/commands",
        sandbox.application_id(),
        sandbox.guild().id()
    );
    let entry = json!({ "type": 4, "name": "Launch", "description": "Starts it", "handler": 2 });
    let made = rest.send("POST", &global, entry.clone()).await;
    assert_eq!(
        (made.status, &made.body["handler"], &made.body["type"]),
        (201, &json!(2), &json!(4))
    );
    let second = json!({ "type": 4, "name": "Again", "description": "d", "handler": 1 });
    assert_eq!(rest.send("POST", &global, second).await.code(), 30032);
    assert_eq!(rest.send("POST", &of_guild, entry).await.code(), 50035);
    for (body, code) in [
        (json!({ "name": "x", "description": "d", "handler": 1 }), "handler"),
        (json!({ "name": "x", "description": "d", "contexts": [7] }), "contexts"),
        (
            json!({ "name": "x", "description": "d", "integration_types": [2] }),
            "integration_types",
        ),
        (
            json!({ "name": "🙂", "description": "d" }),
            "APPLICATION_COMMAND_INVALID_NAME",
        ),
        (
            json!({ "name": "x", "description": "d", "name_localizations": { "de": "Groß" } }),
            "APPLICATION_COMMAND_INVALID_NAME",
        ),
        (
            json!({ "name": "x", "description": "d", "name_localizations": { "tlh": "a" } }),
            "tlh",
        ),
    ] {
        let refused = rest.send("POST", &global, body).await;
        assert!(
            refused.code() == 50035 && refused.body.to_string().contains(code),
            "{code}: {refused:?}"
        );
    }
    for kind in [2, 3] {
        let many: Vec<Value> = (0..16)
            .map(|n| json!({ "type": kind, "name": format!("Menu {n}") }))
            .collect();
        assert_eq!(rest.send("PUT", &of_guild, json!(many)).await.code(), 30032);
        assert_eq!(rest.send("PUT", &of_guild, json!(many[..15])).await.status, 200);
    }
    // 8,000 characters in all; of each text its longest language counts.
    let options = |count: usize, description: &str| -> Value {
        let choices = |at: usize| -> Vec<Value> {
            (0..24)
                .map(
                    |n| json!({ "name": format!("{at}-{n:02}-{}", "n".repeat(44)), "value": n.to_string().repeat(20) }),
                )
                .collect()
        };
        (0..count)
            .map(
                |at| json!({ "type": 3, "name": format!("o{at}"), "description": description, "choices": choices(at) }),
            )
            .collect()
    };
    let fits = json!({ "name": "big", "description": "d", "options": options(3, "d") });
    assert_eq!(rest.send("POST", &global, fits).await.status, 201);
    let long = json!({ "name": "huge", "description": "d", "options": options(5, "d") });
    let refused = rest.send("POST", &global, long).await;
    assert!(
        refused.body.to_string().contains("APPLICATION_COMMAND_TOO_LARGE"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_scope_takes_two_hundred_new_commands_a_day() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    sandbox.stop_clock();
    let set = |from: usize| -> Value { (from..from + 100).map(|n| slash(&format!("c{n}"))).collect() };
    assert_eq!(rest.register(&sandbox, set(0)).await.status, 200);
    assert_eq!(
        rest.register(&sandbox, set(0)).await.status,
        200,
        "the same names count once"
    );
    assert_eq!(rest.register(&sandbox, set(100)).await.status, 200);
    let refused = rest.register(&sandbox, set(199)).await;
    assert_eq!((refused.status, refused.code()), (400, 30034));
    let global = format!("/applications/{}/commands", sandbox.application_id());
    assert_eq!(sandbox.commands().len(), 100);
    let id = sandbox.commands()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(rest.bare("DELETE", &format!("{global}/{id}")).await.status, 204);
    assert_eq!(rest.send("POST", &global, slash("one-more")).await.code(), 30034);
    let of_guild = format!(
        "/applications/{}/guilds/{}/commands",
        sandbox.application_id(),
        sandbox.guild().id()
    );
    assert_eq!(
        rest.send("POST", &of_guild, slash("one-more")).await.status,
        201,
        "a guild has its own"
    );
    sandbox.advance(Duration::from_secs(24 * 3600));
    assert_eq!(rest.send("POST", &global, slash("one-more")).await.status, 201);
}

#[tokio::test]
async fn age_restricted_commands_are_offered_in_such_channels() {
    let sandbox = support::start().await;
    let rest = Rest::new(&sandbox);
    let adult = json!([{ "name": "adult", "description": "d", "nsfw": true }]);
    assert_eq!(rest.register(&sandbox, adult).await.body[0]["nsfw"], true);
    let alice = sandbox.guild().user("alice");
    assert!(
        alice
            .try_slash("adult", &[])
            .await
            .unwrap_err()
            .contains("age-restricted")
    );
    let channel = format!("/channels/{}", alice.channel_id());
    assert_eq!(rest.send("PATCH", &channel, json!({ "nsfw": true })).await.status, 200);
    assert!(alice.try_slash("adult", &[]).await.is_ok());
}
