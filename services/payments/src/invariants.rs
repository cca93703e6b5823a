//! The rules that an audit looks at.

use crate::provider::sandbox;
use crate::store::audit::{self, Broken};
use chassis::db::{Db, DbError};
use chassis::invariant::{Checked, Invariant};
use chassis::service::Parts;
use contract::audit::Violation;
use std::future::Future;

/// Adds the rules.
pub(crate) fn declare(parts: Parts, db: &Db, provider: &str) -> Parts {
    let parts = parts
        .invariant(rule(
            db,
            "captured-is-nothing-or-the-amount",
            "Of a payment nothing was taken or its amount, as its state says.",
            |db| async move { audit::captured(&db).await },
        ))
        .invariant(rule(
            db,
            "refunded-is-the-sum-of-refunds",
            "No more was given back than was taken, and as much as the refunds say.",
            |db| async move { audit::refunded(&db).await },
        ))
        .invariant(rule(
            db,
            "what-is-open-is-asked-about",
            "Whatever the provider has not ended is asked about again.",
            |db| async move { audit::forgotten(&db).await },
        ));
    if provider != sandbox::NAME {
        return parts;
    }
    parts.invariant(rule(
        db,
        "the-bank-says-the-same",
        "A payment at rest stands as its charge does with the sandbox's bank.",
        |db| async move { audit::unlike_bank(&db).await },
    ))
}

fn rule<F>(
    db: &Db,
    name: &'static str,
    about: &'static str,
    look: impl Fn(Db) -> F + Clone + Send + Sync + 'static,
) -> Invariant
where
    F: Future<Output = Result<Vec<Broken>, DbError>> + Send + 'static,
{
    let db = db.clone();
    Invariant::new(name, about, move || {
        let (db, look) = (db.clone(), look.clone());
        async move {
            let checked = audit::count(&db).await?;
            let broken = look(db).await?;
            let violation = |broken: Broken| Violation::new(format!("payment {}", broken.id), broken.found);
            Ok(Checked { checked, violations: broken.into_iter().map(violation).collect() })
        }
    })
}
