//! Help, the bot's mention, and what the bot tells of itself.

use sandbox::Message;
use serde_json::json;

use crate::harness::World;

/// The first embed of an answer, as text.
fn card(message: &Message) -> String {
    message.embeds().first().map(ToString::to_string).unwrap_or_default()
}

/// What a menu's select offers.
fn options(message: &Message) -> Vec<String> {
    let select = message.component("Choose a category").expect("there is a select");
    let options = select["options"].as_array().unwrap();
    options
        .iter()
        .map(|one| one["value"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_help_menu_leads_through_categories_and_pages_and_goes_on_after_a_restart() {
    let world = World::new().await;
    world.drop_plugin("example");
    world.drop_plugin("stress");
    let bot = world.start().await;
    let registered = |names: &[String]| {
        ["ping", "revision", "unload"]
            .iter()
            .all(|name| names.contains(&(*name).to_owned()))
    };
    world.sandbox.expect_commands(registered).await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));

    let menu = alice.says("!help").await.expect_reply().await;
    let main = card(&menu);
    assert!(main.contains("Help") && main.contains("`!` or <@"), "{main}");
    let categories = options(&menu);
    assert!(
        ["example", "stress", "Help"]
            .iter()
            .all(|name| categories.contains(&(*name).to_owned())),
        "{categories:?}"
    );

    // A category, with what can be clicked and what each mark means.
    let example = alice
        .selects(&menu, "Choose a category", &["example"])
        .await
        .expect_update()
        .await;
    let page = card(&example);
    assert!(
        page.contains("\u{2726} </ping:") && page.contains("slash only") && page.contains("Page 1 of 1"),
        "{page}"
    );
    let menu = alice.clicks(&example, "Back").await.expect_update().await;
    assert_eq!(card(&menu), main);

    // Pages.
    let first = alice
        .selects(&menu, "Choose a category", &["stress"])
        .await
        .expect_update()
        .await;
    assert!(card(&first).contains("Page 1 of "), "{}", card(&first));
    let second = alice.clicks(&first, "Next").await.expect_update().await;
    assert!(card(&second).contains("Page 2 of "), "{}", card(&second));
    assert_ne!(card(&first), card(&second));
    assert_eq!(
        card(&alice.clicks(&second, "Previous").await.expect_update().await),
        card(&first)
    );

    // It is alice's.
    let foreign = bob.clicks(&second, "Next").await.expect_reply().await;
    assert!(
        foreign.is_ephemeral() && foreign.content().contains("belongs to"),
        "{}",
        foreign.content()
    );
    let menu = alice.clicks(&second, "Back").await.expect_update().await;
    let credits = alice.clicks(&menu, "Credits").await.expect_reply().await;
    assert!(credits.is_ephemeral(), "only alice sees it");
    assert!(
        card(&credits).contains("TheHolyOneZ") && card(&credits).contains("16766720"),
        "{}",
        card(&credits)
    );

    // A plugin is replaced, the bot is restarted: the menu goes on.
    world.owner().says("!reload example").await.expect_reply().await;
    let example = alice
        .selects(&menu, "Choose a category", &["example"])
        .await
        .expect_update()
        .await;
    bot.stop().await;
    let bot = world.start().await;
    let menu = alice.clicks(&example, "Back").await.expect_update().await;
    let example = alice
        .selects(&menu, "Choose a category", &["example"])
        .await
        .expect_update()
        .await;
    assert!(card(&example).contains("ping"), "{}", card(&example));
    // What was shown is gone: the menu shows what there is.
    world.owner().says("!unload example").await.expect_reply().await;
    let menu = alice.clicks(&example, "Back").await.expect_update().await;
    assert!(!options(&menu).contains(&"example".to_owned()));
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn help_shows_only_what_its_asker_may_use_and_everything_about_one_command() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let registered = |names: &[String]| {
        ["ping", "unload"]
            .iter()
            .all(|name| names.contains(&(*name).to_owned()))
    };
    world.sandbox.expect_commands(registered).await;
    let (alice, owner) = (world.person("alice"), world.owner());

    let of_host = async |person: &sandbox::Person| {
        let menu = person.slash("help", &[]).await.expect_reply().await;
        let page = person
            .selects(&menu, "Choose a category", &["host"])
            .await
            .expect_update()
            .await;
        let mut text = card(&page);
        let mut page = page;
        while page.component("Next").is_some_and(|next| next["disabled"] != true) {
            page = person.clicks(&page, "Next").await.expect_update().await;
            text.push_str(&card(&page));
        }
        text
    };
    let (hers, owners) = (of_host(&alice).await, of_host(&owner).await);
    assert!(hers.contains("</plugins:") && !hers.contains("unload"), "{hers}");
    assert!(
        owners.contains("</unload:") && owners.contains("</plugins:"),
        "{owners}"
    );
    assert!(!owners.contains("mentioned"), "hidden commands are not listed");

    // While the name is typed, the same.
    let suggested = async |person: &sandbox::Person, typed: &str| {
        let used = person.completes("help", &[("command", json!(typed))]).await;
        let choices = used.expect_choices().await;
        choices
            .iter()
            .map(|choice| choice["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(suggested(&alice, "unlo").await, [""; 0]);
    assert_eq!(suggested(&owner, "unlo").await, ["unload", "plan unload"]);
    assert_eq!(suggested(&alice, "plugi").await, ["plugininfo", "plugins"]);

    let one = card(&alice.says("!help ping").await.expect_reply().await);
    for part in ["\"ping\"", "`!ping", "</ping:", "everyone", "plugin example"] {
        assert!(one.contains(part), "{part:?} is not in {one}");
    }
    let by_slash = alice
        .slash("help", &[("command", json!("ping"))])
        .await
        .expect_reply()
        .await;
    assert_eq!(card(&by_slash), one);
    let by_alias = card(&alice.says("!help PR_INFO").await.expect_reply().await);
    assert!(
        by_alias.contains("\"plugininfo\"") && by_alias.contains("`pr_info`"),
        "{by_alias}"
    );
    for asked in ["unload", "nothing at all"] {
        let refused = alice.says(&format!("!help {asked}")).await.expect_reply().await;
        let text = format!("There is no command `{asked}` that you can use here.");
        assert!(refused.content().starts_with(&text), "{}", refused.content());
    }
    assert!(card(&owner.says("!help unload").await.expect_reply().await).contains("the bot's owner"));

    let names = async |person: &sandbox::Person, command: &str, option: &str, typed: &str| {
        let choices = person
            .completes(command, &[(option, json!(typed))])
            .await
            .expect_choices()
            .await;
        let names = choices.iter().map(|one| one["value"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(
        names(&alice, "help", "command", "plug").await,
        ["plugininfo", "plugins"]
    );
    assert_eq!(names(&alice, "help", "command", "unlo").await, [""; 0]);
    assert_eq!(names(&alice, "plugininfo", "name", "exa").await, ["example"]);
    assert_eq!(names(&owner, "reload", "name", "").await, ["example", "all"]);
    assert_eq!(names(&owner, "load", "name", "").await, [""; 0], "it runs");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bots_mention_is_answered_once_in_a_while() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let alice = world.person("alice");
    let mention = format!("<@{}>", world.sandbox.bot_id());
    let hello = alice.says(&mention).await.expect_reply().await;
    let text = card(&hello);
    for part in ["Commands here begin with `!` or <@", "help", "Type `/`"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    // Again in this channel: nothing. In another one it is answered.
    alice.says(&mention).await;
    let pong = alice.says("!ping").await.expect_reply().await;
    let between = world.channel().messages_after(hello.id());
    let by_bot = between
        .iter()
        .filter(|message| message.author_id() == world.sandbox.bot_id());
    assert_eq!(by_bot.map(Message::id).collect::<Vec<_>>(), [pong.id()]);
    let elsewhere = alice.in_channel(&world.sandbox.guild().channel("bots"));
    assert!(!elsewhere.says(&mention).await.expect_reply().await.embeds().is_empty());
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_tells_of_itself() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let registered = |names: &[String]| names.contains(&"stats".to_owned());
    world.sandbox.expect_commands(registered).await;
    let (alice, owner) = (world.person("alice"), world.owner());
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    let stats = card(&alice.slash("stats", &[]).await.expect_reply().await);
    for part in [
        "Servers",
        "Users",
        "Commands run",
        "Messages seen",
        "Errors",
        "Memory",
        "`ping` 1",
        "shard 0: ",
    ] {
        assert!(stats.contains(part), "{part:?} is not in {stats}");
    }
    let extensions = card(&alice.says("!extensions").await.expect_reply().await);
    for part in [
        "**example** 1.0.0",
        "loaded in",
        "generation 1",
        "built in",
        "hooks: \u{1f7e2} on",
    ] {
        assert!(extensions.contains(part), "{part:?} is not in {extensions}");
    }
    let about = owner.says("!botinfo").await.expect_reply().await;
    assert!(card(&about).contains("TheHolyOneZ"), "{}", card(&about));
    let link = about
        .component("The original framework")
        .expect("a link to the original");
    assert_eq!(link["url"], "https://github.com/TheHolyOneZ/discord-bot-framework");
    let shards = card(&owner.says("!shardinfo").await.expect_reply().await);
    assert!(
        shards.contains("**Shard 0** connected") && shards.contains("1 servers"),
        "{shards}"
    );
    let refused = alice.says("!shardinfo").await.expect_reply().await;
    assert_eq!(refused.content(), "Only the bot's owner can use that command.");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_command_edits_its_answer_and_a_deleted_one_takes_it_along() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let owner = world.owner();
    let asked = owner.says("!ping one").await;
    let answer = asked.expect_reply().await;
    assert_eq!(answer.content(), "pong one");
    let asked = owner.edits(&asked, "!ping two").await;
    let answer = answer.expect_edit().await;
    assert_eq!(answer.content(), "pong two");
    owner.deletes(&asked).await;
    answer.expect_deleted().await;

    // So does one whose answer has no text.
    let asked = owner.says("!ping three").await;
    let answer = asked.expect_reply().await;
    let asked = owner.edits(&asked, "!help").await;
    let card = answer.expect_edit().await;
    assert_eq!((card.content(), card.embeds().len()), ("", 1));
    owner.deletes(&asked).await;
    card.expect_deleted().await;

    // A refusal is gone when the command comes right.
    let asked = owner.says("!echo").await;
    let refusal = asked.expect_reply().await;
    assert!(refusal.content().contains("!echo <text"), "{}", refusal.content());
    let mut said = world.sandbox.watch();
    owner.edits(&asked, "!echo so").await;
    refusal.expect_deleted().await;
    assert_eq!(said.next().await.expect("the answer comes").content(), "so");
    bot.stop().await;
    // All of it is a setting.
    world.configure(&json!({ "edits": { "rerun": false, "delete_answers": false } }));
    let bot = world.start().await;
    let asked = owner.says("!ping one").await;
    let answer = asked.expect_reply().await;
    let asked = owner.edits(&asked, "!ping two").await;
    owner.deletes(&asked).await;
    assert_eq!(owner.says("!ping").await.expect_reply().await.content(), "pong");
    let still = answer.refresh().expect("it is there");
    assert_eq!(still.content(), "pong one");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_menu_is_opened_once_in_ten_seconds_and_cards_as_often_as_one_likes() {
    let world = World::new().await;
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    for person in [&alice, &owner, &owner] {
        let menu = person.says("!help").await.expect_reply().await;
        assert!(card(&menu).contains("Help"), "{}", menu.content());
    }
    let refused = alice.says("!help").await.expect_reply().await;
    assert!(
        refused.content().starts_with("You can use `!help` again <t:"),
        "{}",
        refused.content()
    );
    world
        .sandbox
        .expect_commands(|names| names.contains(&"help".to_owned()))
        .await;
    let refused = alice.slash("help", &[]).await.expect_reply().await;
    assert!(refused.is_ephemeral() && refused.content().starts_with("You can use `/help` again <t:"));
    for _ in 0..2 {
        let shown = alice.says("!help stats").await.expect_reply().await;
        assert_eq!(shown.embeds().len(), 1);
    }
    // Nobody else waits.
    let menu = world.person("bob").says("!help").await.expect_reply().await;
    assert!(card(&menu).contains("Help"));
    bot.stop().await;
}
