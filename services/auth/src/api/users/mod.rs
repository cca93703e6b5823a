//! `/api/v1/users`: other people's accounts, for an administrator.

mod get_user;
mod list_users;
mod log_user_out;
mod update_user;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_users::list_users))
        .routes(routes!(get_user::get_user, update_user::update_user))
        .routes(routes!(log_user_out::log_user_out))
}
