//! `GET /api/v1/orders/events`.

use super::sse::{Resume, events};
use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use chassis::error::ApiResult;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::orders::OrderUpdate;

/// Follows one's own orders: an event `order` for each thing that happens to any of them, from now on.
///
/// It begins with an event `ready`, whose id is the place from which it goes on. The stream ends with the access token and when
/// the server stops; who sends the last id as `Last-Event-ID` then goes on with nothing left out.
#[utoipa::path(
    get,
    path = "/api/v1/orders/events",
    tag = "orders",
    security(("bearer" = [])),
    params(Resume),
    responses(
        (status = 200, description = "A stream of events", body = OrderUpdate, content_type = "text/event-stream"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn follow_orders(
    State(app): State<App>,
    who: Principal,
    Resume { seen, token }: Resume,
) -> ApiResult<Response> {
    let (after, following) = app.follow_orders(&who, token, seen).await?;
    let ready = Event::default().event("ready").id(after.to_string()).data("{}");
    Ok(events(Some(ready), following))
}
