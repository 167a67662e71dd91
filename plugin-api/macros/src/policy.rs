//! The options of `#[command(..)]` that say whom it is for, how often it may be used, and what people see of it.
//!
//! Read and checked here, where they stand; the names of permissions are checked by the compiler, which knows them all.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Error, Ident, LitInt, LitStr, Result, Token,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
};

use crate::{
    function::{check_length, check_name},
    localization::Localized,
};

/// What these options are, for whoever misspells one.
pub(crate) const KNOWN: &str = "`category = \"..\"`, `hidden`, `requires(BAN_MEMBERS)`, `bot_requires(..)`, `both_require(..)`, `open`, \
     `guild_only`, `dm_only`, `guild_owner_only`, `nsfw`, `cooldown(3, per = \"10s\", bucket = \"user\")`, `max_concurrency(1, bucket = \
     \"guild\")`, `defer = \"ephemeral\"`, `examples(\"..\")`, `priority = 10`, `delete_invocation`, `typing`, \
     `name_localized(\"de\", \"..\")` and `description_localized(\"de\", \"..\")`";

/// A cooldown lasts at most as long as its uses are remembered.
const LONGEST_COOLDOWN_MS: u64 = 30 * 86_400_000;

/// The options.
#[derive(Default)]
pub(crate) struct Policy {
    category: Option<LitStr>,
    hidden: bool,
    guild_owner_only: Option<Ident>,
    requires: Vec<Ident>,
    bot_requires: Vec<Ident>,
    open: Option<Ident>,
    guild_only: Option<Ident>,
    dm_only: Option<Ident>,
    nsfw: bool,
    cooldown: Option<Cooldown>,
    max_concurrency: Option<(u32, &'static str)>,
    defer: Option<(Ident, &'static str)>,
    examples: Vec<LitStr>,
    priority: Option<(Ident, i32)>,
    delete_invocation: Option<Ident>,
    typing: Option<Ident>,
    localized: Localized,
}

/// How often.
enum Cooldown {
    None,
    Of {
        uses: u32,
        per_ms: u64,
        bucket: &'static str,
    },
}

/// By which ways a command is used.
#[derive(Clone, Copy)]
pub(crate) struct Doors {
    pub(crate) prefix: bool,
    pub(crate) slash: bool,
    pub(crate) menus: bool,
}

impl Policy {
    /// Reads an option's value; false if it is none of these.
    pub(crate) fn apply(&mut self, option: &Ident, input: ParseStream<'_>) -> Result<bool> {
        match option.to_string().as_str() {
            "category" => self.category = Some(text_of(input, "the category of a command", 100)?),
            "hidden" => self.hidden = true,
            "requires" => self.requires.extend(permissions(input)?),
            "bot_requires" => self.bot_requires.extend(permissions(input)?),
            "both_require" => {
                let both = permissions(input)?;
                self.requires.extend(both.iter().cloned());
                self.bot_requires.extend(both);
            }
            "open" => self.open = Some(option.clone()),
            "guild_only" => self.guild_only = Some(option.clone()),
            "dm_only" => self.dm_only = Some(option.clone()),
            "guild_owner_only" => self.guild_owner_only = Some(option.clone()),
            "nsfw" => self.nsfw = true,
            "cooldown" => self.cooldown = Some(cooldown(option, input)?),
            "max_concurrency" => self.max_concurrency = Some(concurrency(option, input)?),
            "defer" => {
                input.parse::<Token![=]>()?;
                let modes = [("public", "Public"), ("ephemeral", "Ephemeral"), ("never", "Never")];
                self.defer = Some((option.clone(), one_of(input, &modes)?));
            }
            "examples" => {
                self.examples = within::<LitStr>(input)?;
                for example in &self.examples {
                    check_length("an example", &example.value(), 200, example.span())?;
                }
            }
            "priority" => {
                input.parse::<Token![=]>()?;
                let minus: Option<Token![-]> = input.parse()?;
                let number: i32 = input.parse::<LitInt>()?.base10_parse()?;
                self.priority = Some((option.clone(), if minus.is_some() { -number } else { number }));
            }
            "delete_invocation" => self.delete_invocation = Some(option.clone()),
            "typing" => self.typing = Some(option.clone()),
            "name_localized" => {
                let list = within(input)?;
                let name = self.localized.names.add("name_localized", option.span(), list)?;
                check_name("the name of a command", &name.value(), name.span())?;
            }
            "description_localized" => {
                let list = within(input)?;
                let text = self
                    .localized
                    .descriptions
                    .add("description_localized", option.span(), list)?;
                check_length("the description of a command", &text.value(), 100, text.span())?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Refuses options that say nothing together, or nothing by the doors that the command has.
    pub(crate) fn check(&self, doors: Doors, owner_only: bool) -> Result<()> {
        let Doors { prefix, slash, menus } = doors;
        let refused = |at: &Ident, text: &str| Err(Error::new(at.span(), text));
        if let (Some(_), Some(dm_only)) = (&self.guild_only, &self.dm_only) {
            return refused(dm_only, "a command can't be both `guild_only` and `dm_only`");
        }
        if let (Some(dm_only), Some(first)) = (&self.dm_only, self.requires.iter().chain(&self.bot_requires).next()) {
            let text = format!("there are no permissions in direct messages: leave out `{dm_only}` or `{first}`");
            return refused(first, &text);
        }
        if let Some(owner) = &self.guild_owner_only
            && (owner_only || self.dm_only.is_some() || !self.requires.is_empty())
        {
            let text = "`guild_owner_only` says it all: no `owner_only`, no `requires(..)`, no `dm_only` beside it";
            return refused(owner, text);
        }
        if let Some(open) = &self.open
            && self.requires.is_empty()
        {
            return refused(
                open,
                "`open` is for a command that `requires(..)` something: this one is open already",
            );
        }
        if let (Some(open), true) = (&self.open, owner_only) {
            return refused(open, "an owner's command is never open");
        }
        if let (Some(dm_only), true, true) = (&self.dm_only, owner_only, slash || menus) {
            let text = "owners' slash commands are in their servers only: leave out `slash` and menus, or `dm_only`";
            return refused(dm_only, text);
        }
        if !slash && !menus {
            let of_slash = [
                self.open.as_ref(),
                self.defer.as_ref().map(|(option, _)| option),
                self.priority.as_ref().map(|(option, _)| option),
            ];
            if let Some(option) = of_slash.into_iter().flatten().next() {
                return refused(
                    option,
                    &format!("`{option}` says nothing of a command that is no slash command"),
                );
            }
        }
        let Localized { names, descriptions } = &self.localized;
        if let Some(locale) = names.first().or(descriptions.first()).filter(|_| !slash) {
            let text = "only slash commands have names and descriptions in other languages";
            return Err(Error::new(locale.span(), text));
        }
        if !prefix {
            let of_prefix = [&self.delete_invocation, &self.typing];
            if let Some(option) = of_prefix.into_iter().flatten().next() {
                return refused(
                    option,
                    &format!("`{option}` says nothing of a command that can't be used by message"),
                );
            }
        }
        Ok(())
    }

    /// The `PolicyDef`.
    pub(crate) fn definition(&self) -> TokenStream {
        let category = optional(self.category.as_ref().map(|category| quote!(#category)));
        let contexts = match (
            self.guild_only.as_ref().or(self.guild_owner_only.as_ref()),
            &self.dm_only,
        ) {
            (Some(_), _) => quote!(Guild),
            (_, Some(_)) => quote!(DirectMessages),
            _ => quote!(Everywhere),
        };
        let cooldown = match &self.cooldown {
            None => quote!(Default),
            Some(Cooldown::None) => quote!(None),
            Some(Cooldown::Of { uses, per_ms, bucket }) => {
                let bucket = bucket_path(bucket);
                quote!(Of(::plugin_api::__private::Cooldown { uses: #uses, per_ms: #per_ms, bucket: #bucket }))
            }
        };
        let concurrency = optional(self.max_concurrency.map(|(most, bucket)| {
            let bucket = bucket_path(bucket);
            quote!(::plugin_api::__private::Concurrency { most: #most, bucket: #bucket })
        }));
        let defer = Ident::new(
            self.defer.as_ref().map_or("Public", |(_, mode)| mode),
            Span::call_site(),
        );
        let (requires, bot_requires) = (sum(&self.requires), sum(&self.bot_requires));
        let priority = self.priority.as_ref().map_or(0, |(_, priority)| *priority);
        let (hidden, open, nsfw) = (self.hidden, self.open.is_some(), self.nsfw);
        let guild_owner_only = self.guild_owner_only.is_some();
        let (delete_invocation, typing) = (self.delete_invocation.is_some(), self.typing.is_some());
        let examples = &self.examples;
        let (names, descriptions) = (self.localized.names.pairs(), self.localized.descriptions.pairs());
        quote! {
            ::plugin_api::__private::PolicyDef {
                category: #category,
                hidden: #hidden,
                guild_owner_only: #guild_owner_only,
                requires: #requires,
                bot_requires: #bot_requires,
                open: #open,
                contexts: ::plugin_api::__private::Contexts::#contexts,
                nsfw: #nsfw,
                cooldown: ::plugin_api::__private::CooldownRule::#cooldown,
                max_concurrency: #concurrency,
                defer: ::plugin_api::__private::Defer::#defer,
                examples: &[#(#examples),*],
                slash_priority: #priority,
                delete_invocation: #delete_invocation,
                typing: #typing,
                name_localizations: #names,
                description_localizations: #descriptions,
            }
        }
    }
}

pub(crate) fn optional(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

fn bucket_path(bucket: &str) -> TokenStream {
    let bucket = Ident::new(bucket, Span::call_site());
    quote!(::plugin_api::__private::Bucket::#bucket)
}

/// The permissions together; a name that is none is shown by the compiler, where it stands.
pub(crate) fn sum(permissions: &[Ident]) -> TokenStream {
    let each = permissions
        .iter()
        .map(|name| quote_spanned!(name.span()=> .with(::plugin_api::Permissions::#name)));
    quote!(::plugin_api::Permissions::NONE #(#each)*)
}

/// What stands between parentheses.
pub(crate) fn within<T: Parse>(input: ParseStream<'_>) -> Result<Vec<T>> {
    let list;
    parenthesized!(list in input);
    Ok(Punctuated::<T, Token![,]>::parse_terminated(&list)?
        .into_iter()
        .collect())
}

pub(crate) fn permissions(input: ParseStream<'_>) -> Result<Vec<Ident>> {
    let names: Vec<Ident> = within(input)?;
    let fits = |name: &str| name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_');
    match names.iter().find(|name| !fits(&name.to_string())) {
        Some(other) => {
            let text = format!("`{other}` is no permission: they have Discord's names, such as `BAN_MEMBERS`");
            Err(Error::new(other.span(), text))
        }
        None => Ok(names),
    }
}

fn text_of(input: ParseStream<'_>, what: &str, most: usize) -> Result<LitStr> {
    input.parse::<Token![=]>()?;
    let text: LitStr = input.parse()?;
    check_length(what, text.value().trim(), most, text.span())?;
    Ok(text)
}

/// One of several words, as a word or as a text.
fn one_of(input: ParseStream<'_>, words: &[(&str, &'static str)]) -> Result<&'static str> {
    let (word, span) = if input.peek(LitStr) {
        let text: LitStr = input.parse()?;
        (text.value(), text.span())
    } else {
        let word = input.call(Ident::parse_any)?;
        (word.to_string(), word.span())
    };
    let found = words.iter().find(|(known, _)| *known == word);
    found.map(|(_, meant)| *meant).ok_or_else(|| {
        let known: Vec<_> = words.iter().map(|(known, _)| format!("\"{known}\"")).collect();
        Error::new(span, format!("`{word}` is none of {}", known.join(", ")))
    })
}

const BUCKETS: [(&str, &str); 5] = [
    ("user", "User"),
    ("guild", "Guild"),
    ("channel", "Channel"),
    ("member", "Member"),
    ("global", "Global"),
];

/// A count that is not zero.
fn count(input: ParseStream<'_>) -> Result<u32> {
    let number: LitInt = input.parse()?;
    let count = number.base10_parse()?;
    if count == 0 {
        return Err(Error::new(number.span(), "at least 1"));
    }
    Ok(count)
}

/// `(none)`, `(3, per = "10s", bucket = "user")` or, shorter, `(3, "10s", user)`.
fn cooldown(option: &Ident, input: ParseStream<'_>) -> Result<Cooldown> {
    let list;
    parenthesized!(list in input);
    if list.peek(Ident) {
        let word = list.call(Ident::parse_any)?;
        return if word == "none" && list.is_empty() {
            Ok(Cooldown::None)
        } else {
            Err(Error::new(
                word.span(),
                "write `cooldown(none)` or `cooldown(3, per = \"10s\")`",
            ))
        };
    }
    let uses = count(&list)?;
    let (mut per, mut bucket) = (None, None);
    while !list.is_empty() {
        list.parse::<Token![,]>()?;
        if list.is_empty() {
            break;
        }
        let key = named(&list)?;
        let key = key.as_deref().unwrap_or(if per.is_none() { "per" } else { "bucket" });
        match key {
            "per" => {
                let text: LitStr = list.parse()?;
                let wants = "write a time of up to 30 days, such as \"500ms\", \"10s\", \"1h30m\" or \"1d\"";
                let fits = |&ms: &u64| (1..=LONGEST_COOLDOWN_MS).contains(&ms);
                let ms = milliseconds(&text.value()).filter(fits);
                per = Some(ms.ok_or_else(|| Error::new(text.span(), wants))?);
            }
            "bucket" => bucket = Some(one_of(&list, &BUCKETS)?),
            other => return Err(Error::new(list.span(), format!("`{other}` is none of `per`, `bucket`"))),
        }
    }
    let per_ms = per.ok_or_else(|| Error::new(option.span(), "a cooldown needs its time: `per = \"10s\"`"))?;
    let bucket = bucket.unwrap_or("User");
    Ok(Cooldown::Of { uses, per_ms, bucket })
}

/// `(1)`, `(1, bucket = "guild")` or, shorter, `(1, guild)`.
fn concurrency(_option: &Ident, input: ParseStream<'_>) -> Result<(u32, &'static str)> {
    let list;
    parenthesized!(list in input);
    let most = count(&list)?;
    let mut bucket = "User";
    if !list.is_empty() {
        list.parse::<Token![,]>()?;
    }
    if !list.is_empty() {
        if let Some(other) = named(&list)?.filter(|key| key != "bucket") {
            return Err(Error::new(
                list.span(),
                format!("`{other}` is no part of a limit: `bucket` is"),
            ));
        }
        bucket = one_of(&list, &BUCKETS)?;
        let _: Option<Token![,]> = list.parse()?;
    }
    Ok((most, bucket))
}

/// The key of `key = value`, if there is one.
fn named(input: ParseStream<'_>) -> Result<Option<String>> {
    if !(input.peek(Ident) && input.peek2(Token![=])) {
        return Ok(None);
    }
    let key: Ident = input.parse()?;
    input.parse::<Token![=]>()?;
    Ok(Some(key.to_string()))
}

/// A time such as `1h30m`, in milliseconds.
pub(crate) fn milliseconds(text: &str) -> Option<u64> {
    let (mut total, mut rest) = (0_u64, text.trim());
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len());
        let factor = match rest[..letters].trim() {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(factor)?)?;
        rest = &rest[letters..];
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn times() {
        let cases = [
            ("10s", Some(10_000)),
            ("1h30m", Some(5_400_000)),
            ("1m 500ms", Some(60_500)),
            ("2d", Some(172_800_000)),
            ("10", None),
            ("s", None),
            ("", None),
            ("5 weeks", None),
            ("99999999999999999999d", None),
        ];
        for (text, expected) in cases {
            assert_eq!(milliseconds(text), expected, "{text}");
        }
    }
}
