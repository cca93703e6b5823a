//! The only SQL of the service, a file a noun. Functions are named by verb and scope.
//!
//! Locks are taken in one order, so that no two transactions wait for each other: the rights of all accounts, the
//! organisation, the user, the session, the refresh token, and last of all the order of revocations.

pub mod audit;
pub mod audit_list;
pub mod invitation;
pub mod key;
pub mod login_failure;
pub mod membership;
pub mod one_time_token;
pub mod organization;
pub mod profile;
pub mod refresh_token;
pub mod revocation;
pub mod session;
pub mod user;
pub mod user_list;

use chassis::db::DbError;

/// A row holds a text that no version of this service wrote.
fn corrupt(what: &'static str) -> DbError {
    DbError::Decode(format!("{what} of a row is none that is known").into())
}
