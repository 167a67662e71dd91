//! The table of routes: method and path to the function that answers. Paths that are not here are 404 in Discord's
//! form; known paths with another method are 405.

use super::{
    Call, Outcome, account, channels, commands, errors, guilds, interactions, members, messages, roles, template,
    threads, validate::checked_query,
};
use crate::world::World;

/// Whether a path takes the bot's token; interactions and their webhooks carry their own.
pub(crate) fn needs_token(path: &[&str]) -> bool {
    !matches!(
        path,
        ["gateway"] | ["interactions", _, _, "callback"] | ["webhooks", _, _, ..]
    )
}

/// The parameters that a route's query may have. A route that is not here has none.
const QUERIES: &[(&str, &str, &[&str])] = &[
    ("GET", "/users/@me/guilds", &["before", "after", "limit", "with_counts"]),
    ("GET", "/channels/{}/messages", &["around", "before", "after", "limit"]),
    (
        "GET",
        "/channels/{}/messages/{}/reactions/{}",
        &["after", "limit", "type"],
    ),
    ("GET", "/channels/{}/messages/pins", &["before", "limit"]),
    ("GET", "/channels/{}/threads/archived/public", &["before", "limit"]),
    ("GET", "/channels/{}/threads/archived/private", &["before", "limit"]),
    ("GET", "/channels/{}/thread-members", &["with_member", "after", "limit"]),
    ("GET", "/channels/{}/thread-members/{}", &["with_member"]),
    ("GET", "/guilds/{}", &["with_counts"]),
    ("GET", "/guilds/{}/bans", &["limit", "before", "after"]),
    ("GET", "/guilds/{}/members", &["limit", "after"]),
    ("GET", "/guilds/{}/members/search", &["limit", "query"]),
    ("GET", "/applications/{}/commands", &["with_localizations"]),
    ("GET", "/applications/{}/guilds/{}/commands", &["with_localizations"]),
    ("POST", "/interactions/{}/{}/callback", &["with_response"]),
    ("POST", "/webhooks/{}/{}", &["wait", "thread_id", "with_components"]),
    ("GET", "/webhooks/{}/{}/messages/{}", &["thread_id"]),
    (
        "PATCH",
        "/webhooks/{}/{}/messages/{}",
        &["thread_id", "with_components"],
    ),
    ("DELETE", "/webhooks/{}/{}/messages/{}", &["thread_id"]),
];

