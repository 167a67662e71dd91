//! `#[derive(Modal)]`: a struct becomes what a form asks for.
//!
//! Lengths are checked here; whether a field's type can be asked for, where the type is known.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, ExprLit, Field, Fields, Ident, Lit, Meta, Result, spanned::Spanned,
};

use crate::{
    argument::humanised,
    function::{check_length, first_paragraph, text, unraw},
};

/// How many fields Discord takes in a form.
const MAX_FIELDS: usize = 5;

/// What the attributes of a field say.
#[derive(Default)]
struct Options {
    label: Option<String>,
    description: String,
    placeholder: String,
    paragraph: bool,
    min_length: Option<u16>,
    max_length: Option<u16>,
    min_values: Option<u16>,
    max_values: Option<u16>,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    if !input.generics.params.is_empty() {
        return Err(Error::new(input.generics.span(), "a form can't be generic"));
    }
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) if !fields.named.is_empty() => &fields.named,
            _ => return Err(Error::new(input.ident.span(), "a form is a struct with named fields")),
        },
        _ => return Err(Error::new(input.ident.span(), "a form is a struct with named fields")),
    };
    if fields.len() > MAX_FIELDS {
        return Err(Error::new(
            fields[MAX_FIELDS].span(),
            format!("Discord takes at most {MAX_FIELDS} fields in a form"),
        ));
    }
    let title = match input.attrs.iter().find(|attribute| attribute.path().is_ident("title")) {
        Some(attribute) => string(attribute, "#[title = \"Report a member\"]")?,
        None => humanised(&snake(&input.ident)),
    };
    check_length("the title of a form", &title, 45, input.ident.span())?;
    let (mut names, mut types, mut definitions) = (Vec::new(), Vec::new(), Vec::new());
    for field in fields {
        let Some(ident) = &field.ident else { continue };
        definitions.push(definition(field, ident)?);
        names.push(ident);
        types.push(&field.ty);
    }
    let texts: Vec<_> = names.iter().map(|name| unraw(name)).collect();
    let checks = types.iter().map(|ty| {
        quote_spanned!(ty.span()=>
            const _: () = ::plugin_api::__private::check_field(<#ty as ::plugin_api::__private::Argument>::SHAPE);
        )
    });
    let ident = &input.ident;
    Ok(quote! {
        #(#checks)*

        #[automatically_derived]
        impl ::plugin_api::__private::Modal for #ident {
            const TITLE: &'static str = #title;
            const FIELDS: &'static [::plugin_api::__private::FormDef] = &[#(#definitions),*];

            fn read(
                fields: &mut ::plugin_api::__private::FormFields,
            ) -> ::plugin_api::__private::Result<Self> {
                ::core::result::Result::Ok(Self { #(#names: fields.take(#texts)?),* })
            }
        }
    })
}

fn definition(field: &Field, ident: &Ident) -> Result<TokenStream> {
    let mut options = Options::default();
    for attribute in &field.attrs {
        options.apply(attribute)?;
    }
    let name = unraw(ident);
    let documentation = first_paragraph(&field.attrs);
    let label = options
        .label
        .or_else(|| Some(documentation).filter(|text| !text.is_empty()))
        .unwrap_or_else(|| humanised(&name));
    check_length(
        "the label of a field (its `#[label = \"..\"]` or documentation)",
        &label,
        45,
        ident.span(),
    )?;
    for (least, most) in [
        (options.min_length, options.max_length),
        (options.min_values, options.max_values),
    ] {
        if let (Some(least), Some(most)) = (least, most)
            && least > most
        {
            return Err(Error::new(
                ident.span(),
                format!("nothing is at least {least} and at most {most}"),
            ));
        }
    }
    let (description, placeholder, paragraph) = (options.description, options.placeholder, options.paragraph);
    let (min, max) = (
        limit(options.min_length.or(options.min_values)),
        limit(options.max_length.or(options.max_values)),
    );
    let ty = &field.ty;
    Ok(quote!(::plugin_api::__private::FormDef {
        name: #name,
        label: #label,
        description: #description,
        placeholder: #placeholder,
        paragraph: #paragraph,
        min: #min,
        max: #max,
        shape: <#ty as ::plugin_api::__private::Argument>::SHAPE,
    }))
}

fn limit(number: Option<u16>) -> TokenStream {
    match number {
        Some(number) => quote!(::core::option::Option::Some(#number)),
        None => quote!(::core::option::Option::None),
    }
}

impl Options {
    fn apply(&mut self, attribute: &Attribute) -> Result<()> {
        let Some(key) = attribute.path().get_ident().map(Ident::to_string) else {
            return Ok(());
        };
        match key.as_str() {
            "label" => self.label = Some(string(attribute, "#[label = \"What happened?\"]")?),
            "description" => self.description = limited(attribute, &key, 100)?,
            "placeholder" => self.placeholder = limited(attribute, &key, 100)?,
            "paragraph" => {
                attribute.meta.require_path_only()?;
                self.paragraph = true;
            }
            "min_length" => self.min_length = Some(number(attribute, &key, 0, 4000)?),
            "max_length" => self.max_length = Some(number(attribute, &key, 1, 4000)?),
            "min_values" => self.min_values = Some(number(attribute, &key, 0, 25)?),
            "max_values" => self.max_values = Some(number(attribute, &key, 1, 25)?),
            _ => {}
        }
        Ok(())
    }
}

fn string(attribute: &Attribute, wants: &str) -> Result<String> {
    let value = match &attribute.meta {
        Meta::NameValue(meta) => text(&meta.value),
        _ => None,
    };
    value
        .map(syn::LitStr::value)
        .ok_or_else(|| Error::new(attribute.span(), format!("write `{wants}`")))
}

fn limited(attribute: &Attribute, key: &str, most: usize) -> Result<String> {
    let value = string(attribute, &format!("#[{key} = \"..\"]"))?;
    check_length(&format!("the {key} of a field"), &value, most, attribute.span())?;
    Ok(value)
}

fn number(attribute: &Attribute, key: &str, least: u16, most: u16) -> Result<u16> {
    let value = match &attribute.meta {
        Meta::NameValue(meta) => match &meta.value {
            Expr::Lit(ExprLit {
                lit: Lit::Int(number), ..
            }) => number.base10_parse().ok(),
            _ => None,
        },
        _ => None,
    };
    value
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| Error::new(attribute.span(), format!("`{key}` is a number from {least} to {most}")))
}

/// `BugReport` as `bug_report`.
fn snake(ident: &Ident) -> String {
    let mut snake = String::new();
    for letter in unraw(ident).chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// Refuses a form's handler that takes no form.
pub(crate) fn missing_form(span: Span) -> Error {
    Error::new(
        span,
        "a form's handler takes the context, the form and at most one state: `ctx: ClickCtx<State>, form: Report, state: T`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(item: &str) -> String {
        let input = syn::parse_str(item).expect("an item");
        expand(&input).map_or_else(|error| error.to_string(), |_| "accepted".to_owned())
    }

    #[test]
    fn what_discord_would_refuse_is_refused() {
        let long = format!("struct A {{ #[label = \"{}\"] a: String }}", "x".repeat(46));
        let many = "struct A { a: u8, b: u8, c: u8, d: u8, e: u8, f: u8 }";
        for (item, expected) in [
            ("struct A { a: String, b: Option<u8> }", "accepted"),
            ("struct A;", "a struct with named fields"),
            ("enum A { B }", "a struct with named fields"),
            ("struct A<T> { a: T }", "can't be generic"),
            (&long, "has 46 characters, Discord takes 1 to 45"),
            (many, "at most 5 fields"),
            ("#[title(x)] struct A { a: u8 }", "write `#[title"),
            ("struct A { #[max_length = 4001] a: String }", "a number from 1 to 4000"),
            (
                "struct A { #[min_length = 5] #[max_length = 4] a: String }",
                "nothing is at least 5",
            ),
        ] {
            assert!(error(item).contains(expected), "{item}: {}", error(item));
        }
    }
}
