//! What happens to a review, as it stands in the event store: `review-<id>`.
//!
//! The events hold identifiers, stars and decisions. What somebody wrote is in the row alone, so that it can be forgotten.
//! Each event says how the review stood before and after, so that who counts needs no other.

use super::standing::Standing;
use contract::event::Event;
use contract::ids::{ProductId, ReviewId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A review was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewWritten {
    /// The review.
    pub review: ReviewId,
    /// The product.
    pub product: ProductId,
    /// Who wrote it.
    pub user: UserId,
    /// How it stands.
    pub now: Standing,
}

/// Its author changed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewRevised {
    /// The review.
    pub review: ReviewId,
    /// The product.
    pub product: ProductId,
    /// How it stood.
    pub before: Standing,
    /// How it stands.
    pub now: Standing,
}

/// A moderator decided on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewDecided {
    /// The review.
    pub review: ReviewId,
    /// The product.
    pub product: ProductId,
    /// Who decided.
    pub by: UserId,
    /// How it stood.
    pub before: Standing,
    /// How it stands.
    pub now: Standing,
}

/// Its author took it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReviewWithdrawn {
    /// The review.
    pub review: ReviewId,
    /// The product.
    pub product: ProductId,
    /// How it stood.
    pub before: Standing,
}

macro_rules! events {
    ($($event:ident = $kind:literal, $about:literal;)+) => {$(
        impl Event for $event {
            const TYPE: &'static str = $kind;
            const VERSION: u32 = 1;
            const ABOUT: &'static str = $about;

            fn key(&self) -> String {
                self.review.to_string()
            }
        }
    )+};
}

events! {
    ReviewWritten = "review.written", "A review was written.";
    ReviewRevised = "review.revised", "Its author changed a review.";
    ReviewDecided = "review.decided", "A moderator decided on a review.";
    ReviewWithdrawn = "review.withdrawn", "Its author took a review back.";
}

chassis::stored_events! {
    /// What happens to a review.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum ReviewEvent {
        /// It was written.
        Written(ReviewWritten),
        /// Its author changed it.
        Revised(ReviewRevised),
        /// A moderator decided on it.
        Decided(ReviewDecided),
        /// Its author took it back.
        Withdrawn(ReviewWithdrawn),
    }
}
