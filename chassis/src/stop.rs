//! The stop signal of the process: one owner says how far the stop has come, everybody else listens.
//!
//! A stop goes through four phases and never back. While it is *draining*, readiness answers 503 and the listeners
//! still accept, so that a load balancer can turn away first. When it is *stopping*, listeners close and workers finish
//! the item in hand and take no other. When it is *done*, only what answers until the very end is left.
//!
//! What must hold: an owner that goes away without a word counts as done, because nobody is left who could ever say it.
//! This module does not decide how long a phase lasts; the run loop does.

use std::future::Future;
use std::io;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};

/// How far the stop of the process has come. Later is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Nobody has asked for a stop.
    Running,
    /// Not ready any more, still accepting.
    Draining,
    /// Nothing new is accepted; what was accepted is finished.
    Stopping,
    /// Everything that was accepted is finished.
    Done,
}

/// The owner's side, and the first listener.
#[must_use]
pub fn channel() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(Phase::Running);
    (Stopper(sender), Stop(receiver))
}

/// The owner's side: moves the process from phase to phase. A phase that has passed is not gone back to.
#[derive(Debug)]
pub struct Stopper(watch::Sender<Phase>);

impl Stopper {
    /// Readiness turns 503 from here on.
    pub fn drain(&self) {
        self.advance(Phase::Draining);
    }

    /// Listeners close and workers finish the item in hand.
    pub fn stop(&self) {
        self.advance(Phase::Stopping);
    }

    /// Nothing is left to finish.
    pub fn finish(&self) {
        self.advance(Phase::Done);
    }

    /// A listener for a part that is built now.
    #[must_use]
    pub fn listener(&self) -> Stop {
        Stop(self.0.subscribe())
    }

    fn advance(&self, to: Phase) {
        self.0.send_if_modified(|phase| {
            let forward = to > *phase;
            if forward {
                *phase = to;
            }
            forward
        });
    }
}

/// The listening side; cheap to clone, and every clone hears the same.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<Phase>);

impl Stop {
    /// How far the stop has come.
    #[must_use]
    pub fn phase(&self) -> Phase {
        if self.0.has_changed().is_err() { Phase::Done } else { *self.0.borrow() }
    }

    /// Whether the process is not ready for new work any more.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.phase() >= Phase::Draining
    }

    /// Whether workers should take no other item.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.phase() >= Phase::Stopping
    }

    /// Resolves when the process is not ready for new work any more.
    pub fn draining(&self) -> impl Future<Output = ()> + Send + use<> {
        self.reached(Phase::Draining)
    }

    /// Resolves when listeners should close and workers should finish the item in hand.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        self.reached(Phase::Stopping)
    }

    /// Resolves when everything that was accepted is finished.
    pub fn done(&self) -> impl Future<Output = ()> + Send + use<> {
        self.reached(Phase::Done)
    }

    fn reached(&self, wanted: Phase) -> impl Future<Output = ()> + Send + use<> {
        let mut phases = self.0.clone();
        async move {
            // An error means that the owner is gone, which counts as done.
            drop(phases.wait_for(|phase| *phase >= wanted).await);
        }
    }
}

/// What asked the process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// `SIGINT`: a person at the terminal.
    Interrupt,
    /// `SIGTERM`: an orchestrator.
    Terminate,
}

impl Signal {
    /// Its name, for the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }

    /// The exit code that a shell shows for a process that this signal ended.
    #[must_use]
    pub const fn exit_code(self) -> i32 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// Resolves at the first `SIGTERM` or `SIGINT`. A second one, whichever, ends the process at once.
///
/// Signals are heard from the call on, not from the first poll, and on a thread of their own: the second one counts
/// also when the main runtime hangs, which is when it is needed. To be called once a process.
///
/// # Errors
/// When the thread or the signal handlers cannot be installed.
pub fn signals() -> io::Result<impl Future<Output = Signal> + Send + use<>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    let (first, heard) = oneshot::channel();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let code = runtime.block_on(second_signal(first, async || {
            tokio::select! {
                _ = interrupt.recv() => Signal::Interrupt,
                _ = terminate.recv() => Signal::Terminate,
            }
        }));
        std::process::exit(code);
    })?;
    Ok(async move {
        match heard.await {
            Ok(signal) => signal,
            // The thread never lets go of the sender unused; were it to, no signal has come.
            Err(_) => std::future::pending().await,
        }
    })
}

/// Passes the first signal on, waits for another, and says with which code to end.
async fn second_signal(first: oneshot::Sender<Signal>, mut next: impl AsyncFnMut() -> Signal) -> i32 {
    if let Err(signal) = first.send(next().await) {
        tracing::info!(
            signal = signal.name(),
            "already stopping for another reason; the next signal ends at once"
        );
    }
    next().await.exit_code()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tokio::sync::mpsc;

    #[tokio::test]
    async fn a_worker_is_not_told_to_finish_while_the_process_drains() {
        let (owner, stop) = channel();
        let mut stopping = Box::pin(stop.stopping());
        owner.drain();
        assert!(stop.is_draining());
        assert!(!stop.is_stopping());
        assert_eq!((&mut stopping).now_or_never(), None);
        owner.stop();
        stopping.await;
        assert!(stop.is_stopping());
    }

    #[tokio::test]
    async fn whoever_asks_late_hears_of_a_phase_that_has_passed() {
        let (owner, stop) = channel();
        owner.finish();
        stop.draining().await;
        stop.stopping().await;
        owner.listener().done().await;
    }

    #[test]
    fn a_stop_never_goes_back() {
        let (owner, stop) = channel();
        owner.stop();
        owner.drain();
        assert_eq!(stop.phase(), Phase::Stopping);
    }

    #[tokio::test]
    async fn an_owner_that_is_gone_counts_as_done() {
        let (owner, stop) = channel();
        drop(owner);
        stop.done().await;
        assert_eq!(stop.phase(), Phase::Done);
    }

    #[tokio::test]
    async fn the_first_signal_is_passed_on_and_the_second_gives_the_exit_code() {
        let (sender, mut signals) = mpsc::unbounded_channel();
        let (first, heard) = oneshot::channel();
        let mut ending = Box::pin(second_signal(first, async || signals.recv().await.unwrap()));
        sender.send(Signal::Terminate).unwrap();
        assert_eq!((&mut ending).now_or_never(), None);
        assert_eq!(heard.await, Ok(Signal::Terminate));
        sender.send(Signal::Interrupt).unwrap();
        assert_eq!(ending.await, 130);
    }

    #[tokio::test]
    async fn one_signal_does_not_end_a_process_that_is_already_stopping_for_another_reason() {
        let (sender, mut signals) = mpsc::unbounded_channel();
        let (first, heard) = oneshot::channel();
        drop(heard);
        let mut ending = Box::pin(second_signal(first, async || signals.recv().await.unwrap()));
        sender.send(Signal::Terminate).unwrap();
        assert_eq!((&mut ending).now_or_never(), None);
    }
}
