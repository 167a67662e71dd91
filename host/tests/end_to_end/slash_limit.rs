//! More slash commands than Discord takes, commands that others registered, and what the owner is told of it.

use std::sync::OnceLock;

use host::{
    config::ApiAddress,
    rest::{Method, Request, Rest},
};
use plugin_api::{
    __private::{CommandDef, ComponentDef, EventDef, Group, Migration, Module},
    linked::LinkedPlugin,
    prelude::*,
};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinHandle};

use crate::harness::World;

/// How many commands each of the plugins has.
const EACH: usize = 15;

/// How large something is.
#[derive(plugin_api::Choice, Clone, Copy, Debug)]
enum Size {
    Small,
    Large,
}

/// Say what was given.
#[command(slash)]
async fn given(
    ctx: Ctx,
    size: Size,
    #[default = 3]
    #[max = 9]
    times: i64,
) -> Result {
    ctx.reply(format!("{size:?} {times} times")).await
}

/// A plugin with many slash commands that are all the same.
struct Many<const NUMBER: usize>;

impl<const NUMBER: usize> Module for Many<NUMBER> {
    type State = ();
    const NAME: &'static str = [
        "many-0", "many-1", "many-2", "many-3", "many-4", "many-5", "many-6", "many-7", "many-8",
    ][NUMBER];
    const VERSION: &'static str = "1.0.0";
    const STATE_VERSION: Option<u32> = None;

    async fn start(_: StartCtx) -> Result<()> {
        Ok(())
    }

    async fn stop(_: StopCtx, (): ()) -> Result<Saved> {
        Ok(Saved::default())
    }

    fn commands() -> Vec<CommandDef<()>> {
        static NAMES: OnceLock<Vec<String>> = OnceLock::new();
        let names = NAMES.get_or_init(|| {
            (0..9 * EACH)
                .map(|at| format!("p{}c{:02}", at / EACH, at % EACH))
                .collect()
        });
        let own = &names[NUMBER * EACH..(NUMBER + 1) * EACH];
        own.iter()
            .map(|name| CommandDef {
                name,
                ..__command_given
            })
            .collect()
    }

    fn groups() -> Vec<Group> {
        Vec::new()
    }

    fn components() -> Vec<ComponentDef<()>> {
        Vec::new()
    }

    fn events() -> Vec<EventDef<()>> {
        Vec::new()
    }

    fn migrations() -> Vec<Migration> {
        Vec::new()
    }
}

/// Wave at somebody.
#[command(prefix, user_menu = "Wave")]
async fn waving(ctx: Ctx, member: Member) -> Result {
    ctx.reply(format!("waves at {}", member.user.username)).await
}

/// A plugin whose menu has the name of another's.
struct Waving<const NUMBER: usize>;

impl<const NUMBER: usize> Module for Waving<NUMBER> {
    type State = ();
    const NAME: &'static str = ["waving-0", "waving-1"][NUMBER];
    const VERSION: &'static str = "1.0.0";
    const STATE_VERSION: Option<u32> = None;

    async fn start(_: StartCtx) -> Result<()> {
        Ok(())
    }

    async fn stop(_: StopCtx, (): ()) -> Result<Saved> {
        Ok(Saved::default())
    }

    fn commands() -> Vec<CommandDef<()>> {
        let name = ["wave", "wave-too"][NUMBER];
        vec![CommandDef {
            name,
            ..__command_waving
        }]
    }

    fn groups() -> Vec<Group> {
        Vec::new()
    }

    fn components() -> Vec<ComponentDef<()>> {
        Vec::new()
    }

    fn events() -> Vec<EventDef<()>> {
        Vec::new()
    }

    fn migrations() -> Vec<Migration> {
        Vec::new()
    }
}

fn linked<M: Module>() -> LinkedPlugin {
    let mut manifest: Value = serde_json::from_slice(example::linked_plugin().manifest()).unwrap();
    manifest["name"] = M::NAME.into();
    LinkedPlugin::new::<M>(serde_json::to_vec(&manifest).unwrap().leak())
}

fn many<const NUMBER: usize>() -> LinkedPlugin {
    linked::<Many<NUMBER>>()
}

/// A bot in this very process, with plugins linked in.
struct Within {
    stop: watch::Sender<u32>,
    bot: JoinHandle<Result<(), host::bot::Failure>>,
}

