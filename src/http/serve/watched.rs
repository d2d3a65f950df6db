//! What is seen of a connection as its bytes go by.

use super::{
    connections::{Asking, Seen},
    patience::{Patience, Wait},
};
use axum::{BoxError, body::Body};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep_until},
};

/// A stream that notes when its client sends, and when it takes nothing any more.
pub struct Watched<S> {
    stream: S,
    seen: Arc<Seen>,
}

impl<S> Watched<S> {
    /// A stream, and where to note what is seen of it.
    pub fn new(stream: S, seen: Arc<Seen>) -> Self {
        Self { stream, seen }
    }

    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Pending => self.seen.is_stuck(),
            Poll::Ready(written) => self.seen.wrote(*written.as_ref().unwrap_or(&0)),
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let came = buf.filled().len() - before;
        if came > 0 {
            self.seen.note_bytes(came);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The body of a request, which breaks off where it was waited for long enough. What it announces of
/// its length stays.
pub struct Awaited {
    body: Incoming,
    patience: Patience,
    wait: Wait,
    over: Option<Pin<Box<Sleep>>>,
}

impl Awaited {
    /// A body, and how long it is waited for.
    pub fn new(body: Incoming, patience: Patience) -> Self {
        Self { body, patience, wait: Wait::default(), over: None }
    }
}

/// Why a body broke off that was waited for long enough.
#[derive(Debug, thiserror::Error)]
#[error("too little of it came in time")]
pub(in crate::http) struct Silence;

impl http_body::Body for Awaited {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.over = None;
            this.wait.end();
            if let Some(Ok(frame)) = &frame {
                this.wait.pay(length(frame), this.patience);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)));
        }
        this.wait.begin();
        if let Some(at) = this.wait.over_at(this.patience) {
            let over = this.over.get_or_insert_with(|| Box::pin(sleep_until(at)));
            ready!(over.as_mut().poll(cx));
        }
        Poll::Ready(Some(Err(Silence.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// How many bytes of a body a frame has.
fn length(frame: &Frame<Bytes>) -> usize {
    frame.data_ref().map_or(0, Bytes::len)
}

/// The body of an answer. As long as it is there, its connection has something to do: it waits for
/// what is sent next, or else for the client to take what was sent.
pub struct Answer {
    body: Body,
    asking: Asking,
    is_alone: bool,
}

impl Answer {
    /// A body, what counts its request, and whether it has its connection to itself.
    pub fn new(body: Body, asking: Asking, is_alone: bool) -> Self {
        asking.gave(0);
        Self { body, asking, is_alone }
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // What the library has not sent yet is no more than a little, however much there is.
        if self.is_alone && self.asking.is_ahead(cx.waker()) {
            return Poll::Pending;
        }
        self.asking.taken();
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            self.asking.gave(length(frame));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
