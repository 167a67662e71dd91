//! The secrets and addresses: variables of the process, else of `.env`. Never written, never logged.
//!
//! Apart from config.json so that the token has one way in. A missing or malformed variable is told in words that say
//! what to do, and none of them repeats the value.

use std::collections::BTreeMap;

use plugin_protocol::UserId;

use super::{
    Root, Token,
    content::Content,
    error::{Problem, Warning},
};

/// What the environment says, checked.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The bot's token.
    pub token: Token,
    /// The bot's owner, if `BOT_OWNER_ID` names one.
    pub owner_id: Option<UserId>,
    /// Another service's REST address, instead of Discord's.
    pub api: Option<ApiAddress>,
    /// Another service's gateway, instead of Discord's: `ws://` or `wss://`, without a slash or query at its end.
    pub gateway_url: Option<String>,
}

/// The address of a REST service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiAddress {
    /// Host, and port if one was given.
    pub authority: String,
    /// Whether it is spoken to without TLS.
    pub is_plain_http: bool,
}

/// All variables: the process's and the file's.
pub(super) struct Variables<'a> {
    process: &'a dyn Fn(&str) -> Option<String>,
    file: BTreeMap<String, FileValue>,
    /// Files that were probably meant to be `.env`.
    misnamed: Option<&'static str>,
}

struct FileValue {
    raw: String,
    spaced: bool,
}

/// Where a value came from, with it.
struct Found {
    value: String,
    is_quoted: bool,
    is_spaced: bool,
}

impl<'a> Variables<'a> {
    /// Understands what the root's `.env` says, if there is one.
    pub(super) fn understand(
        root: &Root,
        process: &'a dyn Fn(&str) -> Option<String>,
        text: &Content,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let file = match text {
            Content::Text(text) => parse(text, problems),
            Content::Missing => BTreeMap::new(),
            Content::Unreadable(why) => {
                problems.push(Problem::environment(format!(".env {why}")));
                BTreeMap::new()
            }
        };
        let misnamed = [".env.txt", "env.txt", ".env.env", "env"]
            .into_iter()
            .find(|name| file.is_empty() && root.folder().join(name).is_file());
        Self {
            process,
            file,
            misnamed,
        }
    }

    fn find(&self, name: &str) -> Option<Found> {
        if let Some(value) = (self.process)(name).filter(|value| !value.is_empty()) {
            let is_quoted = quoted(&value).is_some();
            return Some(Found {
                value,
                is_quoted,
                is_spaced: false,
            });
        }
        self.file
            .get(name)
            .filter(|value| !value.raw.is_empty())
            .map(|value| Found {
                value: value.raw.clone(),
                is_quoted: quoted(&value.raw).is_some(),
                is_spaced: value.spaced,
            })
    }

    /// Where a variable comes from, in words; `None` if it is not set.
    pub(super) fn origin(&self, name: &str) -> Option<&'static str> {
        if (self.process)(name).is_some_and(|value| !value.is_empty()) {
            return Some("the environment");
        }
        let is_set = self.file.get(name).is_some_and(|value| !value.raw.is_empty());
        is_set.then_some(".env")
    }

    /// A variable for `${NAME}` in a plugin's settings; quotes around a value of the file are not part of it.
    pub(super) fn for_plugin(&self, name: &str) -> Option<String> {
        (self.process)(name).or_else(|| {
            let raw = &self.file.get(name)?.raw;
            Some(quoted(raw).unwrap_or(raw).to_owned())
        })
    }
}

fn quoted(value: &str) -> Option<&str> {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
}

fn parse(text: &str, problems: &mut Vec<Problem>) -> BTreeMap<String, FileValue> {
    let mut values = BTreeMap::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let trimmed = trimmed.strip_prefix("export ").unwrap_or(trimmed);
        let Some((name, value)) = trimmed.split_once('=') else {
            problems.push(Problem::environment(format!(
                ".env, line {}: not of the form NAME=value",
                index + 1
            )));
            continue;
        };
        let value_trimmed = value.trim();
        let spaced = name.ends_with(char::is_whitespace) || (!value_trimmed.is_empty() && value.trim_start() != value);
        values.insert(
            name.trim().to_owned(),
            FileValue {
                raw: value_trimmed.to_owned(),
                spaced,
            },
        );
    }
    values
}

/// The warning where nobody is named.
pub(super) fn owner_missing() -> Warning {
    Warning::new(
        "BOT_OWNER_ID is not set, so that the bot is that account's or team's which made its application at Discord. To let \
         another account use the owner's commands (load, reload, ...) and hear of trouble: in Discord's settings switch on \
         Advanced, Developer Mode, right-click its name, Copy User ID, and write BOT_OWNER_ID=that number into .env",
    )
}

/// Checks the four variables that the host uses.
pub(super) fn resolve(
    root: &Root,
    variables: &Variables<'_>,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Warning>,
) -> Option<Environment> {
    let token = token(root, variables, problems);
    let Others {
        owner_id,
        api,
        gateway_url,
    } = others(variables, problems, warnings);
    Some(Environment {
        token: token?,
        owner_id,
        api,
        gateway_url,
    })
}

