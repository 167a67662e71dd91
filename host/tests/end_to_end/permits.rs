//! Who may use what: the same by message and by slash command, in every place, for everybody.

use sandbox::Person;
use serde_json::json;

use crate::harness::World;

const MANAGE_EXPRESSIONS: u64 = 1 << 30;
const BAN_MEMBERS: u64 = 1 << 2;

/// What somebody is told by message, and then by slash command.
async fn told(world: &World, person: &Person, name: &str) -> [String; 2] {
    world
        .sandbox
        .expect_commands(|names| names.contains(&name.to_owned()))
        .await;
    let by_message = person.says(&format!("!{name}")).await.expect_reply().await;
    let by_slash = match person.try_slash(name, &[]).await {
        Ok(used) => used.expect_reply().await.content().to_owned(),
        Err(_) => "not offered".to_owned(),
    };
    [by_message.content().to_owned(), by_slash]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_requires_is_asked_by_every_door() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());

    let lacking = "You need *Ban Members* for that.";
    assert_eq!(told(&world, &alice, "warden").await, [lacking, "not offered"]);
    assert_eq!(told(&world, &alice, "openly").await, [lacking, lacking]);
    assert_eq!(
        told(&world, &owner, "openly").await,
        ["guarded openly", "guarded openly"]
    );
    let moderator = world.person("mia").role("Moderator");
    assert_eq!(told(&world, &moderator, "warden").await, ["guarded", "guarded"]);

    // The channel's overwrites, for those who have it by role, and for those who haven't.
    let channel = world.channel();
    channel.overwrite(moderator.id(), 0, BAN_MEMBERS);
    channel.overwrite(alice.id(), BAN_MEMBERS, 0);
    assert_eq!(told(&world, &moderator, "openly").await, [lacking, lacking]);
    assert_eq!(
        told(&world, &alice, "openly").await,
        ["guarded openly", "guarded openly"]
    );

    // The bot's own half, for everybody.
    let bots = "I need *Manage Expressions* for that.";
    channel.overwrite(world.sandbox.bot_id(), 0, MANAGE_EXPRESSIONS);
    assert_eq!(told(&world, &alice, "bound").await, [bots, bots]);
    assert_eq!(told(&world, &owner, "bound").await, [bots, bots]);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn places_are_kept() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let alice = world.person("alice");

    let direct = "`!privately` can be used in direct messages with me only.";
    let answer = alice.says("!privately").await.expect_reply().await;
    assert_eq!(answer.content(), direct);
    assert_eq!(alice.dm("privately").await.expect_reply().await.content(), "between us");
    let server = alice.dm("!warden").await.expect_reply().await;
    assert_eq!(server.content(), "`!warden` can be used in servers only.");
    let adults = told(&world, &alice, "adults").await;
    assert_eq!(
        adults,
        ["`!adults` can be used in age-restricted channels only.", "not offered"]
    );

    let commands = world.sandbox.commands();
    let gate = |name: &str| commands.iter().find(|command| command["name"] == name).unwrap().clone();
    assert_eq!(gate("warden")["default_member_permissions"], BAN_MEMBERS.to_string());
    assert_eq!(gate("warden")["contexts"], json!([0]));
    assert_eq!(gate("warden")["name_localizations"], json!({ "de": "wächter" }));
    assert_eq!(gate("openly")["default_member_permissions"], json!(null));
    assert_eq!(gate("privately")["contexts"], json!([1]));
    assert_eq!(gate("adults")["nsfw"], true);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cooldowns_outlive_reloads_and_restarts_and_count_what_ran() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    world
        .sandbox
        .expect_commands(|names| names.contains(&"seldom".to_owned()))
        .await;

    let wrong = alice.says("!seldom 0").await.expect_reply().await;
    assert!(wrong.content().contains("!seldom [number]"), "{}", wrong.content());
    assert_eq!(alice.says("!seldom").await.expect_reply().await.content(), "seldom 0");
    let second = alice
        .slash("seldom", &[("number", json!(2))])
        .await
        .expect_reply()
        .await;
    assert_eq!(second.content(), "seldom 2", "what was wrong did not count");
    let third = alice.says("!seldom").await.expect_reply().await;
    assert!(
        third.content().starts_with("You can use `!seldom` again <t:"),
        "{}",
        third.content()
    );
    let by_slash = alice.slash("seldom", &[]).await.expect_reply().await;
    assert!(by_slash.is_ephemeral() && by_slash.content().starts_with("You can use `/seldom` again <t:"));
    assert_eq!(
        world.person("bob").says("!seldom").await.expect_reply().await.content(),
        "seldom 0"
    );
    for _ in 0..4 {
        assert_eq!(
            owner.says("!seldom").await.expect_reply().await.content(),
            "seldom 0",
            "owners have none"
        );
    }

    owner.says("!reload showcase").await.expect_reply().await;
    let after = alice.says("!seldom").await.expect_reply().await;
    assert!(after.content().starts_with("You can use"), "{}", after.content());
    bot.stop().await;
    let bot = world.start().await;
    let after = alice.says("!seldom").await.expect_reply().await;
    assert!(after.content().starts_with("You can use"), "{}", after.content());
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configured_cooldown_holds_for_commands_that_declare_none_and_its_text_goes_when_it_ends() {
    let world = World::new().await;
    world.configure(&json!({ "cooldowns": { "default_rate": 2, "default_per": 3.0 } }));
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let alice = world.person("alice");
    for _ in 0..2 {
        assert_eq!(alice.says("!hello").await.expect_reply().await.content(), "Hello.");
    }
    let refused = alice.says("!hello").await.expect_reply().await;
    assert!(
        refused.content().starts_with("You can use `!hello` again"),
        "{}",
        refused.content()
    );
    for _ in 0..5 {
        assert_eq!(alice.says("!often").await.expect_reply().await.content(), "often");
    }
    refused.expect_deleted().await;
    assert_eq!(alice.says("!hello").await.expect_reply().await.content(), "Hello.");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_run_at_a_time() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let working = alice.says("!alone").await;
    assert_eq!(working.expect_reply().await.content(), "working");
    let refused = bob.says("!alone").await.expect_reply().await;
    assert_eq!(
        refused.content(),
        "`!alone` is still running. Use it again when it is done."
    );
    let mut said = world.sandbox.watch();
    bob.says("!release").await;
    let mut done = Vec::new();
    while done.len() < 2 {
        done.push(said.next().await.unwrap().content().to_owned());
    }
    done.sort();
    assert_eq!(done, ["done", "released"]);
    // Its end is told a moment after its last words.
    loop {
        let again = bob.says("!alone").await.expect_reply().await;
        if again.content() == "working" {
            break;
        }
        assert!(again.content().contains("is still running"), "{}", again.content());
    }
    bob.says("!release").await.expect_reply().await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servers_rules_hold_by_every_door_there_and_nowhere_else() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let elsewhere = world.sandbox.add_guild("elsewhere");
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    let moderator = world.sandbox.guild().role("Moderator");
    let helper = world.person("helper").role("Moderator");
    let config = async |text: &str| owner.says(text).await.expect_reply().await.content().to_owned();

    let refused = alice.says("!config show").await.expect_reply().await;
    assert_eq!(refused.content(), "Only the server's owner can use that command.");
    assert_eq!(
        config(&format!("!config allow hello {}", moderator.mention())).await,
        format!("Now `hello` is allowed for {}.", moderator.mention())
    );
    let told_alice = told(&world, &alice, "hello").await;
    let expected = ["!", "/"].map(|by| {
        let role = moderator.mention();
        format!("`{by}hello` here is for **{role}**. A server administrator can change this with `/config`.")
    });
    assert_eq!(told_alice, expected);
    assert_eq!(told(&world, &helper, "hello").await, ["Hello.", "Hello."]);
    let there = elsewhere.user("alice");
    assert_eq!(there.says("!hello").await.expect_reply().await.content(), "Hello.");

    // An allow replaces what is required of users, and says what Discord itself still asks.
    let allowed = config(&format!("!config allow moderation {}", alice.mention())).await;
    assert!(
        allowed.contains("every command of category `moderation` is allowed"),
        "{allowed}"
    );
    assert_eq!(
        told(&world, &alice, "openly").await,
        ["guarded openly", "guarded openly"]
    );
    let warned = config(&format!("!config allow warden {}", alice.mention())).await;
    assert!(
        warned.contains("Discord shows `/warden` only to members with *Ban Members*"),
        "{warned}"
    );
    assert_eq!(told(&world, &alice, "warden").await, ["guarded", "not offered"]);
    config(&format!("!config deny openly {}", alice.mention())).await;
    let denied = "`!openly` here";
    let answer = alice.says("!openly").await.expect_reply().await;
    assert!(
        answer.content().contains(denied) && answer.content().starts_with("You can't use"),
        "{}",
        answer.content()
    );

    let fixed = config(&format!("!config allow unload {}", alice.mention())).await;
    assert_eq!(fixed, "No rule can open or restrict `unload`.");
    let unknown = config(&format!("!config allow nothing {}", alice.mention())).await;
    assert!(
        unknown.starts_with("There is no command, category or plugin `nothing`."),
        "{unknown}"
    );
    bot.stop().await;

    // They are kept.
    let bot = world.start().await;
    assert_eq!(told(&world, &helper, "hello").await, ["Hello.", "Hello."]);
    assert_eq!(told(&world, &alice, "hello").await, expected);
    assert_eq!(config("!config clear hello").await, "1 rule is cleared.");
    assert_eq!(told(&world, &alice, "hello").await, ["Hello.", "Hello."]);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_disabled_in_a_server_is_not_there() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    let config = async |text: &str| owner.says(text).await.expect_reply().await.content().to_owned();
    assert_eq!(
        config("!config disable hello").await,
        "The command `hello` is disabled in this server."
    );
    world
        .sandbox
        .expect_commands(|names| names.contains(&"hello".to_owned()))
        .await;
    let by_slash = alice.slash("hello", &[]).await.expect_reply().await;
    assert!(by_slash.is_ephemeral());
    assert_eq!(by_slash.content(), "`/hello` is disabled in this server.");
    // By message it is silent, as an unknown command is: what is asked next is what is answered.
    let before = world.channel().messages().len();
    alice.says("!hello").await;
    assert_eq!(alice.says("!often").await.expect_reply().await.content(), "often");
    assert_eq!(world.channel().messages().len(), before + 3);
    assert_eq!(alice.dm("hello").await.expect_reply().await.content(), "Hello.");
    assert_eq!(
        config("!config disable config show").await,
        "`config show` can't be disabled."
    );

    assert_eq!(
        config("!config disable showcase").await,
        "The plugin `showcase` is disabled in this server."
    );
    let by_slash = alice.slash("often", &[]).await.expect_reply().await;
    assert_eq!(by_slash.content(), "`/often` is disabled in this server.");
    assert_eq!(
        config("!config enable showcase").await,
        "The plugin `showcase` is enabled in this server."
    );
    assert_eq!(alice.says("!often").await.expect_reply().await.content(), "often");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn why_explains_what_happens_and_administrators_may_ask_about_others() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    let card = |reply: &sandbox::Message| reply.embeds()[0]["description"].as_str().unwrap().to_owned();

    let own = card(&alice.says("!why openly").await.expect_reply().await);
    assert!(
        own.starts_with("It is refused: You need *Ban Members* for that."),
        "{own}"
    );
    assert!(
        own.contains("❌ **your permissions**: *Ban Members* is missing"),
        "{own}"
    );
    world
        .sandbox
        .expect_commands(|names| names.contains(&"why".to_owned()))
        .await;
    let by_slash = world
        .person("amy")
        .slash("why", &[("command", json!("openly"))])
        .await
        .expect_reply()
        .await;
    assert!(by_slash.is_ephemeral());
    assert_eq!(card(&by_slash), own);

    let other = world
        .person("ann")
        .says(&format!("!why openly {}", owner.mention()))
        .await
        .expect_reply()
        .await;
    assert_eq!(
        other.content(),
        "Only administrators of this server can ask about others."
    );
    let about = owner
        .says(&format!("!why openly {}", alice.mention()))
        .await
        .expect_reply()
        .await;
    assert_eq!(card(&about), own);
    let owners = card(&owner.says("!why openly").await.expect_reply().await);
    assert!(owners.starts_with("It is allowed."), "{owners}");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servers_prefix_and_mentions_as_a_prefix_are_its_administrators_to_set() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    let refused = alice.says("!setprefix ?").await.expect_reply().await;
    assert_eq!(refused.content(), "You need *Administrator* for that.");
    let long = owner.says("!setprefix abcdef").await.expect_reply().await;
    assert_eq!(
        long.content(),
        "A prefix has 1 to 5 characters, without spaces and backticks."
    );
    assert_eq!(
        owner.says("!setprefix ?").await.expect_reply().await.content(),
        "The prefix is `?` now."
    );
    assert_eq!(alice.says("?often").await.expect_reply().await.content(), "often");
    assert_eq!(alice.dm("!often").await.expect_reply().await.content(), "often");
    let off = owner.says("?mentionprefix disable").await.expect_reply().await;
    assert_eq!(off.content(), "A mention of me doesn't work as a prefix here now.");
    let settings = owner.says("?serversettings").await.expect_reply().await;
    assert!(settings.embeds()[0]["fields"].to_string().contains("doesn't work"));
    assert_eq!(
        owner.says("?setprefix reset").await.expect_reply().await.content(),
        "The prefix is `!` again."
    );
    assert_eq!(alice.says("!often").await.expect_reply().await.content(), "often");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_and_the_button_that_opens_it_go_with_their_command() {
    let world = World::new().await;
    world.drop_plugin("showcase");
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    let asked = alice.says("!report").await.expect_reply().await;
    let opened = alice.clicks(&asked, "Open the form").await;
    opened.expect_modal().await;
    owner.says("!config disable report").await.expect_reply().await;
    let again = alice.clicks(&asked, "Open the form").await.expect_reply().await;
    let texts = [("who", "1"), ("what", "so loud"), ("severity", "low")];
    let bob = world.person("bob").id().to_string();
    let texts = texts.map(|(name, text)| (name, if name == "who" { &*bob } else { text }));
    let sent = alice.submits(&opened, &texts).await.expect_reply().await;
    for refused in [again, sent] {
        assert!(refused.is_ephemeral());
        assert_eq!(refused.content(), "`/report` is disabled in this server.");
    }
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_credits_can_neither_be_hidden_nor_ruled_nor_switched_off() {
    let world = World::new().await;
    let everyone = world.sandbox.guild().id().to_string();
    let rules = json!({ "deny": [format!("role:{everyone}")] });
    world.configure(&json!({
        "command_permissions": { "discordbotframework": rules.clone(), "@host": rules.clone() },
        "cooldowns": { "default_per": 0 },
    }));
    let bot = world.start().await;
    let (alice, owner) = (world.person("alice"), world.owner());
    let config = async |text: &str| owner.says(text).await.expect_reply().await.content().to_owned();
    assert_eq!(
        config("!config disable discordbotframework").await,
        "`discordbotframework` can't be disabled."
    );
    assert_eq!(
        config(&format!("!config deny discordbotframework {}", alice.mention())).await,
        "No rule can open or restrict `discordbotframework`."
    );
    config(&format!("!config deny host {}", alice.mention())).await;
    let refused = alice.says("!stats").await.expect_reply().await;
    assert!(refused.content().starts_with("You can't use"), "{}", refused.content());
    let shown = alice.says("!discordbotframework").await.expect_reply().await;
    assert!(
        shown.embeds()[0].to_string().contains("TheHolyOneZ"),
        "{:?}",
        shown.embeds()
    );
    let shown = world.person("ann").slash("discordbotframework", &[]).await;
    assert!(!shown.expect_reply().await.embeds().is_empty());
    let card = alice.says("!help discordbotframework").await.expect_reply().await;
    assert!(!card.embeds().is_empty(), "{}", card.content());
    bot.stop().await;
}
