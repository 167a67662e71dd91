//! `plugin!`: collects what the attributes have put beside the functions, writes the manifest, exports the table.
//!
//! It sees paths, never functions. The manifest goes into a link section, to be read without running any code.

use std::{env, fmt::Write};

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Attribute, Error, Expr, Ident, LitInt, LitStr, Path, Result, Token, Type, braced, bracketed,
    ext::IdentExt,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    spanned::Spanned,
    token,
};

use crate::function::{beside_path, check_length, check_name, comma, first_paragraph, unraw};

/// What stands in the macro.
#[derive(Default)]
pub(crate) struct Plugin {
    linked: bool,
    state: Option<Type>,
    state_version: Option<u32>,
    start: Option<Path>,
    stop: Option<Path>,
    commands: Vec<Listed>,
    groups: Vec<Group>,
    components: Vec<Path>,
    events: Vec<Path>,
    migrations: Vec<Migration>,
    depends: Vec<Dependency>,
    conflicts: Vec<Dependency>,
    intents: Vec<Ident>,
    exclusive: bool,
    description: Option<LitStr>,
}

/// A command, and the words before its own name.
struct Listed {
    path: Path,
    group: String,
}

/// A group's description.
struct Group {
    name: String,
    description: String,
}

/// A step of the plugin's database: `"name" => "SQL"`.
struct Migration {
    name: LitStr,
    sql: Expr,
    backward_compatible: bool,
}

impl Parse for Migration {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut backward_compatible = false;
        for attribute in input.call(Attribute::parse_outer)? {
            if !attribute.path().is_ident("backward_compatible") {
                return Err(Error::new(
                    attribute.span(),
                    "a migration can only be `#[backward_compatible]`",
                ));
            }
            backward_compatible = true;
        }
        let name: LitStr = input.parse()?;
        input.parse::<Token![=>]>()?;
        Ok(Self {
            name,
            sql: input.parse()?,
            backward_compatible,
        })
    }
}

struct Dependency {
    name: String,
    range: String,
    optional: bool,
}

impl Parse for Plugin {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut plugin = Self::default();
        if input.peek(Ident) && input.peek2(Token![;]) {
            let form: Ident = input.parse()?;
            if form != "linked" {
                return Err(Error::new(form.span(), "the only other form of a plugin is `linked;`"));
            }
            input.parse::<Token![;]>()?;
            plugin.linked = true;
        }
        while !input.is_empty() {
            let key = input.call(Ident::parse_any)?;
            input.parse::<Token![:]>()?;
            match key.to_string().as_str() {
                "state" => plugin.state = Some(input.parse()?),
                "state_version" => plugin.state_version = Some(input.parse::<LitInt>()?.base10_parse()?),
                "start" => plugin.start = Some(input.parse()?),
                "stop" => plugin.stop = Some(input.parse()?),
                "commands" => plugin.list_commands(input)?,
                "components" => plugin.components = list(input)?,
                "events" => plugin.events = list(input)?,
                "migrations" => plugin.migrations = migrations(input)?,
                "depends" => plugin.depends = dependencies(input)?,
                "conflicts" => plugin.conflicts = dependencies(input)?,
                "intents" => plugin.intents = list(input)?,
                "swap" => plugin.exclusive = exclusive(input)?,
                "description" => plugin.description = Some(input.parse()?),
                other => {
                    let text = format!(
                        "`{other}` is no key of a plugin: state, state_version, start, stop, commands, components, \
                         events, migrations, depends, conflicts, intents, swap and description are"
                    );
                    return Err(Error::new(key.span(), text));
                }
            }
            comma(input)?;
        }
        Ok(plugin)
    }
}

impl Plugin {
    /// `[ban, warn::{add, list}]`: paths of functions, and groups of them.
    fn list_commands(&mut self, input: ParseStream<'_>) -> Result<()> {
        let items;
        bracketed!(items in input);
        self.list_level(&items, None, "")
    }

    /// The commands between two brackets: those of `group`, in the module `module`.
    fn list_level(&mut self, items: ParseStream<'_>, module: Option<&Path>, group: &str) -> Result<()> {
        while !items.is_empty() {
            let attributes = items.call(Attribute::parse_outer)?;
            let mut path = module.cloned();
            let mut name = group.to_owned();
            loop {
                let segment = items.call(Ident::parse_any)?;
                let word = unraw(&segment);
                match &mut path {
                    Some(path) => path.segments.push(segment.clone().into()),
                    None => path = Some(segment.clone().into()),
                }
                if !items.peek(Token![::]) {
                    break;
                }
                items.parse::<Token![::]>()?;
                if !matches!(word.as_str(), "self" | "super" | "crate") {
                    let space = if name.is_empty() { "" } else { " " };
                    name = format!("{name}{space}{word}");
                }
                if items.peek(token::Brace) {
                    check_group(&name, segment.span())?;
                    self.describe_group(&name, &attributes, segment.span())?;
                    let below;
                    braced!(below in items);
                    self.list_level(&below, path.as_ref(), &name)?;
                    name.clear();
                    path = None;
                    break;
                }
            }
            if let Some(path) = path {
                if let Some(attribute) = attributes.first() {
                    let text = "only a group is described here; a command is where its function stands";
                    return Err(Error::new(attribute.span(), text));
                }
                // Without brackets, `tags::add` is a function in a module; within, its modules are groups, too.
                let group = if module.is_some() { name } else { String::new() };
                if !group.is_empty() {
                    check_group(&group, path.span())?;
                }
                self.commands.push(Listed { path, group });
            }
            comma(items)?;
        }
        Ok(())
    }

