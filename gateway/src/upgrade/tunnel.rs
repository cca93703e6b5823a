//! Both directions of a connection that has become a WebSocket, from the handshake to its end.
//!
//! The door ends it when nothing has passed for too long, when the token that opened it ends or is revoked, and when the
//! process stops. It says so to both sides with a close frame, between two frames of theirs, and waits a moment for theirs;
//! who does not answer is cut.

use super::flow::Flow;
use super::frames::close;
use metrics::Counter;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until, timeout};

/// How long the other side may go on when one has ended.
const LINGER: Duration = Duration::from_secs(10);
/// How long the goodbye may take: the rest of the frame under way, the close frame, and the other's.
const PARTING: Duration = Duration::from_secs(2);

/// Why a tunnel ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The client left.
    Client,
    /// The service did.
    Service,
    /// One of the two connections broke off.
    Broken,
    /// Nothing passed for too long.
    Idle,
    /// The access token that opened it has ended.
    Expired,
    /// Its session, or the rights in it, ended early.
    Revoked,
    /// The API key that opened it has come to its end.
    KeyEnded,
    /// That key was taken back, or got another secret.
    KeyRevoked,
    /// The process stops.
    Stopping,
    /// The route that it was opened through was changed or taken away.
    Gone,
}

impl End {
    /// Its name in metrics.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Service => "service",
            Self::Broken => "broken",
            Self::Idle => "idle",
            Self::Expired | Self::KeyEnded => "expired",
            Self::Revoked | Self::KeyRevoked => "revoked",
            Self::Stopping => "stopping",
            Self::Gone => "gone",
        }
    }

    /// What both sides are told; nothing when it was theirs to say. Codes from 4000 on are for applications (RFC 6455,
    /// section 7.4.2), and 4401 is here what 401 is to a request.
    const fn goodbye(self) -> Option<(u16, &'static str)> {
        match self {
            Self::Client | Self::Service | Self::Broken => None,
            Self::Idle => Some((1001, "nothing was said for too long")),
            Self::Expired => Some((4401, "the access token has expired")),
            Self::Revoked => Some((4401, "the session has ended")),
            Self::KeyEnded => Some((4401, "the API key has ended")),
            Self::KeyRevoked => Some((4401, "the API key was taken back")),
            Self::Stopping => Some((1001, "the gateway stops")),
            Self::Gone => Some((1001, "the route was changed")),
        }
    }
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    idle: Duration,
    linger: Duration,
    parting: Duration,
}

impl Patience {
    /// With so much time for silence.
    pub(super) const fn with_idle(idle: Duration) -> Self {
        Self { idle, linger: LINGER, parting: PARTING }
    }
}

/// A client and a service, and what is under way between them.
pub(super) struct Tunnel<C, S> {
    client: Side<C>,
    service: Side<S>,
    patience: Patience,
}

/// One of the two, and what it sends.
struct Side<T> {
    stream: T,
    sends: Flow,
    /// It sends nothing more, and the other side knows.
    done: bool,
    /// Its end was read.
    silent: bool,
}

impl<T> Side<T> {
    fn new((stream, counted): (T, Counter)) -> Self {
        Self { stream, sends: Flow::new(counted), done: false, silent: false }
    }
}

impl<C, S> Tunnel<C, S>
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// A connection to each side, and where what it sends is counted.
    pub(super) fn new(client: (C, Counter), service: (S, Counter), patience: Patience) -> Self {
        Self { client: Side::new(client), service: Side::new(service), patience }
    }

    /// Bytes from the client and from the service so far.
    pub(super) const fn passed(&self) -> (u64, u64) {
        (self.client.sends.passed, self.service.sends.passed)
    }

    /// Carries both directions until both sides have ended, nothing passed for too long, or `until` says why not to go on.
    pub(super) async fn run(&mut self, until: impl Future<Output = End>) -> End {
        let Patience { idle, linger, parting } = self.patience;
        let mut until = pin!(until);
        let mut due = Instant::now() + idle;
        let mut timer = pin!(sleep_until(due));
        let mut left = None;
        let end = poll_fn(|cx| {
            let before = self.passed();
            match self.carry(cx) {
                Ok(()) if self.client.done && self.service.done => {
                    return Poll::Ready(left.unwrap_or(End::Client));
                }
                Ok(()) if left.is_none() && (self.client.done || self.service.done) => {
                    left = Some(if self.client.done { End::Client } else { End::Service });
                    due = Instant::now() + linger;
                    timer.as_mut().reset(due);
                }
                Ok(()) if left.is_none() && self.passed() != before => due = Instant::now() + idle,
                Ok(()) => {}
                Err(_) => return Poll::Ready(left.unwrap_or(End::Broken)),
            }
            if let (Poll::Ready(end), None) = (until.as_mut().poll(cx), left) {
                return Poll::Ready(end);
            }
            while timer.as_mut().poll(cx).is_ready() {
                if Instant::now() >= due {
                    return Poll::Ready(left.unwrap_or(End::Idle));
                }
                timer.as_mut().reset(due);
            }
            Poll::Pending
        })
        .await;
        if let Some((code, reason)) = end.goodbye() {
            // Who has not answered by then is cut.
            drop(timeout(parting, self.part(code, reason)).await);
        }
        end
    }

    /// Moves what can be moved, both ways.
    fn carry(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Self { client, service, .. } = self;
        if !client.done {
            let told = client.sends.poll(cx, Pin::new(&mut client.stream), Pin::new(&mut service.stream))?;
            client.done = told.is_ready();
        }
        if !service.done {
            let told = service.sends.poll(cx, Pin::new(&mut service.stream), Pin::new(&mut client.stream))?;
            service.done = told.is_ready();
        }
        Ok(())
    }

    /// Says goodbye to both sides and reads what they still say: a connection that is dropped with something unread is
    /// reset, and takes the last word with it.
    async fn part(&mut self, code: u16, reason: &str) {
        self.client.sends.end_with(close(code, reason, true));
        self.service.sends.end_with(close(code, reason, false));
        poll_fn(|cx| {
            if self.carry(cx).is_err() {
                return Poll::Ready(());
            }
            self.client.hear_out(cx);
            self.service.hear_out(cx);
            if self.client.silent && self.service.silent { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl<T: AsyncRead + Unpin> Side<T> {
    /// Throws away what comes after the last frame that was passed on.
    fn hear_out(&mut self, cx: &mut Context<'_>) {
        let mut unheard = [0; 512];
        while self.done && !self.silent {
            let mut piece = ReadBuf::new(&mut unheard);
            match Pin::new(&mut self.stream).poll_read(cx, &mut piece) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) if !piece.filled().is_empty() => {}
                Poll::Ready(_) => self.silent = true,
            }
        }
    }
}

#[cfg(test)]
#[path = "tunnel_tests.rs"]
mod tests;
