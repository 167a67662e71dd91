//! Services of a lane and its calls of others: requests that fit and don't, each end, and from which work a call follows.

use plugin_api::{
    client,
    prelude::*,
    serde::{Deserialize, Serialize},
};
use plugin_protocol::{
    ServiceCall, ServiceCalled, ServiceFailure, ServiceOutcome, ServiceRequest, ServiceVerdict, kind,
};
use serde_json::{Value, json};

use crate::{
    host::FakeHost,
    plugin::{State, linked_plugin},
};

#[derive(Deserialize)]
#[serde(crate = "plugin_api::serde")]
pub(crate) struct Half {
    of: u32,
}

/// Halve a number.
#[service]
pub(crate) async fn halve(ctx: ServiceCtx<State>, request: Half) -> Result<u32> {
    assert_ne!(request.of, 13, "unlucky for {}", ctx.caller());
    if request.of % 2 == 1 {
        return refuse("It is odd.");
    }
    if request.of == 0 {
        return Err(Error::new("nothing to halve"));
    }
    Ok(request.of / 2)
}

#[client("other")]
trait Other {
    async fn double(request: Doubled) -> Result<Answered>;
}

#[derive(Serialize)]
#[serde(crate = "plugin_api::serde")]
struct Doubled {
    of: u32,
}

#[derive(Deserialize)]
#[serde(crate = "plugin_api::serde")]
struct Answered {
    doubled: u32,
}

/// Doubles by another plugin.
#[service(name = "double-by-another")]
pub(crate) async fn double(ctx: ServiceCtx<State>) -> Result<u32> {
    let answered = Other::of(&ctx).double(&Doubled { of: 4 }).await?;
    Ok(answered.doubled)
}

/// Double by another plugin.
#[command]
pub(crate) async fn doubling(ctx: Ctx<State>) -> Result {
    let answered = Other::of(&ctx).double(&Doubled { of: 2 }).await?;
    assert_eq!(answered.doubled, 4);
    Ok(())
}

fn serve(host: &mut FakeHost, id: u64, service: &str, request: &Value) -> (ServiceOutcome, Vec<u8>) {
    call(host, id, service, request);
    let answer = host.answer(id).unwrap();
    (answer.head(), answer.tail)
}

fn call(host: &FakeHost, id: u64, service: &str, request: &Value) {
    let head = ServiceRequest {
        service: service.to_owned(),
        caller: "other".to_owned(),
        caller_version: "1.0.0".to_owned(),
    };
    host.put(kind::SERVICE, 0, id, &head, &serde_json::to_vec(request).unwrap());
}

#[test]
fn a_service_answers_or_says_in_which_way_it_did_not() {
    let mut host = FakeHost::started(linked_plugin());
    let (outcome, answer) = serve(&mut host, 2, "halve", &json!({ "of": 8, "more": true }));
    assert_eq!((outcome.verdict, &answer[..]), (ServiceVerdict::Done, &b"4"[..]));
    let told = |outcome: ServiceOutcome| (outcome.verdict, outcome.path, outcome.text.unwrap());
    let (verdict, path, text) = told(serve(&mut host, 3, "halve", &json!({ "of": "8" })).0);
    assert_eq!((verdict, path.as_str()), (ServiceVerdict::WrongRequest, "of"));
    assert!(text.contains("expected u32"), "{text}");
    let (verdict, _, text) = told(serve(&mut host, 4, "halve", &json!({ "of": 7 })).0);
    assert_eq!((verdict, text.as_str()), (ServiceVerdict::Refused, "It is odd."));
    let (verdict, _, text) = told(serve(&mut host, 5, "halve", &json!({ "of": 0 })).0);
    assert_eq!(verdict, ServiceVerdict::Failed);
    assert!(
        text.starts_with("nothing to halve (") && text.contains("services.rs:"),
        "{text}"
    );
    let (panicked, _) = serve(&mut host, 6, "halve", &json!({ "of": 13 }));
    assert_eq!(panicked.verdict, ServiceVerdict::Panicked);
    assert!(panicked.panic.unwrap().message.contains("unlucky for other"));
    call(&host, 7, "third", &json!(null));
    assert!(
        host.answer(7)
            .unwrap_err()
            .message
            .contains("no service called `third`")
    );
    host.finish();
}

#[test]
fn a_call_says_from_which_delivery_it_follows() {
    let mut host = FakeHost::started(linked_plugin());
    host.invoke(21, "doubling", &[]);
    let asked = host.request(kind::SERVICE_CALL);
    let head: ServiceCall = asked.head();
    assert_eq!((head.plugin.as_str(), head.service.as_str()), ("other", "double"));
    assert_eq!((head.within, head.limit_ms), (Some(21), 5_000));
    assert_eq!(asked.body(), json!({ "of": 2 }));
    host.reply(&asked, &ServiceCalled::default(), br#"{"doubled":4}"#);
    assert_eq!(host.outcome(21).text, None);

    call(&host, 22, "double-by-another", &json!(null));
    let asked = host.request(kind::SERVICE_CALL);
    assert_eq!(asked.head::<ServiceCall>().within, Some(22));
    // What the other one refuses, this one does, unless it says otherwise.
    let refused = ServiceCalled {
        failure: Some(ServiceFailure::Refused {
            text: "Not today.".to_owned(),
        }),
    };
    host.reply(&asked, &refused, b"");
    let outcome: ServiceOutcome = host.answer(22).unwrap().head();
    assert_eq!(
        (outcome.verdict, outcome.text.as_deref()),
        (ServiceVerdict::Refused, Some("Not today."))
    );

    host.invoke(23, "doubling", &[]);
    let asked = host.request(kind::SERVICE_CALL);
    host.reply(&asked, &ServiceCalled::default(), br#"{"doubled":"four"}"#);
    let text = host.outcome(23).text.unwrap();
    assert!(
        text.contains("`doubled`: invalid type: string \"four\", expected u32"),
        "{text}"
    );
    assert!(text.contains("services.rs:"), "the line that called: {text}");
    host.finish();
}
