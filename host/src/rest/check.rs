//! What plugins may ask of Discord's API, and what not. Pure: a request in, a refusal or a safe request out.
//!
//! The path must be one of the API's and mean what it says (no scheme, no dots, no encoded slashes). Routes that are the
//! host's are refused: answers to interactions, registration of commands, tokens, the gateway.

use std::collections::HashSet;

use plugin_protocol::{Problem, ProblemCode};

use super::{Method, Request, mentions, multipart};

/// The longest path with its query, in bytes.
const MAX_PATH: usize = 4096;
/// The longest audit log reason, in characters (<https://discord.com/developers/docs/resources/audit-log>).
const MAX_REASON: usize = 512;
/// How every interaction's token begins: `interaction:` in base64.
const INTERACTION_TOKEN: &str = "aW50ZXJhY3Rpb246";

/// Checks a plugin's request and makes its message, if it is one, mention nobody unasked.
pub(super) fn request(request: &mut Request, own_ids: &HashSet<u64>) -> Result<(), Problem> {
    let segments = path(&request.path)?;
    route(request.method, &segments, own_ids)?;
    let slot = mentions::slot(request.method, &segments);
    if let Some(reason) = &request.reason {
        let length = reason.chars().count();
        if length > MAX_REASON {
            return Err(invalid(format!(
                "the reason has {length} characters, Discord takes {MAX_REASON}: shorten it"
            )));
        }
    }
    let body = std::mem::take(&mut request.body);
    request.body = match request.content_type.as_deref() {
        None => json(body, slot)?,
        Some(kind) if kind.eq_ignore_ascii_case("application/json") => {
            request.content_type = None;
            json(body, slot)?
        }
        Some(kind) => match (multipart::boundary(kind), slot) {
            (Some(boundary), Some(slot)) => multipart::with_safe_mentions(&body, boundary, slot).map_err(invalid)?,
            (Some(_), None) => body,
            (None, _) => {
                return Err(invalid(
                    "the content type must be absent (JSON) or multipart/form-data; boundary=...".to_owned(),
                ));
            }
        },
    };
    Ok(())
}

fn json(body: Vec<u8>, slot: Option<mentions::Slot>) -> Result<Vec<u8>, Problem> {
    if body.is_empty() {
        return Ok(body);
    }
    let checked = match slot {
        Some(slot) => mentions::fill(body, slot),
        None => serde_json::from_slice::<serde::de::IgnoredAny>(&body).map(|_| body),
    };
    checked.map_err(|error| invalid(format!("the body is not valid JSON: {error}")))
}

fn invalid(text: String) -> Problem {
    Problem::new(ProblemCode::Invalid, text)
}

fn refused(text: &str) -> Problem {
    Problem::new(ProblemCode::NotGranted, text)
}

/// Takes a path apart; refuses what could mean another path than it shows.
fn path(whole: &str) -> Result<Vec<&str>, Problem> {
    if whole.len() > MAX_PATH {
        return Err(invalid(format!(
            "the path has {} bytes, at most {MAX_PATH} are allowed",
            whole.len()
        )));
    }
    let shown: String = whole.chars().take(80).flat_map(char::escape_default).collect();
    let fault = |text: &str| invalid(format!("the path `{shown}` {text}"));
    let Some(rest) = whole.strip_prefix('/') else {
        return Err(fault(
            "must begin with a slash and have no scheme or host: /channels/1/messages",
        ));
    };
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    let printable = |byte: u8| {
        byte.is_ascii_graphic()
            && !matches!(
                byte,
                b'#' | b'\\' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}'
            )
    };
    if !whole.bytes().all(printable) {
        return Err(fault(
            "has a character that a path can't hold: percent-encode emoji, spaces and the like",
        ));
    }
    if query.is_some_and(|query| query.contains('?')) {
        return Err(fault("has two question marks"));
    }
    for part in path.split('%').skip(1) {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            None => return Err(fault("has a percent sign without two hexadecimal digits behind it")),
            Some(byte) if byte < 0x21 || matches!(byte, b'.' | b'/' | b'\\' | b'%' | b'?' | b'#' | 0x7f) => {
                return Err(fault(
                    "encodes a slash, dot or the like, which could make another path of it",
                ));
            }
            Some(_) => {}
        }
    }
    let segments: Vec<&str> = path.split('/').collect();
    if segments.iter().any(|segment| segment.is_empty()) {
        return Err(fault("has an empty part: two slashes, or one at its end"));
    }
    if segments.iter().any(|segment| matches!(*segment, "." | "..")) {
        return Err(fault("has `.` or `..` in it"));
    }
    if matches!(segments[0], "api" | "v10") {
        return Err(fault("must begin behind /api/v10: /channels/1/messages"));
    }
    Ok(segments)
}

