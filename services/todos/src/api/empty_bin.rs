//! `DELETE /api/v1/todos/bin`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::no_content;
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;

/// Removes for good what is in the bin of who asks.
#[utoipa::path(
    delete,
    path = "/api/v1/todos/bin",
    tag = "todos",
    security(("bearer" = [])),
    params(Once),
    responses(
        (status = 204, description = "It is empty"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(in crate::api) async fn empty_bin(
    State(app): State<App>,
    who: Principal,
    once: Once,
) -> ApiResult<Response> {
    let tx = app.empty_bin(&who).await?;
    once.commit(tx, no_content()).await
}
