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
    function::{allow, beside, check, comma, context_type, parameters},
};

/// What stands in the brackets.
#[derive(Default)]
pub(crate) struct Options {
    name: Option<LitStr>,
    unlisted: bool,
    guild_only: bool,
    ignore_bots: bool,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        let known = "an event's \"NAME\", `unlisted`, `guild` and `!bot` are";
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
                let negated = input.parse::<Option<Token![!]>>()?.is_some();
                let option = input.call(Ident::parse_any)?;
                match (negated, option.to_string().as_str()) {
                    (false, "unlisted") => options.unlisted = true,
                    (false, "guild") => options.guild_only = true,
                    (true, "bot") => options.ignore_bots = true,
                    (_, other) => {
                        let bang = if negated { "!" } else { "" };
                        let text = format!("`{bang}{other}` is no option of an event's handler: {known}");
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
    let (visibility, beside, allow) = (&function.vis, beside("event", &ident), allow());
    let Options {
        guild_only,
        ignore_bots,
        ..
    } = options;
    Ok(quote! {
        #allow
        #function

        #[doc(hidden)]
        #[allow(non_upper_case_globals, private_interfaces, missing_docs)]
        #visibility const #beside: ::plugin_api::__private::EventDef<
            <#context as ::plugin_api::__private::Context>::State,
        > = ::plugin_api::__private::EventDef {
            name: #name,
            intents: #intents,
            guild_only: #guild_only,
            ignore_bots: #ignore_bots,
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
        assert_eq!(error("\"MESSAGE_CREATE\", guild"), None);
        assert_eq!(error("unlisted, \"SOMETHING_NEW\""), None);
        let misspelt = error("\"MEMBER_ADD\", !bot").expect("an error");
        assert!(misspelt.contains("is it GUILD_MEMBER_ADD?"), "{misspelt}");
        let option = error("bot").expect("an error");
        assert!(option.contains("`bot` is no option"), "{option}");
    }
}
