//! Compression. Transport compression has one context, flushed at each message, sent as binary frames. With
//! `zlib-stream` a message ends with `00 00 ff ff`; with `zstd-stream` it ends with the websocket message
//! (<https://discord.com/developers/docs/events/gateway#transport-compression>). Payload compression, for which a client
//! asks when it identifies, is another thing: each large payload is a zlib text of its own. Both at once is not possible:
//! clients that ask for both get transport compression.

use std::io::{self, Write};

use flate2::{Compress, Compression, FlushCompress, write::ZlibEncoder};

/// Above how many bytes a payload is compressed by itself; Discord says "some events" and no more.
const LARGE: usize = 8 << 10;

/// How a connection's payloads are written.
pub(crate) enum Encoder {
    /// As text frames; with `compress_large`, large ones as zlib texts.
    Plain { compress_large: bool },
    /// One zlib stream.
    Zlib(Compress),
    /// One zstd frame that never ends.
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    /// By the `compress` parameter of the gateway's address; unknown names are an error.
    pub(crate) fn new(name: Option<&str>) -> io::Result<Self> {
        match name {
            None | Some("") => Ok(Self::Plain { compress_large: false }),
            Some("zlib-stream") => Ok(Self::Zlib(Compress::new(Compression::fast(), true))),
            Some("zstd-stream") => zstd::stream::write::Encoder::new(Vec::new(), 1).map(Self::Zstd),
            Some(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "unknown compression")),
        }
    }

    /// From now on large payloads are compressed, unless all are already.
    pub(crate) fn compress_large(&mut self) {
        if let Self::Plain { compress_large } = self {
            *compress_large = true;
        }
    }

    /// The compressed bytes of one payload; `None` if it goes out as it is.
    pub(crate) fn encode(&mut self, payload: &[u8]) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Plain { compress_large: true } if payload.len() > LARGE => {
                let mut text = ZlibEncoder::new(Vec::with_capacity(payload.len() / 3), Compression::fast());
                text.write_all(payload)?;
                text.finish().map(Some)
            }
            Self::Plain { .. } => Ok(None),
            Self::Zlib(context) => {
                let mut out = Vec::with_capacity(payload.len() / 3 + 64);
                let mut rest = payload;
                loop {
                    let (read, written) = (context.total_in(), context.total_out());
                    out.reserve(256);
                    context
                        .compress_vec(rest, &mut out, FlushCompress::Sync)
                        .map_err(io::Error::other)?;
                    rest = &rest[(context.total_in() - read) as usize..];
                    let is_full = out.len() == out.capacity();
                    if rest.is_empty() && !is_full || context.total_out() == written && rest.is_empty() {
                        return Ok(Some(out));
                    }
                }
            }
            Self::Zstd(context) => {
                context.write_all(payload)?;
                context.flush()?;
                Ok(Some(std::mem::take(context.get_mut())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Decompress, FlushDecompress};

    use super::Encoder;

    fn payloads() -> Vec<String> {
        (0..50)
            .map(|n| {
                format!(
                    "{{\"t\":\"MESSAGE_CREATE\",\"s\":{n},\"d\":\"{}\"}}",
                    "aä🙂".repeat(n * n * 7)
                )
            })
            .chain(["{\"op\":11}".to_owned()])
            .collect()
    }

    #[test]
    fn zlib_messages_end_with_the_sync_mark_and_read_back() {
        let mut encoder = Encoder::new(Some("zlib-stream")).expect("known");
        let mut decoder = Decompress::new(true);
        for payload in payloads() {
            let bytes = encoder.encode(payload.as_bytes()).expect("compresses").expect("binary");
            assert!(bytes.ends_with(&[0, 0, 0xff, 0xff]), "{} bytes", payload.len());
            let mut text = Vec::with_capacity(payload.len() + 64);
            decoder
                .decompress_vec(&bytes, &mut text, FlushDecompress::Sync)
                .expect("decompresses");
            assert_eq!(String::from_utf8(text).expect("text"), payload);
        }
    }

    #[test]
    fn zstd_messages_read_back_one_by_one() {
        let mut encoder = Encoder::new(Some("zstd-stream")).expect("known");
        let mut decoder = zstd::stream::write::Decoder::new(Vec::new()).expect("decoder");
        for payload in payloads() {
            let bytes = encoder.encode(payload.as_bytes()).expect("compresses").expect("binary");
            decoder.write_all(&bytes).expect("decompresses");
            decoder.flush().expect("decompresses");
            assert_eq!(
                String::from_utf8(std::mem::take(decoder.get_mut())).expect("text"),
                payload
            );
        }
    }

    #[test]
    fn other_names_are_refused() {
        assert!(Encoder::new(Some("brotli")).is_err());
        assert!(matches!(Encoder::new(None), Ok(Encoder::Plain { .. })));
    }
}
