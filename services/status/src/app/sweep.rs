//! Ending alerts that nobody speaks of any more, and removing what was kept long enough.

use super::App;
use super::snapshot::DAYS;
use crate::domain::uptime::hour_of;
use crate::error::StatusResult;
use crate::store::alert::{self, Change};
use crate::store::{incident, service};
use chassis::stop::Stop;
use contract::status::{AlertResolved, AlertStatus};

impl App {
    /// Ends alerts that fire and were not sent again for too long: their end was lost.
    ///
    /// # Errors
    /// When the database fails, or an event cannot be published.
    pub(crate) async fn expire_alerts(&self, stop: &Stop) -> StatusResult<()> {
        while !stop.is_stopping() {
            let now = self.clock.now();
            let mut t = self.db.begin().await?;
            let expired = alert::expire(&mut t, now - self.alert_expires, now).await?;
            for gone in &expired {
                let (starts_at, at) = (gone.starts_at, gone.last_received_at);
                let change = Change { status: AlertStatus::Resolved, starts_at, at, expired: true };
                alert::add_change(&mut t, gone.id(), change, now).await?;
                let (name, service, ends_at) = (gone.name.clone(), gone.service.clone(), at.to_datetime());
                let ended =
                    AlertResolved { alert: gone.id(), name, severity: gone.severity(), service, ends_at };
                self.outbox.publish(&mut t, &ended).await?;
            }
            t.commit().await?;
            // The next look ends the incidents that stood on them.
            if expired.is_empty() {
                break;
            }
            tracing::warn!(count = expired.len(), "alerts ended because they were not heard of for too long");
        }
        Ok(())
    }

    /// Removes what was kept long enough.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn sweep(&self, stop: &Stop) -> StatusResult<()> {
        let now = self.clock.now();
        let before = now - self.keep;
        while !stop.is_stopping() {
            let mut t = self.db.begin().await?;
            let removed = alert::remove_old(&mut t, before).await?
                + alert::remove_old_changes(&mut t, before).await?
                + incident::remove_old(&mut t, before).await?;
            t.commit().await?;
            if removed == 0 {
                break;
            }
        }
        let mut t = self.db.begin().await?;
        // A day more than is shown.
        service::remove_old(&mut t, hour_of(now) - (DAYS + 1) * 24).await?;
        t.commit().await?;
        Ok(())
    }
}
