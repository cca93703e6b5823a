//! The pulse of a connection: what its client has done lately, and when that is too little.
//!
//! hyper bounds how much a client may send, not how long it may take for it, and waits for ever for a client that does not
//! take its answer. So each connection has one timer, which looks at what the parts below have noted:
//! - a head has to be whole `header_timeout_ms` after its first byte;
//! - of an answer that streams, something has to be taken every `write_timeout_ms`, for each connection of HTTP/2 on any stream
//!   (what lies in the socket already is the kernel's: it gives up after the same time);
//! - without a request in hand a connection is kept for `idle_timeout_ms`;
//! - who takes back most of what it asks over HTTP/2 (rapid reset) is told to go.

use super::super::HttpConfig;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// So many requests may be taken back before it is looked at which part of all that is.
const TAKEN_BACK: u32 = 100;

/// How long a client may take, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) head: u64,
    pub(super) write: u64,
    pub(super) idle: u64,
}

/// What has been noted of a connection. Times are in milliseconds since it began, and 0 stands for none.
#[derive(Debug)]
pub(super) struct Pulse {
    began: Instant,
    patience: Patience,
    is_http2: AtomicBool,
    /// Since when the client has been sending a head.
    head_since: AtomicU64,
    in_hand: AtomicU32,
    /// When the last request ended.
    rested: AtomicU64,
    /// Pieces of answers that nobody has taken yet, and when the last one came or went.
    waiting: AtomicU32,
    moved: AtomicU64,
    asked: AtomicU32,
    taken_back: AtomicU32,
    unread: AtomicBool,
    alarm: Notify,
}

