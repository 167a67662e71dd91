//! A function that is also the factory of what it handles: its name and parameters stay, and what it returns carries a type.
//!
//! `#[component]`, `#[modal]` and `#[timer]` are made in this one way; what the type says of the function is theirs.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{FnArg, ItemFn, Type, Visibility};

use crate::function::{allow, parameters, unraw};

/// The types of all parameters, the context's among them.
pub(crate) fn types(function: &mut ItemFn) -> Vec<Type> {
    parameters(function).map(|parameter| (*parameter.ty).clone()).collect()
}

/// The function with what was written in it within, returning `future` (`Handled`, `Timed`) of the type `handler`, which
/// stands beside it.
pub(crate) fn expand(mut function: ItemFn, handler: &Ident, future: &Ident) -> TokenStream {
    let types = types(&mut function);
    let ident = function.sig.ident.clone();
    let inner = format_ident!("run_{}", unraw(&ident));
    let visibility = std::mem::replace(&mut function.vis, Visibility::Inherited);
    let attributes = std::mem::take(&mut function.attrs);
    function.sig.ident = inner.clone();
    let names: Vec<_> = (0..types.len())
        .map(|number| format_ident!("parameter_{number}"))
        .collect();
    let inputs = names.iter().zip(&types);
    let inputs = inputs.map(|(name, ty)| -> FnArg { syn::parse_quote!(#name: #ty) });
    let allow = allow();
    quote! {
        #(#attributes)*
        #visibility fn #ident(#(#inputs),*) -> ::plugin_api::__private::#future<#handler> {
            #allow
            #function
            ::plugin_api::__private::#future::new(#inner(#(#names),*))
        }

        #[doc(hidden)]
        #[allow(non_camel_case_types, missing_docs, missing_debug_implementations)]
        #visibility struct #handler;
    }
}
