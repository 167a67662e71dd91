//! `#[derive(Choice)]` and `#[derive(OneOf)]`: enums as types of arguments.
//!
//! A choice has variants without fields, each a name to pick; one-of-several has variants with one field, each a type
//! that is tried in order.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Data, DataEnum, DeriveInput, Error, Fields, Meta, Result, spanned::Spanned};

use crate::{
    argument::humanised,
    function::{check_length, text, unraw},
    localization::{Texts, texts_of},
};

fn variants<'a>(input: &'a DeriveInput, what: &str) -> Result<&'a DataEnum> {
    if !input.generics.params.is_empty() {
        return Err(Error::new(input.generics.span(), format!("{what} can't be generic")));
    }
    match &input.data {
        Data::Enum(data) if !data.variants.is_empty() => Ok(data),
        _ => Err(Error::new(
            input.ident.span(),
            format!("{what} is an enum with variants"),
        )),
    }
}

/// `#[derive(Choice)]`.
pub(crate) fn choice(input: &DeriveInput) -> Result<TokenStream> {
    let data = variants(input, "a choice")?;
    if data.variants.len() > 25 {
        return Err(Error::new(
            data.variants[25].span(),
            "Discord takes at most 25 choices: use `#[autocomplete = ..]` on a String instead",
        ));
    }
    let ident = &input.ident;
    let (mut names, mut values, mut idents) = (Vec::<String>::new(), Vec::<String>::new(), Vec::new());
    let mut localized = Vec::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new(
                variant.span(),
                "a variant of a choice has no fields: `#[derive(OneOf)]` takes such",
            ));
        }
        let value = snake_case(&unraw(&variant.ident));
        let name = match given_name(&variant.attrs)? {
            Some(name) => name,
            None => humanised(&value),
        };
        check_length("the name of a choice", &name, 100, variant.ident.span())?;
        if names
            .iter()
            .any(|earlier| earlier.to_lowercase() == name.to_lowercase())
        {
            return Err(Error::new(
                variant.ident.span(),
                format!("two choices are called `{name}`"),
            ));
        }
        localized.push(localized_names(&variant.attrs)?.pairs());
        names.push(name);
        values.push(value);
        idents.push(&variant.ident);
    }
    Ok(quote! {
        #[automatically_derived]
        impl ::plugin_api::__private::Argument for #ident {
            const SHAPE: ::plugin_api::__private::Shape =
                ::plugin_api::__private::Shape::choices(&[#(::plugin_api::__private::ChoiceDef {
                    name: #names,
                    value: #values,
                    name_localizations: #localized,
                }),*]);

            fn read(
                value: ::core::option::Option<::plugin_api::__private::ArgumentValue>,
            ) -> ::core::result::Result<Self, ::plugin_api::__private::WrongArgument> {
                match value {
                    #(::core::option::Option::Some(::plugin_api::__private::ArgumentValue::String(value))
                        if value == #values => ::core::result::Result::Ok(Self::#idents),)*
                    _ => ::core::result::Result::Err(::plugin_api::__private::WrongArgument::wants("one of its choices")),
                }
            }
        }

        #[automatically_derived]
        impl ::plugin_api::__private::Setting for #ident {
            const SHAPE: ::plugin_api::__private::Shape = <Self as ::plugin_api::__private::Argument>::SHAPE;

            fn read(value: &::plugin_api::serde_json::Value) -> ::core::option::Option<Self> {
                match value.as_str()? {
                    #(#values => ::core::option::Option::Some(Self::#idents),)*
                    _ => ::core::option::Option::None,
                }
            }

            fn write(&self) -> ::plugin_api::serde_json::Value {
                ::core::convert::Into::into(match self {
                    #(Self::#idents => #values,)*
                })
            }
        }
    })
}

