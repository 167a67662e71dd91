//! Transport compression of one connection: one zstd context, flushed at each payload
//! (<https://discord.com/developers/docs/events/gateway#transport-compression>).

use std::io::{self, Write};

use bytes::Bytes;

/// How a connection's payloads are written.
pub enum Encoder {
    /// As text frames.
    Plain,
    /// One zstd frame that never ends, in binary frames.
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    /// `zstd-stream`, at zstd's fastest regular level: what it costs to read hardly depends on it.
    pub fn zstd() -> io::Result<Self> {
        zstd::stream::write::Encoder::new(Vec::new(), 1).map(Self::Zstd)
    }

    /// The bytes of one payload.
    pub fn encode(&mut self, payload: String) -> io::Result<Bytes> {
        match self {
            Self::Plain => Ok(payload.into()),
            Self::Zstd(context) => {
                context.write_all(payload.as_bytes())?;
                context.flush()?;
                Ok(std::mem::take(context.get_mut()).into())
            }
        }
    }

    /// Whether the payloads go into binary frames.
    pub const fn is_binary(&self) -> bool {
        matches!(self, Self::Zstd(_))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::Read;

    use super::Encoder;

    #[test]
    fn payloads_are_one_stream_that_can_be_read_piece_by_piece() {
        let mut encoder = Encoder::zstd().unwrap();
        let texts = ["first".repeat(9), "second".to_owned()];
        let frames: Vec<_> = texts.iter().map(|text| encoder.encode(text.clone()).unwrap()).collect();
        let mut read = String::new();
        let stream = frames.concat();
        // The stream has no end: what is there is read, then it misses more.
        let _ = zstd::stream::read::Decoder::new(stream.as_slice())
            .unwrap()
            .read_to_string(&mut read);
        assert_eq!(read, texts.concat());
        assert!(frames.iter().all(|frame| !frame.is_empty()));
    }
}
