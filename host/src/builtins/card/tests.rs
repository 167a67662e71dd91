//! What the cards of plugins say, and that they fit into Discord's limits whatever there is to say.
//! Apart, as the texts are long.

use plugin_api::{
    hooks::HookSubscription,
    inspection::{LastError, ServiceDescription},
    serde_json::{self, Value},
};

use super::*;

/// How long a card is as Discord counts it; checks each part's own limit.
fn measured(card: &Embed) -> usize {
    let card = serde_json::to_value(card).unwrap();
    let length = |value: &Value, most: usize| {
        let length = value.as_str().unwrap_or_default().chars().count();
        assert!(length <= most, "{length} > {most}: {value}");
        length
    };
    let fields = card["fields"].as_array().cloned().unwrap_or_default();
    assert!(fields.len() <= 25);
    let fields = fields
        .iter()
        .map(|field| length(&field["name"], 256) + length(&field["value"], 1024));
    let texts = [
        (&card["title"], 256),
        (&card["description"], 4096),
        (&card["footer"]["text"], 2048),
    ];
    fields.sum::<usize>() + texts.into_iter().map(|(text, most)| length(text, most)).sum::<usize>()
}

fn relations() -> Vec<Relation> {
    let relation = |number| Relation {
        name: format!("a-long-name-of-a-plugin-{number}"),
        range: ">=1.2.3, <2".to_owned(),
        ..Relation::default()
    };
    (0..100).map(relation).collect()
}

fn summary(number: usize) -> PluginSummary {
    PluginSummary {
        name: format!("a-long-name-of-a-plugin-{number}"),
        version: Some("1.0.0-a.very.long.prerelease".repeat(9)),
        status: PluginStatus::Refused,
        needs: relations(),
        why: Some("everything is wrong with it ".repeat(200)),
        file: Some("lib".repeat(80)),
        ..PluginSummary::default()
    }
}

#[test]
fn whatever_there_is_the_cards_are_within_discords_limits() {
    let left = LeftBehind {
        retired: u64::MAX,
        abandoned: u64::MAX - 1,
        threads: Some(u64::MAX),
        code_bytes: Some(u64::MAX),
    };
    let all = PluginList {
        plugins: (0..123).map(summary).collect(),
        left_behind: left,
        budgets: vec![
            BudgetFigure {
                name: "something with a long name".to_owned(),
                used: u64::MAX,
                limit: u64::MAX,
                bytes: true,
            };
            50
        ],
    };
    assert_eq!(pages(&all), 13);
    for number in [0, 5, 12] {
        assert!(measured(&list(&all, number)) <= 6000);
    }
    let command = OfferedCommand {
        name: "x".repeat(98),
        prefix: true,
        slash: false,
        menu: false,
        owner_only: true,
    };
    let everything = PluginInfo {
        summary: summary(1),
        description: "d".repeat(5000),
        authors: vec!["Somebody with a long name".to_owned(); 50],
        dependants: (0..100).map(|number| format!("plugin-{number}")).collect(),
        conflicts: relations(),
        exclusive: true,
        before: Some("1.1.0".to_owned()),
        commands: vec![command; 100],
        events: (0..80).map(|number| format!("SOME_LONG_EVENT_NAME_{number}")).collect(),
        hooks: (0..80)
            .map(|number| HookSubscription {
                event: "extension_reloaded".to_owned(),
                function: format!("some_long_callback_name_{number}"),
                priority: 5,
            })
            .collect(),
        services: vec![
            ServiceDescription {
                name: "s".repeat(32),
                description: "d".repeat(500),
            };
            30
        ],
        components: 40,
        load_millis: Some(u64::MAX),
        serving_since: Some(1),
        lane: Some(LaneFigures {
            under_way: u64::MAX,
            at_work_on: vec!["x".repeat(100); 6],
            requests: u64::MAX,
            cpu_millis: Some(u64::MAX),
            code_bytes: Some(u64::MAX),
            hung_millis: Some(u64::MAX),
            ..LaneFigures::default()
        }),
        left_behind: left,
        last_error: Some(LastError {
            at: u64::MAX,
            what: "w".repeat(3000),
            code: Some("A1B2".to_owned()),
            text: Some("t".repeat(3000)),
        }),
        timers: vec![
            plugin_api::TimerInfo {
                name: "n".repeat(60),
                rule: "r".repeat(60),
                next_ms: u64::MAX,
                ..plugin_api::TimerInfo::default()
            };
            100
        ],
        one_off_timers: u64::MAX,
        erase: EraseStanding::Missing,
    };
    let card = info(&everything);
    assert!(measured(&card) <= 6000, "{}", measured(&card));
    assert!(
        serde_json::to_string(&card).unwrap().contains("and 9"),
        "what is left out is counted"
    );
    assert!(measured(&info(&PluginInfo::default())) < 500);
}

#[test]
fn a_plugin_that_runs() {
    let plugin = PluginInfo {
        summary: PluginSummary {
            name: "levels".to_owned(),
            version: Some("1.2.0".to_owned()),
            status: PluginStatus::Running,
            generation: Some(3),
            needs: vec![Relation {
                name: "modlog".to_owned(),
                range: ">=1.2".to_owned(),
                optional: false,
                is_there: true,
            }],
            ..PluginSummary::default()
        },
        description: "Counts messages".to_owned(),
        authors: vec!["Ann".to_owned()],
        commands: vec![OfferedCommand {
            name: "rank".to_owned(),
            prefix: true,
            slash: true,
            menu: true,
            owner_only: false,
        }],
        services: vec![ServiceDescription {
            name: "level".to_owned(),
            description: "How far somebody has come.".to_owned(),
        }],
        load_millis: Some(31),
        lane: Some(LaneFigures {
            cpu_millis: Some(120),
            code_bytes: Some(112 * 1024),
            ..LaneFigures::default()
        }),
        left_behind: LeftBehind {
            retired: 2,
            threads: Some(1),
            code_bytes: Some(3 * 1024 * 1024),
            ..LeftBehind::default()
        },
        ..PluginInfo::default()
    };
    insta::assert_snapshot!(serde_json::to_string_pretty(&info(&plugin)).unwrap());
}
