//! The routes, a file each. A handler reads the request, calls [`crate::app`] and words the answer.

mod change_todos;
mod create_todo;
mod delete_todo;
mod empty_bin;
mod get_todo;
mod list_todos;
mod lists;
mod move_todo;
mod restore_todo;
mod update_todo;

use crate::app::App;
use chassis::openapi::document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(document("Todos", "What people have to do."))
        .routes(routes!(create_todo::create_todo, list_todos::list_todos))
        .routes(routes!(change_todos::change_todos))
        .routes(routes!(empty_bin::empty_bin))
        .merge(lists::routes())
        .routes(routes!(get_todo::get_todo, update_todo::update_todo, delete_todo::delete_todo))
        .routes(routes!(move_todo::move_todo))
        .routes(routes!(restore_todo::restore_todo))
}
