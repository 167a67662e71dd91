//! `#[start]`, `#[stop]` and `#[erase]`: a function is put under the name by which `plugin!` finds it.
//!
//! A module can hold one of each, since a second one would take the same name. None has options.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, FnArg, ItemFn, Result, ReturnType};

use crate::function::{allow, check, parameters};

/// Which end of a generation's life.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Start,
    Stop,
    /// Not an end, but in the same shape.
    Erase,
}

pub(crate) fn expand(end: End, options: &TokenStream, mut function: ItemFn) -> Result<TokenStream> {
    let (name, shape, count) = match end {
        End::Start => ("start", "async fn start(ctx: StartCtx) -> Result<State>", 1),
        End::Stop => ("stop", "async fn stop(ctx: StopCtx, state: State) -> Result", 2),
        End::Erase => (
            "erase",
            "async fn erase(ctx: EraseCtx<State>, who: Subject) -> Result",
            2,
        ),
    };
    if !options.is_empty() {
        return Err(Error::new_spanned(options, format!("`#[{name}]` has no options")));
    }
    check(&function, &format!("the {name} function"))?;
    let types: Vec<_> = parameters(&mut function)
        .map(|parameter| (*parameter.ty).clone())
        .collect();
    if types.len() != count {
        return Err(Error::new_spanned(
            &function.sig,
            format!("the {name} function is `{shape}`"),
        ));
    }
    let ReturnType::Type(_, returns) = &function.sig.output else {
        return Err(Error::new_spanned(
            &function.sig,
            format!("the {name} function is `{shape}`"),
        ));
    };

    let (ident, allow, beside) = (&function.sig.ident, allow(), format_ident!("__plugin_{name}"));
    let names: Vec<_> = (0..count).map(|number| format_ident!("parameter_{number}")).collect();
    let inputs: Vec<FnArg> = names
        .iter()
        .zip(&types)
        .map(|(name, ty)| syn::parse_quote!(#name: #ty))
        .collect();
    Ok(quote! {
        #allow
        #function

        #[doc(hidden)]
        #[allow(private_interfaces, missing_docs)]
        pub(crate) async fn #beside(#(#inputs),*) -> #returns {
            #ident(#(#names),*).await
        }
    })
}
