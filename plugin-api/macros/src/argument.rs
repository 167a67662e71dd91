//! A parameter of a command's function: the attributes on it, and what is told of it.
//!
//! It stands apart from the command as a whole, since most of what an author writes about arguments is read here. What
//! depends on the parameter's type is checked by `const` functions of `plugin-api`, where the type is known.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Attribute, Error, Expr, ExprLit, ExprUnary, Lit, Meta, Pat, PatType, Path, Result, Token, Type, UnOp,
    punctuated::Punctuated, spanned::Spanned,
};

use crate::{
    function::{check_length, check_name, first_paragraph, text, unraw},
    localization::Localized,
};

/// An argument.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an attribute or a property of its own"
)]
pub(crate) struct Argument {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) description: String,
    pub(crate) ty: Type,
    /// Whether a command can run without it, as far as its type's name and attributes tell.
    pub(crate) optional: bool,
    pub(crate) rest: bool,
    pub(crate) flag: bool,
    variadic: bool,
    min: Option<Limit>,
    max: Option<Limit>,
    min_length: Option<Limit>,
    max_length: Option<Limit>,
    channel_types: Vec<u8>,
    pub(crate) default: Option<Expr>,
    pub(crate) check: Option<Path>,
    pub(crate) autocomplete: Option<Path>,
    localized: Localized,
}

/// A limit that an attribute sets.
#[derive(Clone, Copy)]
struct Limit {
    number: f64,
    span: Span,
}

/// Discord's channel types by the names that `#[channel_types(..)]` takes.
const CHANNEL_TYPES: [(&str, &[u8]); 11] = [
    ("text", &[0]),
    ("voice", &[2]),
    ("category", &[4]),
    ("announcement", &[5]),
    ("announcement_thread", &[10]),
    ("public_thread", &[11]),
    ("private_thread", &[12]),
    ("thread", &[10, 11, 12]),
    ("stage", &[13]),
    ("forum", &[15]),
    ("media", &[16]),
];

