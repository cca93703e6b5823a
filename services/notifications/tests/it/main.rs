//! Notifications through their router and the bus, on both engines; one binary, because each one links everything.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here and says where")]

mod audit;
mod bench;
mod events;
mod letters;
mod log;
mod once;
mod preferences;
mod schema;
mod stock;
