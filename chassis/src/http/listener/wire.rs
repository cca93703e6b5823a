//! The socket of a connection, which outlives what speaks over it.
//!
//! Closing a socket while something unread lies in it makes the kernel send a reset, and the reset makes the client's kernel
//! throw away an answer that has arrived already. A client that is still sending a large body when it is refused would
//! learn nothing but "connection reset". So the socket comes back here when hyper is done with it, says that nothing more is
//! sent, and throws away what still arrives, for a bounded time and a bounded number of bytes.

use super::pulse::Pulse;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a refused client may go on sending, how long it may pause meanwhile, and how many bytes that may be.
const LINGER: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(2);
const MOST: usize = 32 * 1024 * 1024;

/// A socket while something speaks over it.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Option<TcpStream>,
    back: Back,
    pulse: Arc<Pulse>,
}

/// Where the socket is when nothing speaks over it any more.
#[derive(Debug, Clone, Default)]
pub(super) struct Back(Arc<Mutex<Option<TcpStream>>>);

impl Wire {
    pub(super) fn new(stream: TcpStream, pulse: Arc<Pulse>) -> (Self, Back) {
        let back = Back::default();
        (Self { stream: Some(stream), back: back.clone(), pulse }, back)
    }

    fn stream(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        *self.back.0.lock().unwrap_or_else(PoisonError::into_inner) = self.stream.take();
    }
}

impl Back {
    /// Lets the client read to the end what it was answered. Nothing happens when the socket has become something else's.
    pub(super) async fn linger(self) {
        let stream = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut stream) = stream else { return };
        let discard = async {
            stream.shutdown().await?;
            let mut buffer = vec![0; 16 * 1024];
            let mut left = MOST;
            while left > 0 {
                match timeout(PAUSE, stream.read(&mut buffer)).await {
                    Ok(Ok(read)) if read > 0 => left = left.saturating_sub(read),
                    _ => break,
                }
            }
            io::Result::Ok(())
        };
        // However it went, the connection is over.
        drop(timeout(LINGER, discard).await);
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(self.stream()?.poll_read(cx, buf))?;
        if buf.filled().len() > before {
            self.pulse.heard();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(TcpStream::is_write_vectored)
    }
}
