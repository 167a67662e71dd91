//! Colours, emoji, code and links to messages, as people write them.
//!
//! Pure, and the same by every door: what Discord has no option type for is a text there, too.

use plugin_protocol::{ChannelId, CodeBlock, Emoji, EmojiId, GuildId, MessageLink};

/// Colours by name: those of discord.py, and the plain ones of CSS that it lacks.
const COLOURS: [(&str, u32); 38] = [
    ("teal", 0x1a_bc9c),
    ("dark teal", 0x11_806a),
    ("brand green", 0x57_f287),
    ("green", 0x2e_cc71),
    ("dark green", 0x1f_8b4c),
    ("blue", 0x34_98db),
    ("dark blue", 0x20_6694),
    ("purple", 0x9b_59b6),
    ("dark purple", 0x71_368a),
    ("magenta", 0xe9_1e63),
    ("dark magenta", 0xad_1457),
    ("gold", 0xf1_c40f),
    ("dark gold", 0xc2_7c0e),
    ("orange", 0xe6_7e22),
    ("dark orange", 0xa8_4300),
    ("brand red", 0xed_4245),
    ("red", 0xe7_4c3c),
    ("dark red", 0x99_2d22),
    ("lighter grey", 0x95_a5a6),
    ("dark grey", 0x60_7d8b),
    ("light grey", 0x97_9c9f),
    ("darker grey", 0x54_6e7a),
    ("grey", 0x80_8080),
    ("og blurple", 0x72_89da),
    ("blurple", 0x58_65f2),
    ("greyple", 0x99_aab5),
    ("dark theme", 0x1a_1a1e),
    ("fuchsia", 0xeb_459e),
    ("yellow", 0xfe_e75c),
    ("pink", 0xeb_459f),
    ("white", 0xff_ffff),
    ("black", 0x00_0000),
    ("brown", 0xa5_2a2a),
    ("cyan", 0x00_ffff),
    ("lime", 0x00_ff00),
    ("navy", 0x00_0080),
    ("olive", 0x80_8000),
    ("silver", 0xc0_c0c0),
];

/// A colour: a name, `#rgb`, `#rrggbb`, `0xrrggbb` or `rgb(r, g, b)`.
#[must_use]
pub fn colour(text: &str) -> Option<u32> {
    let text = text.trim().to_lowercase();
    if let Some(numbers) = text.strip_prefix("rgb(").and_then(|rest| rest.strip_suffix(')')) {
        let parts: Vec<u8> = numbers
            .split(',')
            .map(|part| part.trim().parse().ok())
            .collect::<Option<_>>()?;
        let [red, green, blue] = parts.as_slice() else {
            return None;
        };
        return Some(u32::from_be_bytes([0, *red, *green, *blue]));
    }
    let digits = ["0x#", "0x", "#"].iter().find_map(|mark| text.strip_prefix(mark));
    if let Some(digits) = digits.or_else(|| (text.len() == 6).then_some(&*text))
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        return match digits.len() {
            6 => u32::from_str_radix(digits, 16).ok(),
            3 => u32::from_str_radix(&digits.chars().flat_map(|digit| [digit, digit]).collect::<String>(), 16).ok(),
            _ => None,
        };
    }
    let name = text.replace(['_', '-'], " ").replace("gray", "grey");
    COLOURS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, colour)| *colour)
}

/// An emoji: of Unicode, by its short name (`:wave:`), or of a server as Discord writes it (`<:name:id>`, `<a:name:id>`).
#[must_use]
pub fn emoji(text: &str) -> Option<Emoji> {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
        let mut parts = inner.split(':');
        let (kind, name, id) = (parts.next()?, parts.next()?, parts.next()?);
        let is_name = (2..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !matches!(kind, "" | "a") || !is_name || parts.next().is_some() {
            return None;
        }
        return Some(Emoji {
            id: Some(id.parse::<EmojiId>().ok()?),
            name: name.to_owned(),
            animated: kind == "a",
        });
    }
    let short = text.strip_prefix(':').and_then(|rest| rest.strip_suffix(':'));
    // Clients may leave out the sign that asks for a colourful glyph, or add it.
    let plain = text.trim_end_matches('\u{fe0f}');
    let found = match short {
        Some(short) => emojis::get_by_shortcode(short),
        // Digits are the beginning of keycaps, and no emoji by themselves.
        None if text.is_ascii() => None,
        None => emojis::get(text)
            .or_else(|| emojis::get(plain))
            .or_else(|| emojis::get(&format!("{plain}\u{fe0f}"))),
    };
    found.map(|emoji| Emoji {
        id: None,
        name: emoji.as_str().to_owned(),
        animated: false,
    })
}