/// Answers a call.
pub(crate) fn route(world: &mut World, call: &Call) -> Outcome {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    if !call.query.is_empty() {
        let known = QUERIES
            .iter()
            .find(|(method, template, _)| call.method == *method && template::fits(template, &path));
        checked_query(&call.query, known.map_or(&[][..], |(.., names)| names))?;
    }
    match (call.method.as_str(), path.as_slice()) {
        ("GET", ["gateway"]) => Ok(account::gateway(call)),
        ("GET", ["gateway", "bot"]) => Ok(account::gateway_bot(world, call)),
        ("GET", ["applications" | "oauth2", "@me"] | ["oauth2", "applications", "@me"]) => {
            Ok(account::application(world, &path))
        }
        ("PATCH", ["applications", "@me"]) => account::edit_application(world, call),
        ("GET", ["users", "@me"]) => Ok(account::me(world)),
        ("PATCH", ["users", "@me"]) => account::edit_me(world, call),
        ("GET", ["users", "@me", "guilds"]) => account::my_guilds(world, call),
        ("DELETE", ["users", "@me", "guilds", guild]) => account::leave_guild(world, guild),
        ("POST", ["users", "@me", "channels"]) => account::open_direct(world, call),
        ("GET", ["users", user]) => account::user(world, user),

        ("GET", ["channels", channel]) => channels::get(world, channel),
        ("PATCH", ["channels", channel]) => channels::edit(world, call, channel),
        ("DELETE", ["channels", channel]) => channels::delete(world, channel),
        ("PUT", ["channels", channel, "permissions", id]) => channels::set_overwrite(world, call, channel, id),
        ("DELETE", ["channels", channel, "permissions", id]) => channels::remove_overwrite(world, channel, id),
        ("POST", ["channels", channel, "threads"]) => threads::create(world, call, channel),
        ("POST", ["channels", channel, "messages", id, "threads"]) => threads::create_on(world, call, channel, id),
        ("GET", ["channels", channel, "threads", "archived", "public"]) => {
            threads::archived(world, call, channel, false)
        }
        ("GET", ["channels", channel, "threads", "archived", "private"]) => {
            threads::archived(world, call, channel, true)
        }
        ("GET", ["channels", channel, "thread-members"]) => threads::members(world, call, channel),
        ("GET", ["channels", channel, "thread-members", user]) => threads::member(world, call, channel, user),
        ("PUT", ["channels", channel, "thread-members", user]) => threads::add(world, channel, user),
        ("DELETE", ["channels", channel, "thread-members", user]) => threads::remove(world, channel, user),
        ("GET", ["guilds", guild, "threads", "active"]) => threads::active(world, guild),
        ("POST", ["channels", channel, "typing"]) => channels::typing(world, channel),
        ("GET", ["channels", channel, "invites" | "webhooks"]) => channels::nothing(world, channel),

        ("GET", ["channels", channel, "messages"]) => messages::list(world, call, channel),
        ("POST", ["channels", channel, "messages"]) => messages::create(world, call, channel),
        ("POST", ["channels", channel, "messages", "bulk-delete"]) => messages::bulk_delete(world, call, channel),
        ("GET", ["channels", channel, "pins"]) => messages::pins(world, channel),
        ("GET", ["channels", channel, "messages", "pins"]) => messages::new_pins(world, channel),
        ("PUT", ["channels", channel, "pins", id] | ["channels", channel, "messages", "pins", id]) => {
            messages::pin(world, channel, id, true)
        }
        ("DELETE", ["channels", channel, "pins", id] | ["channels", channel, "messages", "pins", id]) => {
            messages::pin(world, channel, id, false)
        }
        ("GET", ["channels", channel, "messages", id]) => messages::get(world, channel, id),
        ("PATCH", ["channels", channel, "messages", id]) => messages::edit(world, call, channel, id),
        ("DELETE", ["channels", channel, "messages", id]) => messages::delete(world, channel, id),
        ("DELETE", ["channels", channel, "messages", id, "reactions"]) => {
            messages::clear_reactions(world, channel, id, None)
        }
        ("GET", ["channels", channel, "messages", id, "reactions", emoji]) => {
            messages::reactors(world, call, channel, id, emoji)
        }
        ("DELETE", ["channels", channel, "messages", id, "reactions", emoji]) => {
            messages::clear_reactions(world, channel, id, Some(emoji))
        }
        ("PUT", ["channels", channel, "messages", id, "reactions", emoji, "@me"]) => {
            messages::react(world, channel, id, emoji)
        }
        ("DELETE", ["channels", channel, "messages", id, "reactions", emoji, user]) => {
            messages::unreact(world, channel, id, emoji, user)
        }

        ("GET", ["guilds", guild]) => guilds::get(world, call, guild),
        ("PATCH", ["guilds", guild]) => guilds::edit(world, call, guild),
        ("GET", ["guilds", guild, "channels"]) => guilds::channels(world, guild),
        ("POST", ["guilds", guild, "channels"]) => guilds::create_channel(world, call, guild),
        ("PATCH", ["guilds", guild, "channels"]) => guilds::move_channels(world, call, guild),
        (
            "GET",
            [
                "guilds",
                guild,
                "emojis" | "stickers" | "invites" | "webhooks" | "integrations",
            ],
        ) => guilds::nothing(world, guild),
        ("GET", ["guilds", guild, "bans"]) => guilds::bans(world, call, guild),
        ("GET", ["guilds", guild, "bans", user]) => guilds::get_ban(world, guild, user),
        ("PUT", ["guilds", guild, "bans", user]) => guilds::ban(world, call, guild, user),
        ("DELETE", ["guilds", guild, "bans", user]) => guilds::unban(world, guild, user),

        ("GET", ["guilds", guild, "members"]) => members::list(world, call, guild),
        ("GET", ["guilds", guild, "members", "search"]) => members::search(world, call, guild),
        ("GET", ["guilds", guild, "members", user]) => members::get(world, guild, user),
        ("PATCH", ["guilds", guild, "members", user]) => members::edit(world, call, guild, user),
        ("DELETE", ["guilds", guild, "members", user]) => members::kick(world, guild, user),
        ("PUT", ["guilds", guild, "members", user, "roles", role]) => members::set_role(world, guild, user, role, true),
        ("DELETE", ["guilds", guild, "members", user, "roles", role]) => {
            members::set_role(world, guild, user, role, false)
        }

        ("GET", ["guilds", guild, "roles"]) => roles::list(world, guild),
        ("POST", ["guilds", guild, "roles"]) => roles::create(world, call, guild),
        ("PATCH", ["guilds", guild, "roles"]) => roles::reorder(world, call, guild),
        ("GET", ["guilds", guild, "roles", role]) => roles::get(world, guild, role),
        ("PATCH", ["guilds", guild, "roles", role]) => roles::edit(world, call, guild, role),
        ("DELETE", ["guilds", guild, "roles", role]) => roles::delete(world, guild, role),

        (_, ["applications", application, "commands", rest @ ..]) => {
            commands::route(world, call, application, None, rest)
        }
        ("GET", ["applications", application, "guilds", guild, "commands", "permissions"]) => {
            commands::permissions(world, application, guild)
        }
        (_, ["applications", application, "guilds", guild, "commands", rest @ ..]) => {
            commands::route(world, call, application, Some(guild), rest)
        }

        ("POST", ["interactions", id, token, "callback"]) => interactions::callback(world, call, id, token),
        ("POST", ["webhooks", application, token]) => interactions::follow_up(world, call, application, token),
        ("GET", ["webhooks", application, token, "messages", id]) => interactions::get(world, application, token, id),
        ("PATCH", ["webhooks", application, token, "messages", id]) => {
            interactions::edit(world, call, application, token, id)
        }
        ("DELETE", ["webhooks", application, token, "messages", id]) => {
            interactions::delete(world, application, token, id)
        }

        (
            _,
            ["users", "@me"]
            | ["channels" | "guilds" | "users", _]
            | ["channels", _, "messages"]
            | ["gateway"]
            | ["gateway", "bot"],
        ) => Err(errors::METHOD_NOT_ALLOWED.into()),
        _ => Err(errors::NOT_FOUND.into()),
    }
}
