//! From serving to the end, in order and in bounded time.

use super::Started;
use super::assemble::{Assembled, Ended};
use crate::http::Serving;
use crate::ops::OpsHandle;
use crate::stop::{Signal, Stopper};
use std::process::ExitCode;
use std::time::Duration;
use tokio::task::JoinError;
use tokio::time::{Instant, sleep, timeout_at};

/// A process that serves.
pub(super) struct Running {
    pub(super) started: Started,
    pub(super) stopper: Stopper,
    pub(super) assembled: Assembled,
    pub(super) serving: Serving,
    pub(super) ops: OpsHandle,
}

impl Running {
    /// Waits for a signal or for a worker's end, then stops in order.
    pub(super) async fn until_stopped(mut self, signal: impl Future<Output = Signal>) -> ExitCode {
        let mut clean = true;
        tokio::select! {
            signal = signal => tracing::info!(signal = signal.name(), "stopping"),
            Some(ended) = self.assembled.workers.join_next() => {
                clean = false;
                tracing::error!(worker = describe(ended), "a worker ended before the stop; stopping the process");
            }
        }
        let deadline = Instant::now() + Duration::from_secs(self.assembled.process.stop_timeout_secs);
        self.stopper.drain();
        if clean && self.assembled.process.drain_secs > 0 {
            sleep(Duration::from_secs(self.assembled.process.drain_secs)).await;
        }
        self.stopper.stop();
        if timeout_at(deadline, self.serving.drained()).await.is_err() {
            clean = false;
            tracing::warn!("connections were still open at the stop's deadline and are cut");
        }
        clean &= self.finish_workers(deadline).await;
        if timeout_at(deadline.max(Instant::now() + Duration::from_secs(1)), self.assembled.close())
            .await
            .is_err()
        {
            clean = false;
            tracing::warn!("databases or the bus were still in use at the stop's deadline");
        }
        self.assembled.shared().state().close();
        self.stopper.finish();
        self.serving.join();
        tracing::info!(clean, "stopped");
        self.ops.stop();
        if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    async fn finish_workers(&mut self, deadline: Instant) -> bool {
        let mut clean = true;
        loop {
            match timeout_at(deadline, self.assembled.workers.join_next()).await {
                Ok(None) => return clean,
                Ok(Some(Ok((_, Ok(()))))) => {}
                Ok(Some(ended)) => {
                    clean = false;
                    tracing::error!(worker = describe(ended), "a worker failed while stopping");
                }
                Err(_) => {
                    tracing::warn!(
                        left = self.assembled.workers.len(),
                        "workers were still busy at the stop's deadline and are cut"
                    );
                    self.assembled.workers.abort_all();
                    return false;
                }
            }
        }
    }
}

fn describe(ended: Result<Ended, JoinError>) -> String {
    match ended {
        Ok((name, Ok(()))) => format!("{name}: returned"),
        Ok((name, Err(error))) => format!("{name}: {error:#}"),
        Err(error) => format!("panicked: {error}"),
    }
}