/// Where a message is: its link, `CHANNEL-MESSAGE` as Discord's clients copy it, or its id alone for one of this channel.
/// Another server's is none, since whoever asks may not be there.
#[must_use]
pub fn message_link(text: &str, guild: Option<GuildId>, channel: Option<ChannelId>) -> Option<MessageLink> {
    let text = text.trim();
    let text = text
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
        .unwrap_or(text);
    let link = |channel_id: &str, message_id: &str| {
        Some(MessageLink {
            guild_id: guild,
            channel_id: channel_id.parse().ok()?,
            message_id: message_id.parse().ok()?,
        })
    };
    if let Some(rest) = text.strip_prefix("https://") {
        let (site, path) = rest.split_once('/')?;
        let is_discord = ["discord.com", "discordapp.com"].iter().any(|known| {
            site == *known
                || site
                    .strip_suffix(known)
                    .is_some_and(|below| matches!(below, "ptb." | "canary." | "www."))
        });
        let mut parts = path.strip_prefix("channels/")?.split('/');
        let (server, channel_id, message_id) = (parts.next()?, parts.next()?, parts.next()?);
        let is_here = match guild {
            Some(guild) => server.parse() == Ok(guild),
            None => server == "@me",
        };
        if !is_discord || !is_here || parts.next().is_some() {
            return None;
        }
        return link(channel_id, message_id);
    }
    let is_id = |text: &str| (15..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('-') {
        Some((channel_id, message_id)) if is_id(channel_id) && is_id(message_id) => link(channel_id, message_id),
        None if is_id(text) => link(&channel?.to_string(), text),
        _ => None,
    }
}

/// The code that a text begins with, and what is behind it: between three backticks, with or without a language, or
/// between single ones; nothing if it begins with neither.
#[must_use]
pub fn code_block(text: &str) -> Option<(CodeBlock, &str)> {
    let text = text.trim_start();
    if let Some(inner) = text.strip_prefix("```") {
        let end = inner.find("```")?;
        let (code, behind) = (&inner[..end], &inner[end + 3..]);
        let is_language = |line: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '#' | '.' | '_');
            !line.is_empty() && line.chars().all(fits)
        };
        let (language, code) = match code.split_once('\n') {
            Some((first, rest)) if is_language(first.trim_end()) => (Some(first.trim_end().to_lowercase()), rest),
            _ => (None, code),
        };
        let code = code.strip_prefix('\n').unwrap_or(code);
        let code = code.strip_suffix('\n').unwrap_or(code).to_owned();
        return Some((CodeBlock { language, code }, behind));
    }
    let inner = text.strip_prefix('`')?;
    let end = inner.find('`')?;
    let code = inner[..end].to_owned();
    Some((CodeBlock { language: None, code }, &inner[end + 1..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn colours() {
        let cases = [
            ("teal", Some(0x1a_bc9c)),
            ("Dark-Teal", Some(0x11_806a)),
            ("dark_gray", Some(0x60_7d8b)),
            ("#1ABC9C", Some(0x1a_bc9c)),
            ("#fff", Some(0xff_ffff)),
            ("0x1abc9c", Some(0x1a_bc9c)),
            ("0x#1abc9c", Some(0x1a_bc9c)),
            ("1abc9c", Some(0x1a_bc9c)),
            ("rgb(26, 188, 156)", Some(0x1a_bc9c)),
            ("rgb(26,188)", None),
            ("rgb(256,0,0)", None),
            ("#12345", None),
            ("#", None),
            ("", None),
            ("octarine", None),
            ("#éé", None),
        ];
        for (text, expected) in cases {
            assert_eq!(colour(text), expected, "{text:?}");
        }
    }

    #[test]
    fn emoji_of_unicode_and_of_servers() {
        let unicode = |name: &str| Some((None, name.to_owned(), false));
        let cases = [
            ("👋", unicode("👋")),
            ("👋🏽", unicode("👋🏽")),
            ("🇩🇪", unicode("🇩🇪")),
            ("👩‍🚀", unicode("👩‍🚀")),
            ("❤", unicode("❤️")),
            ("❤️", unicode("❤️")),
            (":wave:", unicode("👋")),
            (
                "<:pepe:175928847299117063>",
                Some((Some(175_928_847_299_117_063), "pepe".to_owned(), false)),
            ),
            ("<a:Party_1:5>", Some((Some(5), "Party_1".to_owned(), true))),
            ("<:pepe:0>", None),
            ("<b:pepe:5>", None),
            ("<:p:5>", None),
            ("<:pepe:5:6>", None),
            ("👋👋", None),
            (":nothing_like_it:", None),
            ("a", None),
            ("1", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let found = emoji(text).map(|emoji| (emoji.id.map(EmojiId::get), emoji.name, emoji.animated));
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn links_to_messages_of_this_server_only() {
        let (guild, channel) = (GuildId::new(1), ChannelId::new(20));
        let cases = [
            ("https://discord.com/channels/1/2/3", Some((2, 3))),
            ("<https://ptb.discord.com/channels/1/2/3>", Some((2, 3))),
            ("https://discordapp.com/channels/1/2/3", Some((2, 3))),
            (
                "100000000000000002-100000000000000003",
                Some((100_000_000_000_000_002, 100_000_000_000_000_003)),
            ),
            ("100000000000000003", Some((20, 100_000_000_000_000_003))),
            ("https://discord.com/channels/9/2/3", None),
            ("https://discord.com/channels/@me/2/3", None),
            ("https://discord.com.evil.example/channels/1/2/3", None),
            ("https://evildiscord.com/channels/1/2/3", None),
            ("https://discord.com/channels/1/2", None),
            ("https://discord.com/channels/1/2/3/4", None),
            ("https://discord.com/channels/1/2/0", None),
            ("3", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let found = message_link(text, guild, channel).map(|link| (link.channel_id.get(), link.message_id.get()));
            assert_eq!(found, expected, "{text:?}");
        }
        assert!(message_link("https://discord.com/channels/@me/2/3", None, channel).is_some());
        assert!(message_link("https://discord.com/channels/1/2/3", None, channel).is_none());
    }

    #[test]
    fn code_with_and_without_a_language() {
        let cases = [
            ("```rust\nfn a() {}\n``` x", Some((Some("rust"), "fn a() {}", " x"))),
            ("```\na\nb```", Some((None, "a\nb", ""))),
            ("```a b```", Some((None, "a b", ""))),
            ("```one two\nthree```", Some((None, "one two\nthree", ""))),
            ("```C++\r\nx```", Some((Some("c++"), "x", ""))),
            ("`a` b", Some((None, "a", " b"))),
            ("``````", Some((None, "", ""))),
            ("```rust", None),
            ("`a", None),
            ("a `b`", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let found = code_block(text);
            let found = found
                .as_ref()
                .map(|(block, behind)| (block.language.as_deref(), block.code.as_str(), *behind));
            assert_eq!(found, expected, "{text:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn any_text_ends(text in "[`#<:>0-9a-f\\n-]{0,40}|\\PC{0,40}") {
            let _ = (colour(&text), emoji(&text), code_block(&text));
            let _ = message_link(&text, GuildId::new(1), ChannelId::new(2));
        }

        #[test]
        fn a_colour_that_is_written_is_read(number in 0_u32..=0xff_ffff) {
            prop_assert_eq!(colour(&format!("#{number:06x}")), Some(number));
        }
    }
}
