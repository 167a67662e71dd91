//! `#[client]`: a trait that says what services a plugin offers becomes a struct that calls them.
//!
//! It is the caller's own view, so nothing of the other plugin is needed; a crate of types that both use may hold it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, FnArg, ItemTrait, LitStr, Result, ReturnType, TraitItem, parse::Parse, spanned::Spanned};

use crate::{
    function::{check_service_name, unraw},
    plugin::check_plugin_name,
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
    let (attributes, ident) = (&function.attrs, &signature.ident);
    let name = unraw(ident);
    check_service_name(&name, ident.span())?;
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
            ("\"economy\"", "trait E { const A: u8; }", "a client's service is"),
        ];
        for (plugin, item, expected) in cases {
            let text = error(plugin, item).expect_err(item).to_string();
            assert!(text.contains(expected), "{text}");
        }
    }
}
