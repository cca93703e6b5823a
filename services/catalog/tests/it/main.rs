//! The catalog through its router, on both engines; one binary, because each one links everything.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here and says where")]

mod cards;
mod events;
mod idempotency;
mod import;
mod kept;
mod products;
mod quote;
mod race;
mod schema;
mod search;
mod support;
mod tree;
