//! The service as its clients see it, on both engines; one binary, because each one links everything.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here and says where")]

mod absent;
mod cart;
mod cart_catalog;
mod fake_catalog;
mod following;
mod history;
mod idempotency;
mod listing;
mod schema;
mod shop;
