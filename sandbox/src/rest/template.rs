//! Templates of paths, such as `/channels/{channel_id}/messages`: which path is meant.
//!
//! Rate limits and faults name routes by them; what stands between the braces does not matter.

/// Whether a path, in parts, is of the template.
pub(crate) fn fits(template: &str, path: &[&str]) -> bool {
    let mut parts = template.trim_matches('/').split('/');
    let all = path
        .iter()
        .all(|given| parts.next().is_some_and(|part| part.starts_with('{') || part == *given));
    all && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn parameters_stand_for_one_part() {
        let fits = |template: &str, path: &str| fits(template, &path.split('/').collect::<Vec<_>>());
        assert!(fits("/channels/{channel_id}/messages", "channels/1/messages"));
        assert!(fits("/users/@me", "users/@me"));
        assert!(!fits("/channels/{channel_id}/messages", "channels/1/messages/2"));
        assert!(!fits(
            "/channels/{channel_id}/messages/{message_id}",
            "channels/1/messages"
        ));
        assert!(!fits("/users/@me", "users/5"));
    }
}
