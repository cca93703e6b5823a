//! Reservations whose time is over are let go.

use super::books::entries;
use super::{App, count_after};
use crate::domain::stock::Change;
use crate::error::InventoryResult;
use crate::store::reservation;
use contract::inventory::{InventoryReleased, Release};

/// Reservations in one transaction, so that none holds the database for long.
const BATCH: i64 = 100;

impl App {
    /// Lets go of some of the reservations whose time is over, the oldest first. Tells whether there may be more.
    ///
    /// # Errors
    /// When the database fails; then nothing was let go.
    pub async fn expire_some(&self) -> InventoryResult<bool> {
        let now = self.clock.now();
        let mut t = self.db.begin().await?;
        let over = reservation::expire(&mut t, now, BATCH).await?;
        if over.is_empty() {
            t.rollback().await?;
            return Ok(false);
        }
        let checkouts: Vec<_> = over.iter().map(|held| held.checkout).collect();
        let lines = reservation::lines_of_many(&mut t, &checkouts).await?;
        let all =
            lines.iter().flat_map(|(checkout, lines)| entries(*checkout, lines, Change::Expire)).collect();
        self.post(&mut t, all, now).await?;
        for held in &over {
            let event =
                InventoryReleased { order: held.order(), checkout: held.checkout, why: Release::Expired };
            self.outbox.publish(&mut t, &event).await?;
        }
        let number = u64::try_from(over.len()).unwrap_or_default();
        count_after(&mut t, "expired", number);
        t.commit().await?;
        Ok(number >= BATCH.unsigned_abs())
    }
}
