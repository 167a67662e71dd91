//! What all attributes ask of a function: its shape, its parameters, its documentation.
//!
//! It stands apart so that all of them refuse the same mistake in the same words; it writes no handler's code.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{
    Attribute, Error, Expr, ExprLit, FnArg, ItemFn, Lit, LitStr, Meta, PatType, Path, Result, ReturnType, Type,
    parse::ParseStream, spanned::Spanned,
};

/// Lints of clippy that the shape of a handler trips over.
pub(crate) fn allow() -> TokenStream {
    quote!(#[allow(clippy::unused_async, clippy::needless_pass_by_value, reason = "the shape of a handler is given")])
}

/// Checks that it is a plain `async fn` that returns something.
pub(crate) fn check(function: &ItemFn, what: &str) -> Result<()> {
    let signature = &function.sig;
    if signature.asyncness.is_none() {
        return Err(Error::new(
            signature.fn_token.span,
            format!("{what} must be an `async fn`"),
        ));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new(
            signature.generics.span(),
            format!("{what} can't be generic"),
        ));
    }
    if let Some(FnArg::Receiver(receiver)) = signature.inputs.first() {
        return Err(Error::new(receiver.span(), format!("{what} can't be a method")));
    }
    if matches!(signature.output, ReturnType::Default) {
        return Err(Error::new(
            signature.ident.span(),
            format!("{what} returns `Result`: write `-> Result` behind the parameters"),
        ));
    }
    Ok(())
}

/// The typed parameters: all of them, since [`check`] has refused methods.
pub(crate) fn parameters(function: &mut ItemFn) -> impl Iterator<Item = &mut PatType> {
    function.sig.inputs.iter_mut().filter_map(|input| match input {
        FnArg::Typed(parameter) => Some(parameter),
        FnArg::Receiver(_) => None,
    })
}

/// The type of the context, which is the first parameter.
pub(crate) fn context_type(function: &mut ItemFn, wants: &str) -> Result<Type> {
    let span = function.sig.paren_token.span.join();
    parameters(function)
        .next()
        .map(|parameter| (*parameter.ty).clone())
        .ok_or_else(|| Error::new(span, format!("the first parameter must be `{wants}`")))
}

/// The name of what a macro puts beside a function. It stands where the function's name stands: a misspelt one in
/// `plugin!` is shown there.
pub(crate) fn beside(prefix: &str, function: &Ident) -> Ident {
    Ident::new(&format!("__{prefix}_{}", unraw(function)), function.span())
}

/// Like [`beside`], for the function that a path leads to.
pub(crate) fn beside_path(prefix: &str, path: &Path) -> Path {
    let mut path = path.clone();
    if let Some(last) = path.segments.last_mut() {
        last.ident = beside(prefix, &last.ident);
    }
    path
}

/// An identifier without `r#`.
pub(crate) fn unraw(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}

/// The first paragraph of the documentation, in one line.
pub(crate) fn first_paragraph(attributes: &[Attribute]) -> String {
    let lines = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("doc"))
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(meta) => text(&meta.value).map(LitStr::value),
            _ => None,
        });
    let lines: Vec<String> = lines
        .flat_map(|text| text.split('\n').map(|line| line.trim().to_owned()).collect::<Vec<_>>())
        .collect();
    let paragraph = lines
        .iter()
        .skip_while(|line| line.is_empty())
        .take_while(|line| !line.is_empty());
    paragraph.map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// The text, if the expression is one.
pub(crate) fn text(expression: &Expr) -> Option<&LitStr> {
    match expression {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text), ..
        }) => Some(text),
        _ => None,
    }
}

/// Refuses a text that is empty or longer than Discord takes.
pub(crate) fn check_length(what: &str, text: &str, most: usize, span: Span) -> Result<()> {
    let length = text.chars().count();
    if length == 0 || length > most {
        return Err(Error::new(
            span,
            format!("{what} has {length} characters, Discord takes 1 to {most}"),
        ));
    }
    Ok(())
}

/// Refuses a name that Discord would refuse, or that a prefix can't tell from another.
pub(crate) fn check_name(what: &str, name: &str, span: Span) -> Result<()> {
    check_length(what, name, 32, span)?;
    let fits = |letter: char| letter == '-' || letter == '_' || letter.is_alphanumeric() && !letter.is_uppercase();
    if name.chars().all(fits) {
        return Ok(());
    }
    Err(Error::new(
        span,
        format!("{what} `{name}` may have lower-case letters, digits, `-` and `_` only"),
    ))
}

/// Refuses what is no name of a service.
pub(crate) fn check_service_name(name: &str, span: Span) -> Result<()> {
    let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    if (1..=32).contains(&name.len()) && name.bytes().all(fits) {
        return Ok(());
    }
    let text = format!("`{name}` is no service's name: 1 to 32 of a-z, 0-9, _ and -");
    Err(Error::new(span, text))
}

/// Ends an option: a comma or nothing.
pub(crate) fn comma(input: ParseStream<'_>) -> Result<()> {
    if !input.is_empty() {
        input.parse::<syn::Token![,]>()?;
    }
    Ok(())
}
