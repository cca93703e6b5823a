//! The routes by which administrators manage keys, a file each.

mod create_key;
mod get_key;
mod list_keys;
mod revoke_key;
mod rotate_key;

use super::Keys;
use chassis::error::ApiError;
use chassis::openapi::document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<Keys> {
    OpenApiRouter::with_openapi(document("Bowline", "One API of all services."))
        .routes(routes!(create_key::create_key, list_keys::list_keys))
        .routes(routes!(get_key::get_key, revoke_key::revoke_key))
        .routes(routes!(rotate_key::rotate_key))
}

/// There is no such key.
#[track_caller]
fn no_such_key() -> ApiError {
    ApiError::not_found("API key")
}
