//! Identity through its router, on both engines; one binary, because each one links everything.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here and says where")]

mod accounts;
mod audit;
mod avatars;
mod commands;
mod contacts;
mod email;
mod events;
mod feed;
mod flags;
mod idempotency;
mod invitations;
mod kept;
mod keys;
mod lockout;
mod organizations;
mod password;
mod profiles;
mod race;
mod refresh;
mod schema;
mod sessions;
mod support;
mod sweep;
mod users;
