//! A server's own rules: who may use a command or a category of them, and what is switched off there.
//!
//! Pure. Of a command's rules the narrowest that is about the asker decides: their own, then the channel's, then those of
//! their roles; within one of these a refusal wins. Where none is about them, the category's rules are asked; where the
//! command's allow others, the category's can only refuse.

use std::collections::BTreeSet;

use plugin_protocol::{ChannelId, RoleId, UserId};

/// What a rule is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A command, by its full name.
    Command(Box<str>),
    /// All commands of a category, as help shows it, lower case.
    Category(Box<str>),
}

/// Whom or where a rule is about, the narrowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A user.
    User(UserId),
    /// A channel and the threads in it.
    Channel(ChannelId),
    /// The members with a role; the server's id is everybody.
    Role(RoleId),
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Whom it is about may, whatever the command requires of users.
    Allow,
    /// Whom it is about may not.
    Deny,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// What it is about.
    pub target: Target,
    /// Whom or where it is about.
    pub subject: Subject,
    /// What it does.
    pub effect: Effect,
}

/// All of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerRules {
    /// Few enough to be looked through; a subject has one rule for a target.
    pub rules: Vec<Rule>,
    /// The plugins that are switched off there.
    pub plugins_off: BTreeSet<Box<str>>,
    /// The commands that are.
    pub commands_off: BTreeSet<Box<str>>,
}

/// What rules say of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Nothing.
    None,
    /// This rule decides.
    By(Rule),
    /// They allow others only.
    For(Vec<Subject>),
}

/// Who asks, and where.
#[derive(Clone, Copy, Debug)]
pub struct Whom<'a> {
    /// The user.
    pub user: UserId,
    /// Their roles, without @everyone.
    pub roles: &'a [RoleId],
    /// The role that everybody has.
    pub everyone: Option<RoleId>,
    /// The channel.
    pub channel: ChannelId,
    /// Of a thread, its channel.
    pub parent: Option<ChannelId>,
}

impl Whom<'_> {
    fn is(&self, subject: Subject) -> bool {
        match subject {
            Subject::User(user) => user == self.user,
            Subject::Channel(channel) => channel == self.channel || Some(channel) == self.parent,
            Subject::Role(role) => self.roles.contains(&role) || Some(role) == self.everyone,
        }
    }
}

impl ServerRules {
    /// Whether a plugin, or a command of it, is switched off.
    #[must_use]
    pub fn is_off(&self, plugin: &str, command: &str) -> bool {
        self.plugins_off.contains(plugin) || self.commands_off.contains(command)
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.plugins_off.is_empty() && self.commands_off.is_empty()
    }

    /// Whether any is about a command or its category.
    #[must_use]
    pub fn concern(&self, command: &str, category: &str) -> bool {
        self.rules.iter().any(|rule| match &rule.target {
            Target::Command(name) => **name == *command,
            Target::Category(name) => **name == *category.to_lowercase(),
        })
    }

    /// What they say of somebody who uses a command of this category.
    #[must_use]
    pub fn say(&self, command: &str, category: &str, whom: &Whom<'_>) -> Ruling {
        if self.rules.is_empty() {
            return Ruling::None;
        }
        let category = category.to_lowercase();
        let is_commands = |target: &Target| matches!(target, Target::Command(name) if **name == *command);
        let is_categorys = |target: &Target| matches!(target, Target::Category(name) if **name == *category);
        let mut others = None;
        for is_meant in [&is_commands as &dyn Fn(&Target) -> bool, &is_categorys] {
            let rules = || self.rules.iter().filter(|rule| is_meant(&rule.target));
            let level = |subject: &Subject| match subject {
                Subject::User(_) => 0,
                Subject::Channel(_) => 1,
                Subject::Role(_) => 2,
            };
            let about = rules().filter(|rule| whom.is(rule.subject));
            let decisive = about.min_by_key(|rule| (level(&rule.subject), rule.effect == Effect::Allow));
            // Whom the command's own rules pass over, its category's don't let in.
            let holds = |rule: &&Rule| others.is_none() || rule.effect == Effect::Deny;
            if let Some(rule) = decisive.filter(holds) {
                return Ruling::By(rule.clone());
            }
            let allowed: Vec<_> = rules()
                .filter(|rule| rule.effect == Effect::Allow)
                .map(|rule| rule.subject)
                .collect();
            if others.is_none() && !allowed.is_empty() {
                others = Some(allowed);
            }
        }
        others.map_or(Ruling::None, Ruling::For)
    }

    /// Puts a rule, over the one of its target and subject.
    pub fn put(&mut self, rule: Rule) {
        self.clear(&rule.target, Some(rule.subject));
        self.rules.push(rule);
        self.rules.sort();
    }

    /// Takes rules away: a subject's, or all of a target. How many there were.
    pub fn clear(&mut self, target: &Target, subject: Option<Subject>) -> usize {
        let before = self.rules.len();
        self.rules
            .retain(|rule| rule.target != *target || subject.is_some_and(|subject| subject != rule.subject));
        before - self.rules.len()
    }
}

