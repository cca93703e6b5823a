//! Taking one's review back.

use super::App;
use crate::domain::events::{ReviewEvent, ReviewWithdrawn};
use crate::domain::review::Review;
use crate::error::{ReviewsError, ReviewsResult};
use crate::store::review;
use chassis::db::Tx;
use chassis::http::etag::IfMatch;
use chassis::identity::Principal;
use contract::ids::ReviewId;

impl App {
    /// Removes a review of who asks, and with it what they wrote. They may write another one.
    ///
    /// # Errors
    /// [`ReviewsError::NotFound`] also for another's, [`ReviewsError::Precondition`] when the client has seen another version.
    pub(crate) async fn withdraw(&self, who: &Principal, id: ReviewId, seen: &IfMatch) -> ReviewsResult<Tx> {
        let mut tx = self.db.begin().await?;
        let old = review::hold_of_author(&mut tx, who.user(), id).await?.ok_or(ReviewsError::NotFound)?;
        seen.check(old.version).map_err(ReviewsError::Precondition)?;
        if !review::delete(&mut tx, &old).await? {
            return Err(ReviewsError::NotFound);
        }
        let withdrawn = ReviewWithdrawn { review: id, product: old.product, before: old.standing };
        let last = Review { version: old.version + 1, ..old };
        self.append(&mut tx, &last, ReviewEvent::Withdrawn(withdrawn)).await?;
        Ok(tx)
    }
}
