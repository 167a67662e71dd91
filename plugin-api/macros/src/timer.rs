//! `#[every]`, `#[cron]` and `#[timer]`: functions that run by time.
//!
//! The first two put a constant beside the function for `plugin!` to find; the third also makes it the factory of its
//! timers. What can't ever happen is refused here, where its author reads it; the host looks again when it probes.

use croner::parser::{CronParser, Seconds, Year};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Error, ItemFn, LitInt, LitStr, Result, Token, Type,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream},
    spanned::Spanned,
};

use crate::{
    factory,
    function::{allow, beside, check, comma, context_type, parameters, unraw},
    policy::{milliseconds, optional},
};

/// The longest period: ten years, in milliseconds.
const LONGEST: u64 = 10 * 366 * 86_400_000;
/// How many missed runs can be made up for.
const MOST_MISSED: u32 = 100;
/// After what time at most a timer is tried again: a day, in milliseconds.
const LONGEST_RETRY: u64 = 86_400_000;
/// How many days a month has at most.
const DAYS: [u16; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// What becomes of missed runs: `run_late`, `skip`, `run_each(5)`.
enum Missed {
    RunLate,
    Skip,
    RunEach(u32),
}

impl Missed {
    fn tokens(&self) -> TokenStream {
        let missed = quote!(::plugin_api::__private::MissedRuns);
        match self {
            Self::RunLate => quote!(#missed::RunLate),
            Self::Skip => quote!(#missed::Skip),
            Self::RunEach(most) => quote!(#missed::RunEach { most: #most }),
        }
    }

    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let policy = input.call(Ident::parse_any)?;
        match policy.to_string().as_str() {
            "run_late" => Ok(Self::RunLate),
            "skip" => Ok(Self::Skip),
            "run_each" => {
                let inside;
                parenthesized!(inside in input);
                let number: LitInt = inside.parse()?;
                match number.base10_parse() {
                    Ok(most @ 1..=MOST_MISSED) => Ok(Self::RunEach(most)),
                    _ => Err(Error::new(
                        number.span(),
                        format!("`run_each` makes up for 1 to {MOST_MISSED} runs"),
                    )),
                }
            }
            _ => Err(Error::new(
                policy.span(),
                "missed runs are `run_late`, `skip` or `run_each(5)`: one run for all of them, none, or each of the last five",
            )),
        }
    }
}

/// What stands in the brackets of `#[every]`.
pub(crate) struct Every {
    ms: u64,
    missed: Missed,
}

impl Parse for Every {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let period: LitStr = input
            .parse()
            .map_err(|error| Error::new(error.span(), "say how often: `#[every(\"5m\")]`"))?;
        let ms = milliseconds(&period.value())
            .filter(|ms| (1_000..=LONGEST).contains(ms))
            .ok_or_else(|| {
                let wants = "a period is a time such as \"30s\", \"5m\" or \"1h30m\", from one second to ten years";
                Error::new(period.span(), wants)
            })?;
        comma(input)?;
        let mut missed = Missed::RunLate;
        options(input, "`missed` is", |name, input| {
            if name != "missed" {
                return Ok(false);
            }
            missed = Missed::parse(input)?;
            Ok(true)
        })?;
        Ok(Self { ms, missed })
    }
}

/// What stands in the brackets of `#[cron]`.
pub(crate) struct Cron {
    expression: LitStr,
    zone: String,
    missed: Missed,
}

impl Parse for Cron {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let expression: LitStr = input.parse().map_err(|error| {
            Error::new(
                error.span(),
                "say when: `#[cron(\"0 9 * * mon\", zone = \"Europe/Berlin\")]`",
            )
        })?;
        check_expression(&expression.value()).map_err(|why| Error::new(expression.span(), why))?;
        comma(input)?;
        let (mut zone, mut missed) = ("UTC".to_owned(), Missed::RunLate);
        options(input, "`zone` and `missed` are", |name, input| {
            match name {
                "zone" => zone = input.parse::<LitStr>()?.value(),
                "missed" => missed = Missed::parse(input)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self {
            expression,
            zone,
            missed,
        })
    }
}

/// What stands in the brackets of `#[timer]`.
pub(crate) struct Timer {
    missed: Missed,
    retry: Option<u64>,
}

impl Parse for Timer {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let (mut missed, mut retry) = (Missed::RunLate, None);
        options(input, "`missed` and `retry` are", |name, input| {
            let span = input.span();
            match name {
                "missed" => missed = Missed::parse(input)?,
                "retry" => {
                    let time = milliseconds(&input.parse::<LitStr>()?.value());
                    let time = time.filter(|ms| (1_000..=LONGEST_RETRY).contains(ms));
                    let wants = "it is tried again after a time such as \"30s\" or \"5m\", from one second to a day";
                    retry = Some(time.ok_or_else(|| Error::new(span, wants))?);
                }
                _ => return Ok(false),
            }
            if matches!(missed, Missed::RunEach(_)) {
                return Err(Error::new(span, "a one-off timer runs once: `run_late` or `skip`"));
            }
            Ok(true)
        })?;
        Ok(Self { missed, retry })
    }
}

/// `name = value, ...`, each read by `take`, which says whether it knows the name.
fn options(
    input: ParseStream<'_>,
    known: &str,
    mut take: impl FnMut(&str, ParseStream<'_>) -> Result<bool>,
) -> Result<()> {
    while !input.is_empty() {
        let option = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        if !take(&option.to_string(), input)? {
            let text = format!("`{option}` is no option here: {known}");
            return Err(Error::new(option.span(), text));
        }
        comma(input)?;
    }
    Ok(())
}

/// Refuses what is no cron expression, and days that no month has.
fn check_expression(expression: &str) -> std::result::Result<(), String> {
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    let cron = parser.parse(expression).map_err(|error| {
        format!(
            "`{expression}` is no cron expression: {error}. It has five fields, minute, hour, day of the month, month and \
             day of the week: `0 9 * * mon`"
        )
    })?;
    let pattern = &cron.pattern;
    // By weekday it comes in every month; so does the last day and the like.
    let by_date = (pattern.is_dow_wildcard() || pattern.matches_dom_and_dow()) && !pattern.days.has_modifiers();
    let days = pattern.days.values();
    let has_one = |month: &u16| days.iter().any(|day| *day <= DAYS[usize::from(*month) - 1]);
    if by_date && !pattern.months.values().iter().any(has_one) {
        return Err(format!("`{expression}` never comes: none of its months has such a day"));
    }
    Ok(())
}

pub(crate) fn expand_every(every: &Every, function: ItemFn) -> Result<TokenStream> {
    let ms = every.ms;
    let rule = quote!(::core::option::Option::Some(::plugin_api::__private::RuleDef::Every { ms: #ms }));
    expand_rule(&rule, &every.missed, function)
}

pub(crate) fn expand_cron(cron: &Cron, function: ItemFn) -> Result<TokenStream> {
    let Cron {
        expression,
        zone,
        missed,
    } = cron;
    let rule = quote!(::core::option::Option::Some(::plugin_api::__private::RuleDef::Cron {
        expression: #expression,
        zone: #zone,
    }));
    expand_rule(&rule, missed, function)
}

/// A function that runs by a rule: it stays what it is.
fn expand_rule(rule: &TokenStream, missed: &Missed, mut function: ItemFn) -> Result<TokenStream> {
    check(&function, "a function that runs by time")?;
    let ident = function.sig.ident.clone();
    let context = context_type(&mut function, "ctx: TimerCtx<State>")?;
    if let Some(second) = parameters(&mut function).nth(1) {
        let text = "what runs by a rule is given its context alone; a `#[timer]` has a payload";
        return Err(Error::new(second.span(), text));
    }
    let (allow, never) = (allow(), quote!(::core::option::Option::None));
    let fields = (rule, missed.tokens(), &never, quote!(#ident(ctx)));
    let definition = definition(&function, &ident, &context, &fields);
    Ok(quote! {
        #allow
        #function
        #definition
    })
}

/// What `plugin!` finds beside a function: its rule, what becomes of missed runs, whether it is tried again, and its call.
fn definition(
    function: &ItemFn,
    ident: &Ident,
    context: &Type,
    (rule, missed, retry, call): &(&TokenStream, TokenStream, &TokenStream, TokenStream),
) -> TokenStream {
    let (visibility, beside, name) = (&function.vis, beside("timer", ident), unraw(ident));
    quote! {
        #[doc(hidden)]
        #[allow(non_upper_case_globals, private_interfaces, missing_docs)]
        #visibility const #beside: ::plugin_api::__private::TimerDef<
            <#context as ::plugin_api::__private::Context>::State,
        > = ::plugin_api::__private::TimerDef {
            name: #name,
            rule: #rule,
            missed: #missed,
            retry_ms: #retry,
            run: |ctx| ::std::boxed::Box::pin(#call),
        };
    }
}

pub(crate) fn expand_timer(timer: &Timer, mut function: ItemFn) -> Result<TokenStream> {
    check(&function, "a timer's function")?;
    let ident = function.sig.ident.clone();
    let context = context_type(&mut function, "ctx: TimerCtx<State>")?;
    let types = factory::types(&mut function);
    let (payload, read, given) = match &types[1..] {
        [] => (quote!(()), quote!(), quote!()),
        [ty] => (
            quote!(#ty),
            quote_spanned!(ty.span()=> let payload: #ty = ctx.payload()?;),
            quote!(, payload),
        ),
        [_, second, ..] => {
            let text =
                "a timer's function has a context and at most one payload: put several values into a tuple or struct";
            return Err(Error::new_spanned(second, text));
        }
    };
    let name = unraw(&ident);
    let handler = Ident::new(&format!("__timer_type_{name}"), ident.span());
    let call = quote!(async move {
        #read
        #ident(ctx #given).await
    });
    let (never, retry) = (
        quote!(::core::option::Option::None),
        optional(timer.retry.map(|ms| quote!(#ms))),
    );
    let definition = definition(
        &function,
        &ident,
        &context,
        &(&never, timer.missed.tokens(), &retry, call),
    );
    let function = factory::expand(function, &handler, &format_ident!("Timed"));
    Ok(quote! {
        #function

        #[allow(private_interfaces)]
        impl ::plugin_api::__private::TimerHandler for #handler {
            type State = <#context as ::plugin_api::__private::Context>::State;
            type Payload = #payload;
            const NAME: &'static str = #name;
        }

        #definition
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error<T: Parse>(options: &str) -> Option<String> {
        syn::parse_str::<T>(options).err().map(|error| error.to_string())
    }

    #[test]
    fn what_never_comes_and_what_is_no_expression_is_refused() {
        for possible in [
            "0 9 * * mon",
            "*/5 * * * *",
            "0 0 29 2 *",
            "0 0 31 * *",
            "0 0 L 2 *",
            "0 0 30 2 mon",
            "0 0 * * mon#1",
            "@daily",
        ] {
            assert_eq!(check_expression(possible), Ok(()), "{possible}");
        }
        for impossible in ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 30-31 feb *"] {
            let why = check_expression(impossible).expect_err(impossible);
            assert!(why.contains("never comes"), "{why}");
        }
        for wrong in ["", "* * * *", "0 0 * * * *", "61 * * * *", "0 0 32 1 *", "monday"] {
            let why = check_expression(wrong).expect_err(wrong);
            assert!(why.contains("is no cron expression"), "{wrong}: {why}");
        }
    }

    #[test]
    fn options_say_what_they_want() {
        assert_eq!(error::<Every>("\"5m\", missed = skip"), None);
        assert_eq!(error::<Every>("\"1h30m\", missed = run_each(3)"), None);
        assert_eq!(
            error::<Cron>("\"0 9 * * mon\", zone = \"Europe/Berlin\", missed = run_late"),
            None
        );
        assert_eq!(error::<Timer>("missed = skip, retry = \"1m\""), None);
        for (text, expected) in [
            (error::<Every>("\"500ms\""), "from one second to ten years"),
            (error::<Every>("\"often\""), "a period is a time"),
            (error::<Every>(""), "say how often"),
            (error::<Every>("\"5m\", zone = \"UTC\""), "`zone` is no option here"),
            (error::<Every>("\"5m\", missed = never"), "missed runs are `run_late`"),
            (
                error::<Every>("\"5m\", missed = run_each(0)"),
                "makes up for 1 to 100 runs",
            ),
            (error::<Cron>("\"0 0 30 2 *\""), "never comes"),
            (error::<Timer>("missed = run_each(2)"), "a one-off timer runs once"),
            (error::<Timer>("retry = \"2d\""), "from one second to a day"),
            (error::<Timer>("zone = \"UTC\""), "`missed` and `retry` are"),
        ] {
            let text = text.unwrap_or_default();
            assert!(text.contains(expected), "{expected}: {text}");
        }
    }
}
