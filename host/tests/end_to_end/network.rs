//! What networks and Discord do to a bot while it runs, seen by the people: each numbered command is answered, once.

use std::time::Duration;

use sandbox::{Person, Refusal, Said, Undecodable, Watch};
use serde_json::json;

use crate::harness::{Bot, World, discord};

/// Numbered commands of one person, each of which must be answered exactly once.
struct Roll {
    person: Person,
    replies: Watch,
    said: Vec<Said>,
}

impl Roll {
    fn of(world: &World) -> Self {
        Self {
            person: world.person("alice"),
            replies: world.sandbox.watch(),
            said: Vec::new(),
        }
    }

    /// Says the next one, whether or not anybody listens.
    async fn call(&mut self) {
        let number = self.said.len();
        self.said.push(self.person.says(&format!("!ping {number}")).await);
    }

    /// Waits for the answer to the last one.
    async fn answered(&self) {
        if let Some(last) = self.said.last() {
            last.expect_reply().await;
        }
    }

    /// Stops the bot, and looks at all answers.
    async fn close(mut self, bot: Bot) -> String {
        for (number, said) in self.said.iter().enumerate() {
            assert_eq!(said.expect_reply().await.content(), format!("pong {number}"));
        }
        let log = bot.stop().await;
        let mut answers = vec![0; self.said.len()];
        while let Some(reply) = self.replies.try_next() {
            if let Some(number) = reply.content().strip_prefix("pong ") {
                answers[number.parse::<usize>().unwrap()] += 1;
            }
        }
        assert!(answers.iter().all(|&count| count == 1), "{answers:?}\n{log}");
        log
    }
}

