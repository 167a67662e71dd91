//! Ids to names and back: recordings know names only.
//!
//! Pure: it is told who there is, by events or by the world.

use std::collections::HashMap;

/// Who and what there is.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) users: HashMap<u64, String>,
    pub(super) roles: HashMap<u64, String>,
    pub(super) channels: HashMap<u64, String>,
}

impl Names {
    /// A text with `<@alice>` for `<@123>`, and the like.
    pub(super) fn without_ids(&self, text: &str) -> String {
        replaced(text, |sign, inner| {
            let id = inner.trim_start_matches('!').parse().ok()?;
            let name = match sign {
                "@&" => self.roles.get(&id),
                "#" => self.channels.get(&id),
                _ => self.users.get(&id),
            };
            name.cloned()
        })
    }

    /// A text with `<@123>` for `<@alice>`, and the like.
    pub(super) fn with_ids(&self, text: &str) -> String {
        replaced(text, |sign, name| {
            let of = match sign {
                "@&" => &self.roles,
                "#" => &self.channels,
                _ => &self.users,
            };
            id_of(of, name).map(|id| id.to_string())
        })
    }
}

/// The id of a name; the smallest, if several have it.
pub(super) fn id_of(names: &HashMap<u64, String>, name: &str) -> Option<u64> {
    names.iter().filter(|(_, one)| *one == name).map(|(id, _)| *id).min()
}

/// A text with what stands in its mentions replaced, where `other` knows it.
fn replaced(text: &str, other: impl Fn(&str, &str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('<') {
        out.push_str(before);
        out.push('<');
        let sign = ["@&", "@", "#"].into_iter().find(|sign| from.starts_with(sign));
        let inner = sign.and_then(|sign| Some((sign, from[sign.len()..].split_once('>')?)));
        match inner.and_then(|(sign, (inner, after))| Some((sign, other(sign, inner)?, after))) {
            Some((sign, new, after)) => {
                out.push_str(sign);
                out.push_str(&new);
                out.push('>');
                rest = after;
            }
            None => rest = from,
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn mentions_go_both_ways_and_the_rest_stays() {
        let names = Names {
            users: [(1, "alice".to_owned())].into(),
            roles: [(2, "Night watch".to_owned())].into(),
            channels: [(3, "general".to_owned())].into(),
        };
        let with = "hi <@1> <@&2> <#3> <@9> <t:1:R> <b> <@";
        let without = "hi <@alice> <@&Night watch> <#general> <@9> <t:1:R> <b> <@";
        assert_eq!(names.without_ids(with), without);
        assert_eq!(names.with_ids(without), with);
        assert_eq!(names.without_ids("<@!1>"), "<@alice>");
    }
}
