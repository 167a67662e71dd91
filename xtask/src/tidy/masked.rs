//! Rust source with its comments and literals blanked out: what is left is code, line for line.
//!
//! A scanner, not a parser: it knows just enough to tell a word of code from one in a comment, a string
//! or a character.

/// The source with every comment and literal replaced by spaces; lines and columns stay.
pub(super) fn code_only(source: &str) -> String {
    let mut scanner = Scanner {
        rest: source,
        code: String::with_capacity(source.len()),
    };
    while !scanner.rest.is_empty() {
        scanner.next();
    }
    scanner.code
}

/// Whether the line has this word, not as a part of a longer one. A word may end in `!` or `(`.
pub(super) fn has_word(line: &str, word: &str) -> bool {
    let joins = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let open = word.ends_with(|last: char| !joins(last));
        !before.is_some_and(joins) && (open || !after.is_some_and(joins))
    })
}

struct Scanner<'a> {
    rest: &'a str,
    code: String,
}

impl Scanner<'_> {
    fn next(&mut self) {
        let rest = self.rest;
        if rest.starts_with("//") {
            self.blank(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.blank(block_comment(rest));
        } else if let Some(length) = string(rest, self.code.chars().next_back()) {
            self.blank(length);
        } else if let Some(length) = character(rest) {
            self.blank(length);
        } else {
            let length = rest.chars().next().map_or(1, char::len_utf8);
            self.code.push_str(&rest[..length]);
            self.rest = &rest[length..];
        }
    }

    fn blank(&mut self, length: usize) {
        let (blanked, rest) = self.rest.split_at(length);
        self.code.extend(
            blanked
                .chars()
                .map(|character| if character == '\n' { '\n' } else { ' ' }),
        );
        self.rest = rest;
    }
}

/// The length of a block comment; they nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of a string of any kind, if one begins here.
fn string(rest: &str, before: Option<char>) -> Option<usize> {
    if let Some(body) = rest.strip_prefix('"') {
        return Some(1 + until_unescaped(body, '"'));
    }
    // A prefix is a word of its own: the r of `for"` is none.
    if before.is_some_and(|character| character.is_alphanumeric() || character == '_') {
        return None;
    }
    let prefix = ["br", "cr", "r", "b", "c"].into_iter().find(|prefix| {
        rest.strip_prefix(prefix)
            .is_some_and(|after| after.trim_start_matches('#').starts_with('"'))
    })?;
    let after = &rest[prefix.len()..];
    if !prefix.ends_with('r') {
        let body = after.strip_prefix('"')?;
        return Some(prefix.len() + 1 + until_unescaped(body, '"'));
    }
    let hashes = after.len() - after.trim_start_matches('#').len();
    let end = format!("\"{}", "#".repeat(hashes));
    let body_at = prefix.len() + hashes + 1;
    let body = &rest[body_at..];
    Some(body.find(&end).map_or(rest.len(), |at| body_at + at + end.len()))
}

/// The length of a character literal, if one begins here; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('\'')?;
    if body.starts_with('\\') {
        return Some(1 + until_unescaped(body, '\''));
    }
    let first = body.chars().next()?;
    body[first.len_utf8()..]
        .starts_with('\'')
        .then(|| 1 + first.len_utf8() + 1)
}

/// The length up to and with the first end mark that no backslash precedes.
fn until_unescaped(body: &str, end: char) -> usize {
    let mut escaped = false;
    for (at, character) in body.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == end => return at + end.len_utf8(),
            _ => {}
        }
    }
    body.len()
}

#[cfg(test)]
mod tests {
    use super::{code_only, has_word};

    #[test]
    fn comments_and_literals_go_and_code_stays() {
        // The second of each pair marks what is blanked.
        for (source, marked) in [
            ("a // unsafe\nb", "a ---------\nb"),
            ("a /* x /* y */ z */ b", "a ----------------- b"),
            (r#"f("un\"safe") ;"#, "f(----------) ;"),
            ("r#\"a \"quoted\" b\"# + c", "----------------- + c"),
            ("b\"x\" br\"y\" c", "---- ----- c"),
            (r"'x' '\'' 'a: loop", "--- ---- 'a: loop"),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
            ("'\"' + x", "--- + x"),
            ("unclosed \"text", "unclosed -----"),
        ] {
            assert_eq!(code_only(source), marked.replace('-', " "), "{source}");
        }
        assert_eq!(code_only("\"a\nb\"\nc").lines().count(), 3);
    }

    #[test]
    fn raw_identifiers_and_words_before_a_string_are_code() {
        assert_eq!(code_only("r#type for\"x\""), "r#type for   ");
    }

    #[test]
    fn a_word_is_whole() {
        assert!(has_word("unsafe {", "unsafe"));
        assert!(!has_word("#![deny(unsafe_code)]", "unsafe"));
        assert!(has_word("tokio::time::sleep(x)", "sleep("));
        assert!(!has_word("oversleep(x)", "sleep("));
        assert!(has_word("x; todo!()", "todo!"));
    }
}
