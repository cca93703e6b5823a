//! Orders as they are listed and followed, and what people have bought.
//!
//! A row holds the aggregate as the events until then make it, so what is listed is what the aggregate says and cannot
//! drift from it.

use crate::domain::events::OrderEvent;
use crate::domain::order::Order;
use crate::store::order_list::{self, Listed, Place};
use chassis::db::Tx;
use chassis::event_store::{Aggregate, Generation, Projection, Recorded};
use chassis::wake::Wake;
use contract::ids::OrderId;

/// Keeps the lists up to date, and wakes who follows orders.
pub(crate) struct OrderListing {
    /// Wakes the workers that tell followers, in every replica.
    pub(crate) listed: Wake,
}

/// The shape of the rows. Raise it when they change.
const SHAPE: u32 = 1;

impl Projection for OrderListing {
    const NAME: &'static str = order_list::NAME;
    // The rows hold the aggregate: when that has another shape, so have they.
    const VERSION: u32 = SHAPE * 1_000 + Order::SNAPSHOT_VERSION;

    async fn apply(&self, t: &mut Tx, generation: Generation, event: &Recorded) -> anyhow::Result<()> {
        let id = event.stream.as_str().strip_prefix("order-").and_then(|id| id.parse().ok());
        let Some((order, happened)) = id.map(OrderId).zip(event.clone().into_stored::<OrderEvent>()?) else {
            return Ok(());
        };
        let kept = order_list::state_of(t, generation, order).await?;
        let mut state =
            kept.map(|kept| serde_json::from_str::<Order>(&kept)).transpose()?.unwrap_or_default();
        let sold = matches!(happened, OrderEvent::Confirmed(_));
        state.apply(happened);
        let place = Place { position: event.position, version: event.version, at: event.at };
        let listed = Listed::of(order, &state, place)?;
        order_list::keep(t, generation, &listed, &serde_json::to_string(&state)?).await?;
        let what = event.kind.strip_prefix("order.").unwrap_or(&event.kind);
        order_list::tell(t, generation, &listed, what, event.position).await?;
        if sold {
            for product in state.wanted().iter().map(|line| line.product) {
                order_list::bought(t, generation, listed.user, product, event.position).await?;
            }
        }
        let listed = self.listed.clone();
        t.after_commit(move || listed.all());
        Ok(())
    }

    async fn reset(&self, t: &mut Tx, generation: Generation) -> anyhow::Result<()> {
        Ok(order_list::reset(t, generation).await?)
    }
}