/// Checks them where no bot is to run: the token may be missing.
pub(super) fn check(root: &Root, variables: &Variables<'_>, problems: &mut Vec<Problem>, warnings: &mut Vec<Warning>) {
    let mut missing = Vec::new();
    let is_set = variables.origin(super::TOKEN).is_some();
    token(root, variables, if is_set { problems } else { &mut missing });
    warnings.extend(missing.iter().map(|problem| Warning::new(problem.text())));
    others(variables, problems, warnings);
}

/// What the variables beside the token say.
struct Others {
    owner_id: Option<UserId>,
    api: Option<ApiAddress>,
    gateway_url: Option<String>,
}

fn others(variables: &Variables<'_>, problems: &mut Vec<Problem>, warnings: &mut Vec<Warning>) -> Others {
    let owner_id = owner(variables, problems);
    let api = variables
        .find("DISCORD_API_URL")
        .and_then(|found| report(problems, "DISCORD_API_URL", &found, api_address));
    let gateway_url = variables
        .find("DISCORD_GATEWAY_URL")
        .and_then(|found| report(problems, "DISCORD_GATEWAY_URL", &found, gateway_url));
    if api.is_some() != gateway_url.is_some() {
        warnings.push(Warning::new(
            "only one of DISCORD_API_URL and DISCORD_GATEWAY_URL is set: the other half of the traffic goes to Discord \
             itself",
        ));
    }
    Others {
        owner_id,
        api,
        gateway_url,
    }
}

fn report<T>(
    problems: &mut Vec<Problem>,
    name: &str,
    found: &Found,
    parse: fn(&str) -> Result<T, String>,
) -> Option<T> {
    let fault = if found.is_quoted {
        "stands in quotes: remove them".to_owned()
    } else if found.is_spaced {
        "has spaces around its equals sign: remove them".to_owned()
    } else {
        match parse(&found.value) {
            Ok(value) => return Some(value),
            Err(fault) => fault,
        }
    };
    problems.push(Problem::environment(format!("{name} {fault}")));
    None
}

fn token(root: &Root, variables: &Variables<'_>, problems: &mut Vec<Problem>) -> Option<Token> {
    if let Some(found) = variables.find("DISCORD_TOKEN") {
        return report(problems, "DISCORD_TOKEN", &found, |value| {
            value.parse().map_err(|fault: super::TokenFault| fault.to_string())
        });
    }
    let hint = match variables.misnamed {
        Some(name) => format!(
            "{name} lies there, perhaps the file with it: rename it to .env exactly (Windows hides endings: switch on \
             View, File name extensions)"
        ),
        None if variables.file.contains_key("DISCORD_TOKEN") => {
            "its line in .env is empty: write the token behind the equals sign".to_owned()
        }
        None if root.env_file().exists() => "add the line DISCORD_TOKEN=your token to .env".to_owned(),
        None => "copy .env.example to .env and write the token into it".to_owned(),
    };
    problems.push(Problem::environment(format!(
        "DISCORD_TOKEN is missing: {hint}. The token is at https://discord.com/developers/applications, your \
         application, Bot, Reset Token"
    )));
    None
}

fn owner(variables: &Variables<'_>, problems: &mut Vec<Problem>) -> Option<UserId> {
    let found = variables.find("BOT_OWNER_ID")?;
    report(problems, "BOT_OWNER_ID", &found, |value| {
        value.parse().map_err(|_| {
            "is no user id: it is a number of 17 to 20 digits (in Discord's settings switch on Advanced, Developer \
             Mode, then right-click your name, Copy User ID), not a name"
                .to_owned()
        })
    })
}

fn api_address(value: &str) -> Result<ApiAddress, String> {
    let (authority, is_plain_http) = if let Some(rest) = value.strip_prefix("http://") {
        (rest, true)
    } else if let Some(rest) = value.strip_prefix("https://") {
        (rest, false)
    } else {
        return Err("must begin with http:// or https://, such as http://127.0.0.1:7800".to_owned());
    };
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    check_authority(authority)?;
    Ok(ApiAddress {
        authority: authority.to_owned(),
        is_plain_http,
    })
}

fn gateway_url(value: &str) -> Result<String, String> {
    let value = value.strip_suffix('/').unwrap_or(value);
    let authority = value
        .strip_prefix("ws://")
        .or_else(|| value.strip_prefix("wss://"))
        .ok_or("must begin with ws:// or wss://, such as ws://127.0.0.1:7800")?;
    check_authority(authority)?;
    Ok(value.to_owned())
}

fn check_authority(authority: &str) -> Result<(), String> {
    match authority.parse::<http::uri::Authority>() {
        Ok(parsed) if !authority.contains('@') && !parsed.host().is_empty() => Ok(()),
        _ => Err("must be an address with host and port and nothing behind it, such as 127.0.0.1:7800".to_owned()),
    }
}
