//! `/internal/v1/inventory`, for services only. Not in the document: from outside there is no such route. Each change is known
//! again by the checkout or the refund in its path, so it needs no key.

mod commit;
mod list_availability;
mod list_reservations;
mod release;
mod reserve;
mod restock;
mod secure;

use crate::app::App;
use axum::routing::{get, put};
use utoipa_axum::router::OpenApiRouter;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route("/internal/v1/inventory/reservations/{checkout}", put(reserve::reserve))
        .route("/internal/v1/inventory/reservations/{checkout}/secured", put(secure::secure))
        .route("/internal/v1/inventory/reservations/{checkout}/committed", put(commit::commit))
        .route("/internal/v1/inventory/reservations/{checkout}/released", put(release::release))
        .route("/internal/v1/inventory/restocks/{refund}", put(restock::restock))
        .route("/internal/v1/inventory/reservations", get(list_reservations::list_reservations))
        .route("/internal/v1/inventory/availability", get(list_availability::list_availability))
}