    fn describe_group(&mut self, name: &str, attributes: &[Attribute], span: Span) -> Result<()> {
        if let Some(attribute) = attributes.iter().find(|attribute| !attribute.path().is_ident("doc")) {
            let text = "a group can only have a documentation comment";
            return Err(Error::new(attribute.span(), text));
        }
        let description = first_paragraph(attributes);
        if !description.is_empty() {
            check_length("the description of a group", &description, 100, span)?;
            self.groups.push(Group {
                name: name.to_owned(),
                description,
            });
        }
        Ok(())
    }
}

/// A group's name: one or two words, which leaves one for the command.
fn check_group(name: &str, span: Span) -> Result<()> {
    let words: Vec<_> = name.split(' ').collect();
    if words.len() > 2 {
        let text = "a command's name has at most three words: group, subgroup and subcommand";
        return Err(Error::new(span, text));
    }
    words
        .iter()
        .try_for_each(|word| check_name("the name of a group", word, span))
}

fn list<T: Parse>(input: ParseStream<'_>) -> Result<Vec<T>> {
    let items;
    bracketed!(items in input);
    Ok(Punctuated::<T, Token![,]>::parse_terminated(&items)?
        .into_iter()
        .collect())
}

fn migrations(input: ParseStream<'_>) -> Result<Vec<Migration>> {
    let migrations: Vec<Migration> = list(input)?;
    for (number, migration) in migrations.iter().enumerate() {
        let name = migration.name.value();
        if name.trim().is_empty() || name.chars().count() > 100 {
            let text = "a migration's name has 1 to 100 characters";
            return Err(Error::new(migration.name.span(), text));
        }
        if migrations[..number].iter().any(|earlier| earlier.name.value() == name) {
            let text = format!("two migrations have the name `{name}`");
            return Err(Error::new(migration.name.span(), text));
        }
    }
    Ok(migrations)
}

fn exclusive(input: ParseStream<'_>) -> Result<bool> {
    let swap: Ident = input.parse()?;
    match swap.to_string().as_str() {
        "exclusive" => Ok(true),
        "beside" => Ok(false),
        _ => Err(Error::new(swap.span(), "a plugin's swap is `beside` or `exclusive`")),
    }
}

fn dependencies(input: ParseStream<'_>) -> Result<Vec<Dependency>> {
    list::<LitStr>(input)?
        .iter()
        .map(|text| dependency(&text.value(), text.span()))
        .collect()
}

fn dependency(text: &str, span: Span) -> Result<Dependency> {
    let (name, range) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let (name, optional) = name.strip_suffix('?').map_or((name, false), |name| (name, true));
    check_plugin_name(name, span)?;
    Ok(Dependency {
        name: name.to_owned(),
        range: range.trim().to_owned(),
        optional,
    })
}

fn check_plugin_name(name: &str, span: Span) -> Result<()> {
    let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    if (1..=32).contains(&name.len()) && name.bytes().all(fits) {
        return Ok(());
    }
    Err(Error::new(
        span,
        format!("`{name}` is no plugin's name: 1 to 32 of a-z, 0-9, _ and -"),
    ))
}