/// What is to be done with a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may go on, and is to be looked at again then.
    Fine(Duration),
    /// It is not needed: it ends when what is in hand has ended.
    Close(&'static str),
    /// It ends now.
    Cut(&'static str),
}

impl Patience {
    pub(super) fn of(config: &HttpConfig) -> Self {
        Self { head: config.header_timeout_ms, write: config.write_timeout_ms, idle: config.idle_timeout_ms }
    }

    /// After which it has to be looked at again, whatever happens meanwhile.
    pub(super) fn shortest(self) -> Duration {
        Duration::from_millis(self.head.min(self.write).min(self.idle))
    }
}

impl Pulse {
    pub(super) fn new(patience: Patience) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            patience,
            is_http2: AtomicBool::new(false),
            head_since: AtomicU64::new(1),
            in_hand: AtomicU32::new(0),
            rested: AtomicU64::new(0),
            waiting: AtomicU32::new(0),
            moved: AtomicU64::new(0),
            asked: AtomicU32::new(0),
            taken_back: AtomicU32::new(0),
            unread: AtomicBool::new(false),
            alarm: Notify::new(),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// A handshake is over; the time for the first head begins.
    pub(super) fn shaken(&self) {
        self.head_since.store(self.now(), Relaxed);
    }

    /// Bytes have come.
    pub(super) fn heard(&self) {
        if self.in_hand.load(Relaxed) == 0 && self.head_since.load(Relaxed) == 0 {
            self.head_since.store(self.now(), Relaxed);
        }
    }

    /// A request has come; it is in hand until what is returned is dropped.
    pub(super) fn ask(self: &Arc<Self>, http2: bool) -> InHand {
        self.is_http2.store(http2, Relaxed);
        self.head_since.store(0, Relaxed);
        self.in_hand.fetch_add(1, Relaxed);
        self.asked.fetch_add(1, Relaxed);
        InHand { pulse: self.clone(), answered: false }
    }

    /// Whether a request was answered without its body being read, so that some of it may still be on its way.
    pub(super) fn has_unread(&self) -> bool {
        self.unread.load(Relaxed)
    }

    /// Resolves when it is to be looked at before its time.
    pub(super) async fn alarm(&self) {
        self.alarm.notified().await;
    }

    /// What is to be done now.
    pub(super) fn look(&self) -> Verdict {
        let Patience { head, write, idle } = self.patience;
        let now = self.now();
        let mut next = u64::try_from(self.patience.shortest().as_millis()).unwrap_or(u64::MAX);
        let mut due = |since: u64, patience: u64| {
            let left = (since + patience).saturating_sub(now);
            next = next.min(left);
            left == 0
        };
        if self.is_flooding() {
            return Verdict::Close("most requests were taken back");
        }
        if self.waiting.load(Relaxed) > 0 && due(self.moved.load(Relaxed), write) {
            return Verdict::Cut("the answer is not taken");
        }
        if self.in_hand.load(Relaxed) == 0 {
            let since = self.head_since.load(Relaxed);
            if since > 0 && !self.is_http2.load(Relaxed) {
                if due(since, head) {
                    return Verdict::Cut("no request in time");
                }
            } else if due(self.rested.load(Relaxed), idle) {
                return Verdict::Close("nobody uses it");
            }
        }
        Verdict::Fine(Duration::from_millis(next.max(1)))
    }

    fn is_flooding(&self) -> bool {
        let taken_back = self.taken_back.load(Relaxed);
        taken_back >= TAKEN_BACK && taken_back > self.asked.load(Relaxed) / 2
    }

    fn moved(&self) {
        self.moved.store(self.now(), Relaxed);
    }
}

/// A request that is in hand.
pub(super) struct InHand {
    pulse: Arc<Pulse>,
    answered: bool,
}

impl InHand {
    /// There is an answer: from now on it is the client's turn.
    pub(super) fn answered(mut self) -> Self {
        self.answered = true;
        self
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        let pulse = &self.pulse;
        if pulse.in_hand.fetch_sub(1, Relaxed) == 1 {
            pulse.rested.store(pulse.now(), Relaxed);
        }
        if !self.answered {
            pulse.taken_back.fetch_add(1, Relaxed);
            if pulse.is_flooding() {
                pulse.alarm.notify_one();
            }
        }
    }
}

/// The body of an answer, which notes what is taken of it.
pub(super) struct Given<B> {
    body: B,
    in_hand: InHand,
    /// Whether a piece was given of which it is not known yet that it was taken.
    waits: bool,
}

impl<B> Given<B> {
    pub(super) fn new(body: B, in_hand: InHand) -> Self {
        Self { body, in_hand, waits: false }
    }

    fn taken(&mut self) {
        if std::mem::take(&mut self.waits) {
            self.in_hand.pulse.waiting.fetch_sub(1, Relaxed);
            self.in_hand.pulse.moved();
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Given<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        // Who asks for the next piece has a place for it.
        self.taken();
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(_))) = polled {
            self.waits = true;
            self.in_hand.pulse.waiting.fetch_add(1, Relaxed);
            self.in_hand.pulse.moved();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Given<B> {
    fn drop(&mut self) {
        self.taken();
    }
}

/// The body of a request, which notes when it is left unread.
pub(super) struct Asked<B: Body> {
    body: B,
    pulse: Arc<Pulse>,
    ended: bool,
}

impl<B: Body> Asked<B> {
    pub(super) fn new(body: B, pulse: Arc<Pulse>) -> Self {
        let ended = body.is_end_stream();
        Self { body, pulse, ended }
    }
}

impl<B: Body + Unpin> Body for Asked<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        self.ended |= matches!(polled, Poll::Ready(None)) || self.body.is_end_stream();
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: Body> Drop for Asked<B> {
    fn drop(&mut self) {
        if !self.ended {
            self.pulse.unread.store(true, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Full};
    use tokio::time::advance;

    const MS: Duration = Duration::from_millis(1);

    fn pulse() -> Arc<Pulse> {
        Pulse::new(Patience { head: 100, write: 300, idle: 600 })
    }

    fn is_fine(pulse: &Pulse) -> bool {
        matches!(pulse.look(), Verdict::Fine(_))
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_its_time_from_its_first_byte_on() {
        let pulse = pulse();
        advance(98 * MS).await;
        assert!(is_fine(&pulse));
        advance(4 * MS).await;
        assert_eq!(pulse.look(), Verdict::Cut("no request in time"));
        drop(pulse.ask(false).answered());
        advance(500 * MS).await;
        assert!(is_fine(&pulse), "between requests it may be silent");
        pulse.heard();
        advance(50 * MS).await;
        pulse.heard();
        assert!(is_fine(&pulse));
        advance(51 * MS).await;
        assert_eq!(pulse.look(), Verdict::Cut("no request in time"), "later bytes give no more time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_request_in_hand_is_kept_for_a_while() {
        for http2 in [false, true] {
            let pulse = pulse();
            let in_hand = pulse.ask(http2);
            advance(5_000 * MS).await;
            assert!(is_fine(&pulse), "what takes its time is not idle");
            drop(in_hand.answered());
            advance(599 * MS).await;
            assert!(is_fine(&pulse));
            advance(2 * MS).await;
            assert_eq!(pulse.look(), Verdict::Close("nobody uses it"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_taken_is_cut_and_one_that_has_nothing_to_give_is_not() {
        let pulse = pulse();
        let mut given = Given::new(Full::new(Bytes::from_static(b"piece")), pulse.ask(false).answered());
        advance(5_000 * MS).await;
        assert!(is_fine(&pulse), "nothing was given yet");
        given.frame().await.unwrap().unwrap();
        advance(299 * MS).await;
        assert!(is_fine(&pulse));
        advance(2 * MS).await;
        assert_eq!(pulse.look(), Verdict::Cut("the answer is not taken"));
        assert!(given.frame().await.is_none());
        assert!(is_fine(&pulse), "it was taken after all");
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_back_most_of_what_it_asks_is_told_to_go() {
        let (busy, flooding) = (pulse(), pulse());
        for number in 0..300 {
            let in_hand = busy.ask(true);
            drop(if number % 3 == 0 { in_hand } else { in_hand.answered() });
            if number < 99 {
                drop(flooding.ask(true));
            }
        }
        assert!(is_fine(&busy) && is_fine(&flooding));
        drop(flooding.ask(true));
        assert_eq!(flooding.look(), Verdict::Close("most requests were taken back"));
        flooding.alarm().await;
    }

    #[tokio::test]
    async fn a_body_that_is_left_unread_is_noted() {
        let pulse = pulse();
        let body = || Full::new(Bytes::from_static(b"body"));
        drop(Asked::new(body(), pulse.clone()).collect().await.unwrap());
        drop(Asked::new(Full::<Bytes>::default(), pulse.clone()));
        assert!(!pulse.has_unread());
        drop(Asked::new(body(), pulse.clone()));
        assert!(pulse.has_unread());
    }
}
