//! Telling every verifier that something no longer holds.

use super::App;
use crate::store::revocation;
use chassis::clock::Ts;
use chassis::db::{DbError, Tx};
use contract::auth::{Revocation, Revoked};
use std::time::Duration;

/// A token may have been signed a moment after its revocation, by a request that had read before it. So long a moment
/// no request lasts.
const MARGIN: Duration = Duration::from_secs(120);

impl App {
    /// Revokes in this transaction: the last thing that it does before the commit. With the commit this process's
    /// verifier knows, and who waits for the feed is woken.
    pub(crate) async fn revoke(&self, tx: &mut Tx, revoked: Vec<Revoked>, now: Ts) -> Result<(), DbError> {
        if revoked.is_empty() {
            return Ok(());
        }
        let until = now + self.issue.lifetime + MARGIN;
        revocation::insert(tx, &revoked, until).await?;
        let app = self.clone();
        tx.after_commit(move || {
            for revoked in revoked {
                app.verifier.revoke(&Revocation { revoked, until: until.secs() + 1 });
            }
            app.news.all();
        });
        Ok(())
    }
}
