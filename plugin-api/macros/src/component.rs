//! `#[component]`: a function becomes a handler of controls and the factory of its buttons.
//!
//! The function keeps its name and parameters; what it returns also carries the type by which its buttons are made.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{
    Error, ItemFn, LitStr, Result, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream},
};

use crate::factory;
use crate::function::{beside, check, comma, context_type, unraw};
use crate::modal::missing_form;
use crate::policy::{optional, permissions, sum};

/// What stands in the brackets.
#[derive(Default)]
pub(crate) struct Options {
    anyone: bool,
    expires_seconds: Option<u32>,
    never_deferred: bool,
    command: Option<LitStr>,
    requires: Vec<Ident>,
    bot_requires: Vec<Ident>,
    owner_only: bool,
}

/// What the function handles.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// Buttons and selects.
    Controls,
    /// A form: its second parameter is what was sent.
    Form,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        while !input.is_empty() {
            let option = input.call(Ident::parse_any)?;
            match option.to_string().as_str() {
                "anyone" => options.anyone = true,
                "expires" => {
                    input.parse::<Token![=]>()?;
                    let text: LitStr = input.parse()?;
                    let seconds = seconds(&text.value());
                    let wants = "write a time such as \"60s\", \"15m\", \"2h\" or \"7d\"";
                    options.expires_seconds = Some(seconds.ok_or_else(|| Error::new(text.span(), wants))?);
                }
                "defer" => {
                    input.parse::<Token![=]>()?;
                    let text: LitStr = input.parse()?;
                    if text.value() != "never" {
                        let wants = "a handler of controls can say `defer = \"never\"`";
                        return Err(Error::new(text.span(), wants));
                    }
                    options.never_deferred = true;
                }
                "requires" => options.requires = permissions(input)?,
                "bot_requires" => options.bot_requires = permissions(input)?,
                "owner_only" => options.owner_only = true,
                "command" => {
                    input.parse::<Token![=]>()?;
                    options.command = Some(if input.peek(LitStr) {
                        input.parse()?
                    } else {
                        let name = input.call(Ident::parse_any)?;
                        LitStr::new(&unraw(&name), name.span())
                    });
                }
                other => {
                    let text = format!(
                        "`{other}` is no option of a component: `anyone`, `expires = \"60s\"`, `command = ban`, \
                         `requires(BAN_MEMBERS)`, `bot_requires(..)`, `owner_only` and `defer = \"never\"` are"
                    );
                    return Err(Error::new(option.span(), text));
                }
            }
            comma(input)?;
        }
        Ok(options)
    }
}

fn seconds(text: &str) -> Option<u32> {
    let unit = text.chars().next_back()?;
    let number: u32 = text[..text.len() - unit.len_utf8()].parse().ok()?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86400,
        _ => return None,
    };
    number.checked_mul(factor).filter(|&seconds| seconds > 0)
}

pub(crate) fn expand(options: &Options, mut function: ItemFn, of: Of) -> Result<TokenStream> {
    check(&function, "a handler of controls")?;
    let ident = function.sig.ident.clone();
    let context = context_type(&mut function, "ctx: ClickCtx<State>")?;
    let types = factory::types(&mut function);
    // No function can be called so.
    let opener = format!("plugin_api.open.{}", unraw(&ident));
    let (form, read_form, formed) = match (of, types.get(1)) {
        (Of::Controls, _) => (quote!(), quote!(), quote!()),
        (Of::Form, Some(ty)) => (
            quote! {
                const OPENER: ::core::option::Option<&'static str> = ::core::option::Option::Some(#opener);
                const FORM: ::core::option::Option<fn() -> ::plugin_api::__private::Form> =
                    ::core::option::Option::Some(::plugin_api::__private::Form::of::<#ty>);
            },
            quote!(let form: #ty = ctx.form()?;),
            quote!(, form),
        ),
        (Of::Form, None) => return Err(missing_form(function.sig.paren_token.span.join())),
    };
    let taken = if of == Of::Form { 2 } else { 1 };
    let (read, state) = match &types[taken..] {
        [] => (quote!(), quote!()),
        [ty] => (quote!(let state: #ty = ctx.control_state()?;), quote!(, state)),
        [_, second, ..] => {
            let text =
                "a handler of controls has a context and at most one state: put several values into a tuple or struct";
            return Err(Error::new_spanned(second, text));
        }
    };

    let name = unraw(&ident);
    let beside = beside("component", &ident);
    let handler = factory::expand(function, &beside, &format_ident!("Handled"));
    let anyone = options.anyone;
    let expires = match options.expires_seconds {
        Some(seconds) => quote!(::core::option::Option::Some(#seconds)),
        None => quote!(::core::option::Option::None),
    };
    let defer = format_ident!("{}", if options.never_deferred { "Never" } else { "Public" });
    let command = optional(options.command.as_ref().map(|command| quote!(#command)));
    let (requires, bot_requires) = (sum(&options.requires), sum(&options.bot_requires));
    let owner_only = options.owner_only;
    Ok(quote! {
        #handler

        #[allow(private_interfaces)]
        impl ::plugin_api::__private::Handler for #beside {
            type State = <#context as ::plugin_api::__private::Context>::State;
            const NAME: &'static str = #name;
            const ANYONE: bool = #anyone;
            const EXPIRES_SECONDS: ::core::option::Option<u32> = #expires;
            const DEFER: ::plugin_api::__private::Defer = ::plugin_api::__private::Defer::#defer;
            const POLICY: ::plugin_api::__private::ControlPolicyDef = ::plugin_api::__private::ControlPolicyDef {
                command: #command,
                requires: #requires,
                bot_requires: #bot_requires,
                owner_only: #owner_only,
            };
            #form

            fn run(ctx: ::plugin_api::__private::ClickCtx<Self::State>) -> ::plugin_api::__private::Running {
                ::std::boxed::Box::pin(async move {
                    #read_form
                    #read
                    #ident(ctx #formed #state).await
                })
            }
        }
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_are_read_in_four_units() {
        let cases = [
            ("60s", Some(60)),
            ("15m", Some(900)),
            ("2h", Some(7200)),
            ("7d", Some(604_800)),
        ];
        let wrong = [
            ("", None),
            ("s", None),
            ("60", None),
            ("0s", None),
            ("1.5h", None),
            ("5µ", None),
        ];
        for (text, seconds) in cases.into_iter().chain(wrong) {
            assert_eq!(super::seconds(text), seconds, "{text}");
        }
    }
}
