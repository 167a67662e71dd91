//! What servers set for plugins: by argument and by menu, over reloads and restarts, and what another version makes of it.

use sandbox::{Message, Person};
use serde_json::{Value, json};

use crate::{erase::erase, harness::World};

/// What the plugin says that is set.
async fn preferences(person: &Person) -> String {
    person
        .says("!preferences")
        .await
        .expect_reply()
        .await
        .content()
        .to_owned()
}

/// What somebody is told.
async fn told(person: &Person, text: &str) -> String {
    let reply = person.says(text).await.expect_reply().await;
    reply.content().to_owned()
}

/// What a card shows of a setting, without its description.
fn field(card: &Message, name: &str) -> String {
    let fields = card.embeds()[0]["fields"].as_array().cloned().unwrap_or_default();
    let field = fields.iter().find(|field| field["name"] == name);
    let text = field.and_then(|field| field["value"].as_str()).unwrap_or("absent");
    text.rsplit('\n').next().unwrap_or_default().to_owned()
}

const DEFAULTS: &str = "log nowhere, limit 5, greeting \"Welcome!\", Normal, loud false, pause 90s, colour #1abc9c, \
                        helpers [], ignored [], words []";

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_set_by_argument_reach_the_plugin_at_once_and_outlive_everything() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let log = world.sandbox.guild().add_channel("mod-log");
    let helper = world.sandbox.guild().add_role("Helper");
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    assert_eq!(preferences(&alice).await, DEFAULTS);
    assert_eq!(
        told(&alice, "!serversettings showcase limit 7").await,
        "You need *Administrator* for that."
    );
    let shown = owner.says("!serversettings").await.expect_reply().await;
    assert_eq!(
        field(&shown, "Plugins with settings"),
        "`showcase`: 10 settings, 0 set here"
    );

    for (text, expected) in [
        ("log #mod-log", format!("`log` of `showcase` is <#{}> now.", log.id())),
        ("LIMIT 20", "`limit` of `showcase` is `20` now.".to_owned()),
        (
            "greeting Hello @everyone  and `all`",
            "`greeting` of `showcase` is `Hello @everyone  and 'all'` now.".to_owned(),
        ),
        (
            "strictness very strict",
            "`strictness` of `showcase` is `Very strict` now.".to_owned(),
        ),
        ("loud on", "`loud` of `showcase` is `yes` now.".to_owned()),
        ("pause 1h30m", "`pause` of `showcase` is `1h 30m` now.".to_owned()),
        ("colour #ff0000", "`colour` of `showcase` is `#ff0000` now.".to_owned()),
        (
            &format!("helpers Helper {}", helper.id()),
            format!("`helpers` of `showcase` is <@&{0}> now.", helper.id()),
        ),
        (
            &format!("ignored {}", alice.mention()),
            format!("`ignored` of `showcase` is {} now.", alice.mention()),
        ),
        (
            "words one \"two words\"",
            "`words` of `showcase` is `one`, `two words` now.".to_owned(),
        ),
    ] {
        let reply = owner
            .says(&format!("!serversettings showcase {text}"))
            .await
            .expect_reply()
            .await;
        assert_eq!(reply.content(), expected, "{text}");
        assert!(
            reply.mentions().iter().all(|id| *id == owner.id()),
            "nobody else is pinged"
        );
    }
    let all = format!(
        "log <#{}>, limit 20, greeting \"Hello @everyone  and `all`\", VeryStrict, loud true, pause 5400s, colour #ff0000, \
         helpers [<@&{1}>], ignored [{2}], words [\"one\", \"two words\"]",
        log.id(),
        helper.id(),
        alice.mention()
    );
    assert_eq!(preferences(&alice).await, all);
    assert!(
        !alice
            .dm("!preferences")
            .await
            .expect_reply()
            .await
            .content()
            .contains("20"),
        "no server, no settings"
    );
    told(&owner, "!reload showcase").await;
    assert_eq!(preferences(&alice).await, all);
    told(&owner, "!unload showcase").await;
    assert!(
        told(&owner, "!serversettings showcase limit 9")
            .await
            .starts_with("There is no plugin `showcase` that runs.")
    );
    told(&owner, "!load showcase").await;
    bot.stop().await;
    let bot = world.start().await;
    assert_eq!(preferences(&alice).await, all);

    // What is wrong is said, by the words of commands' arguments, and changes nothing.
    for (text, expected) in [
        ("limit 21", "`limit` wants a whole number from 1 to 20, not `21`."),
        ("limit many", "`limit` wants a whole number from 1 to 20, not `many`."),
        (
            "strictness lux",
            "`strictness` wants `Lax`, `Normal` or `Very strict`, not `lux`. Did you mean `Lax`?",
        ),
        ("loud perhaps", "`loud` wants yes or no, not `perhaps`."),
        (
            "log nowhere-land",
            "`log` wants a text or announcement channel of this server (a mention, an id or a name). I can't find `nowhere-land`.",
        ),
        (
            "lmit 5",
            "`showcase` has no setting `lmit`. It has `log`, `limit`, `greeting`, `strictness`, `loud`, `pause`, `colour`, `helpers`, `ignored`, `words`.",
        ),
    ] {
        assert_eq!(
            told(&owner, &format!("!serversettings showcase {text}")).await,
            expected
        );
    }
    let long = told(&owner, &format!("!serversettings showcase greeting {}", "x".repeat(51))).await;
    let wanted = "`greeting` wants a text of at most 50 characters, not `";
    assert!(long.starts_with(wanted), "{long}");
    let none = told(&owner, "!serversettings absent").await;
    assert_eq!(
        none,
        "There is no plugin `absent` that runs. These have some: `showcase`."
    );
    assert_eq!(preferences(&alice).await, all);

    for name in [
        "log",
        "limit",
        "greeting",
        "strictness",
        "loud",
        "pause",
        "colour",
        "helpers",
        "ignored",
    ] {
        let reset = told(&owner, &format!("!serversettings showcase {name} reset")).await;
        assert!(reset.ends_with("again, the default."), "{reset}");
    }
    // All that is kept of a server goes with one command.
    assert!(preferences(&alice).await.contains("two words"));
    erase(&owner, &format!("server {}", world.sandbox.guild().id())).await;
    assert_eq!(preferences(&alice).await, DEFAULTS);
    bot.stop().await;
    let trail = trail(&world);
    let limit = trail
        .iter()
        .find(|(action, subject)| action == "settings.set" && subject.contains("\"LIMIT\""));
    assert!(limit.is_some(), "{trail:?}");
    assert!(trail.iter().any(|(action, _)| action == "settings.reset"));
}

