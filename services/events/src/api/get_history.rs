//! `GET /api/v1/events/{id}/history`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Page, PageQuery, Path, Query, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::events::EventStep;
use contract::ids::EventId;
use contract::page::Success;

/// Who did what to an event, from the first step on; also of one that was removed.
#[utoipa::path(
    get,
    path = "/api/v1/events/{id}/history",
    tag = "events",
    security(("bearer" = [])),
    params(("id" = EventId, Path, description = "The event"), PageQuery),
    responses(
        (status = 200, description = "A page of its steps", body = Success<Vec<EventStep>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "The history of an event is for who made it and for who decides in its organisation", body = ErrorBody),
        (status = 404, description = "No such event, or none that you may see", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_history(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<EventId>,
    Query(query): Query<PageQuery>,
) -> ApiResult<Reply<Vec<EventStep>>> {
    let page = Page::from(&query);
    let (steps, total) = app.history(&who, id, page).await?;
    Ok(reply(steps.into_iter().map(EventStep::from).collect()).page(page.of(total)))
}
