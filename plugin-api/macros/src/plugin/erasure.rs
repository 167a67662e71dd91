//! The key `erase`: the function with `#[erase]`, or the statements that say all of it.
//!
//! Apart from the other keys, since it takes two forms.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Error, Expr, Ident, Path, Result, Token, bracketed,
    parse::{Parse, ParseStream},
    token::Bracket,
};

use crate::function::comma;

/// What erases.
pub(crate) enum Erasure {
    /// A function.
    By(Path),
    /// Statements, whose one parameter is the id: those about a user, those about a server.
    Statements { user: Vec<Expr>, guild: Vec<Expr> },
}

impl Parse for Erasure {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !input.peek(Bracket) {
            return input.parse().map(Self::By);
        }
        let (items, mut user, mut guild);
        bracketed!(items in input);
        (user, guild) = (Vec::new(), Vec::new());
        while !items.is_empty() {
            let who: Ident = items.parse()?;
            items.parse::<Token![=>]>()?;
            match who.to_string().as_str() {
                "user" => user.push(items.parse()?),
                "guild" => guild.push(items.parse()?),
                _ => {
                    let text = "what is erased is about a `user` or a `guild`: \
                                `user => \"DELETE FROM notes WHERE author = ?1\"`";
                    return Err(Error::new(who.span(), text));
                }
            }
            comma(&items)?;
        }
        Ok(Self::Statements { user, guild })
    }
}

impl Erasure {
    /// The closure that does it; `function` finds what `#[erase]` has made of a function.
    pub(super) fn tokens(&self, function: impl Fn(&Path) -> Path) -> TokenStream {
        let call = match self {
            Self::By(path) => {
                let function = function(path);
                quote!(#function(ctx, who))
            }
            Self::Statements { user, guild } => {
                quote!(::plugin_api::__private::erase_rows(ctx, who, &[#(#user),*], &[#(#guild),*]))
            }
        };
        quote!(|ctx, who| ::std::boxed::Box::pin(#call))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_those_of_users_and_of_servers() {
        let read = |text| syn::parse_str::<Erasure>(text);
        let Ok(Erasure::Statements { user, guild }) = read("[user => \"a\", guild => B, user => \"c\",]") else {
            panic!("statements are read");
        };
        assert_eq!((user.len(), guild.len()), (2, 1));
        assert!(matches!(read("warn::forget"), Ok(Erasure::By(_))));
        let error = read("[member => \"a\"]").map(drop).expect_err("no subject");
        assert!(error.to_string().contains("`user` or a `guild`"), "{error}");
    }
}