/// What the audit trail holds: calls, and what with.
fn trail(world: &World) -> Vec<(String, String)> {
    let database = rusqlite::Connection::open(world.root().join("data/bot.db")).unwrap();
    let mut rows = database
        .prepare("SELECT action, subject FROM audit_trail ORDER BY id")
        .unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_menu_has_a_control_for_each_kind_and_goes_on_after_a_reload_and_a_restart() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let log = world.sandbox.guild().add_channel("mod-log");
    let helper = world.sandbox.guild().add_role("Helper");
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    let opened = owner.says("!serversettings").await.expect_reply().await;
    let menu = owner
        .selects(&opened, "Settings of a plugin", &["showcase"])
        .await
        .expect_update()
        .await;
    assert_eq!(field(&menu, "limit"), "`5` (default)");

    let pick = async |menu: &Message, name: &str| {
        owner
            .selects(menu, "Change a setting", &[name])
            .await
            .expect_update()
            .await
    };
    let channel = pick(&menu, "log").await;
    let menu = owner
        .selects(&channel, "Choose", &[&log.id().to_string()])
        .await
        .expect_update()
        .await;
    assert_eq!(field(&menu, "log"), format!("**<#{}>**", log.id()));
    let buttons = pick(&menu, "loud").await;
    // Only who asked, and only while they may.
    assert!(alice.clicks(&buttons, "Yes").await.expect_reply().await.is_ephemeral());
    told(&owner, "!reload showcase").await;
    let menu = owner.clicks(&buttons, "Yes").await.expect_update().await;
    assert_eq!(field(&menu, "loud"), "**`yes`**");
    let choices = pick(&menu, "strictness").await;
    bot.stop().await;
    let bot = world.start().await;
    let menu = owner.selects(&choices, "Choose", &["lax"]).await.expect_update().await;
    assert_eq!(field(&menu, "strictness"), "**`Lax`**");
    let roles = pick(&menu, "helpers").await;
    let menu = owner
        .selects(&roles, "Choose", &[&helper.id().to_string()])
        .await
        .expect_update()
        .await;
    assert_eq!(field(&menu, "helpers"), format!("**<@&{}>**", helper.id()));
    let users = pick(&menu, "ignored").await;
    let menu = owner
        .selects(&users, "Choose", &[&alice.id().to_string()])
        .await
        .expect_update()
        .await;
    assert_eq!(field(&menu, "ignored"), format!("**{}**", alice.mention()));

    // What is written is asked for in a form; what is wrong changes nothing.
    let form = owner.selects(&menu, "Change a setting", &["limit"]).await;
    let modal = form.expect_modal().await;
    assert_eq!(modal["title"], "limit of showcase");
    assert!(modal.to_string().contains("\"value\":\"5\""), "{modal}");
    let wrong = owner.submits(&form, &[("value", "lots")]).await.expect_reply().await;
    assert!(wrong.is_ephemeral());
    assert_eq!(
        wrong.content(),
        "`limit` wants a whole number from 1 to 20, not `lots`."
    );
    let form = owner.selects(&menu, "Change a setting", &["limit"]).await;
    form.expect_modal().await;
    let menu = owner.submits(&form, &[("value", "12")]).await.expect_update().await;
    assert_eq!(field(&menu, "limit"), "**`12`**");
    assert!(
        menu.embeds()[0]["description"]
            .as_str()
            .unwrap()
            .contains("is `12` now")
    );
    let now = preferences(&alice).await;
    let expected = format!("log <#{}>, limit 12, greeting \"Welcome!\", Lax, loud true,", log.id());
    assert!(now.starts_with(&expected), "{now}");

    let buttons = pick(&menu, "loud").await;
    let menu = owner.clicks(&buttons, "Reset").await.expect_update().await;
    assert_eq!(field(&menu, "loud"), "`no` (default)");
    let channel = pick(&menu, "log").await;
    let menu = owner.clicks(&channel, "Back").await.expect_update().await;
    assert!(menu.component("Change a setting").is_some());

    // An administrator who is none any more.
    world
        .sandbox
        .guild()
        .add_role("Admin")
        .permissions(1 << 3 | 1 << 10 | 1 << 11);
    let mia = world.person("mia").role("Admin");
    let asked = mia.says("!serversettings showcase loud").await.expect_reply().await;
    world.sandbox.guild().role("Admin").permissions(1 << 10 | 1 << 11);
    let refused = mia.clicks(&asked, "Yes").await.expect_reply().await;
    assert_eq!(refused.content(), "You need *Administrator* for that.");
    assert!(preferences(&alice).await.contains("loud false"));
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_slash_plugins_settings_and_values_are_suggested() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let log = world.sandbox.guild().add_channel("mod-log");
    let bot = world.start().await;
    let owner = world.owner();
    world
        .sandbox
        .expect_commands(|names| names.contains(&"serversettings".to_owned()))
        .await;
    let suggested = async |options: &[(&str, Value)]| {
        let choices = owner.completes("serversettings", options).await.expect_choices().await;
        let names = choices.iter().map(|choice| choice["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(suggested(&[("plugin", json!("show"))]).await, ["showcase"]);
    let plugin = ("plugin", json!("showcase"));
    assert_eq!(
        suggested(&[plugin.clone(), ("setting", json!("l"))]).await[..3],
        ["log", "limit", "loud"]
    );
    let of = |setting: &str, text: &str| [plugin.clone(), ("setting", json!(setting)), ("value", json!(text))];
    assert_eq!(
        suggested(&of("strictness", "")).await,
        ["Lax", "Normal", "Very strict", "reset"]
    );
    assert_eq!(suggested(&of("loud", "y")).await, ["yes"]);
    assert_eq!(suggested(&of("log", "#mod")).await, ["#mod-log"]);
    assert_eq!(suggested(&of("limit", "3")).await, Vec::<String>::new());

    let value = log.id().to_string();
    let done = owner
        .slash("serversettings", &of("log", &value))
        .await
        .expect_reply()
        .await;
    assert_eq!(done.content(), format!("`log` of `showcase` is <#{value}> now."));
    let shown = owner.slash("serversettings", &[plugin]).await.expect_reply().await;
    assert_eq!(field(&shown, "log"), format!("**<#{value}>**"));
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_this_version_is_kept_and_shown_and_not_in_force() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    told(&owner, "!serversettings showcase limit 7").await;
    bot.stop().await;
    // As an earlier version of the plugin has left it.
    let database = rusqlite::Connection::open(world.root().join("data/bot.db")).unwrap();
    let set = json!({ "plugins": { "showcase": { "limit": "seven", "old_name": [1, 2], "loud": true } } });
    database
        .execute("UPDATE guild_settings SET settings = ?1", [set.to_string()])
        .unwrap();
    drop(database);
    let bot = world.start().await;
    bot.logs("servers have set what doesn't fit this version").await;
    let now = preferences(&alice).await;
    assert!(now.contains("limit 5,") && now.contains("loud true"), "{now}");
    let card = owner.says("!serversettings showcase").await.expect_reply().await;
    assert_eq!(
        field(&card, "limit"),
        "⚠️ `\"seven\"` is set, which this version of the plugin doesn't take. Until it is set anew, it is `5`."
    );
    assert!(
        card.embeds()[0]["description"]
            .as_str()
            .unwrap()
            .contains("`old_name`: `[1,2]`")
    );
    told(&owner, "!serversettings showcase limit 8").await;
    assert_eq!(
        told(&owner, "!serversettings showcase old_name reset").await,
        "`old_name` of `showcase` is cleared."
    );
    assert!(preferences(&alice).await.contains("limit 8,"));
    let card = owner.says("!serversettings showcase").await.expect_reply().await;
    assert_eq!(field(&card, "limit"), "**`8`**");
    assert!(card.embeds()[0].get("description").is_none());
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_no_longer_than_its_form_and_what_is_can_be_changed_and_reset() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    let menu = owner.says("!serversettings showcase").await.expect_reply().await;
    let form = owner.selects(&menu, "Change a setting", &["words"]).await;
    form.expect_modal().await;
    // Each has 1,000 characters, and more as it is written.
    let word = format!("'{}'", "\" ".repeat(499) + "\"");
    let three = [word.as_str(); 3].join(" ");
    let refused = owner.submits(&form, &[("value", &three)]).await.expect_reply().await;
    assert_eq!(
        refused.content(),
        "`words` takes at most 4000 characters in all, with spaces and quotes: shorten it."
    );
    assert_eq!(preferences(&alice).await, DEFAULTS);
    told(&owner, "!serversettings showcase words it's \\'tis \"a \\\" b\"").await;
    let form = owner.selects(&menu, "Change a setting", &["words"]).await;
    let modal = form.expect_modal().await.to_string();
    let written = json!("it's \\'tis \"a \\\" b\"").to_string();
    assert!(modal.contains(&written), "{modal}");
    bot.stop().await;

    // As an earlier version of the plugin, or of the bot, has left it.
    let database = rusqlite::Connection::open(world.root().join("data/bot.db")).unwrap();
    let set = json!({ "plugins": { "showcase": { "words": vec!["x".repeat(999); 5] } } });
    database
        .execute("UPDATE guild_settings SET settings = ?1", [set.to_string()])
        .unwrap();
    drop(database);
    let bot = world.start().await;
    let controls = owner
        .selects(&menu, "Change a setting", &["words"])
        .await
        .expect_update()
        .await;
    let form = owner.clicks(&controls, "Change").await;
    let modal = form.expect_modal().await.to_string();
    assert!(!modal.contains("xxx"), "{modal}");
    let menu = owner.clicks(&controls, "Reset").await.expect_update().await;
    assert_eq!(field(&menu, "words"), "nothing (default)");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_changes_its_own_by_the_rules_of_its_owners_and_hears_of_each_change() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    assert_eq!(
        told(&world.person("bob"), "!prefer 8").await,
        "You need *Manage Server* for that."
    );
    let may = 1 << 5 | 1 << 10 | 1 << 11;
    world.sandbox.guild().add_role("Keeper").permissions(may);
    let (alice, owner) = (world.person("alice").role("Keeper"), world.owner());
    assert_eq!(
        told(&alice, "!prefer 7 nonsense").await,
        "limit 7, words [\"nonsense\"]"
    );
    bot.logs("has the limit 7 now").await;
    let here = format!("log <#{}>, limit 7", world.channel().id());
    let set = preferences(&alice).await;
    assert!(set.starts_with(&here) && set.ends_with("words [\"nonsense\"]"), "{set}");
    // The same texts as for people, and nothing is kept of what fits in part.
    assert_eq!(
        told(&alice, "!prefer 21 more").await,
        told(&owner, "!serversettings showcase limit 21").await
    );
    assert_eq!(preferences(&alice).await, set);
    told(&owner, "!serversettings showcase limit 9").await;
    bot.logs("has the limit 9 now").await;
    // What is as it was before is not written.
    let trail = || {
        let database = rusqlite::Connection::open(world.root().join("data/bot.db")).unwrap();
        let sql = "SELECT count(*) FROM own_changes WHERE action = 'settings.change' AND plugin = 'showcase'";
        database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(told(&alice, "!prefer 9").await, "limit 9, words [\"nonsense\"]");
    bot.stop().await;
    assert_eq!(trail(), 2, "one was done, and one refused");
    let bot = world.start().await;
    let set = preferences(&alice).await;
    assert!(
        set.contains("limit 9") && set.ends_with("words [\"nonsense\"]"),
        "{set}"
    );
    bot.stop().await;
}
