//! Events through their router, on both engines; one binary, because each one links everything.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here and says where")]

mod bench;
mod calendar;
mod decisions;
mod history;
mod idempotency;
mod listener;
mod listing;
mod predecessors;
mod published;
mod race;
mod rules;
mod schema;
mod tenants;
mod writing;
