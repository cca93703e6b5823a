//! How long an answer is worked on: until its deadline, until nobody listens any more, until the process stops.

use crate::error::AssistantError;
use chassis::stop::Stop;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// How long an answer may go on when the process stops.
const AT_STOP: Duration = Duration::from_secs(10);

/// Why an answer is not worked on any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Nobody listens any more.
    Gone,
    /// Its time is over.
    TooLate,
    /// The process stops.
    Stopping,
}

impl From<Cut> for AssistantError {
    fn from(cut: Cut) -> Self {
        match cut {
            // Nobody is there to be told.
            Cut::Gone | Cut::TooLate => Self::TooLate,
            Cut::Stopping => Self::Stopping,
        }
    }
}

/// Waits for what an answer needs, and no longer than it makes sense.
pub(super) struct Patience {
    cut: Option<Cut>,
    watch: Pin<Box<dyn Future<Output = Cut> + Send>>,
}

impl Patience {
    /// Until `deadline`, or `gone` resolves, or a while after the stop.
    pub(super) fn new(
        deadline: Instant,
        gone: impl Future<Output = ()> + Send + 'static,
        stop: &Stop,
    ) -> Self {
        let stopping = stop.stopping();
        let watch = async move {
            let stopped = async {
                stopping.await;
                sleep(AT_STOP).await;
            };
            tokio::select! {
                () = gone => Cut::Gone,
                () = sleep_until(deadline) => Cut::TooLate,
                () = stopped => Cut::Stopping,
            }
        };
        Self { cut: None, watch: Box::pin(watch) }
    }

    /// Waits for something that may be dropped half-way.
    ///
    /// # Errors
    /// Why it was not waited for any longer; from then on always the same.
    pub(super) async fn wait<T>(&mut self, what: impl Future<Output = T>) -> Result<T, Cut> {
        if let Some(cut) = self.cut {
            return Err(cut);
        }
        tokio::select! {
            biased;
            cut = &mut self.watch => {
                self.cut = Some(cut);
                Err(cut)
            }
            value = what => Ok(value),
        }
    }

    /// Why nothing is waited for any longer.
    pub(super) const fn cut(&self) -> Option<Cut> {
        self.cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chassis::stop;
    use std::future::{pending, ready};

    fn far() -> Instant {
        Instant::now() + Duration::from_secs(3_600)
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_with_its_deadline_and_stays_at_its_end() {
        let (_stopper, stop) = stop::channel();
        let mut patience = Patience::new(Instant::now() + Duration::from_secs(30), pending(), &stop);
        assert_eq!(patience.wait(ready(1)).await, Ok(1));
        assert_eq!(patience.wait(pending::<()>()).await, Err(Cut::TooLate));
        assert_eq!(patience.wait(ready(1)).await, Err(Cut::TooLate), "nothing is begun afterwards");
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_pauses_is_ended_too() {
        let (_stopper, stop) = stop::channel();
        let mut patience = Patience::new(far(), ready(()), &stop);
        assert_eq!(patience.wait(ready(1)).await, Err(Cut::Gone));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_leaves_it_a_while() {
        let (stopper, stop) = stop::channel();
        let mut patience = Patience::new(far(), pending(), &stop);
        stopper.stop();
        assert_eq!(patience.wait(sleep(AT_STOP / 2)).await, Ok(()));
        assert_eq!(patience.wait(pending::<()>()).await, Err(Cut::Stopping));
    }
}