/// `#[derive(OneOf)]`.
pub(crate) fn one_of(input: &DeriveInput) -> Result<TokenStream> {
    let data = variants(input, "one of several types")?;
    let ident = &input.ident;
    let (mut idents, mut types, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    for (number, variant) in (0_u32..).zip(&data.variants) {
        match &variant.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => types.push(&fields.unnamed[0].ty),
            _ => {
                let text = "each variant has one type: `Member(Member)`; `#[derive(Choice)]` takes such without";
                return Err(Error::new(variant.span(), text));
            }
        }
        idents.push(&variant.ident);
        numbers.push(number);
    }
    Ok(quote! {
        #[automatically_derived]
        impl ::plugin_api::__private::Argument for #ident {
            const SHAPE: ::plugin_api::__private::Shape = ::plugin_api::__private::Shape::one_of(&[
                #(<#types as ::plugin_api::__private::Argument>::SHAPE),*
            ]);

            fn read(
                value: ::core::option::Option<::plugin_api::__private::ArgumentValue>,
            ) -> ::core::result::Result<Self, ::plugin_api::__private::WrongArgument> {
                match value {
                    #(::core::option::Option::Some(::plugin_api::__private::ArgumentValue::OneOf { at: #numbers, value }) =>
                        <#types as ::plugin_api::__private::Argument>::read(::core::option::Option::Some(*value))
                            .map(Self::#idents),)*
                    _ => ::core::result::Result::Err(::plugin_api::__private::WrongArgument::wants("one of several things")),
                }
            }
        }
    })
}

fn given_name(attributes: &[Attribute]) -> Result<Option<String>> {
    let Some(attribute) = attributes.iter().find(|attribute| attribute.path().is_ident("name")) else {
        return Ok(None);
    };
    let value = match &attribute.meta {
        Meta::NameValue(meta) => text(&meta.value),
        _ => None,
    };
    match value {
        Some(name) => Ok(Some(name.value())),
        None => Err(Error::new(attribute.span(), "write `#[name = \"Extra large\"]`")),
    }
}

fn localized_names(attributes: &[Attribute]) -> Result<Texts> {
    let mut names = Texts::default();
    for attribute in attributes.iter().filter(|one| one.path().is_ident("name_localized")) {
        let name = names.add("name_localized", attribute.span(), texts_of(attribute)?)?;
        check_length("the name of a choice", &name.value(), 100, name.span())?;
    }
    Ok(names)
}

/// `ExtraLarge` becomes `extra_large`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(expand: fn(&DeriveInput) -> Result<TokenStream>, item: &str) -> String {
        let input = syn::parse_str(item).expect("an item");
        expand(&input).map_or_else(|error| error.to_string(), |_| "accepted".to_owned())
    }

    #[test]
    fn enums_that_are_no_arguments_are_refused() {
        let many: Vec<_> = (0..26).map(|number| format!("V{number}")).collect();
        let many = format!("enum A {{ {} }}", many.join(", "));
        let cases = [
            ("enum A { B, C }", "accepted"),
            ("struct A;", "is an enum with variants"),
            ("enum A {}", "is an enum with variants"),
            ("enum A<T> { B, C }", "can't be generic"),
            ("enum A { B(u8) }", "has no fields"),
            ("enum A { B, #[name = \"b\"] C }", "two choices are called `b`"),
            ("enum A { #[name(b)] C }", "write `#[name"),
            ("enum A { #[name_localized(\"de\", \"\")] C }", "has 0 characters"),
            ("enum A { #[name_localized(\"xx\", \"b\")] C }", "is no language"),
            ("enum A { #[name_localized(\"de\", \"Zeh\")] C }", "accepted"),
            (many.as_str(), "at most 25 choices"),
        ];
        for (item, expected) in cases {
            assert!(
                error(choice, item).contains(expected),
                "{item}: {}",
                error(choice, item)
            );
        }
        assert_eq!(error(one_of, "enum A { B(u8), C(String) }"), "accepted");
        assert!(error(one_of, "enum A { B }").contains("each variant has one type"));
        assert!(error(one_of, "enum A { B(u8, u8) }").contains("each variant has one type"));
    }

    #[test]
    fn names_of_variants_become_values() {
        assert_eq!(snake_case("ExtraLarge"), "extra_large");
        assert_eq!(snake_case("Small"), "small");
        assert_eq!(snake_case("A4"), "a4");
    }
}
