//! From events to the history: each event once, by whichever replica has it, in the transaction in which it counts as handled.

use super::{Channel, store};
use chassis::db::Tx;
use chassis::events::{Handled, Handler, HandlerError, Received, Several};
use chassis::service::Parts;
use contract::events::{
    EventApproved, EventCreated, EventDeleted, EventRejected, EventReopened, EventSubmitted, EventUpdated,
};
use contract::live::{Live, Readers};
use contract::notifications::NotificationCreated;
use contract::orders::{
    OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderFailed, OrderRefunded, OrderShipped,
};
use contract::todos::{TodoChanged, TodoListChanged};
use metrics::counter;

/// Bytes of what clients are shown of an event, at most. Views are made to be small; a queue is bounded by their number.
const LARGEST: usize = 4_096;

/// Writes events down for clients.
#[derive(Clone)]
struct Hears(Channel);

/// Adds the subscriptions: one for each topic, so that what happens to one thing is told in the order in which it happened.
pub(super) fn all(parts: Parts, channel: &Channel) -> Parts {
    let hears = || Hears(channel.clone());
    let orders = Several::of::<OrderCreated>(hears())
        .and::<OrderConfirmed>(hears())
        .and::<OrderFailed>(hears())
        .and::<OrderCancelled>(hears())
        .and::<OrderShipped>(hears())
        .and::<OrderDelivered>(hears())
        .and::<OrderRefunded>(hears());
    let events = Several::of::<EventCreated>(hears())
        .and::<EventUpdated>(hears())
        .and::<EventSubmitted>(hears())
        .and::<EventApproved>(hears())
        .and::<EventRejected>(hears())
        .and::<EventReopened>(hears())
        .and::<EventDeleted>(hears());
    let notifications = Several::of::<NotificationCreated>(hears());
    let todos = Several::of::<TodoChanged>(hears()).and::<TodoListChanged>(hears());
    let parts = parts.on_each("live-orders", orders).on_each("live-events", events);
    parts.on_each("live-notifications", notifications).on_each("live-todos", todos)
}

impl<E: Live> Handler<E> for Hears {
    fn wants(&self, event: &E) -> bool {
        event.readers() != Readers::default()
    }

    async fn handle(&self, t: &mut Tx, event: Received<E>) -> Handled {
        let (channel, readers) = (&self.0, event.data.readers());
        let now = channel.clock.now();
        // A gateway that is new begins with the oldest event that the bus still has.
        if now.since(event.time) >= channel.keep {
            return Ok(());
        }
        let data = serde_json::to_string(&event.data.view()).map_err(HandlerError::reject)?;
        if data.len() > LARGEST {
            let error =
                anyhow::anyhow!("the view of {} has {} bytes; {LARGEST} is the most", E::TYPE, data.len());
            return Err(HandlerError::reject(error));
        }
        let resource = event.data.resource();
        let (topic, kind, at) = (E::TOPIC, E::TYPE, event.time);
        store::append(t, store::New { topic, resource, kind, readers, data, at, told_at: now });
        let channel = channel.clone();
        t.after_commit(move || {
            counter!("live_messages_total", "topic" => E::TOPIC.as_str()).increment(1);
            channel.added_here.notify_one();
        });
        Ok(())
    }
}