fn route(method: Method, segments: &[&str], own_ids: &HashSet<u64>) -> Result<(), Problem> {
    let id = |segment: &str| segment.len() <= 20 && segment.parse::<u64>().is_ok_and(|id| id != 0);
    let has_major = |what: &str, exceptions: &[&str]| match segments.get(1) {
        Some(segment) if id(segment) || exceptions.contains(segment) => Ok(()),
        Some(segment) => Err(invalid(format!("`{segment:.40}` is no {what}'s id"))),
        None => Err(invalid(format!("a {what}'s id is missing in the path"))),
    };
    match segments[0] {
        "channels" => has_major("channel", &[]),
        "guilds" => has_major("server", &["templates"]),
        "users" => has_major("user", &["@me"]),
        "stickers" => has_major("sticker", &[]),
        "sticker-packs" | "stage-instances" if segments.len() == 1 => Ok(()),
        "sticker-packs" => has_major("sticker pack", &[]),
        "stage-instances" => has_major("stage channel", &[]),
        "skus" => has_major("product", &[]),
        "invites" if segments.len() > 1 => Ok(()),
        "soundboard-default-sounds" | "voice" => Ok(()),
        "webhooks" => {
            has_major("webhook", &[])?;
            webhook(segments, own_ids)
        }
        "applications" => {
            has_major("application", &["@me"])?;
            application(method, segments)
        }
        "interactions" => Err(refused(
            "interactions are answered by the host: use the context's reply, defer, edit and delete",
        )),
        "oauth2" | "auth" | "partner-sdk" => Err(refused("plugins get no tokens and no sign-in routes")),
        "gateway" => Err(refused("the gateway is the host's: subscribe to events instead")),
        other => Err(invalid(format!(
            "`/{other:.40}` is no part of Discord's API that plugins use: channels, guilds, users, webhooks, \
             applications, invites, stickers, sticker-packs, stage-instances, soundboard-default-sounds, skus, voice"
        ))),
    }
}

fn webhook(segments: &[&str], own_ids: &HashSet<u64>) -> Result<(), Problem> {
    let Some(token) = segments.get(2) else { return Ok(()) };
    let is_own = segments[1].parse().is_ok_and(|id| own_ids.contains(&id));
    if is_own || token.starts_with(INTERACTION_TOKEN) {
        return Err(refused(
            "answers to interactions are the host's: use the context's reply, defer, edit and delete",
        ));
    }
    match segments.get(3) {
        None | Some(&"messages") => Ok(()),
        Some(_) => Err(invalid(
            "only a webhook itself and its messages can be used, not its forms for other services".to_owned(),
        )),
    }
}

