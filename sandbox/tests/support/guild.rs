//! A bot in its guild, for the tests of what it manages there: calls below the guild's path, and what became of them.
//! It is apart from the rest of the support, since only those tests have use for it.

use serde_json::Value;

use super::{ALL_INTENTS, Answered, Rest, Socket, Strict};

pub struct Stage {
    pub sandbox: Strict,
    pub rest: Rest,
    pub socket: Socket,
    /// `/guilds/ID`
    pub guild: String,
}

pub async fn stage() -> Stage {
    let sandbox = super::start().await;
    let mut socket = Socket::identified(&sandbox, ALL_INTENTS).await;
    socket.event("GUILD_CREATE").await;
    Stage {
        rest: Rest::new(&sandbox),
        guild: format!("/guilds/{}", sandbox.guild().id()),
        socket,
        sandbox,
    }
}

impl Stage {
    /// Calls below the guild; anything but a success fails.
    pub async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = match body {
            Value::Null => self.rest.bare(method, &format!("{}{path}", self.guild)).await,
            body => self.rest.send(method, &format!("{}{path}", self.guild), body).await,
        };
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        answer.body
    }

    pub async fn refused(&self, method: &str, path: &str, body: Value) -> Answered {
        self.rest.send(method, &format!("{}{path}", self.guild), body).await
    }

    pub async fn with_reason(&self, method: &str, path: &str, body: Value, reason: &str) {
        let request = self.rest.request(method, &format!("{}{path}", self.guild));
        let answer = Rest::run(request.json(&body).header("x-audit-log-reason", reason)).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
    }
}

/// The id of an object.
pub fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}
