//! The routes, a file each. A handler reads the request, calls [`crate::app`] and words the answer.

mod brands;
mod categories;
mod internal;
mod products;

use crate::app::App;
use chassis::openapi::document;
use utoipa_axum::router::OpenApiRouter;

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(document("Catalog", "Products, categories, brands, prices, search."))
        .merge(products::routes())
        .merge(categories::routes())
        .merge(brands::routes())
        .merge(internal::routes())
}
