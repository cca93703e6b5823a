//! What must hold over all stock, all reservations and the whole ledger.

use super::App;
use crate::store::books;
use chassis::db::DbError;
use chassis::invariant::{Checked, Invariant};
use contract::audit::Violation;
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

/// How late a sweep may be: a process that died had the lease of the job.
const LATE: Duration = Duration::from_secs(60);

fn product(id: Uuid, found: String) -> Violation {
    Violation::new(format!("product {id}"), found)
}

/// The rules.
pub(crate) fn invariants(app: &App) -> [Invariant; 5] {
    let rule = |name, about, look: fn(App) -> _| {
        let app = app.clone();
        Invariant::new(name, about, move || {
            let looking = look(app.clone());
            async move { Ok(looking.await?) }
        })
    };
    [
        rule(
            "stock-is-never-negative",
            "No product has less than nothing or more reserved than there is.",
            |app| Box::pin(negative(app)) as Looking,
        ),
        rule(
            "reserved-is-the-sum-of-reservations",
            "What is reserved of a product is what open reservations want.",
            |app| Box::pin(reserved(app)) as Looking,
        ),
        rule(
            "the-ledger-comes-to-the-stock",
            "The lines of the ledger add up to what is there and reserved.",
            |app| Box::pin(ledger(app)) as Looking,
        ),
        rule(
            "no-reservation-outlives-its-time",
            "An active reservation ends with its time, give or take a sweep.",
            |app| Box::pin(overdue(app)) as Looking,
        ),
        rule("no-more-comes-back-than-was-sold", "Of an order no more was taken back than was sold.", {
            |app| Box::pin(returned(app)) as Looking
        }),
    ]
}

type Looking = std::pin::Pin<Box<dyn Future<Output = Result<Checked, DbError>> + Send>>;

async fn negative(app: App) -> Result<Checked, DbError> {
    let checked = books::count_stock(&app.db).await?;
    let found = books::negative(&app.db).await?;
    let violation = |(id, on_hand, reserved)| product(id, format!("{on_hand} on hand, {reserved} reserved"));
    Ok(Checked { checked, violations: found.into_iter().map(violation).collect() })
}

async fn reserved(app: App) -> Result<Checked, DbError> {
    let checked = books::count_stock(&app.db).await?;
    let found = books::not_as_reserved(&app.db).await?;
    let violation =
        |(id, reserved, wanted)| product(id, format!("{reserved} reserved, open reservations want {wanted}"));
    Ok(Checked { checked, violations: found.into_iter().map(violation).collect() })
}

async fn ledger(app: App) -> Result<Checked, DbError> {
    let checked = books::count_stock(&app.db).await?;
    let found = books::not_in_ledger(&app.db).await?;
    let violation = |off: books::NotInLedger| {
        let books::NotInLedger { product_id, on_hand, reserved, lines } = off;
        let found =
            format!("the stock is off its ledger by {on_hand} on hand, {reserved} reserved, {lines} lines");
        product(product_id, found)
    };
    Ok(Checked { checked, violations: found.into_iter().map(violation).collect() })
}

async fn overdue(app: App) -> Result<Checked, DbError> {
    let checked = books::count_reservations(&app.db).await?;
    let before = app.clock.now() - (app.sweep_every * 2 + LATE);
    let found = books::overdue(&app.db, before).await?;
    let violation = |(id, end): (Uuid, chassis::clock::Ts)| {
        let end: OffsetDateTime = end.to_datetime();
        Violation::new(format!("checkout {id}"), format!("active although its time was over at {end}"))
    };
    Ok(Checked { checked, violations: found.into_iter().map(violation).collect() })
}

async fn returned(app: App) -> Result<Checked, DbError> {
    let checked = books::count_reservations(&app.db).await?;
    let found = books::returned_unsold(&app.db).await?;
    let violation = |(order, id, many): (Uuid, Uuid, i64)| {
        Violation::new(format!("order {order}"), format!("{many} too many of product {id} came back"))
    };
    Ok(Checked { checked, violations: found.into_iter().map(violation).collect() })
}
