//! Requests of this process that wait for an order to come to rest: each is woken for its own order alone.

use contract::ids::OrderId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Who waits for which order. Cheap to clone; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiting(Arc<Mutex<HashMap<OrderId, Vec<Arc<Notify>>>>>);

/// One who waits for an order, from its making on.
#[derive(Debug)]
pub(crate) struct Waiter {
    order: OrderId,
    told: Arc<Notify>,
    all: Waiting,
}

impl Waiting {
    /// Begins to wait for an order.
    #[must_use]
    pub(crate) fn of(&self, order: OrderId) -> Waiter {
        let told = Arc::new(Notify::new());
        self.lock().entry(order).or_default().push(Arc::clone(&told));
        Waiter { order, told, all: self.clone() }
    }

    /// Wakes everybody in this process who waits for this order.
    pub(crate) fn tell(&self, order: OrderId) {
        if let Some(waiters) = self.lock().get(&order) {
            waiters.iter().for_each(|waiter| waiter.notify_one());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OrderId, Vec<Arc<Notify>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    /// Resolves when the order was told of since the last time.
    pub(crate) async fn told(&self) {
        self.told.notified().await;
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        if let Some(waiters) = all.get_mut(&self.order) {
            waiters.retain(|waiter| !Arc::ptr_eq(waiter, &self.told));
            if waiters.is_empty() {
                all.remove(&self.order);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_hears_also_of_what_happened_before_they_listened_and_of_no_other_order() {
        let (waiting, mine, other) = (Waiting::default(), OrderId::new(), OrderId::new());
        let waiter = waiting.of(mine);
        waiting.tell(mine);
        waiter.told().await;
        waiting.tell(other);
        let none = tokio::time::timeout(std::time::Duration::from_millis(20), waiter.told()).await;
        assert!(none.is_err());
    }

    #[test]
    fn who_goes_away_leaves_nothing() {
        let waiting = Waiting::default();
        let order = OrderId::new();
        let (first, second) = (waiting.of(order), waiting.of(order));
        drop(first);
        assert_eq!(waiting.lock().len(), 1);
        drop(second);
        assert!(waiting.lock().is_empty());
    }
}
