//! Invariants: rules over everything that a service keeps, to be looked at while it runs.
//!
//! A constraint of the database guards one row or one table; an invariant says what must hold over several tables, over a
//! ledger and its sum, or over two services (`every confirmed order has one capture of its amount`). A service declares its own
//! ([`Parts::invariant`](crate::service::Parts::invariant)); `GET /audit` of the operations listener looks at all of them, and
//! `bowline prove` at the end of its run.
//!
//! What must hold: a check changes nothing, and it allows for what is under way: it looks at what has come to rest, or at one
//! snapshot. What it does not do: it repairs nothing.

use anyhow::Context as _;
use contract::audit::{Finding, Violation};
use futures_util::future::BoxFuture;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// How long one check may take.
const CHECK_WITHIN: Duration = Duration::from_secs(60);
/// Violations that are told at most.
pub const MOST_VIOLATIONS: usize = 100;

/// What a check has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many things were looked at.
    pub checked: u64,
    /// What does not hold.
    pub violations: Vec<Violation>,
}

/// A rule over everything that a service keeps.
#[derive(Clone)]
pub struct Invariant {
    name: &'static str,
    about: &'static str,
    check: Arc<dyn Fn() -> BoxFuture<'static, anyhow::Result<Checked>> + Send + Sync>,
}

impl Invariant {
    /// A rule by its name in words with hyphens (`stock-is-never-negative`), one sentence about it, and what looks at it.
    pub fn new<F>(
        name: &'static str,
        about: &'static str,
        check: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = anyhow::Result<Checked>> + Send + 'static,
    {
        Self { name, about, check: Arc::new(move || Box::pin(check())) }
    }
}

impl fmt::Debug for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Invariant").field(&self.name).finish()
    }
}

/// The invariants of the services of a process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Books(Arc<Mutex<Vec<(&'static str, Invariant)>>>);

impl Books {
    /// Adds what a service declares.
    pub(crate) fn add(&self, service: &'static str, invariants: Vec<Invariant>) {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        books.extend(invariants.into_iter().map(|invariant| (service, invariant)));
    }

    /// Looks at every rule, one after the other.
    pub async fn audit(&self) -> Vec<Finding> {
        let books = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut findings = Vec::with_capacity(books.len());
        for (service, invariant) in books {
            findings.push(look(service, &invariant).await);
        }
        findings
    }
}

async fn look(service: &str, invariant: &Invariant) -> Finding {
    let checked = timeout(CHECK_WITHIN, (invariant.check)()).await;
    let checked = checked.context("it took too long").and_then(|checked| checked);
    let (Checked { checked, mut violations }, error) = match checked {
        Ok(checked) => (checked, None),
        Err(error) => {
            tracing::warn!(
                service,
                invariant = invariant.name,
                error = format!("{error:#}"),
                "a rule cannot be looked at"
            );
            (Checked::default(), Some("it cannot be looked at; the log says why".to_owned()))
        }
    };
    violations.truncate(MOST_VIOLATIONS);
    Finding {
        service: service.to_owned(),
        invariant: invariant.name.to_owned(),
        about: invariant.about.to_owned(),
        checked,
        violations,
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn audit(invariant: Invariant) -> Finding {
        let books = Books::default();
        books.add("till", vec![invariant]);
        books.audit().await.remove(0)
    }

    #[tokio::test]
    async fn a_rule_that_holds_says_how_much_it_looked_at() {
        let rule = Invariant::new("sums", "Sums are right.", || async {
            Ok(Checked { checked: 7, violations: vec![] })
        });
        let found = audit(rule).await;
        assert!(found.holds());
        assert_eq!((found.service.as_str(), found.checked), ("till", 7));
    }

    #[tokio::test]
    async fn what_breaks_a_rule_is_told_and_not_too_much_of_it() {
        let many = || vec![Violation::new("till 1", "2 is not 3"); MOST_VIOLATIONS + 1];
        let rule = Invariant::new("sums", "Sums are right.", move || async move {
            Ok(Checked { checked: 1_000, violations: many() })
        });
        let found = audit(rule).await;
        assert!(!found.holds());
        assert_eq!(found.violations.len(), MOST_VIOLATIONS);
    }

    #[tokio::test]
    async fn a_rule_that_cannot_be_looked_at_does_not_hold_and_tells_no_secret() {
        let rule = Invariant::new("sums", "Sums are right.", || async {
            anyhow::bail!("postgres://user:secret@host")
        });
        let found = audit(rule).await;
        assert!(!found.holds());
        assert!(!found.error.unwrap().contains("secret"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rule_that_takes_too_long_is_given_up() {
        let rule = Invariant::new("sums", "Sums are right.", std::future::pending);
        assert!(audit(rule).await.error.is_some());
    }
}
