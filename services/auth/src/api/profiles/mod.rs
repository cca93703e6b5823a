//! Profiles.

mod delete_avatar;
mod get_avatar;
mod get_my_profile;
mod get_profile;
mod put_avatar;
mod search_profiles;
mod update_profile;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route with its description.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(search_profiles::search_profiles))
        .routes(routes!(get_my_profile::get_my_profile, update_profile::update_profile))
        .routes(routes!(put_avatar::put_avatar, delete_avatar::delete_avatar))
        .routes(routes!(get_profile::get_profile))
        .routes(routes!(get_avatar::get_avatar))
}
