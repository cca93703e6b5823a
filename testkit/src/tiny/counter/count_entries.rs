//! Counts each entry that was posted, and tells.

use crate::tiny::arrivals;
use crate::tiny::events::{EntryCounted, EntryPosted};
use crate::tiny::ledger::Trouble;
use anyhow::anyhow;
use chassis::clock::Clock;
use chassis::db::Tx;
use chassis::events::{Handled, Handler, HandlerError, Outbox, Received};

/// What it needs.
pub(super) struct CountEntries {
    pub(super) outbox: Outbox,
    pub(super) clock: Clock,
}

impl Handler<EntryPosted> for CountEntries {
    async fn handle(&self, t: &mut Tx, event: Received<EntryPosted>) -> Handled {
        let EntryPosted { id, account, sequence, amount, trouble } = event.data;
        // Before it fails it has done its work, so that what is not undone shows.
        arrivals::note(t, (id, &account), (sequence, amount), self.clock.now()).await?;
        self.outbox.publish(t, &EntryCounted { id, account, sequence, amount }).await?;
        match trouble {
            Trouble::None => Ok(()),
            Trouble::Fails(times) if event.attempt > times => Ok(()),
            Trouble::Fails(_) => Err(anyhow!("the entry asked for a failure").into()),
            Trouble::Poison => Err(anyhow!("the entry is poison").into()),
            Trouble::Rejected => Err(HandlerError::reject(anyhow!("the entry asked to be rejected"))),
        }
    }
}
