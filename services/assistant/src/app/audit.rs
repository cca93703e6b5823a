//! What must hold over everything that the service keeps.

use super::App;
use crate::store::audit::{self, Difference};
use chassis::invariant::{Checked, Invariant};
use contract::audit::Violation;
use std::time::Duration;

/// How far back accounts are compared: every call of theirs is still kept.
const BACK: Duration = Duration::from_secs(35 * 86_400);
const MOST: i64 = 100;

impl App {
    /// Every account is what its calls come to.
    pub(crate) fn accounts_are_right(&self) -> Invariant {
        let app = self.clone();
        Invariant::new(
            "budgets-are-what-the-calls-come-to",
            "What an account has reserved and spent is what the calls of its day or month have.",
            move || {
                let app = app.clone();
                async move {
                    let since = app.clock.now() - BACK;
                    let found = audit::differences(&app.db, since, MOST).await?;
                    let checked = audit::count_accounts(&app.db, since).await?;
                    Ok(Checked { checked, violations: found.iter().map(violation).collect() })
                }
            },
        )
    }
}

fn violation(found: &Difference) -> Violation {
    let Difference { of: (scope, subject, period), reserved, spent } = found;
    let more = format!(
        "too much by: reserved tokens {}, cost {}; spent tokens {}, cost {}",
        reserved.0, reserved.1, spent.0, spent.1
    );
    Violation::new(format!("{scope} {subject} {period}"), more)
}
