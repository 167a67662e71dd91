//! The keys of `plugin!`: what an author writes between the braces, read and checked where it stands.
//!
//! Apart from what is made of them, since most of the macro's mistakes are told of here.

use proc_macro2::Span;
use syn::{
    Attribute, Error, Expr, Ident, LitInt, LitStr, Path, Result, Token, Type, braced, bracketed,
    ext::IdentExt,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    spanned::Spanned,
    token,
};

use super::{
    erasure::Erasure,
    queue::{EventQueue, own_allocator},
};
use crate::{
    function::{check_length, check_name, comma, first_paragraph, unraw},
    localization::Localized,
};

/// What stands in the macro.
#[derive(Default)]
pub(crate) struct Plugin {
    pub(super) linked: bool,
    pub(super) state: Option<Type>,
    pub(super) state_version: Option<u32>,
    pub(super) start: Option<Path>,
    pub(super) stop: Option<Path>,
    pub(super) commands: Vec<Listed>,
    pub(super) groups: Vec<Group>,
    pub(super) components: Vec<Path>,
    pub(super) events: Vec<Path>,
    pub(super) hooks: Vec<Path>,
    pub(super) timers: Vec<Path>,
    pub(super) services: Vec<Path>,
    pub(super) erase: Option<Erasure>,
    pub(super) migrations: Vec<Migration>,
    pub(super) depends: Vec<Dependency>,
    pub(super) conflicts: Vec<Dependency>,
    pub(super) intents: Vec<Ident>,
    pub(super) exclusive: bool,
    pub(super) description: Option<LitStr>,
    pub(super) settings: Option<Path>,
    pub(super) category: Option<LitStr>,
    pub(super) checks: Vec<Path>,
    pub(super) before: Option<Path>,
    pub(super) after: Option<Path>,
    pub(super) on_error: Option<Path>,
    pub(super) event_queue: Option<EventQueue>,
    pub(super) own_allocator: bool,
}

/// A command, and the words before its own name.
pub(super) struct Listed {
    pub(super) path: Path,
    pub(super) group: String,
}

/// What is said of a group.
pub(super) struct Group {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) localized: Localized,
}

/// A step of the plugin's database: `"name" => "SQL"`.
pub(super) struct Migration {
    pub(super) name: LitStr,
    pub(super) sql: Expr,
    pub(super) backward_compatible: bool,
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

pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) range: String,
    pub(super) optional: bool,
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
                "hooks" => plugin.hooks = list(input)?,
                "timers" => plugin.timers = list(input)?,
                "services" => plugin.services = list(input)?,
                "erase" => plugin.erase = Some(input.parse()?),
                "event_queue" => plugin.event_queue = Some(input.parse()?),
                "allocator" => plugin.own_allocator = own_allocator(input)?,
                "migrations" => plugin.migrations = migrations(input)?,
                "depends" => plugin.depends = dependencies(input)?,
                "conflicts" => plugin.conflicts = dependencies(input)?,
                "intents" => plugin.intents = list(input)?,
                "swap" => plugin.exclusive = exclusive(input)?,
                "category" => {
                    let category: LitStr = input.parse()?;
                    check_length("the category of commands", &category.value(), 100, category.span())?;
                    plugin.category = Some(category);
                }
                "settings" => plugin.settings = Some(input.parse()?),
                "description" => plugin.description = Some(input.parse()?),
                "checks" => plugin.checks = list(input)?,
                "before" => plugin.before = Some(input.parse()?),
                "after" => plugin.after = Some(input.parse()?),
                "on_error" => plugin.on_error = Some(input.parse()?),
                other => {
                    let text = format!(
                        "`{other}` is no key of a plugin: state, state_version, start, stop, commands, components, \
                         events, hooks, timers, services, erase, checks, before, after, on_error, migrations, depends, conflicts, \
                         event_queue, allocator, intents, swap, category, \
                         settings and description are"
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
        let mut localized = Localized::default();
        for attribute in attributes.iter().filter(|attribute| !attribute.path().is_ident("doc")) {
            if !localized.apply(attribute, "a group")? {
                let text = "a group can only have a documentation comment, `#[name_localized(\"de\", \"..\")]` and \
                    `#[description_localized(\"de\", \"..\")]`";
                return Err(Error::new(attribute.span(), text));
            }
        }
        let description = first_paragraph(attributes);
        if !description.is_empty() {
            check_length("the description of a group", &description, 100, span)?;
        }
        if !description.is_empty() || !localized.is_empty() {
            self.groups.push(Group {
                name: name.to_owned(),
                description,
                localized,
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

pub(crate) fn check_plugin_name(name: &str, span: Span) -> Result<()> {
    if is_plugin_name(name) {
        return Ok(());
    }
    Err(Error::new(
        span,
        format!("`{name}` is no plugin's name: 1 to 32 of a-z, 0-9, _ and -"),
    ))
}

pub(crate) fn is_plugin_name(name: &str) -> bool {
    let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    (1..=32).contains(&name.len()) && name.bytes().all(fits)
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
}
