//! `#[settings(guild)]`: a struct becomes what servers can set for the plugin.
//!
//! Its fields take the attributes of a command's arguments, and are read by the same code; what depends on a field's type
//! is checked by `const` functions of `plugin-api`, where the type is known.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{
    Error, Expr, Field, Fields, Ident, ItemStruct, Pat, PatIdent, PatType, Result, Token, parse::Parse,
    parse::ParseStream, spanned::Spanned,
};

use crate::{
    argument::{Argument, is_named},
    function::{text, unraw},
};

/// How many settings a plugin has at most, as the host checks, too.
const MAX_SETTINGS: usize = 25;

/// What stands in the brackets: `guild`.
pub(crate) struct Scope;

impl Parse for Scope {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let wants = "write of what these are the settings: `#[settings(guild)]`";
        let scope: Ident = input.parse().map_err(|error| Error::new(error.span(), wants))?;
        if scope == "guild" && input.is_empty() {
            return Ok(Self);
        }
        Err(Error::new(scope.span(), wants))
    }
}

pub(crate) fn expand(mut item: ItemStruct) -> Result<TokenStream> {
    if !item.generics.params.is_empty() {
        return Err(Error::new(item.generics.span(), "settings can't be generic"));
    }
    let Fields::Named(fields) = &mut item.fields else {
        return Err(Error::new(item.ident.span(), "settings are a struct with named fields"));
    };
    if fields.named.len() > MAX_SETTINGS {
        let text = format!("a plugin has at most {MAX_SETTINGS} settings: as many as a select of Discord's shows");
        return Err(Error::new(fields.named[MAX_SETTINGS].span(), text));
    }
    let settings = fields.named.iter_mut().map(Setting::take).collect::<Result<Vec<_>>>()?;
    let shaped = quote!(::plugin_api::__private::Setting);
    let definitions = settings.iter().map(|setting| {
        let definition = setting.argument.definition(false, &shaped);
        quote_spanned!(setting.argument.ty.span()=> ::plugin_api::__private::check_setting(false, #definition))
    });
    let defaults = settings.iter().map(|setting| {
        let (ty, default) = (&setting.argument.ty, &setting.default);
        quote_spanned!(ty.span()=> <#ty as #shaped>::write(&{ let default: #ty = #default; default }))
    });
    let values = settings.iter().map(|setting| {
        let (ident, default) = (&setting.ident, &setting.default);
        let (ty, name) = (&setting.argument.ty, &setting.argument.name);
        quote_spanned!(ty.span()=>
            #ident: ::plugin_api::__private::setting_value::<#ty>(values, #name, || #default)
        )
    });
    let written = settings.iter().map(|setting| {
        let (ident, ty, name) = (&setting.ident, &setting.argument.ty, &setting.argument.name);
        quote_spanned!(ty.span()=> (::std::string::ToString::to_string(#name), <#ty as #shaped>::write(&self.#ident)))
    });
    let ident = &item.ident;
    Ok(quote! {
        #item

        #[automatically_derived]
        impl ::plugin_api::__private::ServerSettings for #ident {
            const SETTINGS: &'static [::plugin_api::__private::ArgumentDef] = &[#(#definitions),*];

            fn defaults() -> ::std::vec::Vec<::plugin_api::serde_json::Value> {
                ::std::vec![#(#defaults),*]
            }

            #[allow(clippy::redundant_closure, reason = "a default may be any expression")]
            fn read(
                values: &::plugin_api::serde_json::Map<::std::string::String, ::plugin_api::serde_json::Value>,
            ) -> Self {
                Self { #(#values),* }
            }

            fn write(
                &self,
            ) -> ::plugin_api::serde_json::Map<::std::string::String, ::plugin_api::serde_json::Value> {
                ::core::iter::FromIterator::from_iter([#(#written),*])
            }
        }
    })
}

/// A field.
struct Setting {
    ident: Ident,
    argument: Argument,
    default: TokenStream,
}

impl Setting {
    /// Reads a field and takes the attributes that are for us off it, but for its documentation.
    fn take(field: &mut Field) -> Result<Self> {
        let Some(ident) = field.ident.clone() else {
            return Err(Error::new(field.span(), "a setting has a name"));
        };
        let name = unraw(&ident);
        if !name.is_ascii() {
            return Err(Error::new(ident.span(), "the name of a setting has ASCII letters only"));
        }
        let mut parameter = PatType {
            attrs: field.attrs.clone(),
            pat: Box::new(Pat::Ident(PatIdent {
                attrs: Vec::new(),
                by_ref: None,
                mutability: None,
                ident: ident.clone(),
                subpat: None,
            })),
            colon_token: <Token![:]>::default(),
            ty: Box::new(field.ty.clone()),
        };
        let argument = Argument::take(&mut parameter)?;
        let documentation = field.attrs.iter().filter(|attribute| attribute.path().is_ident("doc"));
        field.attrs = documentation.cloned().chain(parameter.attrs).collect();
        if argument.rest || argument.flag || argument.autocomplete.is_some() || argument.check.is_some() {
            let text = "a setting can't be `#[rest]` or a `#[flag]`, and has no `#[check]` or `#[autocomplete]`";
            return Err(Error::new(ident.span(), text));
        }
        let ty = &argument.ty;
        let default = match &argument.default {
            Some(default) => default_of(default),
            None if ["Option", "Vec", "bool"].iter().any(|name| is_named(ty, name)) => {
                quote_spanned!(ty.span()=> <#ty as ::core::default::Default>::default())
            }
            None => {
                let text = format!(
                    "what is `{name}` in a server that has set nothing? Give it a `#[default = ..]`, or make it an `Option`"
                );
                return Err(Error::new(ident.span(), text));
            }
        };
        Ok(Self {
            ident,
            argument,
            default,
        })
    }
}

/// A text is written as one, whatever the type is called.
fn default_of(default: &Expr) -> TokenStream {
    if text(default).is_some() {
        quote!(::core::convert::Into::into(#default))
    } else {
        quote!(#default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(item: &str) -> String {
        let item = syn::parse_str(item).expect("a struct");
        expand(item).map_or_else(|error| error.to_string(), |tokens| tokens.to_string())
    }

    #[test]
    fn what_can_be_no_setting_is_refused_with_what_to_write() {
        let many: Vec<_> = (0..26).map(|number| format!("a{number}: bool")).collect();
        let many = format!("struct A {{ {} }}", many.join(", "));
        for (item, expected) in [
            ("struct A(bool);", "a struct with named fields"),
            ("struct A<T> { a: T }", "can't be generic"),
            ("struct A { a: u8 }", "Give it a `#[default = ..]`"),
            ("struct A { #[default = 1] a: Option<u8> }", "needs no `#[default]`"),
            ("struct A { #[rest] a: Option<String> }", "a setting can't be `#[rest]`"),
            ("struct A { größe: bool }", "ASCII letters only"),
            (
                "struct A { #[min = 3] #[max = 2] a: Option<u8> }",
                "nothing is at least 3",
            ),
            (&many, "at most 25 settings"),
        ] {
            assert!(expanded(item).contains(expected), "{item}: {}", expanded(item));
        }
        let kept = expanded("struct A { /** What. */ #[default = 5] #[serde(skip)] a: u8 }");
        assert!(
            kept.contains("serde") && kept.contains("doc") && !kept.contains("# [default"),
            "{kept}"
        );
        assert!(syn::parse_str::<Scope>("guild").is_ok());
        for scope in ["", "user", "guild, user"] {
            assert!(syn::parse_str::<Scope>(scope).is_err(), "{scope}");
        }
    }
}
