//! The routes, a file each. A handler reads the request, calls [`crate::app`] and words the answer.

mod approve_event;
mod create_calendar_link;
mod create_event;
mod delete_calendar_link;
mod delete_event;
mod get_calendar;
mod get_event;
mod get_history;
mod get_rules;
mod known;
mod list_calendar_links;
mod list_events;
mod reject_event;
mod reopen_event;
mod set_rules;
mod submit_event;
mod update_event;

use crate::app::App;
use chassis::openapi::document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<App> {
    let about = "Events of organisations, and their way through approval.";
    OpenApiRouter::with_openapi(document("Events", about))
        .routes(routes!(create_event::create_event, list_events::list_events))
        .routes(routes!(get_event::get_event, update_event::update_event, delete_event::delete_event))
        .routes(routes!(submit_event::submit_event))
        .routes(routes!(approve_event::approve_event))
        .routes(routes!(reject_event::reject_event))
        .routes(routes!(reopen_event::reopen_event))
        .routes(routes!(get_history::get_history))
        .routes(routes!(get_rules::get_rules, set_rules::set_rules))
        .routes(routes!(create_calendar_link::create_calendar_link, list_calendar_links::list_calendar_links))
        .routes(routes!(delete_calendar_link::delete_calendar_link))
        .routes(routes!(get_calendar::get_calendar))
}
