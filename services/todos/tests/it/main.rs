//! Todos through their router, on both engines; one binary, because each one links everything.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here and says where")]

mod bench;
mod bin;
mod bulk;
mod events;
mod filters;
mod idempotency;
mod limits;
mod lists;
mod order;
mod paging;
mod schema;
mod strangers;
mod versions;
