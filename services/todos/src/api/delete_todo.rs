//! `DELETE /api/v1/todos/{id}`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Path, no_content};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::TodoId;

/// Puts a todo into the bin, where it stays for `todos.bin_days`. One that is there stays there.
#[utoipa::path(
    delete,
    path = "/api/v1/todos/{id}",
    tag = "todos",
    security(("bearer" = [])),
    params(Once, ("id" = TodoId, Path, description = "The todo")),
    responses(
        (status = 204, description = "It is in the bin"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such todo of yours", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(in crate::api) async fn delete_todo(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Path(id): Path<TodoId>,
    seen: IfMatch,
) -> ApiResult<Response> {
    let tx = app.delete(&who, id, &seen).await?;
    once.commit(tx, no_content()).await
}
