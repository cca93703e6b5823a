//! `GET /api/v1/events`.

use crate::app::App;
use crate::store::event_list::SortBy;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Query, Reply, SortKey as _, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::events::{Event, ListEvents};
use contract::page::Success;

/// The events that the caller may see: what is approved in their organisations, their own, and all of those in which they decide.
///
/// A list may be read by `page`, or each time with the `pagination.cursor` of the answer before, which moves no row from one
/// page to another when events are made or removed meanwhile.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "events",
    security(("bearer" = [])),
    params(ListEvents),
    responses(
        (status = 200, description = "A page of them", body = Success<Vec<Event>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such organisation that you belong to", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_events(
    State(app): State<App>,
    who: Principal,
    Query(query): Query<ListEvents>,
) -> ApiResult<Reply<Vec<Event>>> {
    let order = query.sort.as_deref().map(SortBy::parse).transpose()?;
    let (events, place) = app.events(&who, &query, order).await?;
    Ok(reply(events.iter().map(|event| event.told()).collect()).page(place))
}
