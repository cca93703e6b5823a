//! Knowledge bases and their documents.

mod add_document;
mod create_base;
mod delete_base;
mod delete_document;
mod get_base;
mod get_document;
mod list_bases;
mod list_documents;
mod search;
mod upload;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes, with their descriptions.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create_base::create_base, list_bases::list_bases))
        .routes(routes!(get_base::get_base, delete_base::delete_base))
        .routes(routes!(add_document::add_document, list_documents::list_documents))
        .routes(routes!(get_document::get_document, delete_document::delete_document))
        .routes(routes!(search::search))
}
