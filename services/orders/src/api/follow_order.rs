//! `GET /api/v1/orders/{id}/events`.

use super::sse::{Resume, events};
use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::Path;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::OrderId;
use contract::orders::OrderUpdate;

/// Follows one order: an event `order` for each thing that happens to it, beginning with where it stands.
///
/// The id of an event is the version of the order. The stream ends with the access token and when the server stops; who sends
/// the last id as `Last-Event-ID` then goes on with nothing left out.
#[utoipa::path(
    get,
    path = "/api/v1/orders/{id}/events",
    tag = "orders",
    security(("bearer" = [])),
    params(("id" = OrderId, Path, description = "The order"), Resume),
    responses(
        (status = 200, description = "A stream of events", body = OrderUpdate, content_type = "text/event-stream"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such order of yours", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn follow_order(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<OrderId>,
    Resume { seen, token }: Resume,
) -> ApiResult<Response> {
    Ok(events(None, app.follow_order(&who, token, id, seen).await?))
}
