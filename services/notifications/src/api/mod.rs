//! The routes, a file each. A handler reads the request, calls [`crate::app`] and words the answer.

mod get_notification;
mod get_preferences;
mod list_notifications;
mod set_preferences;

use crate::app::App;
use chassis::openapi::document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<App> {
    let about = "E-mails from events, preferences, and a log of what was sent.";
    OpenApiRouter::with_openapi(document("Notifications", about))
        .routes(routes!(list_notifications::list_notifications))
        .routes(routes!(get_preferences::get_preferences, set_preferences::set_preferences))
        .routes(routes!(get_notification::get_notification))
}
