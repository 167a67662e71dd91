//! Events that somebody waits for: refusals, limits, and the end of the bot.
//!
//! Apart from what is emitted and forgotten, which has other limits.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_veto_stops_what_comes_below_it() {
    let mut world = world(&["a.guard before_command 5", "b.later before_command"]);
    let hooks = world.hooks.clone();
    let limits = (Duration::from_secs(1), Duration::from_millis(1500));
    let asking = tokio::spawn(async move { hooks.ask(None, limits, used).await });
    let given = world.given().await;
    assert_eq!(given[0].head.limit_ms, 1000);
    world.hooks.ended(given[0].run, outcome(Verdict::Refused, "Not today."));
    assert_eq!(asking.await.unwrap().as_deref(), Some("Not today."));
    assert!(world.given().await.is_empty());
    let runs = world.hooks.history(1).runs;
    assert_eq!(
        (runs[0].veto.as_deref(), runs[0].error.as_deref()),
        (Some("Not today."), None)
    );
    assert!(world.reports.try_recv().is_err(), "that is no failure");
}

#[tokio::test(start_paused = true)]
async fn who_hangs_or_fails_vetoes_nothing_and_all_have_their_time() {
    let mut world = world(&[
        "a.hangs before_command 5",
        "b.fails before_command 3",
        "c.hangs before_command",
    ]);
    let hooks = world.hooks.clone();
    let limits = (Duration::from_secs(1), Duration::from_millis(1500));
    let began = Instant::now();
    let asking = tokio::spawn(async move { hooks.ask(None, limits, used).await });
    let answer = async {
        loop {
            let given = world.given.recv().await.unwrap();
            if given.callback == "b.fails" {
                world.hooks.ended(given.run, outcome(Verdict::Failed, "broken"));
            }
        }
    };
    tokio::select! {
        answer = asking => assert_eq!(answer.unwrap(), None),
        () = answer => {}
    }
    assert_eq!(began.elapsed(), Duration::from_millis(1500));
    let errors: Vec<_> = world
        .hooks
        .history(3)
        .runs
        .into_iter()
        .map(|run| run.error.unwrap())
        .collect();
    assert_eq!(
        errors,
        [
            "it took longer than 500ms: those before it have taken the rest of the time",
            "broken",
            "it took longer than 1s"
        ]
    );
    // The last had no time of its own: that is not its fault.
    let failures: Vec<_> = world.hooks.list().hooks.iter().map(|hook| hook.failures).collect();
    assert_eq!(failures, [1, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_where_nothing_can_be_refused_is_a_failure() {
    let mut world = world(&["a.one extension_loaded"]);
    world.emit("x");
    let given = world.given().await;
    world.hooks.ended(given[0].run, outcome(Verdict::Refused, "No."));
    world.settle().await;
    assert_eq!(world.hooks.history(1).runs[0].error.as_deref(), Some("it refused: No."));
}

#[tokio::test(start_paused = true)]
async fn nobody_can_refuse_the_end_of_the_bot() {
    let mut world = world(&["a.first shutdown 5", "b.later shutdown"]);
    let hooks = world.hooks.clone();
    let ending = tokio::spawn(async move { hooks.emit_and_wait(Duration::from_secs(2), || Shutdown {}).await });
    let given = world.given().await;
    world.hooks.ended(given[0].run, outcome(Verdict::Refused, "No."));
    assert_eq!(world.given_and_done().await, ["b.later"]);
    ending.await.unwrap();
    let runs = world.hooks.history(2).runs;
    assert_eq!(runs[1].error.as_deref(), Some("it refused: No."));
}

#[tokio::test(start_paused = true)]
async fn events_that_nobody_keeps_up_with_are_dropped_but_no_question_is() {
    let mut world = world(&[
        "a.hangs extension_loaded 5",
        "a.later extension_loaded",
        "b.guard before_command",
    ]);
    for _ in 0..5000 {
        world.emit("x");
    }
    assert!(world.hooks.list().dropped > 0);
    assert!(matches!(world.reports.try_recv(), Ok(Report::Dropped(1))));
    let hooks = world.hooks.clone();
    let limits = (Duration::from_secs(1), Duration::from_millis(1500));
    let asking = tokio::spawn(async move { hooks.ask(None, limits, used).await });
    let guard = loop {
        let given = world.given.recv().await.unwrap();
        if given.callback == "b.guard" {
            break given;
        }
    };
    assert!(world.hooks.waits_for(guard.run));
    world.hooks.ended(guard.run, outcome(Verdict::Refused, "Not today."));
    assert_eq!(asking.await.unwrap().as_deref(), Some("Not today."));
    assert!(!world.hooks.waits_for(guard.run));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_bot_waits_no_longer_than_it_says() {
    let world = world(&["a.hangs shutdown"]);
    let began = Instant::now();
    world.hooks.emit_and_wait(Duration::from_secs(2), || Shutdown {}).await;
    assert_eq!(began.elapsed(), Duration::from_secs(2));
}
