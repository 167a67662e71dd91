//! What people do on the page besides writing: files, pins, search, threads, forwards, polls, status, and what they change
//! of their servers; and that they meet the same rules as on Discord.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::{Value, json};
use support::{ALL_INTENTS, Rest, Socket, page::Page};

impl Page {
    async fn says(&self, who: &str, text: &str) -> Value {
        let body = json!({ "channel_id": self.channel, "content": text });
        self.post("/page/messages", who, body).await
    }

    async fn list(&self, path: &str) -> Value {
        let answer = self.rest.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }
}

#[tokio::test]
async fn files_come_with_messages_and_are_served_as_what_they_are() {
    let sandbox = support::start().await;
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let page = Page::of(&sandbox);
    let boundary = "a-boundary";
    let payload =
        json!({ "as": "alice", "channel_id": page.channel, "attachments": [{ "id": 0, "is_spoiler": true }] });
    let body = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"payload_json\"\r\n\r\n{payload}\r\n--{boundary}\r\n\
         content-disposition: form-data; name=\"files[0]\"; filename=\"my notes.txt\"\r\ncontent-type: text/plain\r\n\r\nhello\r\n--{boundary}--\r\n"
    );
    let request = page.rest.request("POST", "/page/messages");
    let kind = format!("multipart/form-data; boundary={boundary}");
    let answer = Rest::run(request.header("content-type", kind).body(body)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let file = &answer.body["attachments"][0];
    assert_eq!(
        (file["filename"].as_str(), file["size"].as_u64()),
        (Some("SPOILER_my_notes.txt"), Some(5))
    );
    let event = socket.event("MESSAGE_CREATE").await;
    assert_eq!(event["attachments"][0]["id"], file["id"]);
    let path = file["url"].as_str().unwrap().split_once("/attachments").unwrap().1;
    let served = page.rest.get(&format!("/attachments{path}")).await;
    assert_eq!(served.body, "hello");
    assert_eq!(served.headers["x-content-type-options"], "nosniff");
    assert!(
        served.headers["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("sandbox")
    );
    // Who may not attach files is told so.
    let everyone = json!({ "change": "role", "id": page.guild, "permissions": (1_u64 << 10 | 1 << 11).to_string() });
    page.change("olivia", everyone).await;
    let request = page.rest.request("POST", "/page/messages");
    let payload = json!({ "as": "bob", "channel_id": page.channel });
    let body = format!(
        "--b\r\ncontent-disposition: form-data; name=\"payload_json\"\r\n\r\n{payload}\r\n--b\r\n\
         content-disposition: form-data; name=\"files[0]\"; filename=\"a\"\r\n\r\nx\r\n--b--\r\n"
    );
    let answer = Rest::run(
        request
            .header("content-type", "multipart/form-data; boundary=b")
            .body(body),
    )
    .await;
    assert!(
        answer.body["message"].as_str().unwrap().contains("Attach Files"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn pins_search_and_messages_around_one() {
    let sandbox = support::start().await;
    let page = Page::of(&sandbox);
    let mut ids = Vec::new();
    for at in 0..30 {
        ids.push(
            page.says("alice", &format!("line {at}")).await["id"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    let around = format!(
        "/page/messages?as=bob&channel_id={}&limit=4&around={}",
        page.channel, ids[10]
    );
    let found = page.list(&around).await;
    let texts: Vec<&str> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["content"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["line 8", "line 9", "line 10", "line 11"]);
    let pin = json!({ "channel_id": page.channel, "message_id": ids[3] });
    let why = page.refused("/page/pins", "bob", pin.clone()).await;
    assert!(why.contains("Pin Messages") || why.contains("Manage Messages"), "{why}");
    page.post("/page/pins", "olivia", pin).await;
    let pins = page
        .list(&format!("/page/pins?as=bob&channel_id={}", page.channel))
        .await;
    assert_eq!(pins.as_array().unwrap().len(), 1);
    assert_eq!(pins[0]["content"], "line 3");
    let search = format!("/page/search?as=bob&guild_id={}&q=from:alice%20line%2027", page.guild);
    let result = page.list(&search).await;
    assert_eq!(
        (result["total"].as_u64(), result["messages"][0]["content"].as_str()),
        (Some(1), Some("line 27"))
    );
    let nothing = format!("/page/search?as=bob&guild_id={}&q=from:olivia%20line", page.guild);
    assert_eq!(page.list(&nothing).await["total"], 0);
}

#[tokio::test]
async fn what_a_person_may_not_see_is_not_found() {
    let sandbox = support::start().await;
    let page = Page::of(&sandbox);
    let hidden = json!([{ "id": page.guild, "type": 0, "allow": "0", "deny": (1 << 10).to_string() }]);
    let made = page
        .change(
            "olivia",
            json!({ "change": "new_channel", "name": "Secret Plans", "permission_overwrites": hidden }),
        )
        .await;
    assert_eq!(made["name"], "secret-plans");
    let said = json!({ "channel_id": made["id"], "content": "the plan" });
    let message = page.post("/page/messages", "olivia", said).await;
    let search = |who: &str| format!("/page/search?as={who}&guild_id={}&q=plan", page.guild);
    assert_eq!(page.list(&search("olivia")).await["total"], 1);
    assert_eq!(page.list(&search("bob")).await["total"], 0);
    let forward = json!({ "channel_id": made["id"], "message_id": message["id"], "to": page.channel });
    assert!(
        page.refused("/page/forward", "bob", forward.clone())
            .await
            .contains("View Channel")
    );
    let forwarded = page.post("/page/forward", "olivia", forward).await;
    assert_eq!(forwarded["message_snapshots"][0]["message"]["content"], "the plan");
    assert_eq!(forwarded["message_reference"]["type"], 1);
}

#[tokio::test]
async fn roles_and_members_are_changed_by_those_who_stand_above() {
    let sandbox = support::start().await;
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let page = Page::of(&sandbox);
    let (alice, bob) = (
        sandbox.guild().user("alice").id().to_string(),
        sandbox.guild().user("bob").id().to_string(),
    );
    assert!(
        page.change_refused("alice", json!({ "change": "new_role" }))
            .await
            .contains("Manage Roles")
    );
    let manage = (1_u64 << 28 | 1 << 1).to_string();
    let role = page
        .change(
            "olivia",
            json!({ "change": "new_role", "name": "Helpers", "permissions": manage, "hoist": true }),
        )
        .await;
    assert_eq!(socket.event("GUILD_ROLE_CREATE").await["role"]["id"], role["id"]);
    page.change(
        "olivia",
        json!({ "change": "member", "id": alice, "roles": [role["id"]], "nick": "Ally" }),
    )
    .await;
    let event = socket.event("GUILD_MEMBER_UPDATE").await;
    assert_eq!(
        (event["nick"].as_str(), &event["roles"][0]),
        (Some("Ally"), &role["id"])
    );
    // Her own role is not below herself, and she gives nothing that she lacks.
    let own = json!({ "change": "role", "id": role["id"], "name": "Bosses" });
    assert!(page.change_refused("alice", own).await.contains("not below"));
    let too_much = json!({ "change": "role", "id": page.guild, "permissions": "8" });
    assert!(page.change_refused("alice", too_much).await.contains("lacks"));
    assert!(
        page.change_refused(
            "alice",
            json!({ "change": "kick", "id": sandbox.owner().id().to_string() })
        )
        .await
        .contains("owner")
    );
    page.change("alice", json!({ "change": "kick", "id": bob })).await;
    assert_eq!(socket.event("GUILD_MEMBER_REMOVE").await["user"]["id"], bob);
    page.change("olivia", json!({ "change": "join", "id": bob })).await;
    page.change("olivia", json!({ "change": "ban", "id": bob, "reason": "spam" }))
        .await;
    assert!(
        page.change_refused("olivia", json!({ "change": "join", "id": bob }))
            .await
            .contains("banned")
    );
    let bans = page
        .list(&format!("/page/bans?as=olivia&guild_id={}", page.guild))
        .await;
    assert_eq!(bans[0]["reason"], "spam");
    page.change("olivia", json!({ "change": "unban", "id": bob })).await;
    page.change("olivia", json!({ "change": "delete_role", "id": role["id"] }))
        .await;
    assert_eq!(socket.event("GUILD_ROLE_DELETE").await["role_id"], role["id"]);
    // The log names who did it.
    let log = Rest::new(&sandbox)
        .get(&format!("/guilds/{}/audit-logs?limit=100", page.guild))
        .await;
    let kick = log.body["audit_log_entries"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["action_type"] == 20)
        .unwrap();
    assert_eq!(kick["user_id"], alice);
}

#[tokio::test]
async fn polls_threads_status_and_voice() {
    let sandbox = support::start().await;
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    let page = Page::of(&sandbox);
    let poll =
        json!({ "channel_id": page.channel, "poll": { "question": "Lunch?", "answers": ["Pizza", "Salad", ""] } });
    let asked = page.post("/page/messages", "alice", poll).await;
    assert_eq!(asked["poll"]["answers"].as_array().unwrap().len(), 2);
    let vote = |answers: Value| json!({ "channel_id": page.channel, "message_id": asked["id"], "answers": answers });
    assert!(
        page.refused("/page/votes", "bob", vote(json!([1, 2])))
            .await
            .contains("one answer")
    );
    page.post("/page/votes", "bob", vote(json!([1]))).await;
    assert_eq!(socket.event("MESSAGE_POLL_VOTE_ADD").await["answer_id"], 1);
    page.post("/page/votes", "bob", vote(json!([2]))).await;
    assert_eq!(socket.event("MESSAGE_POLL_VOTE_REMOVE").await["answer_id"], 1);
    let list = page
        .list(&format!("/page/messages?as=alice&channel_id={}&limit=1", page.channel))
        .await;
    assert_eq!(list[0]["poll"]["answers"][1]["voters"].as_array().unwrap().len(), 1);
    assert!(
        page.refused("/page/polls/end", "bob", vote(json!([])))
            .await
            .contains("somebody else's")
    );
    page.post("/page/polls/end", "alice", vote(json!([]))).await;

    let thread = json!({ "channel_id": page.channel, "message_id": asked["id"], "name": "About lunch" });
    let made = page.post("/page/threads", "bob", thread.clone()).await;
    assert_eq!(socket.event("THREAD_CREATE").await["id"], made["id"]);
    assert!(page.refused("/page/threads", "bob", thread).await.contains("already"));

    page.post("/page/presence", "bob", json!({ "status": "idle", "text": "eating" }))
        .await;
    let presence = socket.event("PRESENCE_UPDATE").await;
    assert_eq!(
        (presence["status"].as_str(), presence["activities"][0]["state"].as_str()),
        (Some("idle"), Some("eating"))
    );
    assert!(
        page.refused("/page/presence", "bob", json!({ "status": "busy" }))
            .await
            .contains("dnd")
    );
    let lounge = page
        .change(
            "olivia",
            json!({ "change": "new_channel", "type": 2, "name": "Lounge" }),
        )
        .await;
    page.post(
        "/page/voice",
        "bob",
        json!({ "guild_id": page.guild, "channel_id": lounge["id"] }),
    )
    .await;
    assert_eq!(socket.event("VOICE_STATE_UPDATE").await["channel_id"], lounge["id"]);
    page.post("/page/voice", "bob", json!({ "guild_id": page.guild })).await;
    assert!(socket.event("VOICE_STATE_UPDATE").await["channel_id"].is_null());
}
