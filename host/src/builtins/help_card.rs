//! The cards of `help`: from what the host lists to embeds within Discord's limits
//! (<https://discord.com/developers/docs/resources/message#embed-object-embed-limits>).
//!
//! Pure: every text is cut cleanly. Names and texts are the plugins'; the host's own are here.

use std::fmt::Write;

use plugin_api::{
    Embed, SelectOption, UserId,
    commands::{CommandList, ListedArgument, ListedCommand},
    embed,
    figures::BotFigures,
};

use super::card::{NEUTRAL, WARNING, cut, one_line, some_of};

/// How many categories, and how many commands of one, are on a page.
const PER_PAGE: usize = 10;
/// The colour of a category.
const CATEGORY: u32 = 0x58_65f2;
/// The longest line of a list: ten of them are within a description.
const LINE: usize = 300;
/// The longest field that is used, in characters.
const FIELD: usize = 1000;

/// What a mark says of a command's doors.
const LEGEND: &str =
    "\u{2726} both \u{b7} \u{203a} prefix only \u{b7} / slash only \u{b7} \u{26a0} prefix only: no slash place is left";

/// What it says of context menus, where there is something in one.
const MENU_LEGEND: &str = " \u{b7} \u{2630} in the menu of a member or message, under Apps";

/// A category with its commands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Category<'l> {
    pub(super) name: &'l str,
    pub(super) commands: Vec<&'l ListedCommand>,
}

/// The categories that have something to show, by their names.
pub(super) fn categories(list: &CommandList) -> Vec<Category<'_>> {
    let mut categories: Vec<Category<'_>> = Vec::new();
    for command in list.commands.iter().filter(|command| !command.hidden) {
        match categories.iter_mut().find(|one| one.name == command.category) {
            Some(category) => category.commands.push(command),
            None => categories.push(Category {
                name: &command.category,
                commands: vec![command],
            }),
        }
    }
    categories.sort_by_key(|category| category.name.to_lowercase());
    categories
}

/// How many pages so many entries have, at least one.
pub(super) const fn pages(entries: usize) -> usize {
    match entries.div_ceil(PER_PAGE) {
        0 => 1,
        pages => pages,
    }
}

/// The entries of a page.
pub(super) fn page<T>(entries: &[T], number: usize) -> impl Iterator<Item = &T> {
    entries.iter().skip(number * PER_PAGE).take(PER_PAGE)
}

