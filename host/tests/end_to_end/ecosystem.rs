//! The Rust ecosystem inside handlers: timers, tasks, blocking work, thread-locals with destructors, reqwest.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn timers_tasks_thread_locals_and_reqwest_work_and_stop_cleanly() {
    let world = World::new().await;
    world.drop_plugin("ecosystem");
    let bot = world.start().await;
    let alice = world.person("alice");

    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = server.accept().await.unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\nfrom afar")
            .await
            .unwrap();
    });
    let reply = alice
        .says(&format!("!fetch http://{address}/"))
        .await
        .expect_reply()
        .await;
    assert!(
        reply.content().contains("200") && reply.content().contains("from afar"),
        "{}",
        reply.content()
    );

    let reply = alice.says("!timers").await.expect_reply().await;
    assert!(!reply.content().is_empty());
    assert!(
        alice
            .says("!threadlocal")
            .await
            .expect_reply()
            .await
            .content()
            .contains('1')
    );
    assert!(
        alice
            .says("!threadlocal")
            .await
            .expect_reply()
            .await
            .content()
            .contains('2')
    );

    // A new generation is a new thread with a new thread-local; the old one ends cleanly.
    let reply = world.owner().says("!reload ecosystem").await.expect_reply().await;
    assert!(
        reply.content().contains("reloaded (generation 2)"),
        "{}",
        reply.content()
    );
    assert!(
        alice
            .says("!threadlocal")
            .await
            .expect_reply()
            .await
            .content()
            .contains('1')
    );
    let log = bot.stop().await;
    assert!(!log.contains("abandoned") && !log.contains("panicked"), "{log}");
}
