//! The reviews' part of the language: what buyers say about products, and what that comes to.

mod client;
mod rating;
mod review;

pub use client::ReviewsClient;
pub use rating::{Rating, RatingsOf, Stars};
pub use review::{CreateReview, ListReviews, MyReviews, RejectReview, Review, ReviewStatus, UpdateReview};
