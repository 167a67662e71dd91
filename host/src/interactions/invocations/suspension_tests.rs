//! Invocations that wait for people: what they are not told meanwhile, and from when on they are.
//!
//! Apart, since nothing of it is about what a plugin answers.

use super::*;

#[tokio::test(start_paused = true)]
async fn nobody_is_told_that_it_takes_long_while_it_waits_for_people() {
    let mut world = World::new();
    let doors = [Door::Prefix, Door::Slash];
    let ids = doors.map(|door| world.invocations.open(origin(door), 3));
    let left = ids.map(|id| world.invocations.suspends(id));
    // By prefix there is no end to it; an interaction's comes a little before Discord's.
    assert_eq!(left, [None, ANSWERABLE.checked_sub(Duration::from_secs(15))]);
    tokio::time::sleep(LONG_AFTER * 4).await;
    // Nobody types, but an interaction has to be acknowledged.
    assert_eq!(world.sent(), [r#"POST /interactions/50/TOKEN/callback {"type":5}"#]);
    let begin = Instant::now();
    for id in ids {
        world.invocations.resumes(id);
    }
    let mut told = [
        line(&world.requests.recv().await.unwrap()),
        line(&world.requests.recv().await.unwrap()),
    ];
    assert_eq!(begin.elapsed(), LONG_AFTER);
    told.sort();
    assert!(
        told[0].starts_with("PATCH /webhooks/9/TOKEN/messages/@original"),
        "{told:?}"
    );
    assert!(told[1].starts_with("POST /channels/20/messages"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn what_waits_twice_and_what_ends_while_it_waits_leaves_nothing_behind() {
    let mut world = World::new();
    let id = world.invocations.open(origin(Door::Prefix), 3);
    let _ = world.invocations.suspends(id);
    let _ = world.invocations.suspends(id);
    world.invocations.resumes(id);
    tokio::time::sleep(LONG_AFTER * 4).await;
    world.respond(id, Action::Reply, r#"{"content":"a"}"#).await.unwrap();
    world.finish(id, Verdict::Done, None).await;
    world.invocations.resumes(id);
    tokio::time::sleep(LONG_AFTER * 4).await;
    assert_eq!(world.sent().len(), 1);
    assert!(world.invocations.suspends(99).is_none());
    assert!(!world.invocations.is_of(99, &plugin()));
}
