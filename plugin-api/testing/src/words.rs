//! What a test writes for people, as Discord has it: `@bob` is a mention, `#general` a channel, `@Moderator` a role.
//!
//! Only names that exist are taken for one; `\@bob` stays a text.

use sandbox::{Guild, Sandbox};

/// Puts mentions in the place of names.
pub(crate) fn mentioned(sandbox: &Sandbox, guild: &Guild, text: &str) -> String {
    if !text.contains(['@', '#']) {
        return text.to_owned();
    }
    let mut names = Vec::new();
    for (id, name) in sandbox.people() {
        names.push((format!("@{name}"), format!("<@{id}>")));
    }
    for name in guild.role_names().into_iter().filter(|name| name != "@everyone") {
        let role = guild.role(&name).id();
        names.push((format!("@{name}"), format!("<@&{role}>")));
    }
    for (id, name) in guild.channels() {
        names.push((format!("#{name}"), format!("<#{id}>")));
    }
    // The longest name first: `@bobby` is not `@bob`.
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    replaced(text, &names)
}

fn replaced(text: &str, names: &[(String, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let is_start = !before.is_alphanumeric() && before != '<';
        let ends = |name: &str| {
            rest[name.len()..]
                .chars()
                .next()
                .is_none_or(|next| !next.is_alphanumeric())
        };
        let found = names
            .iter()
            .find(|(name, _)| is_start && rest.starts_with(name.as_str()) && ends(name));
        if first == '\\' && rest[1..].starts_with(['@', '#']) {
            out.push_str(&rest[1..2]);
            rest = &rest[2..];
            before = 'x';
        } else if let Some((name, mention)) = found {
            out.push_str(mention);
            rest = &rest[name.len()..];
            before = '>';
        } else {
            out.push(first);
            before = first;
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn whole_names_become_mentions() {
        let names: Vec<(String, String)> = [("@bobby", "<@2>"), ("@bob", "<@1>"), ("#general", "<#3>")]
            .map(|(name, mention)| (name.to_owned(), mention.to_owned()))
            .into();
        for (text, meant) in [
            ("!ban @bob spam", "!ban <@1> spam"),
            ("@bobby, @bob!", "<@2>, <@1>!"),
            ("a@bob.de #general", "a@bob.de <#3>"),
            (r"\@bob stays", "@bob stays"),
            ("<@1> @bobo", "<@1> @bobo"),
            ("", ""),
        ] {
            assert_eq!(replaced(text, &names), meant, "{text}");
        }
    }
}
