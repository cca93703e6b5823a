//! The routes, a file each. A handler reads the request, calls [`crate::app`] and words the answer.

mod adjust;
mod counter;
mod get_stock;
mod internal;
mod list_movements;
mod list_stock;
mod set_reorder;

use crate::app::App;
use chassis::openapi::document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(document("Inventory", "Stock, reservations, the ledger of every change."))
        .routes(routes!(list_stock::list_stock))
        .routes(routes!(get_stock::get_stock, set_reorder::set_reorder))
        .routes(routes!(adjust::adjust))
        .routes(routes!(list_movements::list_movements))
        .merge(internal::routes())
}
