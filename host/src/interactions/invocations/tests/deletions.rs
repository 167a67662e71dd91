//! What is deleted by itself: refusals by prefix, answers of what went well, and messages that asked.
//!
//! Apart from the other scenarios, of which there are many; the clock is under control here, too.

use super::*;
use crate::interactions::DeletedAfter;

const SECOND: Duration = Duration::from_secs(1);

fn deleted_after(door: Door, deleted_after: DeletedAfter) -> Origin {
    Origin {
        deleted_after,
        ..origin(door)
    }
}

/// The next request and after how many seconds it came, beside what an invocation itself sends.
async fn next(world: &mut World, since: Instant) -> (u64, String) {
    let request = world.requests.recv().await.unwrap();
    (since.elapsed().as_secs(), line(&request))
}

#[tokio::test(start_paused = true)]
async fn what_a_plugin_refuses_by_prefix_goes_as_what_the_host_refuses() {
    let times = DeletedAfter {
        errors: Some(15 * SECOND),
        usage: Some(30 * SECOND),
        ..DeletedAfter::default()
    };
    for (is_usage, after) in [(false, 15), (true, 30)] {
        let mut world = World::new();
        let id = world.invocations.open(deleted_after(Door::Prefix, times), 3);
        let outcome = Outcome {
            verdict: Verdict::Refused,
            text: Some("No.".to_owned()),
            is_usage,
            ..Outcome::default()
        };
        world.invocations.finish(id, outcome).await;
        let since = Instant::now();
        assert_eq!(world.sent().len(), 1);
        let deletion = (after, "DELETE /channels/20/messages/500".to_owned());
        assert_eq!(next(&mut world, since).await, deletion);
    }
    // Incidents stay, and so does what only the asker sees.
    for (door, verdict) in [(Door::Prefix, Verdict::Failed), (Door::Slash, Verdict::Refused)] {
        let mut world = World::new();
        let id = world.invocations.open(deleted_after(door, times), 3);
        world.finish(id, verdict, Some("No.")).await;
        assert_eq!(world.sent().len(), 1);
        tokio::time::advance(60 * SECOND).await;
        tokio::task::yield_now().await;
        assert_eq!(world.sent(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn answers_and_what_asked_go_only_when_all_went_well() {
    let times = DeletedAfter {
        success: Some(10 * SECOND),
        invocation: Some(5 * SECOND),
        ..DeletedAfter::default()
    };
    let mut world = World::new();
    let id = world.invocations.open(deleted_after(Door::Prefix, times), 3);
    world.respond(id, Action::Reply, HI).await.unwrap();
    tokio::time::advance(60 * SECOND).await;
    world.sent();
    world.finish(id, Verdict::Done, None).await;
    let since = Instant::now();
    let asked = "DELETE /channels/20/messages/10".to_owned();
    assert_eq!(next(&mut world, since).await, (5, asked));
    let answer = "DELETE /channels/20/messages/500".to_owned();
    assert_eq!(next(&mut world, since).await, (10, answer));

    // By slash the answer goes by its token, and what only the asker sees stays.
    let mut world = World::new();
    let id = world.invocations.open(deleted_after(Door::Slash, times), 3);
    world.respond(id, Action::Reply, HI).await.unwrap();
    let ephemeral = Respond {
        ephemeral: true,
        ..respond(id, Action::Reply)
    };
    world.respond_as(&plugin(), ephemeral, HI).await.unwrap();
    world.respond(id, Action::Reply, HI).await.unwrap();
    assert!(world.sent()[0].contains("/callback?with_response=true"));
    world.finish(id, Verdict::Done, None).await;
    let since = Instant::now();
    let answer = "DELETE /webhooks/9/TOKEN/messages/500".to_owned();
    assert_eq!(next(&mut world, since).await, (10, answer));
    tokio::time::advance(60 * SECOND).await;
    tokio::task::yield_now().await;
    assert_eq!(world.sent(), [""; 0]);

    // What failed is kept, to be seen.
    let mut world = World::new();
    let id = world.invocations.open(deleted_after(Door::Prefix, times), 3);
    world.respond(id, Action::Reply, HI).await.unwrap();
    world.finish(id, Verdict::Failed, None).await;
    world.sent();
    tokio::time::advance(60 * SECOND).await;
    tokio::task::yield_now().await;
    assert_eq!(world.sent(), [""; 0]);

    // Where the bot may not delete others' messages, it does not try.
    let mut world = World::new();
    let without = Origin {
        bot_may: Some(plugin_protocol::Permissions::SEND_MESSAGES),
        ..deleted_after(Door::Prefix, times)
    };
    let id = world.invocations.open(without, 3);
    world.finish(id, Verdict::Done, None).await;
    tokio::time::advance(60 * SECOND).await;
    tokio::task::yield_now().await;
    assert_eq!(world.sent(), [""; 0]);
}