impl Argument {
    /// Reads a parameter and takes the attributes that are for us off it.
    pub(crate) fn take(parameter: &mut PatType) -> Result<Self> {
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
        let variadic = is_named(&parameter.ty, "Vec");
        let mut argument = Self {
            description: humanised(&name),
            name,
            span: ident.span(),
            optional: is_named(&parameter.ty, "Option") || variadic,
            ty: (*parameter.ty).clone(),
            rest: false,
            flag: false,
            variadic,
            min: None,
            max: None,
            min_length: None,
            max_length: None,
            channel_types: Vec::new(),
            default: None,
            check: None,
            autocomplete: None,
            localized: Localized::default(),
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
        argument.check_itself()?;
        Ok(argument)
    }

    fn check_itself(&mut self) -> Result<()> {
        for (min, max) in [(self.min, self.max), (self.min_length, self.max_length)] {
            if let (Some(min), Some(max)) = (min, max)
                && min.number > max.number
            {
                let text = format!("nothing is at least {} and at most {}", min.number, max.number);
                return Err(Error::new(max.span, text));
            }
        }
        let is_switch = self.flag && is_named(&self.ty, "bool");
        if self.flag && (self.rest || self.variadic) {
            return Err(Error::new(
                self.span,
                "a `#[flag]` has one value: no `#[rest]`, no `Vec`",
            ));
        }
        if self.flag && !is_switch && !self.optional && self.default.is_none() {
            let text = "a `#[flag]` may be left out: make it a bool, an `Option`, or give it a `#[default = ..]`";
            return Err(Error::new(self.span, text));
        }
        if self.default.is_some() && self.optional {
            let text = "an `Option` or a `Vec` needs no `#[default]`: it has one";
            return Err(Error::new(self.span, text));
        }
        if self.rest && self.variadic {
            return Err(Error::new(
                self.span,
                "a `Vec` takes all words there are: leave out `#[rest]`",
            ));
        }
        self.optional |= is_switch || self.default.is_some();
        Ok(())
    }

    /// Reads one attribute; false if it is none of ours.
    fn apply(&mut self, attribute: &Attribute) -> Result<bool> {
        let Some(key) = attribute.path().get_ident().map(Ident::to_string) else {
            return Ok(false);
        };
        let value = match &attribute.meta {
            Meta::NameValue(meta) => Some(&meta.value),
            _ => None,
        };
        let path = |wants: &str| match value {
            Some(Expr::Path(path)) => Ok(Some(path.path.clone())),
            _ => Err(Error::new(attribute.span(), format!("write {wants}"))),
        };
        match key.as_str() {
            // Read already; the compiler wouldn't take it on a parameter.
            "doc" => {}
            "rest" => {
                attribute.meta.require_path_only()?;
                self.rest = true;
            }
            "flag" => {
                attribute.meta.require_path_only()?;
                self.flag = true;
            }
            "description" => {
                let text = value.and_then(text);
                let text =
                    text.ok_or_else(|| Error::new(attribute.span(), "write `#[description = \"Who is meant\"]`"))?;
                check_length("the description of an argument", &text.value(), 100, text.span())?;
                self.description = text.value();
            }
            "min" | "max" | "min_length" | "max_length" => {
                let number = value.and_then(number);
                let number =
                    number.ok_or_else(|| Error::new(attribute.span(), format!("write a number: `#[{key} = 1]`")))?;
                let span = value.map_or_else(|| attribute.span(), Spanned::span);
                let limit = Some(Limit { number, span });
                if key.ends_with("length") && !(number % 1.0 == 0.0 && (0.0..=6000.0).contains(&number)) {
                    return Err(Error::new(span, "Discord takes texts of 0 to 6000 characters"));
                }
                match key.as_str() {
                    "min" => self.min = limit,
                    "max" => self.max = limit,
                    "min_length" => self.min_length = limit,
                    _ => self.max_length = limit,
                }
            }
            "channel_types" => self.channel_types = channel_types(attribute)?,
            "default" => {
                let default = value.ok_or_else(|| Error::new(attribute.span(), "write a value: `#[default = 5]`"))?;
                self.default = Some(default.clone());
            }
            "check" => self.check = path("the function that checks it: `#[check = is_even]`")?,
            "autocomplete" => {
                self.autocomplete = path("the function that suggests: `#[autocomplete = suggest_names]`")?;
            }
            _ => return self.localized.apply(attribute, "an argument"),
        }
        Ok(true)
    }

    /// The `ArgumentDef`, of a type whose shape this trait tells.
    pub(crate) fn definition(&self, slash: bool, shaped: &TokenStream) -> TokenStream {
        let Self {
            name,
            description,
            ty,
            rest,
            flag,
            channel_types,
            ..
        } = self;
        let limit = |own: Option<Limit>, of_type: TokenStream| match own {
            // Its place is where the compiler shows what is wrong with it.
            Some(Limit { number, span }) => quote_spanned!(span=> ::core::option::Option::Some(
                ::plugin_api::__private::check_limit(<#ty as #shaped>::SHAPE, #number)
            )),
            None => quote_spanned!(ty.span()=> <#ty as #shaped>::SHAPE.#of_type),
        };
        let length = |own: Option<Limit>| match own {
            Some(Limit { number, span }) => {
                #[allow(clippy::cast_sign_loss, reason = "it is 0 to 6000, checked where it is read")]
                let number = number as u16;
                quote_spanned!(span=> ::core::option::Option::Some(
                    ::plugin_api::__private::check_text_limit(<#ty as #shaped>::SHAPE, #number)
                ))
            }
            None => quote!(::core::option::Option::None),
        };
        let (min, max) = (limit(self.min, quote!(min)), limit(self.max, quote!(max)));
        let (min_length, max_length) = (length(self.min_length), length(self.max_length));
        let autocomplete = self.autocomplete.is_some();
        let optional = self.optional;
        let default = match &self.default {
            Some(default) => {
                let shown = shown(default);
                quote!(::core::option::Option::Some(#shown))
            }
            None => quote!(::core::option::Option::None),
        };
        let channels = if channel_types.is_empty() {
            quote_spanned!(ty.span()=> <#ty as #shaped>::SHAPE.channel_types)
        } else {
            quote!(&[#(#channel_types),*])
        };
        let limits_channels = !channel_types.is_empty();
        let (names, descriptions) = (self.localized.names.pairs(), self.localized.descriptions.pairs());
        let shape = quote_spanned!(ty.span()=> <#ty as #shaped>::SHAPE);
        quote_spanned! {ty.span()=>
            ::plugin_api::__private::check_argument(#slash, #limits_channels, ::plugin_api::__private::ArgumentDef {
                name: #name,
                description: #description,
                required: #shape.required && !#optional,
                shape: #shape,
                rest: #rest,
                flag: #flag,
                default: #default,
                min: #min,
                max: #max,
                min_length: #min_length,
                max_length: #max_length,
                channel_types: #channels,
                autocomplete: #autocomplete,
                name_localizations: #names,
                description_localizations: #descriptions,
            })
        }
    }

    /// The statements that put it into a variable.
    pub(crate) fn read(&self, variable: &Ident) -> TokenStream {
        let Self { name, ty, .. } = self;
        let taken = if let Some(default) = &self.default {
            let default = if text(default).is_some() {
                quote!(::core::convert::Into::into(#default))
            } else {
                quote!(#default)
            };
            quote_spanned!(ty.span()=> match arguments.take::<::core::option::Option<#ty>>(#name)? {
                ::core::option::Option::Some(given) => given,
                ::core::option::Option::None => #default,
            })
        } else if self.flag && is_named(ty, "bool") {
            quote_spanned!(ty.span()=> arguments.take::<::core::option::Option<bool>>(#name)?.unwrap_or(false))
        } else {
            quote_spanned!(ty.span()=> arguments.take(#name)?)
        };
        let check = self.check.as_ref().map(|check| {
            if is_named(ty, "Option") {
                quote_spanned!(check.span()=> if let ::core::option::Option::Some(given) = &#variable { #check(given)?; })
            } else {
                quote_spanned!(check.span()=> #check(&#variable)?;)
            }
        });
        quote_spanned! {ty.span()=>
            let #variable: #ty = #taken;
            #check
        }
    }
}

/// What can't stand together, or in that order.
pub(crate) fn check_order(arguments: &[Argument], slash: bool) -> Result<()> {
    if slash && arguments.len() > 25 {
        return Err(Error::new(
            arguments[25].span,
            "a slash command has at most 25 arguments",
        ));
    }
    let mut optional = None;
    let mut last: Option<&Argument> = None;
    for (number, argument) in arguments.iter().enumerate() {
        if arguments[..number].iter().any(|earlier| earlier.name == argument.name) {
            return Err(Error::new(
                argument.span,
                format!("two arguments are called `{}`", argument.name),
            ));
        }
        if argument.flag {
            continue;
        }
        if let Some(last) = last {
            let what = if last.rest { "be `#[rest]`" } else { "be a `Vec`" };
            return Err(Error::new(
                last.span,
                format!("only the last argument (but for flags) can {what}"),
            ));
        }
        if argument.rest || argument.variadic {
            last = Some(argument);
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

fn channel_types(attribute: &Attribute) -> Result<Vec<u8>> {
    let names = attribute.parse_args_with(Punctuated::<Ident, Token![,]>::parse_terminated)?;
    let mut numbers = Vec::new();
    for name in &names {
        let known = CHANNEL_TYPES.iter().find(|(known, _)| name == known);
        let Some((_, more)) = known else {
            let all: Vec<_> = CHANNEL_TYPES.iter().map(|(name, _)| *name).collect();
            let text = format!("`{name}` is no type of channel: {} are", all.join(", "));
            return Err(Error::new(name.span(), text));
        };
        numbers.extend(
            more.iter()
                .filter(|number| !numbers.contains(*number))
                .collect::<Vec<_>>(),
        );
    }
    if numbers.is_empty() {
        return Err(Error::new(
            attribute.span(),
            "write at least one: `#[channel_types(text)]`",
        ));
    }
    Ok(numbers)
}

/// Whether the type's last word is this.
pub(crate) fn is_named(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == name))
}

/// A default for a usage line, as far as it is short: `5`, `hello`; else nothing.
fn shown(default: &Expr) -> String {
    let shown = match default {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text), ..
        }) => text.value(),
        Expr::Lit(ExprLit {
            lit: Lit::Bool(yes), ..
        }) => (if yes.value { "yes" } else { "no" }).to_owned(),
        _ => number(default).map(|number| number.to_string()).unwrap_or_default(),
    };
    if shown.chars().count() > 20 {
        String::new()
    } else {
        shown
    }
}

/// `log_channel` becomes `Log channel`.
pub(crate) fn humanised(name: &str) -> String {
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
    use syn::ItemFn;

    use super::*;
    use crate::function::parameters;

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
}
