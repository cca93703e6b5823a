//! The routes, a file each. A handler reads the request, calls the service and words the answer.

use chassis::openapi::document;
use utoipa_axum::router::OpenApiRouter;

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter {
    OpenApiRouter::with_openapi(document(
        "Events",
        "Events of organisations, and their way through approval.",
    ))
}
