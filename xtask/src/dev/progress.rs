//! Cargo's messages of one build: how far it is, what the compiler says, and what came of it.
//!
//! Pure: lines of `--message-format=json-diagnostic-rendered-ansi` in, numbers and texts out.

use serde::Deserialize;

use crate::cargo::Artifact;

/// One build.
pub(super) struct Progress {
    /// How many units there are, if that is known.
    total: usize,
    done: usize,
    built: Built,
}

/// What came of a build.
#[derive(Default)]
pub(super) struct Built {
    /// The finished targets.
    pub(super) artifacts: Vec<Artifact>,
    /// What the compiler said, as it shows it in a terminal.
    pub(super) said: String,
}

#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Said {
    CompilerArtifact(Artifact),
    CompilerMessage {
        message: Diagnostic,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Diagnostic {
    rendered: Option<String>,
}

impl Progress {
    /// A build of so many units.
    pub(super) fn new(total: usize) -> Self {
        Self {
            total,
            done: 0,
            built: Built::default(),
        }
    }

    /// Takes in a line; gives how far the build is, from 0 to 1, if the line says anything of that.
    pub(super) fn take(&mut self, line: &str) -> Option<f64> {
        // Build scripts and proc macros may write lines of their own.
        match serde_json::from_str(line).ok()? {
            Said::CompilerArtifact(artifact) => {
                self.done += 1;
                self.built.artifacts.push(artifact);
                let total = self.total.max(self.done + 1);
                Some(self.done as f64 / total as f64)
            }
            Said::CompilerMessage { message } => {
                self.built.said.push_str(&message.rendered.unwrap_or_default());
                None
            }
            Said::Other => None,
        }
    }

    /// What came of it.
    pub(super) fn end(self) -> Built {
        self.built
    }
}

/// A terminal's text without its colours.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            // Up to the letter that ends the sequence.
            letters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Progress, plain};

    const ARTIFACT: &str = r#"{"reason":"compiler-artifact","manifest_path":"/p/Cargo.toml","target":{"kind":["cdylib"],"name":"p"},"filenames":["/t/libp.so"],"executable":null}"#;
    const MESSAGE: &str = r#"{"reason":"compiler-message","message":{"rendered":"\u001b[1merror\u001b[0m: no\n"}}"#;

    #[test]
    fn a_build_goes_from_nothing_to_nearly_all() {
        let mut progress = Progress::new(4);
        assert_eq!(progress.take("a line of a build script"), None);
        assert_eq!(progress.take(r#"{"reason":"build-script-executed"}"#), None);
        assert_eq!(progress.take(ARTIFACT), Some(0.25));
        assert_eq!(progress.take(MESSAGE), None);
        let shares: Vec<_> = (0..4).filter_map(|_| progress.take(ARTIFACT)).collect();
        assert!(
            shares.iter().all(|share| *share < 1.0) && shares.is_sorted(),
            "{shares:?}"
        );
        let built = progress.end();
        assert_eq!(
            (built.artifacts.len(), built.said.as_str()),
            (5, "\u{1b}[1merror\u{1b}[0m: no\n")
        );
    }

    #[test]
    fn a_page_shows_no_colours_of_a_terminal() {
        assert_eq!(plain("\u{1b}[1m\u{1b}[38;5;9merror\u{1b}[0m: no"), "error: no");
        assert_eq!(plain("no colours"), "no colours");
    }
}
