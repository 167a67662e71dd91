//! `user_menu = ".."` and `message_menu = ".."` of `#[command]`: the context menus that a command is in.
//!
//! Which argument the person or message becomes is seen here; whether its type fits is checked where the type is known.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Error, Ident, LitStr, Result, Token, parse::ParseStream, spanned::Spanned};

use crate::{argument::Argument, function::check_length, localization::Texts, policy::within};

/// The menus, each at most once.
#[derive(Default)]
pub(crate) struct Menus {
    user: Menu,
    message: Menu,
}

#[derive(Default)]
struct Menu {
    name: Option<LitStr>,
    names: Texts,
}

impl Menus {
    /// Reads an option's value; false if it is none of these.
    pub(crate) fn apply(&mut self, option: &Ident, input: ParseStream<'_>) -> Result<bool> {
        let key = option.to_string();
        let menu = match key.as_str() {
            "user_menu" | "user_menu_localized" => &mut self.user,
            "message_menu" | "message_menu_localized" => &mut self.message,
            _ => return Ok(false),
        };
        let name = if key.ends_with("localized") {
            menu.names.add(&key, option.span(), within(input)?)?
        } else {
            input.parse::<Token![=]>()?;
            let name: LitStr = input.parse()?;
            menu.name = Some(name.clone());
            name
        };
        check_length("the name in a menu", name.value().trim(), 32, name.span())?;
        let is_one_line = |text: &str| text.trim() == text && !text.chars().any(char::is_control);
        if !is_one_line(&name.value()) {
            let text = "the name in a menu is one line, without spaces around it";
            return Err(Error::new(name.span(), text));
        }
        Ok(true)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.user.name.is_none() && self.message.name.is_none()
    }

    /// Refuses menus whose person or message would be no argument, or one of several.
    pub(crate) fn check(&self, arguments: &[Argument]) -> Result<()> {
        for (menu, of) in [(&self.user, "user"), (&self.message, "message")] {
            if let (None, Some(locale)) = (&menu.name, menu.names.first()) {
                let text = format!("give it its own name first: `{of}_menu = \"..\"`");
                return Err(Error::new(locale.span(), text));
            }
        }
        let wants =
            |wants: &str| format!("of what a menu is used on, a command has one argument that is required: {wants}");
        match (&self.user.name, &self.message.name) {
            (Some(_), Some(message)) => {
                let text = "an argument can't be a user and a message: make two commands of it, one for each menu";
                Err(Error::new(message.span(), text))
            }
            (Some(user), None) if required(arguments).count() != 1 => {
                let text = wants("`member: Member` or `user: User`; make the others `Option`s");
                Err(Error::new(user.span(), text))
            }
            (None, Some(message)) if required(arguments).count() != 1 => {
                let text = wants("`message: MessageLink`; make the others `Option`s");
                Err(Error::new(message.span(), text))
            }
            _ => Ok(()),
        }
    }

    /// The `MenuDef`s.
    pub(crate) fn definition(&self, arguments: &[Argument]) -> TokenStream {
        let menus = [(&self.user, "User"), (&self.message, "Message")];
        let definitions = menus.iter().filter_map(|(menu, target)| {
            let (name, target) = (menu.name.as_ref()?, format_ident!("{target}"));
            let names = menu.names.pairs();
            Some(quote!(::plugin_api::__private::MenuDef {
                target: ::plugin_api::__private::MenuTarget::#target,
                name: #name,
                name_localizations: #names,
            }))
        });
        let definitions = quote!(&[#(#definitions),*]);
        match required(arguments).next() {
            Some(argument) if !self.is_empty() => {
                let ty = &argument.ty;
                quote_spanned!(ty.span()=> ::plugin_api::__private::check_menus(
                    #definitions,
                    <#ty as ::plugin_api::__private::Argument>::SHAPE,
                ))
            }
            _ => definitions,
        }
    }
}

fn required(arguments: &[Argument]) -> impl Iterator<Item = &Argument> {
    arguments.iter().filter(|argument| !argument.optional)
}
