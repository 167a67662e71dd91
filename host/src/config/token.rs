//! The bot's token: a type of its own, so that no log line, no Debug and no error text can show it.
//!
//! Its form is checked before the first connection. Only the gateway and the REST client take the text out.

use std::{error, fmt, str::FromStr};

use base64::{
    Engine,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, GeneralPurposeConfig},
    },
};
use plugin_protocol::UserId;

/// The token by which the bot proves who it is. Debug and Display show `<token>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    text: Box<str>,
    bot_id: UserId,
}

impl Token {
    /// The token itself, for the gateway's IDENTIFY and the `Authorization` header; for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The bot's user id, which the first part of every token holds.
    #[must_use]
    pub const fn bot_id(&self) -> UserId {
        self.bot_id
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<token>")
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<token>")
    }
}

/// Why a text is no token. Its text never repeats what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// It stands in quotes.
    Quoted,
    /// It begins with `Bot `.
    BotPrefix,
    /// It holds spaces or line breaks.
    Spaces,
    /// It is the client secret of the application.
    ClientSecret,
    /// It is the public key of the application.
    PublicKey,
    /// It is the id of the application.
    ApplicationId,
    /// It has not the form of a token.
    Shape,
}

impl fmt::Display for TokenFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quoted => "stands in quotes: remove them",
            Self::BotPrefix => "begins with `Bot `: remove that word and the space, the host adds it",
            Self::Spaces => "has a space or line break in it: copy it once more, without any",
            Self::ClientSecret => {
                "looks like the application's client secret: the token is on the page Bot of the same application, \
                 Reset Token"
            }
            Self::PublicKey => {
                "looks like the application's public key: the token is on the page Bot of the same application, Reset \
                 Token"
            }
            Self::ApplicationId => {
                "is a number, perhaps the application's id: the token is on the page Bot of the same application, \
                 Reset Token"
            }
            Self::Shape => {
                "is no bot token (three parts with dots between them): copy it whole from \
                 https://discord.com/developers/applications, your application, Bot, Reset Token"
            }
        })
    }
}

impl error::Error for TokenFault {}

impl FromStr for Token {
    type Err = TokenFault;

    fn from_str(text: &str) -> Result<Self, TokenFault> {
        let hexadecimal = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let word = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'='))
        };
        if text.starts_with(['"', '\'', '`']) || text.ends_with(['"', '\'', '`']) {
            return Err(TokenFault::Quoted);
        }
        if text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("bot ")) {
            return Err(TokenFault::BotPrefix);
        }
        if text.chars().any(char::is_whitespace) {
            return Err(TokenFault::Spaces);
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(TokenFault::ApplicationId);
        }
        if text.len() == 64 && hexadecimal {
            return Err(TokenFault::PublicKey);
        }
        let parts: Vec<&str> = text.split('.').collect();
        if parts.len() == 1 && text.len() == 32 && word(text) {
            return Err(TokenFault::ClientSecret);
        }
        if parts.len() != 3 || !parts.iter().all(|part| word(part)) {
            return Err(TokenFault::Shape);
        }
        let bot_id = bot_id(parts[0]).ok_or(TokenFault::Shape)?;
        Ok(Self {
            text: text.into(),
            bot_id,
        })
    }
}

/// The id in a token's first part: its digits in base64, with or without padding.
fn bot_id(part: &str) -> Option<UserId> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::URL_SAFE,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let digits = String::from_utf8(LENIENT.decode(part).ok()?).ok()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "MTc1OTI4ODQ3Mjk5MTE3MDYz.Gabcde.abcdefghijklmnopqrstuvwxyz0123456789AB";

    #[test]
    fn a_token_tells_whose_it_is_and_shows_itself_to_nobody() {
        let token: Token = TOKEN.parse().unwrap();
        assert_eq!(token.bot_id(), UserId::new(175_928_847_299_117_063).unwrap());
        assert_eq!(token.expose(), TOKEN);
        for shown in [
            format!("{token:?}"),
            format!("{token}"),
            format!("{token:#?}"),
            format!("{:?}", Some(&token)),
        ] {
            assert!(shown.contains("<token>"), "{shown}");
            assert!(TOKEN.split('.').all(|part| !shown.contains(part)), "{shown}");
        }
    }

    #[test]
    fn what_is_no_token_is_told_apart() {
        for (text, fault) in [
            (format!("\"{TOKEN}\""), TokenFault::Quoted),
            (format!("Bot {TOKEN}"), TokenFault::BotPrefix),
            (TOKEN.replace('.', ". "), TokenFault::Spaces),
            ("a".repeat(32), TokenFault::ClientSecret),
            ("0f".repeat(32), TokenFault::PublicKey),
            ("175928847299117063".to_owned(), TokenFault::ApplicationId),
            ("a.b".to_owned(), TokenFault::Shape),
            ("!!!.b.c".to_owned(), TokenFault::Shape),
            ("YWJj.b.c".to_owned(), TokenFault::Shape),
            ("your-token-here".to_owned(), TokenFault::Shape),
        ] {
            assert_eq!(text.parse::<Token>().unwrap_err(), fault, "{text}");
        }
    }
}
