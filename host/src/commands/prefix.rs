//! Whether a message is a command: the prefix, or a mention of the bot, or nothing at all in direct messages.
//!
//! Pure, and asked of every message that somebody writes: an ordinary one costs a comparison of its first bytes and
//! no allocation. What the command is called is the index's matter.

use plugin_protocol::UserId;

/// What a command may begin with at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefixes<'a> {
    /// The prefix, 1 to 5 characters; an empty one never matches.
    pub text: &'a str,
    /// The bot's user, if a mention of it is a prefix here.
    pub mention_of: Option<UserId>,
    /// Whether a message without any prefix is a command, too: in direct messages.
    pub bare: bool,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// Ordinary talk.
    NotACommand,
    /// The mention of the bot and nothing else.
    MentionOnly,
    /// A prefix and something behind it, which may or may not name a command.
    Command {
        /// The prefix as it was written; empty for a bare command.
        prefix: &'a str,
        /// What follows the prefix and any spaces; never empty.
        rest: &'a str,
    },
}

/// Splits a message at its prefix.
#[must_use]
pub fn parse<'a>(content: &'a str, prefixes: &Prefixes<'_>) -> Parsed<'a> {
    if !prefixes.text.is_empty()
        && let Some(rest) = content.strip_prefix(prefixes.text)
    {
        return command(&content[..prefixes.text.len()], rest);
    }
    if let Some(bot) = prefixes.mention_of
        && let Some((prefix, rest)) = split_mention(content, bot)
    {
        if rest.trim_ascii().is_empty() {
            return Parsed::MentionOnly;
        }
        return command(prefix, rest);
    }
    if prefixes.bare {
        return command("", content);
    }
    Parsed::NotACommand
}

fn command<'a>(prefix: &'a str, rest: &'a str) -> Parsed<'a> {
    let rest = rest.trim();
    if rest.is_empty() {
        Parsed::NotACommand
    } else {
        Parsed::Command { prefix, rest }
    }
}

/// Splits `<@ID>` or `<@!ID>` off, if ID is the bot's.
fn split_mention(content: &str, bot: UserId) -> Option<(&str, &str)> {
    let inner = content.strip_prefix("<@")?;
    let inner = inner.strip_prefix('!').unwrap_or(inner);
    let (id, rest) = inner.split_once('>')?;
    let is_bot = id.bytes().all(|byte| byte.is_ascii_digit()) && id.parse() == Ok(bot);
    is_bot.then(|| (&content[..content.len() - rest.len()], rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOT: u64 = 4242;

    fn everywhere(text: &str) -> Prefixes<'_> {
        Prefixes {
            text,
            mention_of: UserId::new(BOT),
            bare: false,
        }
    }

    fn is(prefix: &'static str, rest: &'static str) -> Parsed<'static> {
        Parsed::Command { prefix, rest }
    }

    #[test]
    fn messages_are_split_at_their_prefix() {
        let cases = [
            ("!ping", is("!", "ping")),
            ("! ping  a b ", is("!", "ping  a b")),
            ("!\nping", is("!", "ping")),
            ("!", Parsed::NotACommand),
            ("!   ", Parsed::NotACommand),
            ("!!", is("!", "!")),
            ("", Parsed::NotACommand),
            ("ping", Parsed::NotACommand),
            (" !ping", Parsed::NotACommand),
            ("<@4242> ping", is("<@4242>", "ping")),
            ("<@!4242>ping x", is("<@!4242>", "ping x")),
            ("<@4242>", Parsed::MentionOnly),
            ("<@!4242>  \n", Parsed::MentionOnly),
            ("<@4243> ping", Parsed::NotACommand),
            ("<@+4242> ping", Parsed::NotACommand),
            ("<@&4242> ping", Parsed::NotACommand),
            ("<@4242 ping", Parsed::NotACommand),
            ("hey <@4242>", Parsed::NotACommand),
        ];
        for (content, parsed) in cases {
            assert_eq!(parse(content, &everywhere("!")), parsed, "{content:?}");
        }
    }

    #[test]
    fn a_long_prefix_keeps_its_case_and_an_empty_one_never_matches() {
        assert_eq!(parse("ok, ping", &everywhere("ok,")), is("ok,", "ping"));
        assert_eq!(parse("OK, ping", &everywhere("ok,")), Parsed::NotACommand);
        assert_eq!(parse("ping", &everywhere("")), Parsed::NotACommand);
    }

    #[test]
    fn a_mention_counts_only_where_it_is_enabled() {
        let prefixes = Prefixes {
            text: "!",
            mention_of: None,
            bare: false,
        };
        assert_eq!(parse("<@4242> ping", &prefixes), Parsed::NotACommand);
        assert_eq!(parse("<@4242>", &prefixes), Parsed::NotACommand);
    }

    #[test]
    fn direct_messages_need_no_prefix_but_may_have_one() {
        let prefixes = Prefixes {
            bare: true,
            ..everywhere("!")
        };
        assert_eq!(parse("ping x", &prefixes), is("", "ping x"));
        assert_eq!(parse("!ping x", &prefixes), is("!", "ping x"));
        assert_eq!(parse("<@4242> ping", &prefixes), is("<@4242>", "ping"));
        assert_eq!(parse("<@4242>", &prefixes), Parsed::MentionOnly);
        assert_eq!(parse("  ", &prefixes), Parsed::NotACommand);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn what_is_split_is_in_the_message(content in "[!<@>0-9 \\PC]{0,40}", text in "\\PC{0,5}", bare: bool) {
            let prefixes = Prefixes { bare, ..everywhere(&text) };
            if let Parsed::Command { prefix, rest } = parse(&content, &prefixes) {
                prop_assert!(content.starts_with(prefix));
                prop_assert!(content.contains(rest));
                prop_assert!(!rest.is_empty() && rest == rest.trim());
                prop_assert!(bare || prefix == text || prefix.starts_with("<@"));
            }
        }

        #[test]
        fn a_prefixed_command_is_always_found(text in "[^\\s<]{1,5}", spaces in " {0,3}", rest in "[a-zäß]{1,9}( [^\\s]{1,5})?") {
            let content = format!("{text}{spaces}{rest}");
            prop_assert_eq!(
                parse(&content, &everywhere(&text)),
                Parsed::Command { prefix: &text, rest: &rest }
            );
        }
    }
}