/// The owner's rules for all servers, from `command_permissions` of config.json: by a command's name, or `@` and a
/// category's, a role's id, or `{"allow": [..], "deny": [..]}` of `role:ID`, `user:ID` and `channel:ID`. And what of it is
/// not understood.
#[must_use]
pub fn read_defaults(written: &serde_json::Map<String, serde_json::Value>) -> (ServerRules, Vec<String>) {
    use serde_json::Value;

    let (mut rules, mut faults) = (ServerRules::default(), Vec::new());
    for (name, value) in written {
        let target = match name.strip_prefix('@') {
            Some(category) => Target::Category(category.to_lowercase().into()),
            None => Target::Command(name.to_lowercase().into()),
        };
        let mut put = |subject: &Value, effect| match read_subject(subject) {
            Some(subject) => rules.put(Rule {
                target: target.clone(),
                subject,
                effect,
            }),
            None => faults.push(format!(
                "`{name}`: {subject} is none of \"role:ID\", \"user:ID\", \"channel:ID\", so it is passed over"
            )),
        };
        match value {
            Value::Object(lists) => {
                for (key, effect) in [("allow", Effect::Allow), ("deny", Effect::Deny)] {
                    for subject in lists.get(key).and_then(Value::as_array).into_iter().flatten() {
                        put(subject, effect);
                    }
                }
                let is_known = |key: &&String| matches!(key.as_str(), "allow" | "deny");
                for key in lists.keys().filter(|key| !is_known(key)) {
                    faults.push(format!(
                        "`{name}`: `{key}` is neither `allow` nor `deny`, so it is passed over"
                    ));
                }
            }
            role => put(role, Effect::Allow),
        }
    }
    (rules, faults)
}

fn read_subject(value: &serde_json::Value) -> Option<Subject> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (kind, id) = text.split_once(':').unwrap_or(("role", &text));
    Some(match kind {
        "user" => Subject::User(id.parse().ok()?),
        "channel" => Subject::Channel(id.parse().ok()?),
        "role" => Subject::Role(id.parse().ok()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn defaults_are_read_and_what_is_not_understood_is_told() {
        let written = serde_json::json!({
            "Ban": "10",
            "@Moderation": { "allow": ["role:11", "user:5"], "deny": ["channel:7", "server:1"], "maybe": [] },
            "kick": true,
        });
        let (rules, faults) = read_defaults(written.as_object().unwrap());
        let role = |id| Subject::Role(RoleId::new(id).unwrap());
        let whom = Whom {
            user: UserId::new(5).unwrap(),
            roles: &[],
            everyone: None,
            channel: ChannelId::new(1).unwrap(),
            parent: None,
        };
        assert_eq!(rules.say("ban", "Fun", &whom), Ruling::For(vec![role(10)]));
        assert!(matches!(rules.say("warn", "MODERATION", &whom), Ruling::By(rule) if rule.effect == Effect::Allow));
        assert_eq!(rules.rules.len(), 4);
        assert!(rules.concern("ban", "fun") && rules.concern("warn", "MODERATION"));
        assert!(!rules.concern("hello", "fun"));
        assert_eq!(faults.len(), 3, "{faults:?}");
    }

    #[test]
    fn a_category_opens_no_command_that_is_for_others() {
        let whom = Whom {
            user: UserId::new(5).unwrap(),
            roles: &[],
            everyone: RoleId::new(100),
            channel: ChannelId::new(1).unwrap(),
            parent: None,
        };
        let role = |id| Subject::Role(RoleId::new(id).unwrap());
        let command = || Target::Command("ban".into());
        let category = || Target::Category("moderation".into());
        let said = |target, subject, effect, of_category| {
            let mut rules = ServerRules::default();
            for (target, subject, effect) in [(target, subject, effect), (category(), role(100), of_category)] {
                rules.put(Rule {
                    target,
                    subject,
                    effect,
                });
            }
            rules.say("ban", "Moderation", &whom)
        };
        let others = role(10);
        assert_eq!(
            said(command(), others, Effect::Allow, Effect::Allow),
            Ruling::For(vec![others])
        );
        let refused = said(command(), others, Effect::Allow, Effect::Deny);
        assert!(matches!(refused, Ruling::By(rule) if rule.effect == Effect::Deny));
        let allowed = said(command(), others, Effect::Deny, Effect::Allow);
        assert!(matches!(allowed, Ruling::By(rule) if rule.effect == Effect::Allow));
        let elsewhere = said(Target::Command("kick".into()), others, Effect::Allow, Effect::Allow);
        assert!(matches!(elsewhere, Ruling::By(rule) if rule.effect == Effect::Allow));
    }

    #[test]
    fn rules_are_taken_away_by_subject_or_all() {
        let mut rules = ServerRules::default();
        let target = Target::Command("ban".into());
        for id in 1..4 {
            let subject = Subject::User(UserId::new(id).unwrap());
            for effect in [Effect::Deny, Effect::Allow] {
                rules.put(Rule {
                    target: target.clone(),
                    subject,
                    effect,
                });
            }
        }
        assert_eq!(rules.rules.len(), 3, "one a subject, the latest");
        assert_eq!(rules.clear(&target, Some(Subject::User(UserId::new(1).unwrap()))), 1);
        assert_eq!(rules.clear(&Target::Category("ban".into()), None), 0);
        assert_eq!(rules.clear(&target, None), 2);
        assert!(rules.is_empty());
    }
}
