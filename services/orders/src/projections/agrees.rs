//! That the list of orders says what their events say.

use crate::app::App;
use crate::domain::order::Order;
use crate::store::order_list::{self, Kept};
use chassis::invariant::{Checked, Invariant};
use contract::audit::Violation;
use uuid::Uuid;

/// Orders that are read at once.
const AT_ONCE: i64 = 200;

/// Every order is listed as its events make it, and each of them was told once.
pub(crate) fn list_agrees(app: App) -> Invariant {
    let about =
        "Every order is listed as its events make it, and those who follow it were told of each once.";
    Invariant::new("the-list-of-orders-agrees", about, move || {
        let app = app.clone();
        async move { compare(&app).await }
    })
}

async fn compare(app: &App) -> anyhow::Result<Checked> {
    let mut all = Checked::default();
    let mut after = Uuid::nil();
    loop {
        let page = order_list::list_kept(&app.db, after, AT_ONCE).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = last.order.uuid();
        for kept in page {
            let actual = app.store.load::<Order>(kept.order.uuid()).await?;
            // One that has gone on meanwhile is listed a moment later.
            let wrong = if actual.version == kept.version { differs(&kept, &actual.state)? } else { None };
            let untold = (kept.told != kept.version)
                .then(|| format!("{} of {} events were told", kept.told, kept.version));
            let subject = || format!("order {}", kept.order);
            all.violations
                .extend(wrong.into_iter().chain(untold).map(|found| Violation::new(subject(), found)));
            all.checked += 1;
        }
    }
}

/// What is listed of an order and is not so.
fn differs(kept: &Kept, actual: &Order) -> anyhow::Result<Option<String>> {
    if serde_json::from_str::<Order>(&kept.state)? != *actual {
        return Ok(Some("what is kept beside the list is not what its events make".to_owned()));
    }
    let status = actual.status.map_or("nowhere", contract::orders::OrderStatus::as_str);
    let total = actual.placed.as_ref().map_or(0, |placed| placed.totals.total.amount);
    let (listed, is) =
        ((&*kept.status, kept.processing, kept.total), (status, actual.is_processing(), total));
    Ok((listed != is).then(|| format!("listed as {listed:?}, and is {is:?}")))
}
