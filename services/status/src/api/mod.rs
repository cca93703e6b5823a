//! The routes, a file each. A handler reads the request, calls [`crate::app`] and words the answer.

mod create_incident;
mod get_alert;
mod get_alert_stats;
mod get_incident;
mod get_page;
mod get_status;
mod list_alerts;
mod list_incidents;
mod receive_alerts;
mod update_incident;

use crate::app::App;
use chassis::openapi::document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(document("Status", "How the platform is: alerts, incidents, uptime."))
        .routes(routes!(get_status::get_status))
        .routes(routes!(get_page::get_page))
        .routes(routes!(list_alerts::list_alerts))
        .routes(routes!(receive_alerts::receive_alerts))
        .routes(routes!(get_alert_stats::get_alert_stats))
        .routes(routes!(get_alert::get_alert))
        .routes(routes!(create_incident::create_incident, list_incidents::list_incidents))
        .routes(routes!(get_incident::get_incident, update_incident::update_incident))
}
