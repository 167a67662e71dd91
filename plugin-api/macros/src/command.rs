//! `#[command]`: a function becomes a command, its parameters become arguments.
//!
//! A name, text or order of arguments that Discord would refuse is an error of the compiler, where it stands.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Attribute, Error, Expr, ExprLit, ExprUnary, ItemFn, Lit, LitStr, Meta, Pat, PatType, Result, Token, Type, UnOp,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    spanned::Spanned,
};

use crate::function::{
    allow, beside, check, check_length, check_name, comma, context_type, first_paragraph, parameters, text, unraw,
};

/// What stands in the brackets.
#[derive(Default)]
pub(crate) struct Options {
    slash: bool,
    prefix: bool,
    name: Option<LitStr>,
    aliases: Vec<LitStr>,
    owner_only: bool,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        while !input.is_empty() {
            let option = input.call(Ident::parse_any)?;
            match option.to_string().as_str() {
                "slash" => options.slash = true,
                "prefix" => options.prefix = true,
                "owner_only" => options.owner_only = true,
                "name" => {
                    input.parse::<Token![=]>()?;
                    options.name = Some(input.parse()?);
                }
                "aliases" => {
                    let list;
                    parenthesized!(list in input);
                    options.aliases = Punctuated::<LitStr, Token![,]>::parse_terminated(&list)?
                        .into_iter()
                        .collect();
                }
                other => {
                    let known = "`slash`, `prefix`, `name = \"..\"`, `aliases(\"..\")` and `owner_only`";
                    return Err(Error::new(
                        option.span(),
                        format!("`{other}` is no option of a command: {known} are"),
                    ));
                }
            }
            comma(input)?;
        }
        Ok(options)
    }
}

