//! Routes for services only. They are not in the document: from outside there are none.

mod quote;

use crate::app::App;
use axum::routing::post;
use utoipa_axum::router::OpenApiRouter;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().route("/internal/v1/catalog/quote", post(quote::quote))
}
