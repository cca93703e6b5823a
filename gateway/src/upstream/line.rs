//! One connection of HTTP/1.1, driven by the request that uses it.
//!
//! hyper splits a connection into the half that sends requests and a future that does the work. Usually that future is a task
//! of its own, and every request pays for handing itself over, for being woken, and for a second task being scheduled. Here
//! the request polls it: while it waits for the head of its answer, and while somebody reads the body.
//!
//! What must hold:
//! - A connection is in one hand at a time. Who drops it in the middle of an exchange closes it.
//! - It is given to the next request only when hyper says that the exchange before is over on both sides.
//! - A connection that the other side closed while nobody used it gives the request back unsent, so that it loses nothing.

use super::bell::Bell;
use axum::body::Body;
use chassis::http::BodyFault;
use chassis::peer::UpstreamError;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use std::error::Error;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until};

type Work = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// A connection.
pub(super) struct Line {
    sender: http1::SendRequest<Body>,
    /// Nothing when the connection has ended.
    work: Option<Work>,
    bell: Arc<Bell>,
    waker: Waker,
    /// Kept from request to request: to move it later costs next to nothing, to make one does not.
    alarm: Pin<Box<Sleep>>,
    /// Since when nobody uses it.
    pub(super) idle_since: Instant,
    /// Whether no exchange over it has ended yet.
    pub(super) is_new: bool,
    /// What it was opened with.
    pub(super) generation: u64,
    _open: Open,
}

/// One connection that is open, in the count of its instance.
pub(super) struct Open(Arc<AtomicU32>);

impl Open {
    /// Counts one more, unless that would be more than `most` (0: as many as there are).
    pub(super) fn one_more(count: &Arc<AtomicU32>, most: u32) -> Option<Self> {
        let open = Self(count.clone());
        // Counted first and then looked at; what is too many takes itself out again by being dropped.
        let before = count.fetch_add(1, Relaxed);
        (most == 0 || before < most).then_some(open)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Why there is no answer.
pub(super) enum NoAnswer {
    /// The connection was closed before anything was sent; the request is as it was.
    Unsent(Box<Request<Body>>),
    /// It may have been seen.
    Failed(UpstreamError),
}

impl Line {
    /// Begins to speak HTTP/1.1 over a connection.
    pub(super) async fn open<T>(stream: T, open: Open, generation: u64) -> hyper::Result<Self>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) =
            http1::Builder::new().handshake(hyper_util::rt::TokioIo::new(stream)).await?;
        let bell = Arc::new(Bell::default());
        let now = Instant::now();
        Ok(Self {
            sender,
            work: Some(Box::pin(connection.with_upgrades())),
            waker: bell.clone().into(),
            bell,
            alarm: Box::pin(sleep_until(now)),
            idle_since: now,
            is_new: true,
            generation,
            _open: open,
        })
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn ask(
        &mut self,
        request: Request<Body>,
        deadline: Instant,
    ) -> Result<Response<Incoming>, NoAnswer> {
        let mut answer = pin!(self.sender.try_send_request(request));
        self.alarm.as_mut().reset(deadline);
        let answered = poll_fn(|cx| {
            drive(&mut self.work, &self.bell, &self.waker, cx);
            if let Poll::Ready(answered) = answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return Poll::Ready(Some(answered));
            }
            self.alarm.as_mut().poll(&mut Context::from_waker(&self.waker)).map(|()| None)
        })
        .await;
        self.bell.mute();
        match answered {
            Some(Ok(response)) => Ok(response),
            Some(Err(mut error)) => Err(match error.take_message() {
                Some(request) => NoAnswer::Unsent(Box::new(request)),
                None => NoAnswer::Failed(told(&error.into_error())),
            }),
            None => Err(NoAnswer::Failed(UpstreamError::Deadline)),
        }
    }

    /// Goes on until the connection has ended, for an answer after which it speaks another protocol.
    pub(super) async fn end(mut self, deadline: Instant) {
        let ended = poll_fn(|cx| {
            drive(&mut self.work, &self.bell, &self.waker, cx);
            if self.work.is_none() { Poll::Ready(()) } else { Poll::Pending }
        });
        // What did not come to its end is closed, which whoever waits for the connection is told.
        drop(tokio::time::timeout_at(deadline, ended).await);
    }

    /// Works on, for the task that asks; whoever is about to wait afterwards asks [`Line::may_wait`].
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        drive(&mut self.work, &self.bell, &self.waker, cx);
        self.bell.mute();
    }

    /// Whether nothing has happened since it worked, so that its task may wait to be woken.
    pub(super) fn may_wait(&self) -> bool {
        !self.bell.listen()
    }

    /// Its task is awake again.
    pub(super) fn woken(&self) {
        self.bell.mute();
    }

    /// Whether it has ended.
    pub(super) fn is_over(&self) -> bool {
        self.work.is_none()
    }

    /// Whether the last exchange is over on both sides, so that another one may begin.
    pub(super) fn is_free(&self) -> bool {
        self.work.is_some() && self.sender.is_ready()
    }

    /// Whether the other side has kept it open since it was used, as far as this side knows.
    pub(super) fn is_still_open(&mut self) -> bool {
        if let Some(work) = &mut self.work
            && work.as_mut().poll(&mut Context::from_waker(&self.waker)).is_ready()
        {
            self.work = None;
        }
        self.is_free()
    }

    /// Sets the time after which [`Line::poll_alarm`] is ready.
    pub(super) fn set_alarm(&mut self, at: Instant) {
        self.alarm.as_mut().reset(at);
    }

    /// Ready when the time has come.
    pub(super) fn poll_alarm(&mut self) -> Poll<()> {
        self.alarm.as_mut().poll(&mut Context::from_waker(&self.waker))
    }
}

fn drive(work: &mut Option<Work>, bell: &Bell, waker: &Waker, cx: &mut Context<'_>) {
    bell.belong(cx.waker());
    bell.listen();
    if let Some(connection) = work
        && connection.as_mut().poll(&mut Context::from_waker(waker)).is_ready()
    {
        // What it had not begun with is given back by this, and who waits for an answer is told that there is none.
        *work = None;
    }
}

/// What an error of a connection that is open means.
pub(super) fn told(error: &hyper::Error) -> UpstreamError {
    match BodyFault::of(error) {
        Some(fault) => UpstreamError::Body(fault),
        None => UpstreamError::Broken(chain(error)),
    }
}

/// An error and what caused it.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
