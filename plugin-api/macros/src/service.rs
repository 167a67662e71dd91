//! `#[service]`: a function becomes one that other plugins call.
//!
//! It puts a constant beside the function for `plugin!` to find; the types of request and answer are the function's own.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{
    Error, ItemFn, LitStr, Result, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream},
};

use crate::function::{
    allow, beside, check, check_service_name, comma, context_type, first_paragraph, parameters, unraw,
};

/// What stands in the brackets.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<LitStr>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        while !input.is_empty() {
            let option = input.call(Ident::parse_any)?;
            if option != "name" {
                let text = format!("`{option}` is no option of a service: `name = \"..\"` is");
                return Err(Error::new(option.span(), text));
            }
            input.parse::<Token![=]>()?;
            options.name = Some(input.parse()?);
            comma(input)?;
        }
        Ok(options)
    }
}

pub(crate) fn expand(options: &Options, mut function: ItemFn) -> Result<TokenStream> {
    check(&function, "a service")?;
    let ident = function.sig.ident.clone();
    let name = options.name.as_ref().map_or_else(|| unraw(&ident), LitStr::value);
    let span = options.name.as_ref().map_or_else(|| ident.span(), LitStr::span);
    check_service_name(&name, span)?;
    let description = first_paragraph(&function.attrs);
    let context = context_type(&mut function, "ctx: ServiceCtx<State>")?;
    let types: Vec<_> = parameters(&mut function)
        .skip(1)
        .map(|parameter| (*parameter.ty).clone())
        .collect();
    let run = match &types[..] {
        [] => quote!(#ident(ctx)),
        [ty] => quote!({
            let request: #ty = ctx.read()?;
            #ident(ctx, request)
        }),
        _ => {
            let text = "a service has one parameter beside the context, the request: put what it needs into a struct";
            return Err(Error::new(ident.span(), text));
        }
    };
    let (visibility, beside, allow) = (&function.vis, beside("service", &ident), allow());
    Ok(quote! {
        #allow
        #function

        #[doc(hidden)]
        #[allow(non_upper_case_globals, private_interfaces, missing_docs)]
        #visibility const #beside: ::plugin_api::__private::ServiceDef<
            <#context as ::plugin_api::__private::Context>::State,
        > = ::plugin_api::__private::ServiceDef {
            name: #name,
            description: #description,
            run: |ctx| ::std::boxed::Box::pin(async move {
                let answer = #run.await?;
                ::plugin_api::__private::service_answer(&answer)
            }),
        };
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_a_request_at_most_and_a_plain_name() {
        let error = |options: &str, function: &str| {
            let options = syn::parse_str::<Options>(options)?;
            expand(&options, syn::parse_str(function).expect("a function")).map(drop)
        };
        let plain = "async fn balance(ctx: ServiceCtx<State>, request: Request) -> Result<u64> { Ok(1) }";
        assert!(error("", plain).is_ok());
        assert!(error("name = \"balance-of\"", plain).is_ok());
        assert!(error("", "async fn total(ctx: ServiceCtx) -> Result<u64> { Ok(1) }").is_ok());
        let cases = [
            (
                "",
                "async fn a(ctx: ServiceCtx, b: u8, c: u8) -> Result<u64> { Ok(1) }",
                "into a struct",
            ),
            (
                "",
                "fn a(ctx: ServiceCtx) -> Result<u64> { Ok(1) }",
                "must be an `async fn`",
            ),
            ("slash", plain, "no option of a service"),
            ("name = \"Balance!\"", plain, "1 to 32 of a-z, 0-9, _ and -"),
        ];
        for (options, function, expected) in cases {
            let text = error(options, function).expect_err(function).to_string();
            assert!(text.contains(expected), "{text}");
        }
    }
}
