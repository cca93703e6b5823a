//! The inventory through its router and its events, on both engines; one binary, because each one links everything.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here and says where")]

mod adjust;
mod books;
mod crowd;
mod events;
mod expiry;
mod others;
mod reserve;
mod schema;
mod support;