pub(crate) fn expand(options: &Options, mut function: ItemFn) -> Result<TokenStream> {
    check(&function, "a command")?;
    let ident = function.sig.ident.clone();
    let (prefix, slash) = match (options.prefix, options.slash) {
        (false, false) => (true, true),
        doors => doors,
    };

    let (name, span) = match &options.name {
        Some(name) => (name.value(), name.span()),
        None => (unraw(&ident), ident.span()),
    };
    let words: Vec<_> = name.split(' ').collect();
    if words.len() > 3 {
        return Err(Error::new(
            span,
            "a command's name has at most three words: group, subgroup and subcommand",
        ));
    }
    for word in words {
        check_name("the name of a command", word, span)?;
    }
    for alias in &options.aliases {
        check_name("the alias of a command", &alias.value(), alias.span())?;
    }

    let description = first_paragraph(&function.attrs);
    if description.is_empty() {
        return Err(Error::new(
            ident.span(),
            "a command needs a documentation comment: its first paragraph is the description that Discord shows",
        ));
    }
    check_length(
        "the description of a command (its first paragraph of documentation)",
        &description,
        100,
        ident.span(),
    )?;

    let context = context_type(&mut function, "ctx: Ctx<State>")?;
    let arguments = parameters(&mut function)
        .skip(1)
        .map(Argument::take)
        .collect::<Result<Vec<_>>>()?;
    check_order(&arguments, slash)?;

    let definitions = arguments.iter().map(Argument::definition);
    let variables: Vec<_> = (0..arguments.len())
        .map(|number| format_ident!("argument_{number}"))
        .collect();
    let reads = arguments.iter().zip(&variables).map(|(argument, variable)| {
        let (name, ty) = (&argument.name, &argument.ty);
        quote_spanned!(ty.span()=> let #variable: #ty = arguments.take(#name)?;)
    });
    let (visibility, beside, allow) = (&function.vis, beside("command", &ident), allow());
    let aliases = &options.aliases;
    let owner_only = options.owner_only;
    // Without arguments, nothing is taken out.
    let mutable = (!arguments.is_empty()).then(|| quote!(mut));
    let used = arguments.is_empty().then(|| quote!(let _ = arguments;));
    Ok(quote! {
        #allow
        #function

        #[doc(hidden)]
        #[allow(non_upper_case_globals, private_interfaces, missing_docs)]
        #visibility const #beside: ::plugin_api::__private::CommandDef<
            <#context as ::plugin_api::__private::Context>::State,
        > = ::plugin_api::__private::CommandDef {
            group: "",
            name: #name,
            description: #description,
            prefix: #prefix,
            slash: #slash,
            aliases: &[#(#aliases),*],
            owner_only: #owner_only,
            arguments: &[#(#definitions),*],
            run: |ctx, #mutable arguments| ::std::boxed::Box::pin(async move {
                #used
                #(#reads)*
                #ident(ctx, #(#variables),*).await
            }),
        };
    })
}

struct Argument {
    name: String,
    span: proc_macro2::Span,
    description: String,
    ty: Type,
    optional: bool,
    rest: bool,
    min: Option<Limit>,
    max: Option<Limit>,
}

/// A `#[min]` or `#[max]`.
#[derive(Clone, Copy)]
struct Limit {
    number: f64,
    span: proc_macro2::Span,
}

impl Argument {
    /// Reads a parameter and takes the attributes that are for us off it.
    fn take(parameter: &mut PatType) -> Result<Self> {
        let Pat::Ident(pattern) = &*parameter.pat else {
            return Err(Error::new(
                parameter.pat.span(),
                "an argument of a command needs a plain name",
            ));
        };
        let ident = pattern.ident.clone();
        let name = unraw(&ident);
        let name = name.trim_start_matches('_').to_owned();
        check_name("the name of an argument", &name, ident.span())?;
        let mut argument = Self {
            description: humanised(&name),
            name,
            span: ident.span(),
            optional: is_option(&parameter.ty),
            ty: (*parameter.ty).clone(),
            rest: false,
            min: None,
            max: None,
        };
        let documentation = first_paragraph(&parameter.attrs);
        if !documentation.is_empty() {
            let what = "the description of an argument (its first paragraph of documentation)";
            check_length(what, &documentation, 100, ident.span())?;
            argument.description = documentation;
        }
        let mut others = Vec::new();
        for attribute in parameter.attrs.drain(..) {
            if !argument.apply(&attribute)? {
                others.push(attribute);
            }
        }
        parameter.attrs = others;
        if let (Some(min), Some(max)) = (argument.min, argument.max)
            && min.number > max.number
        {
            let text = format!("nothing is at least {} and at most {}", min.number, max.number);
            return Err(Error::new(max.span, text));
        }
        Ok(argument)
    }

    /// Reads one attribute; false if it is none of ours.
    fn apply(&mut self, attribute: &Attribute) -> Result<bool> {
        let path = attribute.path();
        let value = match &attribute.meta {
            Meta::NameValue(meta) => Some(&meta.value),
            _ => None,
        };
        if path.is_ident("doc") {
            // Read already; the compiler wouldn't take it on a parameter.
        } else if path.is_ident("rest") {
            attribute.meta.require_path_only()?;
            self.rest = true;
        } else if path.is_ident("description") {
            let text = value.and_then(text);
            let text = text.ok_or_else(|| Error::new(attribute.span(), "write `#[description = \"Who is meant\"]`"))?;
            check_length("the description of an argument", &text.value(), 100, text.span())?;
            self.description = text.value();
        } else if path.is_ident("min") || path.is_ident("max") {
            let number = value.and_then(number);
            let number = number.ok_or_else(|| Error::new(attribute.span(), "write a number: `#[min = 1]`"))?;
            let span = value.map_or_else(|| attribute.span(), Spanned::span);
            let limit = Some(Limit { number, span });
            if path.is_ident("min") {
                self.min = limit;
            } else {
                self.max = limit;
            }
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn definition(&self) -> TokenStream {
        let Self {
            name,
            description,
            ty,
            rest,
            ..
        } = self;
        let limit = |own: Option<Limit>, of_type: TokenStream| match own {
            // Its place is where the compiler shows what is wrong with it.
            Some(Limit { number, span }) => quote_spanned!(span=> ::core::option::Option::Some(
                ::plugin_api::__private::check_limit::<#ty>(#number)
            )),
            None => quote_spanned!(ty.span()=> <#ty as ::plugin_api::__private::Argument>::#of_type),
        };
        let (min, max) = (limit(self.min, quote!(MIN)), limit(self.max, quote!(MAX)));
        let kind = quote_spanned!(ty.span()=> <#ty as ::plugin_api::__private::Argument>::KIND);
        let required = quote_spanned!(ty.span()=> <#ty as ::plugin_api::__private::Argument>::REQUIRED);
        let kind = if *rest {
            quote_spanned!(ty.span()=> {
                assert!(
                    ::core::matches!(#kind, ::plugin_api::__private::ArgumentKind::String),
                    "only a String or an Option<String> can be `#[rest]`",
                );
                #kind
            })
        } else {
            kind
        };
        quote! {
            ::plugin_api::__private::ArgumentDef {
                name: #name,
                description: #description,
                kind: #kind,
                required: #required,
                rest: #rest,
                min: #min,
                max: #max,
            }
        }
    }
}

fn check_order(arguments: &[Argument], slash: bool) -> Result<()> {
    if slash && arguments.len() > 25 {
        return Err(Error::new(
            arguments[25].span,
            "a slash command has at most 25 arguments",
        ));
    }
    let mut optional = None;
    for (number, argument) in arguments.iter().enumerate() {
        if argument.rest && number + 1 < arguments.len() {
            return Err(Error::new(argument.span, "only the last argument can be `#[rest]`"));
        }
        if arguments[..number].iter().any(|earlier| earlier.name == argument.name) {
            return Err(Error::new(
                argument.span,
                format!("two arguments are called `{}`", argument.name),
            ));
        }
        match optional {
            Some(earlier) if slash && !argument.optional => {
                let text = format!(
                    "Discord wants required arguments before optional ones: put `{}` before `{earlier}`",
                    argument.name
                );
                return Err(Error::new(argument.span, text));
            }
            None if argument.optional => optional = Some(&argument.name),
            _ => {}
        }
    }
    Ok(())
}

fn is_option(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == "Option"))
}

/// `log_channel` becomes `Log channel`.
fn humanised(name: &str) -> String {
    let words = name.replace(['_', '-'], " ");
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// A number, perhaps with a minus.
fn number(expression: &Expr) -> Option<f64> {
    match expression {
        Expr::Lit(ExprLit {
            lit: Lit::Int(number), ..
        }) => number.base10_parse().ok(),
        Expr::Lit(ExprLit {
            lit: Lit::Float(number),
            ..
        }) => number.base10_parse().ok(),
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_), expr, ..
        }) => number(expr).map(|number| -number),
        Expr::Group(group) => number(&group.expr),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(options: &str, function: &str) -> String {
        let options = match syn::parse_str::<Options>(options) {
            Ok(options) => options,
            Err(error) => return error.to_string(),
        };
        let function = syn::parse_str(function).expect("a function");
        expand(&options, function).map_or_else(|error| error.to_string(), |_| String::from("accepted"))
    }

    #[test]
    fn what_discord_would_refuse_is_refused() {
        let long = format!("/// {}\nasync fn a(ctx: Ctx) -> Result {{ Ok(()) }}", "x".repeat(101));
        let cases = [
            (
                "",
                "async fn a(ctx: Ctx) -> Result { Ok(()) }",
                "a command needs a documentation comment",
            ),
            ("", long.as_str(), "has 101 characters, Discord takes 1 to 100"),
            (
                "",
                "/// A.\nfn a(ctx: Ctx) -> Result { Ok(()) }",
                "a command must be an `async fn`",
            ),
            (
                "",
                "/// A.\nasync fn a() -> Result { Ok(()) }",
                "the first parameter must be `ctx: Ctx<State>`",
            ),
            (
                "",
                "/// A.\nasync fn a<T>(ctx: Ctx) -> Result { Ok(()) }",
                "a command can't be generic",
            ),
            (
                "",
                "/// A.\nasync fn A(ctx: Ctx) -> Result { Ok(()) }",
                "the name of a command `A` may have lower-case",
            ),
            (
                "name = \"a b c d\"",
                "/// A.\nasync fn a(ctx: Ctx) -> Result { Ok(()) }",
                "at most three words",
            ),
            (
                "aliases(\"x y\")",
                "/// A.\nasync fn a(ctx: Ctx) -> Result { Ok(()) }",
                "the alias of a command `x y`",
            ),
            (
                "slosh",
                "/// A.\nasync fn a(ctx: Ctx) -> Result { Ok(()) }",
                "`slosh` is no option of a command",
            ),
            (
                "",
                "/// A.\nasync fn a(ctx: Ctx, x: Option<u8>, y: u8) -> Result {}",
                "put `y` before `x`",
            ),
            (
                "",
                "/// A.\nasync fn a(ctx: Ctx, #[rest] x: String, y: u8) -> Result {}",
                "only the last argument can be",
            ),
            (
                "",
                "/// A.\nasync fn a(ctx: Ctx, (x, y): (u8, u8)) -> Result {}",
                "needs a plain name",
            ),
            (
                "",
                "/// A.\nasync fn a(ctx: Ctx, x: u8, _x: u8) -> Result {}",
                "two arguments are called `x`",
            ),
            (
                "",
                "/// A.\nasync fn a(ctx: Ctx, #[min = \"1\"] x: u8) -> Result {}",
                "write a number",
            ),
            (
                "",
                "/// A.\nasync fn a(ctx: Ctx, #[min = 3] #[max = 2.5] x: f64) -> Result {}",
                "nothing is at least 3 and at most 2.5",
            ),
            ("", "/// A.\nasync fn a(ctx: Ctx) {}", "a command returns `Result`"),
            (
                "",
                "/// A.\nasync fn a(ctx: Ctx, #[description = \"\"] x: u8) -> Result {}",
                "has 0 characters",
            ),
        ];
        for (options, function, text) in cases {
            let error = error(options, function);
            assert!(error.contains(text), "{function}: {error}");
        }
    }

    #[test]
    fn by_prefix_alone_a_required_argument_may_come_later() {
        let function = "/// A.\nasync fn a(ctx: Ctx, x: Option<u8>, y: u8) -> Result {}";
        assert_eq!(error("prefix", function), "accepted");
    }

    #[test]
    fn documentation_of_an_argument_is_its_description() {
        let described = |attributes: &str| {
            let function = format!("async fn a({attributes} x: u8) {{}}");
            let mut function: ItemFn = syn::parse_str(&function).expect("a function");
            let parameter = parameters(&mut function).next().expect("a parameter");
            let argument = Argument::take(parameter).unwrap_or_else(|error| panic!("{error}"));
            assert!(parameter.attrs.is_empty(), "the compiler takes none of them");
            argument.description
        };
        assert_eq!(described(""), "X");
        assert_eq!(
            described("/// How many\n/// of them.\n///\n/// More.\n"),
            "How many of them."
        );
        assert_eq!(described("/// Unused.\n#[description = \"Used\"]"), "Used");
    }

    #[test]
    fn the_first_paragraph_is_the_description() {
        let function: ItemFn =
            syn::parse_str("///\n/// First line\n/// and second.\n///\n/// More.\nfn a() {}").expect("a function");
        assert_eq!(first_paragraph(&function.attrs), "First line and second.");
    }
}
