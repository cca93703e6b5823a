//! The one list of services. Adding a service is its folder, one line in `Cargo.toml` and one line here.

use assistant::Assistant;
use auth::Auth;
use catalog::Catalog;
use chassis::service::Registration;
use events::Events;
use gateway::Gateway;
use inventory::Inventory;
use notifications::Notifications;
use orders::Orders;
use payments::Payments;
use reviews::Reviews;
use status::Status;
use todos::Todos;

/// Every service that this binary can run.
pub(crate) const ALL: &[Registration] = &[
    Registration::of::<Gateway>(),
    Registration::of::<Auth>(),
    Registration::of::<Catalog>(),
    Registration::of::<Inventory>(),
    Registration::of::<Orders>(),
    Registration::of::<Payments>(),
    Registration::of::<Reviews>(),
    Registration::of::<Notifications>(),
    Registration::of::<Events>(),
    Registration::of::<Todos>(),
    Registration::of::<Assistant>(),
    Registration::of::<Status>(),
];
