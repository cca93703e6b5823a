//! `POST /api/v1/todos/{id}/restore`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Path, reply};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::TodoId;
use contract::page::Success;
use contract::todos::Todo;

/// Takes a todo out of the bin, to the place that it had. One that is not there stays as it is.
#[utoipa::path(
    post,
    path = "/api/v1/todos/{id}/restore",
    tag = "todos",
    security(("bearer" = [])),
    params(Once, ("id" = TodoId, Path, description = "The todo")),
    responses(
        (status = 200, description = "The todo as it is now", body = Success<Todo>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such todo of yours", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(in crate::api) async fn restore_todo(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Path(id): Path<TodoId>,
    seen: IfMatch,
) -> ApiResult<Response> {
    let (tx, todo) = app.restore(&who, id, &seen).await?;
    let version = todo.version;
    once.commit(tx, reply(todo.shown()).version(version)).await
}
