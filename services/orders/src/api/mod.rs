//! The routes, a file each.

use chassis::openapi::document;
use utoipa_axum::router::OpenApiRouter;

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter {
    OpenApiRouter::with_openapi(document("Orders", "Carts, checkout, orders and their history."))
}
