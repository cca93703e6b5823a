//! Events from one service's transaction to another's, and back.

mod failures;
mod house;
mod leases;
mod once;
mod operated;
