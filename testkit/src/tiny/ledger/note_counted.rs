//! Notes what came back from the counter.

use crate::tiny::arrivals;
use crate::tiny::events::EntryCounted;
use chassis::clock::Clock;
use chassis::db::Tx;
use chassis::events::{Handled, Handler, Received};

/// What it needs.
pub(super) struct NoteCounted {
    pub(super) clock: Clock,
}

impl Handler<EntryCounted> for NoteCounted {
    async fn handle(&self, t: &mut Tx, event: Received<EntryCounted>) -> Handled {
        let EntryCounted { id, account, sequence, amount } = event.data;
        arrivals::note(t, (id, &account), (sequence, amount), self.clock.now()).await?;
        Ok(())
    }
}
