//! `#[command]`: a function becomes a command, its parameters become arguments.
//!
//! A name, text or order of arguments that Discord would refuse is an error of the compiler, where it stands.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Error, ItemFn, LitStr, Path, Result, Token,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    spanned::Spanned,
};

use crate::{
    argument::{Argument, check_order},
    function::{
        allow, beside, check, check_length, check_name, comma, context_type, first_paragraph, parameters, unraw,
    },
    menu::Menus,
    policy::{Doors, KNOWN, Policy, within},
};

/// What stands in the brackets.
#[derive(Default)]
pub(crate) struct Options {
    slash: bool,
    prefix: bool,
    name: Option<LitStr>,
    aliases: Vec<LitStr>,
    owner_only: bool,
    menus: Menus,
    checks: Vec<Path>,
    policy: Policy,
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
                "checks" => options.checks = within(input)?,
                other => {
                    if !options.menus.apply(&option, input)? && !options.policy.apply(&option, input)? {
                        let known = "`slash`, `prefix`, `user_menu = \"..\"`, `message_menu = \"..\"`, `name = \"..\"`, \
                             `aliases(\"..\")`, `owner_only`, `checks(function)`";
                        return Err(Error::new(
                            option.span(),
                            format!("`{other}` is no option of a command: {known}, {KNOWN} are"),
                        ));
                    }
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
        (false, false) if options.menus.is_empty() => (true, true),
        doors => doors,
    };

    let doors = Doors {
        prefix,
        slash,
        menus: !options.menus.is_empty(),
    };
    options.policy.check(doors, options.owner_only)?;

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
    options.menus.check(&arguments)?;

