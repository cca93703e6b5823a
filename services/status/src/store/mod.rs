//! The only SQL of the service, a file a noun. Functions are named by verb and scope.
//!
//! Locks are taken in one order: alerts by their fingerprints, then incidents by their subjects. The states of services are
//! held by who looks alone. What removes and ends old rows passes over those that somebody holds.

pub mod alert;
pub mod alert_list;
pub mod incident;
pub mod incident_list;
pub mod service;

use chassis::db::DbError;

/// A row holds what no version of this service wrote.
fn corrupt(what: &'static str) -> DbError {
    DbError::Decode(format!("{what} of a row is none that is known").into())
}
