//! `GET /api/v1/events/calendar-links`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::events::CalendarLink;
use contract::page::Success;

/// The calendar feeds of the caller, without their secrets: one for each organisation at most.
#[utoipa::path(
    get,
    path = "/api/v1/events/calendar-links",
    tag = "events",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "All of them", body = Success<Vec<CalendarLink>>),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_calendar_links(
    State(app): State<App>,
    who: Principal,
) -> ApiResult<Reply<Vec<CalendarLink>>> {
    Ok(reply(app.links(&who).await?))
}
