//! The load: connections that are kept, a blocking thread each, every one sending its share of a fixed number of
//! requests, the next when the last is answered.

use super::http::{Connection, get};
use anyhow::{Result, anyhow};
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// What one run of the load saw.
pub(super) struct Outcome {
    pub(super) requests: usize,
    /// Answers other than 200, and connections that broke.
    pub(super) errors: usize,
    pub(super) took: Duration,
    /// Of the requests that were answered, shortest first.
    latencies: Vec<Duration>,
}

impl Outcome {
    /// The time within which this share of the requests was answered.
    pub(super) fn percentile(&self, share: f64) -> Duration {
        let rank = (self.latencies.len() as f64 * share).ceil() as usize;
        self.latencies.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    pub(super) fn rate(&self) -> f64 {
        let requests = self.requests as f64;
        requests / self.took.as_secs_f64()
    }
}

/// Sends about `requests` requests, an equal share on each of `connections` connections.
pub(super) fn run(port: u16, path: &str, requests: usize, connections: usize) -> Result<Outcome> {
    let share = requests / connections;
    let request = get(path);
    let barrier = Barrier::new(connections + 1);
    std::thread::scope(|scope| {
        let client = || {
            let mut connection = Connection::open(port);
            barrier.wait();
            let mut latencies = Vec::with_capacity(share);
            for _ in 0..share {
                let begin = Instant::now();
                let answer =
                    connection.as_mut().map_err(|e| anyhow!("{e}")).and_then(|c| c.ask(request.as_bytes()));
                match &answer {
                    Ok(answer) if answer.status == 200 => latencies.push(begin.elapsed()),
                    _ => {}
                }
                if !answer.is_ok_and(|answer| !answer.closes) {
                    connection = Connection::open(port);
                }
            }
            latencies
        };
        let clients: Vec<_> = (0..connections).map(|_| scope.spawn(client)).collect();
        barrier.wait();
        let begin = Instant::now();
        let mut latencies = Vec::with_capacity(requests);
        for client in clients {
            latencies.extend(client.join().map_err(|_| anyhow!("a client panicked"))?);
        }
        let took = begin.elapsed();
        latencies.sort_unstable();
        let requests = share * connections;
        Ok(Outcome { requests, errors: requests - latencies.len(), took, latencies })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_time_within_which_that_share_was_answered() {
        let latencies = (1..=100).map(Duration::from_millis).collect();
        let outcome = Outcome { requests: 100, errors: 0, took: Duration::from_secs(2), latencies };
        assert_eq!(outcome.percentile(0.5), Duration::from_millis(50));
        assert_eq!(outcome.percentile(0.99), Duration::from_millis(99));
        assert!((outcome.rate() - 50.0).abs() < 1e-9);
    }

    #[test]
    fn every_request_that_nobody_answers_is_an_error() {
        let port = testkit::servers::free_port().unwrap();
        let outcome = run(port, "/", 6, 2).unwrap();
        assert_eq!((outcome.requests, outcome.errors), (6, 6));
    }
}
