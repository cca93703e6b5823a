//! Routes for services only. They are not in the document: from outside there are none.

mod cards;
mod quote;
mod related;

use crate::app::App;
use axum::routing::{get, post};
use utoipa_axum::router::OpenApiRouter;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route("/internal/v1/catalog/quote", post(quote::quote))
        .route("/internal/v1/catalog/products", get(cards::cards))
        .route("/internal/v1/catalog/related", get(related::related))
}
