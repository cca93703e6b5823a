//! The one list of services. Adding a service is its folder, one line in `Cargo.toml` and one line here.

use auth::Auth;
use chassis::service::Registration;
use gateway::Gateway;

/// Every service that this binary can run.
pub(crate) const ALL: &[Registration] = &[Registration::of::<Gateway>(), Registration::of::<Auth>()];
