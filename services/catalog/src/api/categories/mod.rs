//! Categories.

mod create_category;
mod delete_category;
mod get_category;
mod list_categories;
mod update_category;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_categories::list_categories, create_category::create_category))
        .routes(routes!(
            get_category::get_category,
            update_category::update_category,
            delete_category::delete_category
        ))
}
