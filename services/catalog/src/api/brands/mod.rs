//! Brands.

mod create_brand;
mod delete_brand;
mod get_brand;
mod list_brands;
mod update_brand;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_brands::list_brands, create_brand::create_brand))
        .routes(routes!(get_brand::get_brand, update_brand::update_brand, delete_brand::delete_brand))
}
