//! Asks services whether they are ready, wherever they are.

use crate::domain::uptime::Found;
use chassis::peer::Peer;
use chassis::service::Context;
use contract::ErrorCode;
use contract::client::CallError;
use contract::readiness::{self, Ready};
use std::time::Duration;
use tokio::time::timeout;

/// A service that is asked.
pub(crate) struct Watched {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    peer: Peer,
}

/// What a look has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) found: Found,
    /// Why, for the log.
    pub(crate) why: String,
}

impl Watched {
    /// Every service but this one that there is a way to, in the order of the platform's list. What says of itself how it is
    /// cannot say that it is away.
    pub(crate) fn all(context: &Context) -> Vec<Self> {
        let others = context.all_services().iter().filter(|spec| spec.name != context.spec().name);
        let watched = others.filter_map(|spec| {
            Some(Self { name: spec.name, about: spec.about, peer: context.peer(spec.name)? })
        });
        watched.collect()
    }

    /// Asks, and waits no longer than this.
    pub(crate) async fn look(&self, patience: Duration) -> Seen {
        let path = readiness::path(self.name);
        let caller = self.peer.caller();
        let answer = timeout(patience, caller.get::<Ready>(&path)).await;
        let seen = judge(answer.unwrap_or(Err(CallError::Deadline)));
        metrics::counter!("status_looks_total", "target" => self.name, "found" => seen.found.state().as_str())
            .increment(1);
        seen
    }
}

fn judge(answer: Result<Ready, CallError>) -> Seen {
    let seen = |found, why: String| Seen { found, why };
    match answer {
        Ok(Ready { ready: true, .. }) => seen(Found::Operational, String::new()),
        Ok(Ready { failing, .. }) if failing.is_empty() => seen(Found::Degraded, "it stops".to_owned()),
        Ok(Ready { failing, .. }) => seen(Found::Degraded, failing.join(", ")),
        // It is there: it has too much to do, or is of a release that cannot be asked.
        Err(CallError::Refused(error))
            if matches!(error.code, ErrorCode::Overloaded | ErrorCode::NotFound) =>
        {
            seen(Found::Degraded, error.code.as_str().to_owned())
        }
        Err(error) => seen(Found::Down, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::error::ErrorDetail;

    fn refused(code: ErrorCode) -> CallError {
        CallError::Refused(Box::new(ErrorDetail {
            code,
            message: String::new(),
            status: code.kind().status(),
            details: Vec::new(),
            request_id: String::new(),
            correlation_id: String::new(),
            timestamp: String::new(),
        }))
    }

    #[test]
    fn who_does_not_answer_is_down_and_who_says_no_is_not() {
        let found = |answer| judge(answer).found;
        assert_eq!(found(Ok(Ready { ready: true, failing: Vec::new() })), Found::Operational);
        let failing = vec!["orders.database".to_owned()];
        assert_eq!(found(Ok(Ready { ready: false, failing })), Found::Degraded);
        assert_eq!(found(Ok(Ready { ready: false, failing: Vec::new() })), Found::Degraded);
        assert_eq!(found(Err(refused(ErrorCode::Overloaded))), Found::Degraded);
        for away in
            [CallError::Deadline, CallError::Unreachable(String::new()), refused(ErrorCode::Unavailable)]
        {
            assert_eq!(found(Err(away)), Found::Down);
        }
    }
}
