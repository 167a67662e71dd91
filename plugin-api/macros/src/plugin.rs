//! `plugin!`: collects what the attributes have put beside the functions, writes the manifest, exports the table.
//!
//! It sees paths, never functions. The manifest goes into a link section, to be read without running any code.

mod erasure;
mod keys;
mod queue;

use std::{env, fmt::Write};

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{LitStr, Path, Result, spanned::Spanned};

use self::keys::{Dependency, Group, Migration};
pub(crate) use self::keys::{Plugin, check_plugin_name, is_plugin_name};
use crate::{command::check_of, function::beside_path, policy::optional};

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
    let groups = plugin.groups.iter().map(|group| {
        let Group {
            name,
            description,
            localized,
        } = group;
        let (names, descriptions) = (localized.names.pairs(), localized.descriptions.pairs());
        quote!(::plugin_api::__private::group(#name, #description, #names, #descriptions))
    });
    let around = around(plugin);
    let hooks: Vec<_> = plugin.hooks.iter().map(|path| beside_path("hook", path)).collect();
    let distinct_hooks = hooks.iter().enumerate().map(|(number, hook)| {
        let earlier = &hooks[..number];
        quote_spanned!(hook.span()=>
            const _: () = ::plugin_api::__private::check_hook(#hook.function, &[#(#earlier.function),*]);
        )
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
    let services: Vec<_> = plugin
        .services
        .iter()
        .map(|path| beside_path("service", path))
        .collect();
    let distinct_services = services.iter().enumerate().map(|(number, service)| {
        let earlier = &services[..number];
        quote_spanned!(service.span()=>
            const _: () = ::plugin_api::__private::check_service(#service.name, &[#(#earlier.name),*]);
        )
    });
    let timers: Vec<_> = plugin.timers.iter().map(|path| beside_path("timer", path)).collect();
    let erase = plugin.erase.as_ref();
    let erase = optional(erase.map(|erase| erase.tokens(|path| at(Some(path), "erase"))));
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
    let event_queue = plugin.event_queue.map(|queue| {
        let queue::EventQueue { bytes, drops_newest } = queue;
        quote! {
            const EVENT_QUEUE: (u64, bool) = (#bytes, #drops_newest);
        }
    });
    let settings: Vec<_> = plugin.settings.iter().collect();
    let category = plugin.category.iter();
    let intents = &plugin.intents;
    let manifest = manifest(plugin, &name, &version, &package("AUTHORS"), &package("DESCRIPTION"));

    let module = quote! {
        #[allow(unused_imports)]
        use ::plugin_api::__private::defaults::*;

        #(#distinct)*
        #(#of_commands)*
        #(#distinct_hooks)*
        #(#distinct_services)*

        struct __Plugin;

        #[allow(private_interfaces)]
        impl ::plugin_api::__private::Module for __Plugin {
            type State = #state;
            const NAME: &'static str = #name;
            const VERSION: &'static str = #version;
            const STATE_VERSION: ::core::option::Option<u32> = #state_version;
            const HOOKS: ::plugin_api::__private::Hooks<Self::State> = #around;

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

            fn hooks() -> ::std::vec::Vec<::plugin_api::__private::HookDef<Self::State>> {
                ::std::vec![#(#hooks),*]
            }

            fn timers() -> ::std::vec::Vec<::plugin_api::__private::TimerDef<Self::State>> {
                ::std::vec![#(#timers),*]
            }

            const ERASE: ::core::option::Option<::plugin_api::__private::Erase<Self::State>> = #erase;

            #event_queue

            fn migrations() -> ::std::vec::Vec<::plugin_api::__private::Migration> {
                ::std::vec![#(#migrations),*]
            }

            fn services() -> ::std::vec::Vec<::plugin_api::__private::ServiceDef<Self::State>> {
                ::std::vec![#(#services),*]
            }

            #(const CATEGORY: ::core::option::Option<&'static str> = ::core::option::Option::Some(#category);)*

            #(fn settings() -> ::core::option::Option<::plugin_api::__private::SettingsSchema> {
                ::core::option::Option::Some(::plugin_api::__private::settings_schema::<#settings>())
            })*
        }

        #(impl ::plugin_api::__private::DeclaredSettings for #settings {})*

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
    // In a test of the plugin's own the allocator is the test's.
    let allocator = (!plugin.own_allocator).then(|| {
        quote! {
            #[cfg(not(test))]
            #[global_allocator]
            static __PLUGIN_ALLOCATOR: ::plugin_api::__private::CountingAllocator =
                ::plugin_api::__private::CountingAllocator;
        }
    });
    Ok(quote! {
        #allocator

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

/// The `Hooks`: what runs around each command.
fn around(plugin: &Plugin) -> TokenStream {
    let boxed = |path: &Path, call: TokenStream, arguments: TokenStream| quote_spanned!(path.span()=> |#arguments| ::std::boxed::Box::pin(#call));
    let checks = plugin.checks.iter().map(check_of);
    let before = optional(plugin.before.as_ref().map(check_of));
    let after = optional(plugin.after.as_ref().map(|path| {
        boxed(
            path,
            quote_spanned!(path.span()=> #path(ctx, ended)),
            quote!(ctx, ended),
        )
    }));
    let on_error = optional(plugin.on_error.as_ref().map(|path| {
        boxed(
            path,
            quote_spanned!(path.span()=> #path(ctx, error)),
            quote!(ctx, error),
        )
    }));
    quote!(::plugin_api::__private::Hooks {
        checks: &[#(#checks),*],
        before: #before,
        after: #after,
        on_error: #on_error,
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
