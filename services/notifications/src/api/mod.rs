//! The routes, a file each.

use chassis::openapi::document;
use utoipa_axum::router::OpenApiRouter;

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter {
    OpenApiRouter::with_openapi(document(
        "Notifications",
        "E-mails from events, preferences, and a log of what was sent.",
    ))
}