async fn world() -> World {
    let world = World::on(
        discord()
            .heartbeat_interval(Duration::from_millis(500))
            .start()
            .await
            .unwrap(),
    );
    world.drop_plugin("example");
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_end_in_any_way_lose_no_command_and_repeat_none() {
    let world = world().await;
    let bot = world.start().await;
    let mut roll = Roll::of(&world);
    let gateway = world.sandbox.gateway();
    let faults: [&dyn Fn(); 6] = [
        &|| gateway.drop_connection(),
        &|| gateway.drop_in_frame(),
        &|| gateway.close_with(4000),
        &|| gateway.ask_reconnect(),
        &|| gateway.invalidate_session(true),
        &|| {
            gateway.interrupt_replay(2);
            gateway.drop_connection();
        },
    ];
    for fault in faults {
        roll.call().await;
        fault();
        for _ in 0..4 {
            roll.call().await;
        }
        roll.answered().await;
    }
    assert_eq!(world.sandbox.identifies(), 1);
    assert!(world.sandbox.resumes() >= 6);
    roll.close(bot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_connections_encoding_is_told_and_resumed() {
    let world = world().await;
    let bot = world.start().await;
    let mut roll = Roll::of(&world);
    for kind in [Undecodable::Garbage, Undecodable::BrokenFrame] {
        roll.call().await;
        world.sandbox.gateway().send_undecodable(kind);
        roll.call().await;
        roll.answered().await;
    }
    assert_eq!(world.sandbox.identifies(), 1);
    let log = roll.close(bot).await;
    assert!(log.contains("unreadable, reconnecting"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_falls_silent_is_left_for_another_connection() {
    let world = world().await;
    let bot = world.start().await;
    let mut roll = Roll::of(&world);
    roll.call().await;
    roll.answered().await;
    for _ in 0..2 {
        world.sandbox.gateway().silence();
        roll.call().await;
        // The missing acknowledgement of a heartbeat tells.
        roll.answered().await;
    }
    // One that asks for another connection, and then says no more.
    world.sandbox.ask_reconnect();
    world.sandbox.gateway().silence();
    roll.call().await;
    roll.answered().await;
    assert_eq!(world.sandbox.identifies(), 1);
    roll.close(bot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_gateway_is_slow_and_no_more() {
    let world = world().await;
    let bot = world.start().await;
    let mut roll = Roll::of(&world);
    world.sandbox.gateway().delay(Duration::from_millis(100));
    roll.call().await;
    roll.answered().await;
    world.sandbox.gateway().full_speed();
    world.sandbox.gateway().dribble(64, Duration::from_millis(1));
    roll.call().await;
    roll.call().await;
    roll.answered().await;
    assert_eq!((world.sandbox.identifies(), world.sandbox.resumes()), (1, 0));
    roll.close(bot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_reconnects_are_tried_again_until_they_work() {
    let world = world().await;
    let bot = world.start().await;
    let mut roll = Roll::of(&world);
    let gateway = world.sandbox.gateway();
    for (count, refusal) in [
        (1, Refusal::Status(503)),
        (2, Refusal::HangUp),
        (3, Refusal::Close(4000)),
    ] {
        gateway.refuse(refusal);
        gateway.drop_connection();
        roll.call().await;
        gateway.expect_refused(count).await;
        gateway.accept();
        roll.answered().await;
    }
    assert_eq!(world.sandbox.identifies(), 1);
    let log = roll.close(bot).await;
    assert!(
        log.contains("no connection to Discord's gateway") && log.contains("again_in"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_resume_identifies_anew_and_serves_on() {
    let world = world().await;
    let bot = world.start().await;
    world.sandbox.gateway().refuse_resumes(1);
    world.sandbox.drop_connection();
    world.sandbox.expect_identifies(2).await;
    world.sandbox.expect_online().await;
    let mut roll = Roll::of(&world);
    roll.call().await;
    roll.close(bot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn undecodable_and_unknown_events_are_told_once_and_passed_over() {
    let world = world().await;
    let bot = world.start().await;
    let mut roll = Roll::of(&world);
    for _ in 0..50 {
        for kind in Undecodable::HARMLESS {
            world.sandbox.gateway().send_undecodable(kind);
        }
        roll.call().await;
    }
    roll.answered().await;
    assert_eq!((world.sandbox.identifies(), world.sandbox.resumes()), (1, 0));
    let log = roll.close(bot).await;
    let told = log
        .lines()
        .filter(|line| line.contains("WARN") && line.contains("read"))
        .count();
    assert!((1..=8).contains(&told), "{told} lines\n{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_go_on_while_plugins_finish_and_what_comes_meanwhile_is_answered_after_the_restart() {
    let world = world().await;
    world.drop_plugin("stress");
    let mut bot = world.start().await;
    let alice = world.person("alice");
    let slow = alice.says("!slow 3000").await;
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    bot.signal(rustix::process::Signal::TERM);
    bot.logs("stopping").await;
    let during = alice.says("!ping during the stop").await;
    assert!(bot.ended().await.success());
    assert_eq!(slow.expect_reply().await.content(), "slept");
    // Without heartbeats the connection would have been ended after a second.
    assert_eq!(world.sandbox.connections(), 1);
    let bot = world.start().await;
    assert_eq!(during.expect_reply().await.content(), "pong during the stop");
    assert_eq!((world.sandbox.identifies(), world.sandbox.resumes()), (1, 1));
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_stop_ends_while_the_gateway_is_silent_and_the_session_goes_on() {
    let world = World::new().await;
    world.drop_plugin("example");
    let bot = world.start().await;
    let alice = world.person("alice");
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    world.sandbox.gateway().silence();
    let unheard = alice.says("!ping into the silence").await;
    bot.stop().await;
    let bot = world.start().await;
    assert_eq!(unheard.expect_reply().await.content(), "pong into the silence");
    assert_eq!((world.sandbox.identifies(), world.sandbox.resumes()), (1, 1));
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_shards_serve_their_servers_and_one_is_resumed_alone() {
    let world = World::new().await;
    world.configure(&json!({ "sharding": { "shards": 2 } }));
    world.drop_plugin("example");
    let shard = |id: u64| (id >> 22) % 2;
    let first = world.sandbox.guild();
    let second = (0..64)
        .map(|number| world.sandbox.add_guild(&format!("Server {number}")))
        .find(|guild| shard(guild.id()) != shard(first.id()))
        .expect("ids differ in their time");
    let bot = world.start().await;
    let people = [first.user("alice"), second.user("alice")];
    for person in &people {
        assert_eq!(person.says("!ping").await.expect_reply().await.content(), "pong");
    }
    assert_eq!(people[0].dm("ping").await.expect_reply().await.content(), "pong");
    world.sandbox.shard(shard(second.id())).drop_connection();
    for person in &people {
        let said = person.says("!ping again").await;
        assert_eq!(said.expect_reply().await.content(), "pong again");
    }
    assert_eq!((world.sandbox.identifies(), world.sandbox.resumes()), (2, 1));
    bot.stop().await;
    // Both sessions go on after the restart.
    let said = [
        people[0].says("!ping meanwhile").await,
        people[1].says("!ping meanwhile").await,
    ];
    let bot = world.start().await;
    for said in said {
        assert_eq!(said.expect_reply().await.content(), "pong meanwhile");
    }
    assert_eq!((world.sandbox.identifies(), world.sandbox.resumes()), (2, 3));
    bot.stop().await;
}