/// A short name of a category that controls carry: FNV-1a.
pub(super) fn key(category: &str) -> u32 {
    category.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// A category in the select.
pub(super) fn option(category: &Category<'_>) -> SelectOption {
    let count = counted(category.commands.len(), "command");
    SelectOption::new(cut(category.name, 100), cut(category.name, 100)).description(count)
}

/// The main card.
pub(super) fn menu(list: &CommandList, categories: &[Category<'_>], bot: Option<UserId>, number: usize) -> Embed {
    let commands: usize = categories.iter().map(|category| category.commands.len()).sum();
    let mut text = format!(
        "{} in {}. Commands begin with {}.\nChoose a category below, or use `{}help COMMAND` for one command.",
        counted(commands, "command"),
        counted(categories.len(), "category"),
        prefixes(list, bot),
        list.prefix
    );
    if !list.reads_messages {
        let _ = write!(text, "\n\n\u{26a0} {}", deaf(bot));
    }
    let lines = page(categories, number).map(|category| {
        let count = category.commands.len();
        format!("**{}** \u{b7} {count}", cut(category.name, 100))
    });
    let lines = some_of(lines, "\n", FIELD);
    let mut card = embed("Help").colour(NEUTRAL).description(text);
    if !lines.is_empty() {
        card = card.field("Categories", lines);
    }
    let pages = pages(categories.len());
    if pages > 1 {
        card = card.footer(format!("Page {} of {pages}", number + 1));
    }
    card
}

/// A page of a category.
pub(super) fn category(list: &CommandList, category: &Category<'_>, number: usize) -> Embed {
    let lines: Vec<_> = page(&category.commands, number)
        .map(|command| {
            let description = one_line(&command.description);
            let text = format!("{} {} \u{b7} {description}", mark(command), shown(list, command));
            cut(&text, LINE)
        })
        .collect();
    let has_entries = page(&category.commands, number).any(|command| entries(command).next().is_some());
    let of_menus = if has_entries { MENU_LEGEND } else { "" };
    embed(cut(category.name, 100))
        .colour(CATEGORY)
        .description(lines.join("\n"))
        .footer(format!(
            "{LEGEND}{of_menus}\nPage {} of {} \u{b7} {}",
            number + 1,
            pages(category.commands.len()),
            counted(category.commands.len(), "command")
        ))
}

/// Everything about a command.
pub(super) fn command(list: &CommandList, command: &ListedCommand) -> Embed {
    let mut card = embed(cut(&command.name, 100))
        .colour(CATEGORY)
        .description(cut(&one_line(&command.description), 300));
    let mut field = |name: &str, value: String, inline: bool| {
        if value.is_empty() {
            return;
        }
        let taken = std::mem::take(&mut card);
        card = if inline {
            taken.inline_field(name, value)
        } else {
            taken.field(name, value)
        };
    };
    let mut usage = String::new();
    if command.prefix {
        let _ = write!(usage, "`{}`", cut(&command.usage.replace('`', "'"), 400));
    }
    if let Some(id) = &command.slash_id {
        let separator = if usage.is_empty() { "" } else { "\n" };
        let _ = write!(usage, "{separator}</{}:{id}>", command.name);
    }
    let in_menus = in_menus(command);
    if !in_menus.is_empty() {
        let separator = if usage.is_empty() { "" } else { "\n" };
        let _ = write!(usage, "{separator}{in_menus}");
    }
    if let Some(why) = &command.prefix_only {
        let _ = write!(usage, "\n\u{26a0} By prefix only: {}", cut(why, 200));
    }
    field("Usage", usage, false);
    field(
        "Arguments",
        some_of(command.arguments.iter().map(argument), "\n", FIELD),
        false,
    );
    let aliases = command.aliases.iter().map(|alias| format!("`{alias}`"));
    field("Also", some_of(aliases, ", ", 300), true);
    field("Cooldown", command.cooldown.clone().unwrap_or_default(), true);
    field("Who", cut(command.who.as_deref().unwrap_or("everyone"), 300), true);
    let examples = command
        .examples
        .iter()
        .map(|example| format!("`{}{}`", list.prefix, example.replace('`', "'")));
    field("Examples", some_of(examples, "\n", 600), false);
    card.footer(cut(
        &format!("{} \u{b7} plugin {}", command.category, command.plugin),
        200,
    ))
}

fn argument(argument: &ListedArgument) -> String {
    let optional = if argument.required { "" } else { ", optional" };
    let text = if argument.description.is_empty() || argument.description == argument.name {
        String::new()
    } else {
        format!(": {}", one_line(&argument.description))
    };
    cut(
        &format!("`{}` ({}{optional}){text}", argument.name, argument.wants),
        200,
    )
}

/// What is said of a command that there is not, or not for the one who asks.
pub(super) fn unknown(list: &CommandList, asked: &str) -> String {
    let asked = cut(&one_line(asked).replace('`', ""), 50);
    format!(
        "There is no command `{asked}` that you can use here. `{}help` shows those that there are.",
        list.prefix
    )
}

/// The answer to the bot's mention.
pub(super) fn mentioned(list: &CommandList, bot: Option<UserId>, figures: &BotFigures) -> Embed {
    let help = list.commands.iter().find(|command| command.name == "help");
    let help = help.map_or_else(|| format!("`{}help`", list.prefix), |help| shown(list, help));
    let mut card = embed("Hello")
        .colour(NEUTRAL)
        .description(format!("Commands here begin with {}.", prefixes(list, bot)))
        .field("Slash commands", "Type `/` and choose: Discord shows what you can use.")
        .field(
            "Help",
            format!("{help} shows all commands, `{}help COMMAND` one of them.", list.prefix),
        )
        .footer(format!(
            "{} \u{b7} up since the start",
            counted(list.commands.len(), "command")
        ));
    card = card.footer(counted(
        usize::try_from(figures.commands).unwrap_or(usize::MAX),
        "command",
    ));
    if list.reads_messages {
        return card;
    }
    card.colour(WARNING).field("Messages", deaf(bot))
}

/// What works where the bot is not sent what people write.
fn deaf(bot: Option<UserId>) -> String {
    let mention = bot.map_or_else(|| "a mention of the bot".to_owned(), |bot| format!("<@{bot}>"));
    format!("This bot can't read messages here: only {mention}, direct messages and slash commands work.")
}

/// What commands begin with.
fn prefixes(list: &CommandList, bot: Option<UserId>) -> String {
    match bot {
        Some(bot) if list.mention && list.reads_messages => format!("`{}` or <@{bot}>", list.prefix),
        Some(bot) if list.mention => format!("<@{bot}>"),
        _ => format!("`{}`", list.prefix),
    }
}

/// A command as people use it: clickable where it is a slash command.
fn shown(list: &CommandList, command: &ListedCommand) -> String {
    match (&command.slash_id, entries(command).next()) {
        (Some(id), _) => format!("</{}:{id}>", command.name),
        (None, Some((name, _))) if !command.prefix => format!("**{}**", plain(name)),
        (None, _) => format!("`{}{}`", list.prefix, command.name),
    }
}

/// Its entries in context menus, with what they are the menus of.
fn entries(command: &ListedCommand) -> impl Iterator<Item = (&str, &'static str)> {
    let of_users = command.user_menus.iter().map(|name| (name.as_str(), "a member"));
    of_users.chain(command.message_menus.iter().map(|name| (name.as_str(), "a message")))
}

/// How it is chosen in menus: a line for each.
fn in_menus(command: &ListedCommand) -> String {
    let lines = entries(command).map(|(name, of)| format!("In the menu of {of}: Apps \u{203a} **{}**", plain(name)));
    lines.collect::<Vec<_>>().join("\n")
}

/// An author's name for something, without what Discord would take for markup.
fn plain(name: &str) -> String {
    name.replace(['*', '_', '`', '~', '|'], "")
}

fn mark(command: &ListedCommand) -> String {
    let menu = entries(command).next().map(|_| "\u{2630}");
    let doors = match (command.prefix, command.slash, &command.prefix_only) {
        (_, false, Some(_)) => "\u{26a0}",
        (true, true, _) => "\u{2726}",
        (false, true, _) => "/",
        (false, false, _) if menu.is_some() => "",
        _ => "\u{203a}",
    };
    format!("{doors}{}", menu.unwrap_or_default())
}

fn counted(number: usize, what: &str) -> String {
    match (number, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use plugin_api::serde_json;

    use super::*;

    fn listed(name: &str, category: &str) -> ListedCommand {
        ListedCommand {
            name: name.to_owned(),
            description: format!("Does {name}."),
            plugin: "levels".to_owned(),
            category: category.to_owned(),
            prefix: true,
            slash: true,
            slash_id: Some("77".to_owned()),
            usage: format!("!{name} <member> [days=1]"),
            may_run: true,
            ..ListedCommand::default()
        }
    }

    fn list() -> CommandList {
        let mut ban = listed("ban", "Moderation");
        ban.aliases = vec!["b".to_owned()];
        ban.user_menus = vec!["Ban `Them`".to_owned()];
        ban.arguments = vec![
            ListedArgument {
                name: "member".to_owned(),
                description: "Who is banned".to_owned(),
                wants: "a member of this server".to_owned(),
                required: true,
            },
            ListedArgument {
                name: "days".to_owned(),
                wants: "a whole number".to_owned(),
                ..ListedArgument::default()
            },
        ];
        ban.cooldown = Some("3 times in 10 s, each user".to_owned());
        ban.who = Some("members with *Ban Members*, in servers".to_owned());
        ban.examples = vec!["ban @Bob spam".to_owned()];
        let prefix = ListedCommand {
            slash: false,
            slash_id: None,
            ..listed("kick", "Moderation")
        };
        let without_place = ListedCommand {
            prefix_only: Some("there is no room for more slash commands: prefix only".to_owned()),
            ..ListedCommand {
                name: "mute".to_owned(),
                ..prefix.clone()
            }
        };
        let slash = ListedCommand {
            prefix: false,
            ..listed("rank", "levels")
        };
        CommandList {
            prefix: "!".to_owned(),
            mention: true,
            reads_messages: true,
            commands: vec![ban, prefix, without_place, slash],
        }
    }

    #[test]
    fn the_cards() {
        let list = list();
        let categories = categories(&list);
        assert_eq!(
            categories.iter().map(|one| one.name).collect::<Vec<_>>(),
            ["levels", "Moderation"]
        );
        let deaf = CommandList {
            reads_messages: false,
            ..list.clone()
        };
        let figures = BotFigures::default();
        let bot = UserId::new(9);
        let cards = [
            menu(&list, &categories, bot, 0),
            category(&list, &categories[1], 0),
            command(&list, &list.commands[0]),
            command(&list, &list.commands[2]),
            mentioned(&list, bot, &figures),
            mentioned(&deaf, bot, &figures),
        ];
        insta::assert_snapshot!(serde_json::to_string_pretty(&cards).unwrap());
        insta::assert_snapshot!(unknown(&list, "`x`\n y"));
    }

    #[test]
    fn whatever_there_is_the_cards_are_within_discords_limits() {
        let long = "w\u{f6}rd ".repeat(200);
        let mut all = list();
        for number in 0..300 {
            let mut command = all.commands[0].clone();
            command.name = format!("{number:098}");
            command.category = cut(&format!("{} {long}", number / 7), 100);
            command.description.clone_from(&long);
            command.usage.clone_from(&long);
            command.aliases = vec![long.clone(); 40];
            command.examples = vec![cut(&long, 200); 40];
            command.who = Some(long.clone());
            command.prefix_only = Some(long.clone());
            command.arguments = vec![
                ListedArgument {
                    name: "x".repeat(32),
                    description: cut(&long, 100),
                    wants: long.clone(),
                    required: true,
                };
                25
            ];
            all.commands.push(command);
        }
        let categories = categories(&all);
        let mut cards = vec![menu(&all, &categories, UserId::new(9), 1)];
        cards.extend(categories.iter().map(|one| category(&all, one, 0)));
        cards.extend(all.commands.iter().map(|one| command(&all, one)));
        for card in cards {
            let json = serde_json::to_value(&card).unwrap();
            let length = |value: &serde_json::Value| value.as_str().unwrap_or_default().chars().count();
            assert!(length(&json["title"]) <= 256 && length(&json["description"]) <= 4096);
            assert!(length(&json["footer"]["text"]) <= 2048);
            let mut sum = length(&json["title"]) + length(&json["description"]) + length(&json["footer"]["text"]);
            for field in json["fields"].as_array().into_iter().flatten() {
                assert!((1..=1024).contains(&length(&field["value"])));
                sum += length(&field["name"]) + length(&field["value"]);
            }
            assert!(sum <= 6000, "{sum}");
        }
    }
}
