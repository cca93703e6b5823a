//! `GET /api/v1/events/{id}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::events::Event;
use contract::ids::EventId;
use contract::page::Success;

/// One event. What is not approved is there for who made it and for who decides in its organisation.
#[utoipa::path(
    get,
    path = "/api/v1/events/{id}",
    tag = "events",
    security(("bearer" = [])),
    params(("id" = EventId, Path, description = "The event")),
    responses(
        (status = 200, description = "The event", body = Success<Event>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such event, or none that you may see", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_event(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<EventId>,
) -> ApiResult<Reply<Event>> {
    let event = app.event(&who, id).await?;
    Ok(reply(event.told()).version(event.version))
}