    let shaped = quote!(::plugin_api::__private::Argument);
    let definitions = arguments.iter().map(|argument| argument.definition(slash, &shaped));
    let variables: Vec<_> = (0..arguments.len())
        .map(|number| format_ident!("argument_{number}"))
        .collect();
    let reads = arguments
        .iter()
        .zip(&variables)
        .map(|(argument, variable)| argument.read(variable));
    let suggest = arguments.iter().filter_map(|argument| {
        let (name, path) = (&argument.name, argument.autocomplete.as_ref()?);
        Some(quote_spanned!(path.span()=> (#name, |ctx, typed| ::std::boxed::Box::pin(#path(ctx, typed)))))
    });
    let (visibility, beside, allow) = (&function.vis, beside("command", &ident), allow());
    let aliases = &options.aliases;
    let (owner_only, policy) = (options.owner_only, options.policy.definition());
    let menus = options.menus.definition(&arguments);
    let checks = options.checks.iter().map(check_of);
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
            menus: #menus,
            checks: &[#(#checks),*],
            policy: #policy,
            arguments: &[#(#definitions),*],
            suggest: &[#(#suggest),*],
            run: |ctx, #mutable arguments| ::std::boxed::Box::pin(async move {
                #used
                #(#reads)*
                #ident(ctx, #(#variables),*).await
            }),
        };
    })
}

/// A check's function, as the lane calls it.
pub(crate) fn check_of(path: &Path) -> TokenStream {
    quote_spanned!(path.span()=> |ctx| ::std::boxed::Box::pin(::plugin_api::__private::checked(#path(ctx))))
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
                "only the last argument (but for flags) can be `#[rest]`",
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
                "/// A.\nasync fn a(ctx: Ctx, x: Vec<u8>, y: Option<u8>) -> Result {}",
                "only the last argument (but for flags) can be a `Vec`",
            ),
            (
                "",
                "/// A.\nasync fn a(ctx: Ctx, #[flag] x: u8) -> Result {}",
                "a `#[flag]` may be left out",
            ),
            (
                "",
                "/// A.\nasync fn a(ctx: Ctx, #[default = 1] x: Option<u8>) -> Result {}",
                "needs no `#[default]`",
            ),
            (
                "",
                "/// A.\nasync fn a(ctx: Ctx, #[channel_types(txt)] x: Channel) -> Result {}",
                "`txt` is no type of channel",
            ),
            (
                "",
                "/// A.\nasync fn a(ctx: Ctx, #[max_length = 6001] x: String) -> Result {}",
                "texts of 0 to 6000 characters",
            ),
            (
                "",
                "/// A.\nasync fn a(ctx: Ctx, #[check = \"x\"] x: u8) -> Result {}",
                "write the function that checks it",
            ),
            (
                "",
                "/// A.\nasync fn a(ctx: Ctx, #[rest] x: String, #[flag] y: bool) -> Result {}",
                "accepted",
            ),
            (
                "user_menu = \"A\", message_menu = \"B\"",
                "/// A.\nasync fn a(ctx: Ctx, x: User) -> Result {}",
                "an argument can't be a user and a message",
            ),
            (
                "message_menu = \"B\"",
                "/// A.\nasync fn a(ctx: Ctx, x: MessageLink, y: u8) -> Result {}",
                "one argument that is required: `message: MessageLink`",
            ),
            (
                "message_menu = \"B\", defer = ephemeral, user_menu_localized(\"xx\", \"B\")",
                "/// A.\nasync fn a(ctx: Ctx, x: MessageLink) -> Result {}",
                "`xx` is no language",
            ),
            (
                "user_menu = \"Ask Them\", user_menu_localized(\"de\", \"Frag sie\"), defer = ephemeral",
                "/// A.\nasync fn a(ctx: Ctx, x: User, y: Option<u8>, #[flag] z: bool) -> Result {}",
                "accepted",
            ),
            (
                "",
                "/// A.\nasync fn a(ctx: Ctx, #[name_localized(\"de\", \"A\")] x: u8) -> Result {}",
                "the name of an argument `A`",
            ),
            (
                "",
                "/// A.\nasync fn a(ctx: Ctx, #[description_localized(\"de\")] x: u8) -> Result {}",
                "write `description_localized(",
            ),
            (
                "",
                "/// A.\nasync fn a(ctx: Ctx, #[name_localized(\"de\", \"zahl\")] x: u8) -> Result {}",
                "accepted",
            ),
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
    fn options_that_say_nothing_or_what_discord_would_refuse_are_refused() {
        let cases = [
            (
                "requires(BAN_MEMBERS), bot_requires(BAN_MEMBERS, KICK_MEMBERS), open, guild_only, nsfw",
                "accepted",
            ),
            (
                "cooldown(3, per = \"10s\", bucket = \"guild\"), max_concurrency(1, bucket = \"channel\")",
                "accepted",
            ),
            (
                "cooldown(1, \"5s\", user), max_concurrency(2, guild), defer = ephemeral",
                "accepted",
            ),
            (
                "cooldown(none), defer = \"never\", examples(\"a 1\", \"a 2\"), hidden, priority = -10",
                "accepted",
            ),
            ("category = \"Moderation\", delete_invocation, typing", "accepted"),
            (
                "name_localized(\"de\", \"größe\"), description_localized(\"de\", \"A.\")",
                "accepted",
            ),
            ("requires(ban_members)", "`ban_members` is no permission"),
            ("guild_only, dm_only", "can't be both"),
            ("dm_only, requires(BAN_MEMBERS)", "no permissions in direct messages"),
            (
                "dm_only, owner_only",
                "owners' slash commands are in their servers only",
            ),
            ("guild_owner_only", "accepted"),
            ("guild_owner_only, requires(BAN_MEMBERS)", "says it all"),
            ("open", "this one is open already"),
            ("owner_only, requires(BAN_MEMBERS), open", "never open"),
            ("prefix, user_menu = \"Report\"", "one argument that is required"),
            ("message_menu = \"\"", "has 0 characters"),
            ("user_menu = \" Report\"", "without spaces around it"),
            ("user_menu_localized(\"de\", \"Melden\")", "give it its own name first"),
            ("checks(in_voice, crate::not_banned)", "accepted"),
            ("cooldown(0, per = \"1s\")", "at least 1"),
            ("cooldown(1)", "a cooldown needs its time"),
            ("cooldown(1, per = \"0s\")", "write a time of up to 30 days"),
            ("cooldown(1, per = \"31d\")", "write a time of up to 30 days"),
            ("cooldown(1, per = \"1s\", bucket = \"server\")", "`server` is none of"),
            ("cooldown(always)", "write `cooldown(none)`"),
            ("max_concurrency(0)", "at least 1"),
            ("max_concurrency(1, per = \"1s\")", "`bucket` is"),
            ("defer = \"later\"", "`later` is none of"),
            (
                "prefix, defer = \"never\"",
                "`defer` says nothing of a command that is no slash command",
            ),
            ("prefix, priority = 1", "`priority` says nothing"),
            (
                "slash, typing",
                "`typing` says nothing of a command that can't be used by message",
            ),
            ("slash, delete_invocation", "`delete_invocation` says nothing"),
            ("category = \" \"", "has 0 characters"),
            ("examples(\"\")", "an example has 0 characters"),
            ("name_localized(\"xx\", \"a\")", "`xx` is no language"),
            ("name_localized(\"de\", \"A\")", "the name of a command `A`"),
            ("name_localized(\"de\")", "write `name_localized("),
            (
                "name_localized(\"de\", \"a\"), name_localized(\"de\", \"b\")",
                "given twice",
            ),
            (
                "prefix, name_localized(\"de\", \"a\")",
                "only slash commands have names",
            ),
        ];
        for (options, text) in cases {
            let error = error(options, "/// A.\nasync fn a(ctx: Ctx) -> Result { Ok(()) }");
            assert!(error.contains(text), "{options}: {error}");
        }
        let long = format!("description_localized(\"de\", \"{}\")", "x".repeat(101));
        let error = error(&long, "/// A.\nasync fn a(ctx: Ctx) -> Result { Ok(()) }");
        assert!(error.contains("has 101 characters"), "{error}");
    }

    #[test]
    fn by_prefix_alone_a_required_argument_may_come_later() {
        let function = "/// A.\nasync fn a(ctx: Ctx, x: Option<u8>, y: u8) -> Result {}";
        assert_eq!(error("prefix", function), "accepted");
    }

    #[test]
    fn the_first_paragraph_is_the_description() {
        let function: ItemFn =
            syn::parse_str("///\n/// First line\n/// and second.\n///\n/// More.\nfn a() {}").expect("a function");
        assert_eq!(first_paragraph(&function.attrs), "First line and second.");
    }
}
