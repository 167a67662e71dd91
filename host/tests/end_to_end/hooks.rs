//! Checks, `before`, `after` and `on_error` of a plugin: what they refuse, what they hear of, and what becomes of their
//! own faults.

use sandbox::Message;
use serde_json::json;

use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn checks_hold_by_every_door_and_for_controls_of_their_command() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, bob, loud, mallory) = (
        world.person("alice"),
        world.person("bob"),
        world.person("loud"),
        world.person("mallory"),
    );
    world
        .sandbox
        .expect_commands(|names| names.contains(&"Check Them".to_owned()))
        .await;
    let option = [("user", json!(alice.id().to_string()))];
    for (who, expected) in [
        (&alice, "You can't use this here, or not now."),
        (&bob, "checked alice"),
        (&loud, "Not so loud."),
        (&mallory, "You are not welcome here."),
    ] {
        let said = who.says(&format!("!around checked {}", alice.mention())).await;
        assert_eq!(said.expect_reply().await.content(), expected);
        let by_slash = who.slash("around checked", &option).await.expect_reply().await;
        assert_eq!(by_slash.content(), expected);
        assert_eq!(by_slash.is_ephemeral(), expected != "checked alice");
        let by_menu = who.uses_menu_of(&alice, "Check Them").await.expect_reply().await;
        assert_eq!(by_menu.content(), expected);
    }
    // A refusal comes before what is wrong with the arguments in the plugin's own eyes.
    let refused = mallory.says("!kind hex xyz").await.expect_reply().await;
    assert_eq!(refused.content(), "You are not welcome here.");

    let asked = alice.says("!around button").await.expect_reply().await;
    for (who, expected) in [
        (&alice, "pressed"),
        (&loud, "Not so loud."),
        (&mallory, "You are not welcome here."),
    ] {
        let clicked = who.clicks(&asked, "Press").await;
        assert_eq!(clicked.expect_reply().await.content(), expected);
    }
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_vetoed_does_not_count() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let alice = world.person("alice");
    for _ in 0..3 {
        let refused = alice.says("!around vetoed").await.expect_reply().await;
        assert_eq!(refused.content(), "Not today.");
    }
    for _ in 0..2 {
        let fallen = alice.says("!around before_panics").await.expect_reply().await;
        assert!(fallen.content().starts_with("Something broke"), "{}", fallen.content());
    }
    bot.logs("before fell over").await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_hears_how_it_ended_and_on_error_may_answer() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let alice = world.person("alice");
    for (how, answer, told) in [
        ("well", "well", "around ends was done"),
        ("refused", "I'd rather not.", "around ends was refused: I'd rather not."),
        ("panicked", "Something broke", "around ends has panicked: fell over"),
        ("wrong", "Something broke", "around ends has failed: it went wrong"),
        ("mendable", "Mended.", "around ends has failed: it went mendable"),
        ("sorry", "The service is down.", "around ends has failed: it went sorry"),
        ("shaky", "Something broke", "around ends has failed: it went shaky"),
    ] {
        let said = alice.says(&format!("!around ends {how}")).await.expect_reply().await;
        assert!(said.content().starts_with(answer), "{how}: {}", said.content());
        bot.logs(told).await;
    }
    // What was answered is no incident; a fault in `on_error` hides none.
    assert_eq!(bot.lines_with("it went mendable").len(), 1);
    bot.logs("`on_error` panicked over this failure: it went shaky").await;
    bot.logs("on_error fell over").await;

    // A fault of `after` is its author's matter: who used a command that went well hears nothing of it.
    for (command, fault) in [
        ("after_panics", "after fell over"),
        (
            "after_fails",
            "`after` failed: after went wrong (plugins/showcase/src/around.rs:",
        ),
    ] {
        let said = alice.says(&format!("!around {command}")).await;
        assert_eq!(said.expect_reply().await.content(), "well");
        bot.logs(fault).await;
        assert_eq!(alice.says("!hello").await.expect_reply().await.content(), "Hello.");
        let messages = world.channel().messages();
        let answers = messages
            .iter()
            .filter(|message| message.replies_to() == Some(said.message_id()));
        assert_eq!(answers.count(), 1, "{command}");
    }
    let faults = world.owner().says("!errors").await.expect_reply().await;
    assert!(faults.embeds()[0].to_string().contains("its `after` failed"));
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_hooks_is_turned_page_by_page() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    // Beside the five that it declares.
    for _ in 0..8 {
        assert_eq!(
            alice.says("!events follow").await.expect_reply().await.content(),
            "Following."
        );
    }
    let page = |list: &Message| {
        let card = &list.embeds()[0];
        let lines = card["description"].as_str().unwrap_or_default().lines().count();
        let footer = card["footer"]["text"].as_str().unwrap_or_default();
        let (page, _) = footer.split_once(" \u{b7}").unwrap_or_default();
        (card["title"].to_string(), lines, page.to_owned())
    };
    let expected = |lines, page: &str| ("\"Hooks (13)\"".to_owned(), lines, page.to_owned());
    let is_off = |list: &Message, button: &str| list.component(button).unwrap()["disabled"] == true;
    let first = owner.says("!hooks").await.expect_reply().await;
    assert_eq!(page(&first), expected(10, "Page 1 of 2"));
    assert!(is_off(&first, "Previous") && !is_off(&first, "Next"));
    let second = owner.clicks(&first, "Next").await.expect_update().await;
    assert_eq!(page(&second), expected(3, "Page 2 of 2"));
    assert!(!is_off(&second, "Previous") && is_off(&second, "Next"));
    let first = owner.clicks(&second, "Previous").await.expect_update().await;
    assert_eq!(page(&first), expected(10, "Page 1 of 2"));
    // Nobody else turns it, whatever they send.
    let next = first.component("Next").unwrap()["custom_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let refused = alice.forges_click(&first, &next).await.expect_reply().await;
    assert!(
        refused.is_ephemeral() && refused.embeds().is_empty(),
        "{}",
        refused.content()
    );
    bot.stop().await;
}
