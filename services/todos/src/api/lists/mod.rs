//! Lists of todos.

mod create_list;
mod delete_list;
mod get_list;
mod list_lists;
mod update_list;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route with its description.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create_list::create_list, list_lists::list_lists)).routes(routes!(
        get_list::get_list,
        update_list::update_list,
        delete_list::delete_list
    ))
}
