//! Whose bot it is: who is named, and whoever owns its application at Discord.

use crate::harness::World;

const OWNERS_ONLY: &str = "Only the bot's owner can use that command.";

async fn is_owner(person: &sandbox::Person) -> bool {
    person.says("!load nothing").await.expect_reply().await.content() != OWNERS_ONLY
}

#[tokio::test(flavor = "multi_thread")]
async fn the_applications_owner_and_its_team_own_the_bot() {
    let world = World::new().await;
    world.configure(&serde_json::json!({ "replies": { "errors_delete_after": 0 } }));
    let guild = world.sandbox.guild();
    let [named, trusted, invited, reads] = ["nina", "tom", "ines", "rita"].map(|name| guild.user(name));
    let start = async || {
        let mut command = world.command();
        command.env("BOT_OWNER_ID", named.id().to_string());
        let bot = world.start_as(command).await;
        bot.logs("Discord has told whose the application is").await;
        bot
    };
    let says = async |person: &sandbox::Person| person.says("!load nothing").await.expect_reply().await;
    let bot = start().await;
    assert!(is_owner(&world.owner()).await);
    assert!(is_owner(&named).await);
    assert_eq!(says(&trusted).await.content(), OWNERS_ONLY);
    bot.stop().await;

    world.sandbox.team(&[
        (trusted.id(), "developer", true),
        (invited.id(), "admin", false),
        (reads.id(), "read_only", true),
    ]);
    let bot = start().await;
    assert!(is_owner(&trusted).await);
    assert!(is_owner(&world.owner()).await, "the team's owner");
    for other in [&invited, &reads] {
        assert_eq!(says(other).await.content(), OWNERS_ONLY);
    }
    // The servers of the application's owner are homes, though they are named nowhere.
    world
        .sandbox
        .expect_commands(|names| names.contains(&"load".to_owned()))
        .await;
    bot.stop().await;
}
