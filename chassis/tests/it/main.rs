//! The chassis against real engines and servers; one binary, because each one links everything.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here and says where")]

mod db;
mod engines;
mod mail;
mod ops;
mod telemetry;
mod wake;
