//! Over TLS: the whole first scenario with a certificate of an authority made on the spot, and every certificate and
//! address that is not to be trusted.

use futures_util::future::join_all;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use sandbox::Sandbox;
use serde_json::json;
use tokio::process::Command;

use crate::harness::{Bot, World, compiled, discord, file_name, patched};

/// An authority that only those trust who are given its certificate.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
#[derive(Clone)]
struct Identity {
    chain: String,
    key: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for these names.
    fn identity(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Identity {
            chain: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    fn good(&self) -> Identity {
        self.identity(&["127.0.0.1", "localhost"], |_| {})
    }
}

async fn serve(identity: &Identity, token: Option<&str>) -> Sandbox {
    let builder = discord().tls(&identity.chain, &identity.key);
    match token {
        Some(token) => builder.bot_token(token),
        None => builder,
    }
    .start()
    .await
    .unwrap()
}

/// A world over TLS, and the file with which a bot trusts it, as the system's store would be.
async fn trusted() -> (World, Authority) {
    let authority = Authority::new("of this test");
    let world = World::on(serve(&authority.good(), None).await);
    std::fs::write(world.root().join("authority.pem"), authority.0.pem()).unwrap();
    (world, authority)
}

fn trusting(world: &World) -> Command {
    let mut command = world.command();
    command.env("SSL_CERT_FILE", world.root().join("authority.pem"));
    command.env_remove("SSL_CERT_DIR");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_scenario_works_over_tls() {
    let (world, _) = trusted().await;
    assert!(world.sandbox.api_url().starts_with("https://") && world.sandbox.gateway_url().starts_with("wss://"));
    world.drop_plugin("example");
    let bot = world.start_as(trusting(&world)).await;
    let alice = world.person("alice");
    assert_eq!(alice.says("!ping").await.expect_reply().await.content(), "pong");
    world
        .sandbox
        .expect_commands(|names| names.contains(&"ping".to_owned()))
        .await;
    let used = alice.slash("ping", &[("text", json!("slash"))]).await;
    assert_eq!(used.expect_reply().await.content(), "pong slash");
    let counter = alice.says("!counter").await.expect_reply().await;
    let counter = alice.clicks(&counter, "Count").await.expect_update().await;
    assert_eq!(counter.content(), "Count: 1");

    // A plugin that comes while the bot runs, and its replacement.
    let stress = compiled("stress");
    for number in 1..=2 {
        world.drop_file(&file_name("stress"), &patched(&stress, "REVISION", number));
        bot.logs(&format!("loaded plugin=stress version=1.0.0 generation={number}"))
            .await;
        let said = alice.says("!revision").await;
        assert_eq!(said.expect_reply().await.content(), format!("REVISION-{number:08}"));
    }

    world.sandbox.drop_connection();
    assert_eq!(
        alice.says("!ping back").await.expect_reply().await.content(),
        "pong back"
    );
    // It wants events that the session doesn't bring: with it, the next start would begin a new session.
    world.remove_plugin("stress");
    bot.logs("unloaded plugin=stress").await;
    let log = bot.stop().await;
    assert!(!log.contains("panicked"), "{log}");
    let said = alice.says("!ping while you were away").await;
    let bot = world.start_as(trusting(&world)).await;
    assert_eq!(said.expect_reply().await.content(), "pong while you were away");
    assert_eq!((world.sandbox.identifies(), world.sandbox.resumes()), (1, 2));
    bot.stop().await;
}

/// How a bot that trusts `authority` ends at these addresses.
async fn refusal(sandbox: &Sandbox, authority: &Authority, api: String, gateway: String) -> String {
    let world = World::on(sandbox.clone());
    std::fs::write(world.root().join("authority.pem"), authority.0.pem()).unwrap();
    let mut command = trusting(&world);
    command.env("DISCORD_API_URL", api).env("DISCORD_GATEWAY_URL", gateway);
    let (code, log) = Bot::spawn(command, sandbox.clone()).fails().await;
    assert_eq!(code, Some(78), "{log}");
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_to_be_trusted_is_refused_with_what_to_do() {
    let authority = Authority::new("of this test");
    let good = serve(&authority.good(), None).await;
    let of_year = |year| {
        move |params: &mut CertificateParams| {
            params.not_before = date_time_ymd(year, 1, 1);
            params.not_after = date_time_ymd(year + 1, 1, 1);
        }
    };
    let cases = [
        (
            "is signed by nobody",
            "SSL_CERT_FILE",
            Authority::new("of somebody else").good(),
        ),
        (
            "has expired",
            "clock",
            authority.identity(&["127.0.0.1"], of_year(2019)),
        ),
        (
            "is not valid yet",
            "clock",
            authority.identity(&["127.0.0.1"], of_year(2090)),
        ),
        (
            "is another name's",
            "Check the address",
            authority.identity(&["discord.test"], |_| {}),
        ),
    ];
    let (good, authority) = (&good, &authority);
    join_all(cases.iter().map(|&(what, to_do, ref identity)| async move {
        let bad = serve(identity, Some(good.token())).await;
        let by_rest = refusal(good, authority, bad.api_url(), good.gateway_url()).await;
        let by_gateway = refusal(good, authority, good.api_url(), bad.gateway_url()).await;
        for (log, service, address) in [
            (by_rest, "Discord's API", bad.api_url()),
            (by_gateway, "Discord's gateway", bad.gateway_url()),
        ] {
            let said = format!("no connection to {service} ({address}): its certificate {what}");
            assert!(log.contains(&said), "{said}\n{log}");
            assert!(log.contains(to_do), "{log}");
            // Told, not tried again and again.
            assert!(log.matches(what).count() <= 4, "{log}");
        }
        assert_eq!(bad.identifies(), 0);
    }))
    .await;
    assert_eq!(good.identifies(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_to_a_port_with_tls_and_the_reverse_say_what_to_write() {
    let authority = Authority::new("of this test");
    let tls = serve(&authority.good(), None).await;
    let plain = discord().bot_token(tls.token()).start().await.unwrap();
    let without_s = |url: String| url.replacen("s://", "://", 1);
    let with_s = |url: String| url.replacen("://", "s://", 1);
    let (api, gateway) = (tls.api_url(), tls.gateway_url());
    let cases = [
        (
            without_s(tls.api_url()),
            gateway.clone(),
            "write https:// or wss:// into DISCORD_API_URL",
        ),
        (
            with_s(plain.api_url()),
            gateway,
            "Write http:// or ws:// into DISCORD_API_URL",
        ),
        (
            api.clone(),
            without_s(tls.gateway_url()),
            "write https:// or wss:// into DISCORD_GATEWAY_URL",
        ),
        (
            api,
            with_s(plain.gateway_url()),
            "Write http:// or ws:// into DISCORD_GATEWAY_URL",
        ),
    ];
    join_all(cases.into_iter().map(|(api, gateway, to_do)| {
        let (tls, authority) = (&tls, &authority);
        async move {
            let log = refusal(tls, authority, api, gateway).await;
            assert!(log.contains(to_do), "{to_do}\n{log}");
        }
    }))
    .await;
    assert_eq!((tls.identifies(), plain.identifies()), (0, 0));
}
