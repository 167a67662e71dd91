//! What a plugin hears of its configuration while it runs.
//!
//! Apart from the other tests of a lane for the sake of their file's length.

use plugin_protocol::{Activation, Call, LogRecord, Settings, Verdict, kind};
use serde_json::{Value, json};

use crate::{host::FakeHost, plugin::linked_plugin};

#[test]
fn a_change_of_the_section_is_heard_of_and_a_change_of_the_level_is_none() {
    let mut host = FakeHost::started(linked_plugin());
    host.put(kind::ACTIVATE, kind::FLAG_UNBOUNDED, 0, &Activation::default(), b"");
    assert_eq!(host.request(kind::CALL).head::<Call>().name, "test.began");
    host.invoke(2, "following", &[]);
    assert_eq!(host.outcome(2).verdict, Verdict::Done);
    let mut configure = |section: Value, level| {
        let settings = Settings {
            section,
            level,
            ..Settings::default()
        };
        host.put(kind::CONFIGURE, kind::FLAG_UNBOUNDED, 0, &settings, b"");
        host.request(kind::LOG).head::<LogRecord>().message
    };
    let level = plugin_protocol::Level::Info;
    assert_eq!(configure(json!({ "greeting": "one" }), level), "greeting one");
    assert_eq!(configure(json!({ "greeting": "two" }), level), "greeting two");
    let refused = configure(json!({ "greeting": 3 }), level);
    assert!(
        refused.starts_with("`plugins.under-test` in the configuration: "),
        "{refused}"
    );
    let same = Settings {
        section: json!({ "greeting": 3 }),
        level: plugin_protocol::Level::Warn,
        ..Settings::default()
    };
    host.put(kind::CONFIGURE, kind::FLAG_UNBOUNDED, 0, &same, b"");
    host.invoke(3, "refusing", &[]);
    host.outcome(3);
    assert!(host.leftovers().is_empty(), "the section is the same");
}
