//! Publishers that go on through outages as the outbox does: what was not confirmed is published again, in its order.

use crate::bus::{LIMIT, record};
use chassis::bus::{Bus, Record};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

const PUBLISHERS: usize = 4;
/// Records of each of a publisher's two keys.
pub(super) const OF_A_KEY: usize = 200;
/// All records that are published.
pub(super) const RECORDS: usize = 2 * PUBLISHERS * OF_A_KEY;
/// Records of a key in one call.
const AT_ONCE: usize = 5;

pub(super) struct Publishers {
    tasks: JoinSet<()>,
    so_far: watch::Receiver<SoFar>,
}

#[derive(Clone, Copy, Default)]
struct SoFar {
    confirmed: usize,
    refused: usize,
}

impl Publishers {
    pub(super) fn start(bus: &Bus) -> Self {
        let (tell, so_far) = watch::channel(SoFar::default());
        let mut tasks = JoinSet::new();
        for publisher in 0..PUBLISHERS {
            let (bus, tell) = (bus.clone(), tell.clone());
            tasks.spawn(async move {
                let keys = [format!("a{publisher}"), format!("b{publisher}")];
                for batch in 0..OF_A_KEY / AT_ONCE {
                    let numbers = batch * AT_ONCE..(batch + 1) * AT_ONCE;
                    let batch = numbers.flat_map(|n| keys.each_ref().map(|key| record(key, n)));
                    publish_all(&bus, batch.collect(), &tell).await;
                }
            });
        }
        Self { tasks, so_far }
    }

    /// Waits until so many records were confirmed, and not yet all.
    pub(super) async fn have_confirmed(&mut self, count: usize) {
        let so_far = timeout(LIMIT, self.so_far.wait_for(|so_far| so_far.confirmed >= count)).await;
        let confirmed = so_far.unwrap().unwrap().confirmed;
        assert!(confirmed < RECORDS, "all are confirmed: nothing is under way any more");
    }

    /// Waits until one more is refused.
    pub(super) async fn meet_a_refusal(&mut self) {
        let before = self.so_far.borrow().refused;
        let refused = timeout(LIMIT, self.so_far.wait_for(|so_far| so_far.refused > before)).await;
        refused.unwrap().unwrap();
    }

    /// Waits until all are confirmed.
    pub(super) async fn end(self) {
        self.tasks.join_all().await;
    }
}

async fn publish_all(bus: &Bus, mut rest: Vec<Record>, tell: &watch::Sender<SoFar>) {
    while !rest.is_empty() {
        let outcomes = bus.publish(&rest).await;
        let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        tell.send_modify(|so_far| {
            so_far.confirmed += outcomes.len() - refused;
            so_far.refused += refused;
        });
        let mut outcomes = outcomes.into_iter();
        rest.retain(|_| outcomes.next().unwrap().is_err());
    }
}