impl Within {
    async fn start(world: &World, linked: Vec<LinkedPlugin>) -> Self {
        let environment = format!(
            "DISCORD_TOKEN={}\nBOT_OWNER_ID={}\nDISCORD_API_URL={}\nDISCORD_GATEWAY_URL={}\n",
            world.sandbox.token(),
            world.sandbox.owner().id(),
            world.sandbox.api_url(),
            world.sandbox.gateway_url()
        );
        std::fs::write(world.root().join(".env"), environment).unwrap();
        let (stop, stops) = watch::channel(0);
        let root = world.root().to_owned();
        let embedding = host::bot::Embedding {
            linked,
            ..host::bot::Embedding::default()
        };
        let bot = tokio::spawn(async move { host::bot::serve(&root, None, embedding, stops).await });
        world.sandbox.expect_online().await;
        Self { stop, bot }
    }

    async fn stop(self) {
        self.stop.send_replace(1);
        self.bot.await.unwrap().unwrap();
    }
}

fn nine() -> Vec<LinkedPlugin> {
    vec![
        many::<0>(),
        many::<1>(),
        many::<2>(),
        many::<3>(),
        many::<4>(),
        many::<5>(),
        many::<6>(),
        many::<7>(),
        many::<8>(),
    ]
}

/// The names of the commands of all servers.
fn everywhere(world: &World) -> Vec<String> {
    let commands = world.sandbox.commands();
    let global = commands.iter().filter(|command| command["guild_id"].is_null());
    global
        .map(|command| command["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Every write of commands was taken.
fn all_were_taken(world: &World) {
    let log = world.sandbox.rest_log();
    for call in log
        .iter()
        .filter(|call| call.method == "PUT" && call.path.ends_with("/commands"))
    {
        assert_eq!(call.status, 200, "{} {}", call.method, call.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_135_slash_commands_those_without_a_place_work_by_prefix_with_the_same_types() {
    let world = World::new().await;
    let mut said = world.sandbox.watch();
    let bot = Within::start(&world, nine()).await;
    world.sandbox.expect_commands(|names| names.len() >= 95).await;
    let names = everywhere(&world);
    assert_eq!(names.len(), 95);
    let all: Vec<_> = (0..9 * EACH)
        .map(|at| format!("p{}c{:02}", at / EACH, at % EACH))
        .collect();
    let (with, without): (Vec<_>, Vec<_>) = all.into_iter().partition(|name| names.contains(name));
    let (with, without) = (&with[0], &without[0]);
    let notice = loop {
        let message = said.next().await.expect("the owner is told");
        if message.content().contains("no place for these slash commands") {
            break message;
        }
    };
    assert!(
        notice.content().contains("slash_limiter.safe_limit (95)"),
        "{}",
        notice.content()
    );

    let alice = world.person("alice");
    let by_slash = async |name: &str, options: &[(&str, Value)]| {
        alice
            .slash(name, options)
            .await
            .expect_reply()
            .await
            .content()
            .to_owned()
    };
    let written = async |text: String| alice.says(&text).await.expect_reply().await.content().to_owned();
    assert_eq!(by_slash(with, &[("size", json!("Large"))]).await, "Large 3 times");
    assert_eq!(written(format!("!{without} large")).await, "Large 3 times");
    assert_eq!(written(format!("!{without} small 9")).await, "Small 9 times");
    let wrong = written(format!("!{without} huge")).await;
    assert!(wrong.contains("`size`") && wrong.contains("Small"), "{wrong}");
    let wrong = written(format!("!{without} small 10")).await;
    assert!(wrong.contains("`times`") && wrong.contains('9'), "{wrong}");
    // Its author made it a slash command only, and that it is: with a place it has no other door.
    alice.says(&format!("!{with} large")).await;
    let last = written("!slashlimit".to_owned()).await;
    assert_eq!(last, "", "the next answer is the card's");
    let card = world.person("ann").slash("slashlimit", &[]).await.expect_reply().await;
    let card = card.embeds()[0].to_string();
    assert!(
        card.contains("**95/100** typed") && card.contains(&format!("`{without}`")),
        "{card}"
    );
    all_were_taken(&world);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn places_that_become_free_are_given_back() {
    let world = World::new().await;
    world.drop_plugin("stress");
    let bot = world.start().await;
    world
        .sandbox
        .expect_commands(|names| names.contains(&"revision".to_owned()))
        .await;
    bot.stop().await;
    // What had a place before keeps it.
    let bot = Within::start(&world, nine()).await;
    world
        .sandbox
        .expect_commands(|names| names.contains(&"p0c00".to_owned()))
        .await;
    let before = everywhere(&world);
    assert!(before.contains(&"revision".to_owned()));
    let count = |names: &[String]| {
        names
            .iter()
            .filter(|name| name.starts_with('p') && name.contains('c'))
            .count()
    };

    let (owner, alice) = (world.owner(), world.person("alice"));
    owner.says("!unload stress").await.expect_reply().await;
    let absent = alice.slash("revision", &[]).await.expect_reply().await;
    assert!(
        absent.is_ephemeral() && absent.content().contains("not available right now"),
        "{}",
        absent.content()
    );
    let card = owner.says("!slashlimit").await.expect_reply().await.embeds()[0].to_string();
    assert!(
        card.contains("Kept for plugins that are not there") && card.contains("`allocate`"),
        "{card}"
    );

    let report = owner.says("!sync").await.expect_reply().await.embeds()[0].to_string();
    assert!(
        report.contains("Slash commands written") && report.contains("\u{2212} `"),
        "{report}"
    );
    let after = everywhere(&world);
    assert_eq!(after.len(), 95);
    assert!(!after.contains(&"revision".to_owned()));
    assert!(count(&after) > count(&before), "{after:?}");
    let report = owner.says("!sync").await.expect_reply().await.embeds()[0].to_string();
    assert!(report.contains("as they should be"), "{report}");
    all_were_taken(&world);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_another_program_stay_until_the_owner_has_them_deleted() {
    let world = World::new().await;
    let address = world.sandbox.api_url();
    let address = ApiAddress {
        authority: address.trim_start_matches("http://").to_owned(),
        is_plain_http: true,
    };
    let token = world.sandbox.token().parse().unwrap();
    let rest = Rest::new(&token, Some(&address), 50).unwrap();
    let path = format!("/applications/{}/commands", world.sandbox.application_id());
    for body in [
        json!({ "name": "legacy", "type": 1, "description": "By another program" }),
        json!({ "name": "Quote", "type": 3 }),
    ] {
        let request = Request::new(Method::Post, path.clone()).with_body(body.to_string());
        assert!(rest.send(request).await.unwrap().is_success());
    }
    world.drop_plugin("example");
    let bot = world.start().await;
    world
        .sandbox
        .expect_commands(|names| names.contains(&"ping".to_owned()))
        .await;
    let names = everywhere(&world);
    assert!(
        names.contains(&"legacy".to_owned()) && names.contains(&"Quote".to_owned()),
        "{names:?}"
    );
    bot.stop().await;
    let bot = world.start().await;
    let owner = world.owner();
    let card = owner.says("!slashlimit").await.expect_reply().await.embeds()[0].to_string();
    assert!(
        card.contains("Registered by another program (2)") && card.contains("`legacy`"),
        "{card}"
    );
    let report = owner.says("!sync").await.expect_reply().await;
    let card = report.embeds()[0].to_string();
    assert!(
        card.contains("They stay, unless") && card.contains("`legacy`") && card.contains("`Quote (on messages)`"),
        "{card}"
    );
    assert!(everywhere(&world).contains(&"legacy".to_owned()), "never unasked");
    let refused = world
        .person("alice")
        .clicks(&report, "Delete them")
        .await
        .expect_reply()
        .await;
    assert!(refused.is_ephemeral() && everywhere(&world).contains(&"legacy".to_owned()));
    let report = owner
        .clicks(&report, "Delete them")
        .await
        .expect_update()
        .await
        .embeds()[0]
        .to_string();
    assert!(
        report.contains("`legacy`") && report.contains("`Quote (on messages)`"),
        "{report}"
    );
    let names = everywhere(&world);
    assert!(
        names.contains(&"ping".to_owned()) && !names.contains(&"legacy".to_owned()),
        "{names:?}"
    );
    all_were_taken(&world);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_is_told_what_is_in_no_menu() {
    let world = World::new().await;
    let mut said = world.sandbox.watch();
    let bot = Within::start(&world, vec![linked::<Waving<0>>(), linked::<Waving<1>>()]).await;
    let notice = loop {
        let message = said.next().await.expect("the owner is told");
        if message.content().contains("not in context menus") {
            break message.content().to_owned();
        }
    };
    assert!(
        notice.contains("`Wave` of plugin waving-1 (") && notice.contains("waving-0"),
        "{notice}"
    );
    assert!(notice.contains("have its author choose another name"), "{notice}");
    // The earlier one has it, and the other one its other doors.
    world
        .sandbox
        .expect_commands(|names| names.contains(&"Wave".to_owned()))
        .await;
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let waved = alice.uses_menu_of(&bob, "Wave").await.expect_reply().await;
    assert_eq!(waved.content(), "waves at bob");
    let waved = alice
        .says(&format!("!wave-too {}", bob.mention()))
        .await
        .expect_reply()
        .await;
    assert_eq!(waved.content(), "waves at bob");
    all_were_taken(&world);
    bot.stop().await;
}
