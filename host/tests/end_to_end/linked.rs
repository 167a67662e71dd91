//! A plugin that is linked in and the same plugin loaded from its file behave alike.

use std::path::Path;

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::harness::World;

/// What people see of a conversation with the example plugin.
async fn conversation(world: &World) -> Vec<Value> {
    let alice = world.person("alice");
    let mut seen = Vec::new();
    for text in [
        "!ping",
        "!ping  two words",
        "!echo",
        "!echo as it is",
        "!whoami",
        "!whoami <@1>",
    ] {
        let reply = alice.says(text).await.expect_reply().await;
        seen.push(json!([text, reply.content(), reply.embeds()]));
    }
    world
        .sandbox
        .expect_commands(|names| names.contains(&"echo".to_owned()))
        .await;
    let reply = alice
        .slash("echo", &[("text", json!("by slash"))])
        .await
        .expect_reply()
        .await;
    seen.push(json!(reply.content()));
    let counter = alice.slash("counter", &[]).await.expect_reply().await;
    seen.push(json!([counter.content(), counter.components()]));
    let counter = alice.clicks(&counter, "Count").await.expect_update().await;
    seen.push(json!([counter.content(), counter.components()]));
    let foreign = world.person("bob").clicks(&counter, "Count").await.expect_reply().await;
    seen.push(json!([foreign.content(), foreign.is_ephemeral()]));
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linked_plugin_behaves_like_the_same_plugin_from_its_file() {
    let from_file = World::new().await;
    from_file.drop_plugin("example");
    let bot = from_file.start().await;
    let loaded = conversation(&from_file).await;
    bot.stop().await;

    let world = World::new().await;
    // What signs the ids of controls, so that they are the same.
    std::fs::create_dir(world.root().join("data")).unwrap();
    let key = |root: &Path| root.join("data/controls.key");
    std::fs::copy(key(from_file.root()), key(world.root())).unwrap();
    let secrets = format!(
        "DISCORD_TOKEN={}\nBOT_OWNER_ID={}\nDISCORD_API_URL={}\nDISCORD_GATEWAY_URL={}\n",
        world.sandbox.token(),
        world.sandbox.owner().id(),
        world.sandbox.api_url(),
        world.sandbox.gateway_url()
    );
    std::fs::write(world.root().join(".env"), secrets).unwrap();
    let (stop, stops) = watch::channel(0);
    let root = world.root().to_owned();
    let embedding = host::bot::Embedding {
        linked: vec![example::linked_plugin()],
        ..host::bot::Embedding::default()
    };
    let bot = tokio::spawn(async move { host::bot::serve(&root, None, embedding, stops).await });
    world.sandbox.expect_online().await;
    let linked = conversation(&world).await;
    stop.send_replace(1);
    bot.await.unwrap().unwrap();

    assert_eq!(linked, loaded);
}
