//! `#[hook]`: a function becomes a callback of a hook's event.
//!
//! It puts a constant beside the function for `plugin!` to find. Events of the host's own have types of their own, which the
//! compiler checks; what another plugin emits is read into whatever type the callback takes.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Error, Expr, ItemFn, LitStr, Result, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream},
    spanned::Spanned,
};

use crate::{
    event_names::nearest_of,
    function::{allow, beside, check, comma, context_type, parameters, unraw},
    plugin::is_plugin_name,
};

/// The host's events, and the names of their types.
const EVENTS: &[(&str, &str)] = &[
    ("bot_ready", "BotReady"),
    ("guild_joined", "GuildJoined"),
    ("guild_left", "GuildLeft"),
    ("command_executed", "CommandExecuted"),
    ("command_error", "CommandError"),
    ("extension_loaded", "ExtensionLoaded"),
    ("extension_unloaded", "ExtensionUnloaded"),
    ("extension_reloaded", "ExtensionReloaded"),
    ("extension_refused", "ExtensionRefused"),
    ("before_command", "BeforeCommand"),
    ("shutdown", "Shutdown"),
];

/// What stands in the brackets.
#[derive(Default)]
pub(crate) struct Options {
    event: Option<LitStr>,
    priority: Option<Expr>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        while !input.is_empty() {
            if input.peek(LitStr) {
                let event: LitStr = input.parse()?;
                check_event(&event.value()).map_err(|text| Error::new(event.span(), text))?;
                options.event = Some(event);
            } else {
                let option = input.call(Ident::parse_any)?;
                if option != "priority" {
                    let text = format!(
                        "`{option}` is no option of a hook's callback: the event's \"name\" and `priority = 5` are"
                    );
                    return Err(Error::new(option.span(), text));
                }
                input.parse::<Token![=]>()?;
                options.priority = Some(input.parse()?);
            }
            comma(input)?;
        }
        Ok(options)
    }
}

fn check_event(event: &str) -> std::result::Result<(), String> {
    let Some((plugin, name)) = event.split_once('.') else {
        if EVENTS.iter().any(|(known, _)| *known == event) {
            return Ok(());
        }
        let nearest = nearest_of(event, EVENTS.iter().map(|(known, _)| *known));
        return Err(format!(
            "the bot has no event \"{event}\": is it \"{nearest}\"? What a plugin emits is called \"PLUGIN.name\""
        ));
    };
    let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    if !is_plugin_name(plugin) {
        return Err(format!("`{plugin}` is no plugin's name: 1 to 32 of a-z, 0-9, _ and -"));
    }
    if !(1..=64).contains(&name.len()) || !name.bytes().all(fits) {
        return Err(format!("`{name}` is no event's name: 1 to 64 of a-z, 0-9, _ and -"));
    }
    Ok(())
}

pub(crate) fn expand(options: &Options, mut function: ItemFn) -> Result<TokenStream> {
    check(&function, "a callback of a hook")?;
    let ident = function.sig.ident.clone();
    let context = context_type(&mut function, "ctx: HookCtx<State>")?;
    let types: Vec<_> = parameters(&mut function)
        .skip(1)
        .map(|parameter| (*parameter.ty).clone())
        .collect();
    let [ty] = &types[..] else {
        let text = "a callback of a hook has two parameters: the context and the event, such as `ExtensionLoaded`";
        return Err(Error::new(ident.span(), text));
    };
    let event = match &options.event {
        Some(event) => quote!(#event),
        None => quote_spanned!(ty.span()=> <#ty as ::plugin_api::HookEvent>::NAME),
    };
    // The host's events are of one type: another one is an error of the compiler.
    let built_in = options.event.as_ref().and_then(|event| {
        let event = event.value();
        let (_, name) = EVENTS.iter().find(|(known, _)| *known == event)?;
        let name = format_ident!("{name}");
        Some(quote_spanned!(ty.span()=> const _: fn(::plugin_api::#name) -> #ty = |event| event;))
    });
    let (visibility, beside, allow) = (&function.vis, beside("hook", &ident), allow());
    let name = unraw(&ident);
    let priority = options
        .priority
        .as_ref()
        .map_or_else(|| quote!(0), |priority| quote!(#priority));
    Ok(quote! {
        #allow
        #function

        #built_in

        #[doc(hidden)]
        #[allow(non_upper_case_globals, private_interfaces, missing_docs)]
        #visibility const #beside: ::plugin_api::__private::HookDef<
            <#context as ::plugin_api::__private::Context>::State,
        > = ::plugin_api::__private::HookDef {
            event: #event,
            function: #name,
            priority: #priority,
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
    fn names_that_no_event_can_have_are_refused_with_the_nearest() {
        let error = |options: &str| syn::parse_str::<Options>(options).err().map(|error| error.to_string());
        assert_eq!(error("\"extension_loaded\", priority = -5"), None);
        assert_eq!(error("\"levels.levelled_up\""), None);
        for (options, says) in [
            ("\"extension_load\"", "is it \"extension_loaded\"?"),
            ("\"Levels.up\"", "`Levels` is no plugin's name"),
            ("\"levels.up.more\"", "`up.more` is no event's name"),
            ("first", "`first` is no option"),
        ] {
            let told = error(options).unwrap_or_else(|| panic!("{options} is taken"));
            assert!(told.contains(says), "{options}: {told}");
        }
    }
}
