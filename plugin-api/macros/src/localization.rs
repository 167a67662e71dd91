//! Names and descriptions in other languages: `name_localized("de", "..")` of whatever has a name.
//!
//! One file for commands, menus, arguments, groups and choices, so that all know the same languages.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Attribute, Error, LitStr, Result, Token, punctuated::Punctuated, spanned::Spanned};

use crate::function::{check_length, check_name};

/// Discord's codes of languages: <https://discord.com/developers/docs/reference#locales>.
const LOCALES: [&str; 32] = [
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl", "no", "pl", "pt-BR",
    "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th", "zh-CN", "ja", "zh-TW", "ko",
];

/// A text in other languages, each once.
#[derive(Default)]
pub(crate) struct Texts(Vec<(LitStr, LitStr)>);

/// A name and a description in other languages.
#[derive(Default)]
pub(crate) struct Localized {
    pub(crate) names: Texts,
    pub(crate) descriptions: Texts,
}

impl Texts {
    /// Adds what stands between the parentheses of `option("de", "..")`; gives the text, to be checked.
    pub(crate) fn add(&mut self, option: &str, at: Span, list: Vec<LitStr>) -> Result<LitStr> {
        let Ok([locale, text]) = <[LitStr; 2]>::try_from(list) else {
            return Err(Error::new(at, format!("write `{option}(\"de\", \"..\")`")));
        };
        let code = locale.value();
        if !LOCALES.contains(&&*code) {
            let text = format!("`{code}` is no language of Discord's: they are {}", LOCALES.join(", "));
            return Err(Error::new(locale.span(), text));
        }
        if self.0.iter().any(|(known, _)| known.value() == code) {
            return Err(Error::new(locale.span(), format!("`{code}` is given twice")));
        }
        self.0.push((locale, text.clone()));
        Ok(text)
    }

    /// The first language there is.
    pub(crate) fn first(&self) -> Option<&LitStr> {
        self.0.first().map(|(locale, _)| locale)
    }

    /// `&[("de", "..")]`.
    pub(crate) fn pairs(&self) -> TokenStream {
        let pairs = self.0.iter().map(|(locale, text)| quote!((#locale, #text)));
        quote!(&[#(#pairs),*])
    }
}

impl Localized {
    /// Reads an attribute of an argument or a group; false if it is another.
    pub(crate) fn apply(&mut self, attribute: &Attribute, what: &str) -> Result<bool> {
        let Some(key) = attribute.path().get_ident().map(ToString::to_string) else {
            return Ok(false);
        };
        match key.as_str() {
            "name_localized" => {
                let name = self.names.add(&key, attribute.span(), texts_of(attribute)?)?;
                check_name(&format!("the name of {what}"), &name.value(), name.span())?;
            }
            "description_localized" => {
                let text = self.descriptions.add(&key, attribute.span(), texts_of(attribute)?)?;
                check_length(&format!("the description of {what}"), &text.value(), 100, text.span())?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.0.is_empty() && self.descriptions.0.is_empty()
    }
}

/// The texts between an attribute's parentheses.
pub(crate) fn texts_of(attribute: &Attribute) -> Result<Vec<LitStr>> {
    let texts = attribute.parse_args_with(Punctuated::<LitStr, Token![,]>::parse_terminated)?;
    Ok(texts.into_iter().collect())
}
