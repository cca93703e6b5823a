//! The breaker before a PostgreSQL server: while the server does not answer, who needs it is told so at once, and neither
//! waits for a connection nor keeps others from one.
//!
//! What must hold: only what the server did wrong counts. A rule that was broken, a lost race, a deadlock are answers. A
//! connection that was not to be had in time counts when the server answered nobody meanwhile; otherwise they were all busy.
//!
//! What it does not do: it guards no SQLite file, which is not far away: what fails there fails at once.

use super::{DatabaseConfig, DbError, is_unavailable};
use crate::resilience::{Breaker, BreakerConfig, Monotonic, Open, Permit};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Whether a server may be asked. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Guard(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    breaker: Breaker,
    time: Monotonic,
    /// Microseconds of `time` at which the server last answered.
    answered: AtomicU64,
}

impl Guard {
    pub(super) fn new(config: &DatabaseConfig, service: &str) -> Self {
        let breaker = BreakerConfig {
            // By then the server should have ended it by itself.
            slow_after: config.acquire_timeout() + config.statement_timeout(),
            ..config.breaker()
        };
        Self::with_time(breaker, service, Monotonic::system())
    }

    fn with_time(config: BreakerConfig, service: &str, time: Monotonic) -> Self {
        let breaker = Breaker::with_time("database", service, config, time.clone());
        Self(Arc::new(Inner { breaker, time, answered: AtomicU64::new(0) }))
    }

    /// Asks for leave to ask the server.
    pub(super) fn admit(&self) -> Result<Admitted<'_>, DbError> {
        let permit = self.0.breaker.permit().map_err(|open| DbError::Io(std::io::Error::other(open)))?;
        Ok(Admitted(Some((self, permit, self.0.now()))))
    }

    /// Counts what failed within a transaction, which was let through as a whole.
    pub(super) fn note(&self, error: &DbError) {
        if Blame::of(error) == Blame::Server
            && let Ok(permit) = self.0.breaker.permit()
        {
            permit.failed();
        }
    }
}

impl Inner {
    fn now(&self) -> u64 {
        u64::try_from(self.time.now().as_micros()).unwrap_or(u64::MAX)
    }
}

/// One statement, or the beginning of one transaction, that was let through; without a guard any is.
#[doc(hidden)]
#[derive(Debug)]
pub struct Admitted<'a>(Option<(&'a Guard, Permit, u64)>);

impl Admitted<'_> {
    pub(super) const fn unguarded() -> Self {
        Self(None)
    }

    /// Notes how it ended.
    pub fn settle<T>(self, outcome: Result<T, DbError>) -> Result<T, DbError> {
        let Some((Guard(guard), permit, began)) = self.0 else { return outcome };
        let blame = outcome.as_ref().err().map_or(Blame::Nobody, Blame::of);
        match blame {
            Blame::Nobody => {
                guard.answered.fetch_max(guard.now(), Ordering::Relaxed);
                permit.succeeded();
            }
            Blame::Server => permit.failed(),
            Blame::Unclear if guard.answered.load(Ordering::Relaxed) <= began => permit.failed(),
            Blame::Unclear | Blame::Us => drop(permit),
        }
        outcome
    }
}

/// Whose fault it is that a statement failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blame {
    /// The server did what it should, also when it said no.
    Nobody,
    Server,
    /// No connection came free in time.
    Unclear,
    /// This process stops, or lost a thread.
    Us,
}

impl Blame {
    fn of(error: &DbError) -> Self {
        const LOST_RACES: &str = "40";
        const LOCK_NOT_TO_BE_HAD: &str = "55P03";
        let answered = |code: &str| code.starts_with(LOST_RACES) || code == LOCK_NOT_TO_BE_HAD;
        match error {
            DbError::PoolTimedOut => Self::Unclear,
            DbError::PoolClosed | DbError::WorkerCrashed => Self::Us,
            DbError::Database(error) if error.code().is_some_and(|code| answered(&code)) => Self::Nobody,
            error if is_unavailable(error) => Self::Server,
            _ => Self::Nobody,
        }
    }
}

/// When a statement that was not let through may be tried again.
pub(super) fn refused_for(error: &DbError) -> Option<Duration> {
    let DbError::Io(error) = error else { return None };
    error.get_ref()?.downcast_ref::<Open>().map(|open| open.retry_after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ApiError;
    use crate::resilience::BreakerState;
    use axum::response::IntoResponse;

    struct Trial {
        guard: Guard,
        time: Monotonic,
    }

    impl Trial {
        fn new() -> Self {
            let time = Monotonic::manual();
            Self { guard: Guard::with_time(BreakerConfig::default(), "trial", time.clone()), time }
        }

        fn fails(&self, error: impl Fn() -> DbError) {
            for _ in 0..20 {
                if let Ok(admitted) = self.guard.admit() {
                    admitted.settle::<()>(Err(error())).unwrap_err();
                }
            }
        }

        fn state(&self) -> BreakerState {
            self.guard.0.breaker.state()
        }
    }

    fn lost() -> DbError {
        DbError::Io(std::io::ErrorKind::ConnectionReset.into())
    }

    #[test]
    fn a_server_that_is_away_opens_it_and_what_the_caller_got_wrong_does_not() {
        for (error, state) in [
            (lost as fn() -> DbError, BreakerState::Open),
            (|| DbError::PoolTimedOut, BreakerState::Open),
            (|| DbError::RowNotFound, BreakerState::Closed),
            (|| DbError::PoolClosed, BreakerState::Closed),
            (|| DbError::InvalidArgument("a failed transaction".to_owned()), BreakerState::Closed),
        ] {
            let trial = Trial::new();
            trial.time.advance(Duration::from_secs(1));
            trial.fails(error);
            assert_eq!(trial.state(), state, "{:?}", error());
        }
    }

    #[test]
    fn connections_that_are_all_busy_are_not_a_server_that_is_away() {
        let trial = Trial::new();
        for _ in 0..20 {
            let (late, other) = (trial.guard.admit().unwrap(), trial.guard.admit().unwrap());
            trial.time.advance(Duration::from_secs(1));
            other.settle(Ok(())).unwrap();
            late.settle::<()>(Err(DbError::PoolTimedOut)).unwrap_err();
        }
        assert_eq!(trial.state(), BreakerState::Closed);
    }

    #[test]
    fn what_fails_within_transactions_counts() {
        let trial = Trial::new();
        (0..10).for_each(|_| trial.guard.note(&DbError::RowNotFound));
        assert_eq!(trial.state(), BreakerState::Closed);
        (0..10).for_each(|_| trial.guard.note(&lost()));
        assert_eq!(trial.state(), BreakerState::Open);
    }

    #[test]
    fn who_is_refused_is_told_when_to_come_back() {
        let trial = Trial::new();
        trial.fails(lost);
        trial.time.advance(Duration::from_millis(1_500));
        let error = trial.guard.admit().unwrap_err();
        assert!(is_unavailable(&error));
        let response = ApiError::from(error).into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "4");
    }
}
