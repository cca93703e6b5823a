//! What is counted of operations. Limits are decided on every request: their handles are looked up once.

use super::{DecidedBy, Decisions, StateError};
use metrics::{Counter, Histogram, counter, histogram};
use std::sync::OnceLock;
use std::time::Duration;

/// The operation that decides limits.
const LIMIT: &str = "limit";

/// Made at the first decision: whoever opens state early may do so before metrics are recorded.
#[derive(Debug, Default)]
pub(super) struct Meter(OnceLock<Handles>);

#[derive(Debug)]
struct Handles {
    done: Counter,
    seconds: Histogram,
    decided: [(DecidedBy, Decided); 3],
}

#[derive(Debug)]
struct Decided {
    allowed: Counter,
    refused: Counter,
}

impl Meter {
    /// Notes a call of [`State::limits`](super::State::limits).
    pub(super) fn limits(&self, outcome: &Result<Decisions, StateError>, took: Duration) {
        let handles = self.0.get_or_init(Handles::new);
        handles.seconds.record(took);
        let decisions = match outcome {
            Ok(decisions) => decisions,
            failed @ Err(_) => return operation(LIMIT, failed).increment(1),
        };
        handles.done.increment(1);
        if let Some((_, decided)) = handles.decided.iter().find(|(by, _)| *by == decisions.by()) {
            if decisions.allowed() { &decided.allowed } else { &decided.refused }.increment(1);
        }
    }
}

impl Handles {
    fn new() -> Self {
        let all = [DecidedBy::Redis, DecidedBy::Process, DecidedBy::Fallback];
        Self {
            done: counter_of(LIMIT, "done"),
            seconds: seconds(LIMIT),
            decided: all.map(|by| {
                (by, Decided { allowed: decision("allowed", by), refused: decision("refused", by) })
            }),
        }
    }
}

/// The count of an operation that ended so.
pub(super) fn operation<T>(op: &'static str, done: &Result<T, StateError>) -> Counter {
    counter_of(op, done.as_ref().err().map_or("done", StateError::outcome))
}

/// How long an operation takes.
pub(super) fn seconds(op: &'static str) -> Histogram {
    histogram!("state_operation_seconds", "op" => op)
}

fn counter_of(op: &'static str, outcome: &'static str) -> Counter {
    counter!("state_operations_total", "op" => op, "outcome" => outcome)
}

fn decision(answer: &'static str, by: DecidedBy) -> Counter {
    counter!("state_limits_total", "decision" => answer, "by" => by.label())
}
