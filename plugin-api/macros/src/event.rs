//! `#[event]`: a function becomes a handler of a gateway event.
//!
//! It puts a constant beside the function for `plugin!` to find; the event's type, or a text, says which event it is.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Error, ItemFn, LitStr, Result, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream},
    spanned::Spanned,
};

use crate::{
    event_names::{is_known, nearest},
    function::{allow, beside, check, comma, context_type, parameters, unraw},
    policy::optional,
};

/// What stands in the brackets.
#[derive(Default)]
pub(crate) struct Options {
    name: Option<LitStr>,
    unlisted: bool,
    filter: Filter,
    one_at_a_time: Option<Ident>,
}

/// Which events of that name are wanted; `None` is all the same.
#[derive(Default)]
struct Filter {
    guild: Option<bool>,
    bot: Option<bool>,
}

impl Parse for Filter {
    /// `guild && !bot`.
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut filter = Self::default();
        loop {
            let negated = input.parse::<Option<Token![!]>>()?.is_some();
            let word = input.call(Ident::parse_any)?;
            let wanted = match word.to_string().as_str() {
                "guild" => &mut filter.guild,
                "bot" => &mut filter.bot,
                other => {
                    let text = format!("`{other}` is nothing to filter by: `guild`, `!guild`, `bot` and `!bot` are");
                    return Err(Error::new(word.span(), text));
                }
            };
            if wanted.replace(!negated).is_some() {
                return Err(Error::new(word.span(), format!("`{word}` is said twice")));
            }
            if input.peek(Token![||]) {
                let text = "a filter has no `||`: write a handler for each";
                return Err(Error::new(input.span(), text));
            }
            if input.parse::<Option<Token![&&]>>()?.is_none() {
                return Ok(filter);
            }
        }
    }
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        let known = "an event's \"NAME\", `unlisted`, `filter = guild && !bot` and `one_at_a_time = channel` are";
        while !input.is_empty() {
            if input.peek(LitStr) {
                let name: LitStr = input.parse()?;
                let text = name.value();
                if text.is_empty() || !text.chars().all(|letter| letter == '_' || letter.is_ascii_uppercase()) {
                    return Err(Error::new(
                        name.span(),
                        "Discord's events have names such as \"MESSAGE_CREATE\"",
                    ));
                }
                options.name = Some(name);
            } else {
                let option = input.call(Ident::parse_any)?;
                match option.to_string().as_str() {
                    "unlisted" => options.unlisted = true,
                    "filter" => {
                        input.parse::<Token![=]>()?;
                        options.filter = input.parse()?;
                    }
                    "one_at_a_time" => {
                        input.parse::<Token![=]>()?;
                        options.one_at_a_time = Some(turn(input)?);
                    }
                    other => {
                        let text = format!("`{other}` is no option of an event's handler: {known}");
                        return Err(Error::new(option.span(), text));
                    }
                }
            }
            comma(input)?;
        }
        if let Some(name) = &options.name
            && !options.unlisted
            && !is_known(&name.value())
        {
            let (wrong, right) = (name.value(), nearest(&name.value()));
            let text = format!(
                "no event of Discord's is known as {wrong}: is it {right}? One that is newer than plugin-api is written \
                 `#[event(\"{wrong}\", unlisted)]`"
            );
            return Err(Error::new(name.span(), text));
        }
        Ok(options)
    }
}

/// By what events take turns: the variant of `TurnBy`.
fn turn(input: ParseStream<'_>) -> Result<Ident> {
    let by = input.call(Ident::parse_any)?;
    let variant = match by.to_string().as_str() {
        "message" => "Message",
        "user" => "User",
        "channel" => "Channel",
        "guild" => "Guild",
        other => {
            let text =
                format!("events don't take turns by `{other}`: by `message`, `user`, `channel` or `guild` they do");
            return Err(Error::new(by.span(), text));
        }
    };
    Ok(Ident::new(variant, by.span()))
}

pub(crate) fn expand(options: &Options, mut function: ItemFn) -> Result<TokenStream> {
    check(&function, "a handler of an event")?;
    let ident = function.sig.ident.clone();
    let context = context_type(&mut function, "ctx: EventCtx<State>")?;
    let types: Vec<_> = parameters(&mut function)
        .skip(1)
        .map(|parameter| (*parameter.ty).clone())
        .collect();
    let [ty] = &types[..] else {
        let text = "a handler of an event has two parameters: the context and the event, such as `MessageCreate`";
        return Err(Error::new(ident.span(), text));
    };

    let (name, intents) = match &options.name {
        Some(name) => (quote!(#name), quote!(::plugin_api::__private::intents(#name))),
        None => (
            quote_spanned!(ty.span()=> <#ty as ::plugin_api::__private::GatewayEvent>::NAME),
            quote_spanned!(ty.span()=> <#ty as ::plugin_api::__private::GatewayEvent>::INTENTS),
        ),
    };
    let handler = unraw(&ident);
    let (visibility, beside, allow) = (&function.vis, beside("event", &ident), allow());
    let Filter { guild, bot } = options.filter;
    let (guild_only, direct_only) = (guild == Some(true), guild == Some(false));
    let (bots_only, ignore_bots) = (bot == Some(true), bot == Some(false));
    let turn = optional(
        options
            .one_at_a_time
            .as_ref()
            .map(|by| quote!(::plugin_api::__private::TurnBy::#by)),
    );
    Ok(quote! {
        #allow
        #function

        #[doc(hidden)]
        #[allow(non_upper_case_globals, private_interfaces, missing_docs)]
        #visibility const #beside: ::plugin_api::__private::EventDef<
            <#context as ::plugin_api::__private::Context>::State,
        > = ::plugin_api::__private::EventDef {
            name: #name,
            handler: #handler,
            intents: #intents,
            guild_only: #guild_only,
            ignore_bots: #ignore_bots,
            direct_only: #direct_only,
            bots_only: #bots_only,
            one_at_a_time: #turn,
            run: |ctx| ::std::boxed::Box::pin(async move {
                let event: #ty = ctx.read()?;
                #ident(ctx, event).await
            }),
        };
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_discord_does_not_have_are_refused_with_the_nearest() {
        let error = |options: &str| syn::parse_str::<Options>(options).err().map(|error| error.to_string());
        assert_eq!(
            error("\"MESSAGE_CREATE\", filter = guild && !bot, one_at_a_time = user"),
            None
        );
        assert_eq!(error("unlisted, \"SOMETHING_NEW\""), None);
        let misspelt = error("\"MEMBER_ADD\", filter = !bot").expect("an error");
        assert!(misspelt.contains("is it GUILD_MEMBER_ADD?"), "{misspelt}");
        for (options, expected) in [
            ("bot", "`bot` is no option"),
            ("filter = webhook", "`webhook` is nothing to filter by"),
            ("filter = guild && !guild", "`guild` is said twice"),
            ("filter = guild || bot", "has no `||`"),
            ("one_at_a_time = role", "don't take turns by `role`"),
        ] {
            let text = error(options).expect(options);
            assert!(text.contains(expected), "{options}: {text}");
        }
    }
}
