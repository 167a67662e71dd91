//! The bytes of a gateway connection below the websocket. It is apart so that a fault can reach below frames: bytes that
//! arrive a few at a time, or that are no frame at all. Without a fault it only passes them on.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

/// So many bytes at a time, and how long until the next ones.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Dribble {
    pub(crate) bytes: usize,
    pub(crate) pause: Duration,
}

/// A connection that has been upgraded.
pub(super) struct Line {
    io: TokioIo<Upgraded>,
    dribble: Option<Dribble>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Line {
    pub(super) fn new(upgraded: Upgraded) -> Self {
        Self {
            io: TokioIo::new(upgraded),
            dribble: None,
            pause: None,
        }
    }

    pub(super) fn dribble(&mut self, dribble: Option<Dribble>) {
        self.dribble = dribble;
        self.pause = None;
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some(dribble) = self.dribble else {
            return Pin::new(&mut self.io).poll_write(cx, bytes);
        };
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let piece = &bytes[..bytes.len().min(dribble.bytes.max(1))];
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, piece))?;
        self.pause = Some(Box::pin(tokio::time::sleep(dribble.pause)));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