fn application(method: Method, segments: &[&str]) -> Result<(), Problem> {
    if method != Method::Get && segments.contains(&"commands") {
        return Err(refused(
            "slash commands are registered by the host, from what the plugins describe: declare them with #[command]",
        ));
    }
    if method != Method::Get && segments.len() == 2 {
        return Err(refused(
            "the application itself is changed by its owner, in Discord's developer portal",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: u64 = 175_928_847_299_117_063;

    fn check(method: Method, path: &str) -> Result<(), Problem> {
        request(&mut Request::new(method, path), &HashSet::from([OWN]))
    }

    #[test]
    fn routes_that_plugins_use_are_let_through() {
        for (method, path) in [
            (Method::Get, "/channels/1"),
            (Method::Get, "/channels/1/messages?limit=100&before=2"),
            (Method::Post, "/channels/1/messages"),
            (Method::Put, "/channels/1/messages/2/reactions/%F0%9F%91%8D/@me"),
            (Method::Put, "/channels/1/messages/2/reactions/name:123/@me"),
            (Method::Put, "/guilds/1/bans/2"),
            (Method::Get, "/guilds/templates/aBcDeF"),
            (Method::Get, "/guilds/1/members/search?query=a%20b"),
            (Method::Patch, "/users/@me"),
            (Method::Post, "/users/@me/channels"),
            (Method::Get, "/invites/abc?with_counts=true"),
            (Method::Post, "/webhooks/5/some-token_X?wait=true"),
            (Method::Patch, "/webhooks/5/some-token/messages/6"),
            (Method::Get, "/applications/@me"),
            (Method::Get, "/applications/1/commands"),
            (Method::Post, "/applications/1/emojis"),
            (Method::Get, "/sticker-packs"),
            (Method::Get, "/voice/regions"),
        ] {
            assert_eq!(check(method, path), Ok(()), "{method:?} {path}");
        }
    }

    #[test]
    fn paths_that_could_mean_something_else_are_invalid() {
        for path in [
            "",
            "channels/1",
            "https://evil.example/channels/1",
            "//evil.example/channels/1",
            "/",
            "/channels//1",
            "/channels/1/",
            "/channels/1/../../gateway/bot",
            "/channels/./1",
            "/channels/1/%2e%2e/2",
            "/channels/1%2Fmessages",
            "/channels/1%2fmessages",
            "/channels/1/%252e",
            "/channels/1/%5c",
            "/channels/1/%00",
            "/channels/1/%0d%0aX-Header:1",
            "/channels/1/%",
            "/channels/1/%zz",
            "/channels/1/messages#fragment",
            "/channels/1/messages?a=b#c",
            "/channels/1/messages?a?b",
            "/channels/1/messages\r\nX: y",
            "/channels/1/mess ages",
            "/channels/1\\messages",
            "/channels/1/reactions/👍",
            "/api/v10/channels/1",
            "/v10/channels/1",
            "/channels",
            "/channels/general/messages",
            "/channels/0",
            "/channels/@me",
            "/guilds/@me",
            "/users/everyone",
            "/invites",
            "/unknown/1",
            "/webhooks/abc",
            "/webhooks/5/token/slack",
            "/webhooks/5/token/github",
        ] {
            let refusal = check(Method::Get, path).unwrap_err();
            assert_eq!(refusal.code, ProblemCode::Invalid, "{path}: {refusal}");
        }
        let long = format!("/channels/1/{}", "a".repeat(MAX_PATH));
        assert_eq!(check(Method::Get, &long).unwrap_err().code, ProblemCode::Invalid);
    }

    #[test]
    fn routes_of_the_host_are_not_granted() {
        for (method, path) in [
            (Method::Post, "/interactions/1/token/callback".to_owned()),
            (Method::Get, "/interactions/1/token/callback".to_owned()),
            (Method::Put, "/applications/1/commands".to_owned()),
            (Method::Post, "/applications/1/commands".to_owned()),
            (Method::Delete, "/applications/1/commands/2".to_owned()),
            (Method::Put, "/applications/1/guilds/2/commands".to_owned()),
            (
                Method::Put,
                "/applications/1/guilds/2/commands/3/permissions".to_owned(),
            ),
            (Method::Patch, "/applications/@me".to_owned()),
            (Method::Post, format!("/webhooks/{OWN}/token")),
            (Method::Patch, format!("/webhooks/{OWN}/token/messages/@original")),
            (Method::Post, format!("/webhooks/5/{INTERACTION_TOKEN}abc")),
            (Method::Post, "/oauth2/token".to_owned()),
            (Method::Get, "/oauth2/applications/@me".to_owned()),
            (Method::Post, "/auth/login".to_owned()),
            (Method::Get, "/gateway/bot".to_owned()),
            (Method::Post, "/partner-sdk/token/bot".to_owned()),
        ] {
            let refusal = check(method, &path).unwrap_err();
            assert_eq!(refusal.code, ProblemCode::NotGranted, "{path}: {refusal}");
        }
    }

    fn body(body: &str, content_type: Option<&str>) -> Result<Request, Problem> {
        let mut message = Request::new(Method::Post, "/channels/1/messages").with_body(body);
        message.content_type = content_type.map(str::to_owned);
        request(&mut message, &HashSet::new())?;
        Ok(message)
    }

    #[test]
    fn bodies_are_json_or_multipart() {
        assert!(
            body("{\"content\":\"x\"}", Some("application/json"))
                .unwrap()
                .content_type
                .is_none()
        );
        for (text, kind) in [
            ("{\"content\":", None),
            ("{} {}", None),
            ("content=x", Some("application/x-www-form-urlencoded")),
            ("x", Some("multipart/form-data")),
        ] {
            let refusal = body(text, kind).unwrap_err();
            assert_eq!(refusal.code, ProblemCode::Invalid, "{text}: {refusal}");
        }
        let mut other = Request::new(Method::Patch, "/guilds/1").with_body("{\"name\": 1,}");
        assert!(request(&mut other, &HashSet::new()).is_err());
        let mut other = Request::new(Method::Patch, "/guilds/1").with_body("{\"name\": 1}");
        request(&mut other, &HashSet::new()).unwrap();
        assert_eq!(other.body, b"{\"name\": 1}");
    }

    #[test]
    fn messages_get_safe_mentions_by_every_route() {
        for (method, path, sent, expected) in [
            (
                Method::Post,
                "/channels/1/messages",
                "{\"content\":\"a\"}",
                "/allowed_mentions/replied_user",
            ),
            (
                Method::Patch,
                "/channels/1/messages/2",
                "{\"content\":\"a\"}",
                "/allowed_mentions/replied_user",
            ),
            (
                Method::Post,
                "/webhooks/1/t?wait=true",
                "{\"content\":\"a\"}",
                "/allowed_mentions/replied_user",
            ),
            (
                Method::Patch,
                "/webhooks/1/t/messages/2",
                "{\"content\":\"a\"}",
                "/allowed_mentions/replied_user",
            ),
            (
                Method::Post,
                "/channels/1/threads",
                "{\"name\":\"x\",\"message\":{\"content\":\"a\"}}",
                "/message/allowed_mentions/replied_user",
            ),
        ] {
            let mut sent = Request::new(method, path).with_body(sent);
            request(&mut sent, &HashSet::new()).unwrap();
            let sent: serde_json::Value = serde_json::from_slice(&sent.body).unwrap();
            assert_eq!(sent.pointer(expected), Some(&true.into()), "{path}: {sent}");
        }
        let mut other = Request::new(Method::Post, "/channels/1/threads").with_body("{\"name\":\"x\"}");
        request(&mut other, &HashSet::new()).unwrap();
        assert_eq!(other.body, b"{\"name\":\"x\"}");
    }

    #[test]
    fn a_reason_has_a_limit_in_characters() {
        let mut ban = Request::new(Method::Put, "/guilds/1/bans/2");
        ban.reason = Some("ä".repeat(MAX_REASON));
        request(&mut ban, &HashSet::new()).unwrap();
        ban.reason = Some("ä".repeat(MAX_REASON + 1));
        assert_eq!(
            request(&mut ban, &HashSet::new()).unwrap_err().code,
            ProblemCode::Invalid
        );
    }
}
