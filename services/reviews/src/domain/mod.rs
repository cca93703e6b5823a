//! What a review may become, and what happened to it. No HTTP and no SQL.

pub mod events;
pub mod review;
pub mod standing;
