//! The bytes of a manifest, put together by the compiler: `plugin!` knows the plugin's words, this crate knows target
//! and compiler, and the intents follow from the events' types.

/// The target triple that this crate is built for.
pub const TARGET: &str = env!("PLUGIN_TARGET");
/// The compiler that builds it.
pub const COMPILER: &str = env!("PLUGIN_COMPILER");
/// The version of the boundary.
pub const ABI: &str = plugin_abi::ABI_VERSION;

/// The decimal digits of a number.
pub struct Digits {
    bytes: [u8; 20],
    start: usize,
}

impl Digits {
    /// Writes `number`.
    #[must_use]
    pub const fn of(mut number: u64) -> Self {
        let mut bytes = [b'0'; 20];
        let mut start = bytes.len() - 1;
        loop {
            bytes[start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return Self { bytes, start };
            }
            start -= 1;
        }
    }

    /// The digits, without leading zeros.
    #[must_use]
    pub const fn text(&self) -> &str {
        let (_, digits) = self.bytes.split_at(self.start);
        match std::str::from_utf8(digits) {
            Ok(text) => text,
            Err(_) => unreachable!(),
        }
    }
}

/// How long the pieces are together.
#[must_use]
pub const fn length(pieces: &[&str]) -> usize {
    let mut sum = 0;
    let mut at = 0;
    while at < pieces.len() {
        sum += pieces[at].len();
        at += 1;
    }
    sum
}

/// The pieces, one behind the other; `N` is their [`length`].
#[must_use]
pub const fn join<const N: usize>(pieces: &[&str]) -> [u8; N] {
    let mut joined = [0; N];
    let mut end = 0;
    let mut at = 0;
    while at < pieces.len() {
        let piece = pieces[at].as_bytes();
        let mut byte = 0;
        while byte < piece.len() {
            joined[end] = piece[byte];
            end += 1;
            byte += 1;
        }
        at += 1;
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_joined_at_compile_time() {
        const DIGITS: Digits = Digits::of(u64::MAX);
        const PIECES: &[&str] = &["a", "", DIGITS.text(), "}"];
        const JOINED: [u8; length(PIECES)] = join(PIECES);
        assert_eq!(&JOINED, format!("a{}}}", u64::MAX).as_bytes());
        assert_eq!(Digits::of(0).text(), "0");
        assert_eq!(Digits::of(4610).text(), "4610");
    }

    #[test]
    fn target_and_compiler_are_known() {
        assert!(TARGET.split('-').count() >= 3, "{TARGET}");
        assert!(COMPILER.starts_with("rustc "), "{COMPILER}");
    }
}
