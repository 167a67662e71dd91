//! `#[client]`: a trait that says what services a plugin offers becomes a struct that calls them.
//!
//! It is the caller's own view, so nothing of the other plugin is needed; a crate of types that both use may hold it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, FnArg, ItemTrait, LitStr, Result, ReturnType, TraitItem, parse::Parse, spanned::Spanned};

use crate::{
    function::{check_service_name, unraw},
    plugin::check_plugin_name,
    service,
};

/// What stands in the brackets: the plugin's name.
pub(crate) struct Options {
    plugin: LitStr,
}

impl Parse for Options {
    fn parse(input: syn::parse::ParseStream<'_>) -> Result<Self> {
        let plugin: LitStr = input
            .parse()
            .map_err(|error| Error::new(error.span(), "name the plugin: `#[client(\"economy\")]`"))?;
        check_plugin_name(&plugin.value(), plugin.span())?;
        Ok(Self { plugin })
    }
}

pub(crate) fn expand(options: &Options, item: &ItemTrait) -> Result<TokenStream> {
    let (attributes, visibility, ident, plugin) = (&item.attrs, &item.vis, &item.ident, &options.plugin);
    if !item.generics.params.is_empty() {
        return Err(Error::new(item.generics.span(), "a client can't be generic"));
    }
    let methods: Vec<_> = item.items.iter().map(method).collect::<Result<_>>()?;
    Ok(quote! {
        #(#attributes)*
        #[derive(Clone, Debug)]
        #visibility struct #ident {
            service: ::plugin_api::Service,
        }

        #[allow(dead_code, reason = "a plugin need not call all that it knows of")]
        impl #ident {
            /// The plugin that is called.
            #visibility const PLUGIN: &'static str = #plugin;

            /// Calls by the way of this context.
            #[must_use]
            #visibility fn of(host: &::plugin_api::Host) -> Self {
                Self { service: host.service(#plugin) }
            }

            /// The same with another time limit for each call.
            #[must_use]
            #visibility fn time_limit(self, limit: ::core::time::Duration) -> Self {
                Self { service: self.service.time_limit(limit) }
            }

            #(#methods)*
        }
    })
}

fn method(item: &TraitItem) -> Result<TokenStream> {
    let shape = "a client's service is `async fn balance(request: Request) -> Result<Answer>;`";
    let TraitItem::Fn(function) = item else {
        return Err(Error::new(item.span(), shape));
    };
    let signature = &function.sig;
    let wrong = || Error::new(signature.span(), shape);
    if signature.asyncness.is_none() || !signature.generics.params.is_empty() || function.default.is_some() {
        return Err(wrong());
    }
    let ident = &signature.ident;
    // The one word that a service has for it, too: a name that is none of a function's, such as `top-ten`.
    let (options, attributes): (Vec<_>, Vec<_>) = function
        .attrs
        .iter()
        .partition(|attribute| attribute.path().is_ident("service"));
    let options = match &options[..] {
        [] => service::Options::default(),
        [one] => one.parse_args()?,
        [_, more, ..] => return Err(Error::new(more.span(), "one `#[service(name = \"..\")]` says it")),
    };
    let name = options.name.as_ref().map_or_else(|| unraw(ident), LitStr::value);
    let span = options.name.as_ref().map_or_else(|| ident.span(), LitStr::span);
    check_service_name(&name, span)?;
    let inputs: Vec<_> = signature.inputs.iter().collect();
    let (parameter, request) = match &inputs[..] {
        [] => (None, quote!(&())),
        [FnArg::Typed(parameter)] => {
            let (pattern, ty) = (&parameter.pat, &parameter.ty);
            let ty = match &**ty {
                syn::Type::Reference(reference) => (*reference.elem).clone(),
                plain => plain.clone(),
            };
            (Some(quote!(#pattern: &#ty)), quote!(#pattern))
        }
        _ => return Err(wrong()),
    };
    let ReturnType::Type(_, returns) = &signature.output else {
        return Err(wrong());
    };
    let parameter = parameter.iter();
    Ok(quote! {
        #(#attributes)*
        #[track_caller]
        pub fn #ident(&self #(, #parameter)*) -> ::plugin_api::ServiceCalling<
            <#returns as ::plugin_api::__private::Answered>::Answer,
        > {
            self.service.call(#name, #request)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_functions_of_one_request_only() {
        let error = |plugin: &str, item: &str| {
            let options = syn::parse_str::<Options>(plugin)?;
            expand(&options, &syn::parse_str(item).expect("a trait")).map(drop)
        };
        let good =
            "trait E { async fn balance(request: Request) -> Result<Balance>; async fn total() -> Result<u64>; }";
        assert!(error("\"economy\"", good).is_ok());
        let options = syn::parse_str::<Options>("\"economy\"").expect("a name");
        let named = r#"trait E { #[service(name = "top-ten")] async fn top_ten() -> Result<u64>; }"#;
        let made = expand(&options, &syn::parse_str(named).expect("a trait")).expect("a client");
        let made = made.to_string();
        assert!(
            made.contains("pub fn top_ten") && made.contains(r#"call ("top-ten""#),
            "{made}"
        );
        assert!(!made.contains("# [service"), "{made}");
        let cases = [
            ("economy", good, "name the plugin"),
            ("\"Economy!\"", good, "no plugin's name"),
            (
                "\"economy\"",
                "trait E { fn balance(r: R) -> Result<B>; }",
                "a client's service is",
            ),
            (
                "\"economy\"",
                "trait E { async fn balance(&self, r: R) -> Result<B>; }",
                "a client's service is",
            ),
            (
                "\"economy\"",
                r#"trait E { #[service(name = "Top Ten")] async fn top() -> Result<u64>; }"#,
                "is no service's name",
            ),
            ("\"economy\"", "trait E { const A: u8; }", "a client's service is"),
        ];
        for (plugin, item, expected) in cases {
            let text = error(plugin, item).expect_err(item).to_string();
            assert!(text.contains(expected), "{text}");
        }
    }
}
