//! The table of routes: it finds a request's row, whose function answers. Paths that no row has are 404 in Discord's
//! form; known paths with another method are 405.
//!
//! The rows stand in the files of their resources. They are found by walking a tree of the path's parts: words come
//! before parameters, so that `/messages/pins` is no message's id.

use std::{collections::HashMap, sync::LazyLock};

use super::{
    Call, Outcome, account, audit_log, bans, channels, commands, community, emojis, errors, guilds, interactions,
    invites, members, messages, pins, polls, reactions, roles, route::Route, scheduled_events, stages, threads,
    validate::checked_query, voice, webhooks,
};
use crate::world::World;

/// The rows of each resource.
const TABLES: &[&[Route]] = &[
    account::ROUTES,
    audit_log::ROUTES,
    bans::ROUTES,
    channels::ROUTES,
    commands::ROUTES,
    community::ROUTES,
    emojis::ROUTES,
    guilds::ROUTES,
    interactions::ROUTES,
    invites::ROUTES,
    members::ROUTES,
    messages::ROUTES,
    pins::ROUTES,
    polls::ROUTES,
    reactions::ROUTES,
    roles::ROUTES,
    scheduled_events::ROUTES,
    stages::ROUTES,
    threads::ROUTES,
    voice::ROUTES,
    webhooks::ROUTES,
];

/// All rows.
pub(crate) fn all() -> impl Iterator<Item = &'static Route> {
    TABLES.iter().copied().flatten()
}

/// Whether a path takes the bot's token; interactions and webhooks carry their own.
pub(crate) fn needs_token(path: &[&str]) -> bool {
    !matches!(
        path,
        ["gateway"] | ["interactions", _, _, "callback"] | ["webhooks", _, _, ..]
    )
}

static TREE: LazyLock<Branch> = LazyLock::new(Branch::grown);

/// The parameters that a request's query may have.
pub(crate) fn query_of(method: &str, path: &[&str]) -> &'static [&'static str] {
    let row = TREE.find(method, path, &mut Vec::new());
    row.map_or(&[][..], |row| row.query)
}

/// Answers a call.
pub(crate) fn route(world: &mut World, call: &Call) -> Outcome {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let mut parameters = Vec::new();
    let Some(row) = TREE.find(&call.method, &path, &mut parameters) else {
        return Err(if TREE.has(&path) {
            errors::METHOD_NOT_ALLOWED.into()
        } else {
            errors::NOT_FOUND.into()
        });
    };
    if !call.query.is_empty() {
        checked_query(&call.query, row.query)?;
    }
    (row.handler)(world, call, &parameters)
}

/// What may follow a path's beginning.
#[derive(Debug, Default)]
struct Branch {
    words: HashMap<&'static str, Branch>,
    parameter: Option<Box<Branch>>,
    /// The rows of the path that ends here, one a method.
    rows: Vec<&'static Route>,
}

impl Branch {
    fn grown() -> Self {
        let mut tree = Self::default();
        for row in all() {
            let mut branch = &mut tree;
            for part in row.parts() {
                branch = if part.starts_with('{') {
                    branch.parameter.get_or_insert_default()
                } else {
                    branch.words.entry(part).or_default()
                };
            }
            branch.rows.push(row);
        }
        tree
    }

    /// The row of a request; its parameters are left in `parameters`.
    fn find<'a>(&self, method: &str, path: &[&'a str], parameters: &mut Vec<&'a str>) -> Option<&'static Route> {
        let Some((part, rest)) = path.split_first() else {
            return self.rows.iter().copied().find(|row| row.method == method);
        };
        if let Some(row) = self
            .words
            .get(part)
            .and_then(|next| next.find(method, rest, parameters))
        {
            return Some(row);
        }
        let next = self.parameter.as_ref()?;
        parameters.push(part);
        let row = next.find(method, rest, parameters);
        if row.is_none() {
            parameters.pop();
        }
        row
    }

    /// Whether a path has any row.
    fn has(&self, path: &[&str]) -> bool {
        let Some((part, rest)) = path.split_first() else {
            return !self.rows.is_empty();
        };
        self.words.get(part).is_some_and(|next| next.has(rest))
            || self.parameter.as_ref().is_some_and(|next| next.has(rest))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Branch, all};

    #[test]
    fn no_two_rows_are_one_route() {
        let mut seen = HashSet::new();
        for row in all() {
            let shape: Vec<&str> = row
                .parts()
                .map(|part| if part.starts_with('{') { "{}" } else { part })
                .collect();
            assert!(seen.insert((row.method, shape)), "{} {}", row.method, row.template);
            assert!(row.template.starts_with('/') && !row.template.ends_with('/'));
        }
    }

    #[test]
    fn every_row_is_found_by_its_own_path_and_words_come_first() {
        let tree = Branch::grown();
        let find = |method: &str, path: &str| {
            let path: Vec<&str> = path.trim_start_matches('/').split('/').collect();
            let mut parameters = Vec::new();
            let row = tree.find(method, &path, &mut parameters).map(|row| row.template);
            (row, parameters.join(" "))
        };
        for row in all() {
            let (found, parameters) = find(row.method, row.template);
            assert_eq!(found, Some(row.template), "{}", row.method);
            let expected: Vec<&str> = row.parts().filter(|part| part.starts_with('{')).collect();
            assert_eq!(parameters, expected.join(" "), "{} {}", row.method, row.template);
        }
        let message = "/channels/{channel_id}/messages/{message_id}";
        assert_eq!(
            find("GET", "/channels/1/messages/pins").0,
            Some("/channels/{channel_id}/messages/pins")
        );
        assert_eq!(
            find("DELETE", "/channels/1/messages/pins"),
            (Some(message), "1 pins".to_owned())
        );
        assert_eq!(find("GET", "/channels/1/messages/2"), (Some(message), "1 2".to_owned()));
        assert_eq!(find("GET", "/nowhere").0, None);
    }
}
