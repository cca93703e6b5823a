//! The status service through its router, on both engines; one binary, because each one links everything.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here and says where")]

mod alerts;
mod bench;
mod causes;
mod incidents;
mod page;
mod receiving;
mod schema;
mod uptime;
