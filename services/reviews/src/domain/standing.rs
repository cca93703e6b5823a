//! Where a review stands, and which moves there are from there.
//!
//! | from | its author changes it | a moderator approves | a moderator rejects |
//! | --- | --- | --- | --- |
//! | `PENDING` | `PENDING` | `APPROVED` | `REJECTED` |
//! | `APPROVED` | `APPROVED`, or `PENDING` where moderators look first | stays | `REJECTED` |
//! | `REJECTED` | `PENDING`: what was rejected is not shown by a change of its words alone | `APPROVED` | stays |

use contract::reviews::ReviewStatus;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The stars of a review and whether they count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Stars, 1 to 5.
    pub rating: u8,
    /// Where it stands.
    pub status: ReviewStatus,
}

/// What a moderator decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is shown.
    Approve,
    /// It is not shown.
    Reject,
}

/// Whether a review is shown only after a moderator has let it through (`reviews.moderate_first`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModerateFirst(pub bool);

impl Standing {
    /// A review that was just written.
    #[must_use]
    pub const fn new(rating: u8, first: ModerateFirst) -> Self {
        let status = if first.0 { ReviewStatus::Pending } else { ReviewStatus::Approved };
        Self { rating, status }
    }

    /// After its author changed it.
    #[must_use]
    pub const fn revised(self, rating: u8, first: ModerateFirst) -> Self {
        let status = match (self.status, first.0) {
            (ReviewStatus::Approved, false) => ReviewStatus::Approved,
            (ReviewStatus::Approved, true) | (ReviewStatus::Pending | ReviewStatus::Rejected, _) => {
                ReviewStatus::Pending
            }
        };
        Self { rating, status }
    }

    /// After a moderator decided.
    #[must_use]
    pub const fn decided(self, decision: Decision) -> Self {
        let status = match decision {
            Decision::Approve => ReviewStatus::Approved,
            Decision::Reject => ReviewStatus::Rejected,
        };
        Self { status, ..self }
    }

    /// The stars that count in the average, if they do.
    #[must_use]
    pub const fn counted(self) -> Option<u8> {
        match self.status {
            ReviewStatus::Approved => Some(self.rating),
            ReviewStatus::Pending | ReviewStatus::Rejected => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST: ModerateFirst = ModerateFirst(true);
    const LATER: ModerateFirst = ModerateFirst(false);

    fn at(status: ReviewStatus) -> Standing {
        Standing { rating: 4, status }
    }

    #[test]
    fn a_rejected_review_is_not_shown_by_changing_its_words() {
        for first in [FIRST, LATER] {
            assert_eq!(at(ReviewStatus::Rejected).revised(5, first).status, ReviewStatus::Pending);
        }
    }

    #[test]
    fn where_moderators_look_first_they_look_at_every_change() {
        assert_eq!(Standing::new(5, FIRST).counted(), None);
        assert_eq!(at(ReviewStatus::Approved).revised(1, FIRST).counted(), None);
        assert_eq!(at(ReviewStatus::Approved).revised(1, LATER).counted(), Some(1));
        assert_eq!(Standing::new(5, LATER).counted(), Some(5));
    }

    #[test]
    fn what_is_not_shown_does_not_count() {
        for status in ReviewStatus::ALL {
            assert_eq!(at(*status).counted().is_some(), *status == ReviewStatus::Approved);
        }
    }

    proptest! {
        #[test]
        fn only_a_moderator_takes_a_review_out_of_rejection(
            rating in 1_u8..=5, moves in proptest::collection::vec((any::<bool>(), 1_u8..=5), 0..20),
        ) {
            let mut standing = at(ReviewStatus::Pending).decided(Decision::Reject);
            for (first, stars) in moves {
                standing = standing.revised(stars, ModerateFirst(first));
                prop_assert_eq!(standing.counted(), None);
            }
            prop_assert_eq!(standing.revised(rating, LATER).decided(Decision::Approve).counted(), Some(rating));
        }
    }
}