pub(crate) fn expand(plugin: &Plugin) -> Result<TokenStream> {
    let package = |key: &str| env::var(format!("CARGO_PKG_{key}")).unwrap_or_default();
    let (name, version) = (package("NAME"), package("VERSION"));
    check_plugin_name(&name, Span::call_site())?;

    let state = plugin.state.as_ref().map_or_else(|| quote!(()), |state| quote!(#state));
    let state_version = match plugin.state_version {
        Some(version) => quote!(::core::option::Option::Some(#version)),
        None => quote!(::core::option::Option::None),
    };
    let at = |path: Option<&Path>, name: &str| {
        let mut path = path.cloned().unwrap_or_else(|| syn::parse_quote!(default));
        if let Some(last) = path.segments.last_mut() {
            last.ident = quote::format_ident!("__plugin_{name}");
        }
        path
    };
    let (start, stop) = (at(plugin.start.as_ref(), "start"), at(plugin.stop.as_ref(), "stop"));
    let beside: Vec<_> = plugin
        .commands
        .iter()
        .map(|listed| beside_path("command", &listed.path))
        .collect();
    let words: Vec<_> = plugin.commands.iter().map(|listed| &listed.group).collect();
    let distinct = beside.iter().enumerate().map(|(number, command)| {
        let (earlier, above) = (&beside[..number], &words[..number]);
        let group = words[number];
        quote_spanned!(command.span()=>
            const _: () =
                ::plugin_api::__private::check_name(#group, #command.name, &[#((#above, #earlier.name)),*]);
        )
    });
    let commands = beside.iter().zip(&words).map(|(command, group)| {
        if group.is_empty() {
            quote!(#command)
        } else {
            quote!(::plugin_api::__private::CommandDef { group: #group, ..#command })
        }
    });
    let groups = plugin.groups.iter().map(|Group { name, description }| {
        quote!(::plugin_api::__private::Group {
            name: ::std::string::ToString::to_string(#name),
            description: ::std::string::ToString::to_string(#description),
        })
    });
    let components: Vec<_> = plugin
        .components
        .iter()
        .map(|path| beside_path("component", path))
        .collect();
    let of_commands = components.iter().map(|component| {
        quote_spanned!(component.span()=>
            const _: () = ::plugin_api::__private::check_command(
                <#component as ::plugin_api::__private::Handler>::POLICY.command,
                &[#((#words, #beside.name)),*],
            );
        )
    });
    let events: Vec<_> = plugin.events.iter().map(|path| beside_path("event", path)).collect();
    let migrations = plugin.migrations.iter().map(|migration| {
        let Migration {
            name,
            sql,
            backward_compatible,
        } = migration;
        quote!(::plugin_api::__private::Migration {
            name: ::std::string::ToString::to_string(#name),
            sql: ::std::string::ToString::to_string(#sql),
            backward_compatible: #backward_compatible,
        })
    });
    let intents = &plugin.intents;
    let manifest = manifest(plugin, &name, &version, &package("AUTHORS"), &package("DESCRIPTION"));

    let module = quote! {
        #[allow(unused_imports)]
        use ::plugin_api::__private::defaults::*;

        #(#distinct)*
        #(#of_commands)*

        struct __Plugin;

        #[allow(private_interfaces)]
        impl ::plugin_api::__private::Module for __Plugin {
            type State = #state;
            const NAME: &'static str = #name;
            const VERSION: &'static str = #version;
            const STATE_VERSION: ::core::option::Option<u32> = #state_version;

            async fn start(ctx: ::plugin_api::__private::StartCtx) -> ::plugin_api::__private::Result<Self::State> {
                #start(ctx).await
            }

            async fn stop(
                ctx: ::plugin_api::__private::StopCtx,
                state: Self::State,
            ) -> ::plugin_api::__private::Result<::plugin_api::__private::Saved> {
                #stop(ctx, state).await.map(::core::convert::Into::into)
            }

            fn commands() -> ::std::vec::Vec<::plugin_api::__private::CommandDef<Self::State>> {
                ::std::vec![#(#commands),*]
            }

            fn groups() -> ::std::vec::Vec<::plugin_api::__private::Group> {
                ::std::vec![#(#groups),*]
            }

            fn components() -> ::std::vec::Vec<::plugin_api::__private::ComponentDef<Self::State>> {
                ::std::vec![#(::plugin_api::__private::ComponentDef::of::<#components>()),*]
            }

            fn events() -> ::std::vec::Vec<::plugin_api::__private::EventDef<Self::State>> {
                ::std::vec![#(#events),*]
            }

            fn migrations() -> ::std::vec::Vec<::plugin_api::__private::Migration> {
                ::std::vec![#(#migrations),*]
            }
        }

        const __PLUGIN_INTENTS: ::plugin_api::__private::manifest::Digits =
            ::plugin_api::__private::manifest::Digits::of(
                0 #(| #events.intents)* #(| ::plugin_api::model::gateway::Intents::#intents.bits())*
            );

        const __PLUGIN_MANIFEST: &[&str] = &[
            #manifest,
            "\"abi\":\"", ::plugin_api::__private::manifest::ABI,
            "\",\"target\":\"", ::plugin_api::__private::manifest::TARGET,
            "\",\"compiler\":\"", ::plugin_api::__private::manifest::COMPILER,
            "\",\"panic\":\"unwind\",\"intents\":", __PLUGIN_INTENTS.text(),
            "}",
        ];

        /// This plugin, for a program that it is linked into.
        #[must_use]
        #[allow(dead_code)]
        pub fn linked_plugin() -> ::plugin_api::__private::LinkedPlugin {
            static MANIFEST: [u8; ::plugin_api::__private::manifest::length(__PLUGIN_MANIFEST)] =
                ::plugin_api::__private::manifest::join(__PLUGIN_MANIFEST);
            ::plugin_api::__private::LinkedPlugin::new::<__Plugin>(&MANIFEST)
        }
    };
    if plugin.linked {
        return Ok(module);
    }
    Ok(quote! {
        #[cfg(panic = "abort")]
        ::core::compile_error!(
            "a plugin must be built with `panic = \"unwind\"`: a panic would end the whole bot otherwise"
        );

        #module

        ::plugin_api::__private::export!(::plugin_api::__private::Loaded<__Plugin>);

        #[used]
        #[allow(unsafe_code, reason = "a link section of its own, which the host reads")]
        #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".bothost"))]
        #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__bothost"))]
        static __PLUGIN_MANIFEST_BYTES: [u8; ::plugin_api::__private::manifest::length(__PLUGIN_MANIFEST)] =
            ::plugin_api::__private::manifest::join(__PLUGIN_MANIFEST);
    })
}

/// The manifest's JSON up to what only the compiler knows.
fn manifest(plugin: &Plugin, name: &str, version: &str, authors: &str, description: &str) -> String {
    let authors = authors
        .split(':')
        .filter(|author| !author.is_empty())
        .map(json)
        .collect::<Vec<_>>()
        .join(",");
    let description = plugin
        .description
        .as_ref()
        .map_or_else(|| description.to_owned(), LitStr::value);
    let dependencies = |list: &[Dependency]| {
        let written = list.iter().map(|Dependency { name, range, optional }| {
            format!(
                "{{\"name\":{},\"range\":{},\"optional\":{optional}}}",
                json(name),
                json(range)
            )
        });
        written.collect::<Vec<_>>().join(",")
    };
    format!(
        "{{\"name\":{},\"version\":{},\"authors\":[{authors}],\"description\":{},\"depends\":[{}],\"conflicts\":[{}],\
         \"swap\":\"{}\",",
        json(name),
        json(version),
        json(&description),
        dependencies(&plugin.depends),
        dependencies(&plugin.conflicts),
        if plugin.exclusive { "exclusive" } else { "beside" },
    )
}

/// A text as JSON.
fn json(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            control if control < ' ' => {
                // Writing into a String can't fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_a_name_and_a_range() {
        let read = |text| {
            dependency(text, Span::call_site())
                .map(|d| (d.name, d.range, d.optional))
                .ok()
        };
        assert_eq!(
            read("modlog >=1.2, <2"),
            Some(("modlog".into(), ">=1.2, <2".into(), false))
        );
        assert_eq!(read("levels?"), Some(("levels".into(), String::new(), true)));
        assert_eq!(read("Mod Log"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn commands_are_paths_and_groups_of_them() {
        let read = |text: &str| {
            syn::parse_str::<Plugin>(&format!("commands: [{text}]")).map(|plugin| {
                let names = plugin.commands.iter().map(|listed| {
                    let last = listed.path.segments.last().map(|last| last.ident.to_string());
                    format!("{}/{}", listed.group, last.unwrap_or_default())
                });
                let groups = plugin
                    .groups
                    .iter()
                    .map(|group| format!("{}: {}", group.name, group.description));
                names.chain(groups).collect::<Vec<_>>().join(", ")
            })
        };
        let cases = [
            ("ban, tags::add", "/ban, /add"),
            ("super::warn::{add, list}, ban", "warn/add, warn/list, /ban"),
            ("config::role::{add}", "config role/add"),
            (
                "config::{role::{add, remove}, show}",
                "config role/add, config role/remove, config/show",
            ),
            ("config::{role::add}", "config role/add"),
            ("/// Warnings.\nwarn::{add,},", "warn/add, warn: Warnings."),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).unwrap_or_else(|error| panic!("{text}: {error}")), expected);
        }
        let refused = [
            ("a::b::c::{d}", "at most three words"),
            ("a::{b::{c::{d}}}", "at most three words"),
            ("Warn::{add}", "may have lower-case"),
            ("/// Ban.\nban", "only a group is described here"),
            ("#[x] warn::{add}", "can only have a documentation comment"),
        ];
        for (text, expected) in refused {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn texts_are_escaped() {
        assert_eq!(json("a\"b\\c\n"), r#""a\"b\\c\u000a""#);
    }

    #[test]
    fn a_library_does_not_compile_where_panics_abort_and_a_linked_plugin_does() {
        let expanded = |plugin: Plugin| expand(&plugin).expect("it expands").to_string();
        let guarded = "# [cfg (panic = \"abort\")] :: core :: compile_error !";
        assert!(expanded(Plugin::default()).contains(guarded));
        let linked = Plugin {
            linked: true,
            ..Plugin::default()
        };
        assert!(!expanded(linked).contains(guarded));
    }
}
