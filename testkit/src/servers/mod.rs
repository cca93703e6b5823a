//! Private servers: the real thing, started for one test or one test run, gone afterwards.
//!
//! What must hold:
//! - A server listens on the loopback address only, on a free port, and keeps its files in a temporary folder of its own.
//! - It never outlives its owner. Dropping it stops it; when the owner is killed, the guardian that holds the other end
//!   of a pipe notices, stops the server and removes its folder.
//! - An interrupt at the terminal reaches the tests and not the servers under them: they are stopped last.
//!
//! The calls block (they start and wait for processes); from async code use `spawn_blocking` where that matters.

mod folder;
mod guardian;
mod postgres;

pub use postgres::Postgres;
