//! What `#[command]` makes of `user_menu` and `message_menu`.
//!
//! Apart from the command's own table, since which types fit a menu is checked here, by the compiler.

use std::collections::BTreeMap;

use plugin_protocol::{self as protocol, MenuTarget};

use crate::argument::Shape;

/// A context menu that a command is in.
#[derive(Clone, Copy, Debug)]
pub struct MenuDef {
    pub target: MenuTarget,
    pub name: &'static str,
    pub name_localizations: &'static [(&'static str, &'static str)],
}

impl MenuDef {
    pub(super) fn describe(&self) -> protocol::Menu {
        protocol::Menu {
            target: self.target,
            name: self.name.to_owned(),
            name_localizations: texts(self.name_localizations),
        }
    }
}

/// Texts by their languages.
pub(crate) fn texts(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = list
        .iter()
        .map(|(locale, text)| ((*locale).to_owned(), (*text).to_owned()));
    owned.collect()
}

/// Refuses menus whose person or message is no value of the argument's type, for generated code: an error of the compiler.
#[track_caller]
#[must_use]
pub const fn check_menus(menus: &'static [MenuDef], shape: Shape) -> &'static [MenuDef] {
    let mut at = 0;
    while at < menus.len() {
        let fits = menus[at].target.fits(shape.kind) && shape.required && !shape.variadic;
        match menus[at].target {
            MenuTarget::User => assert!(
                fits,
                "the required argument of a user's menu is whom it is used on: a `Member`, `User` or `Mentionable`"
            ),
            _ => assert!(
                fits,
                "the required argument of a message's menu is what it is used on: a `MessageLink`"
            ),
        }
        at += 1;
    }
    menus
}

/// What is said of a group, for generated code.
#[must_use]
pub fn group(name: &str, description: &str, names: &[(&str, &str)], descriptions: &[(&str, &str)]) -> protocol::Group {
    protocol::Group {
        name: name.to_owned(),
        description: description.to_owned(),
        name_localizations: texts(names),
        description_localizations: texts(descriptions),
    }
}
