//! `POST /api/v1/todos/{id}/move`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Json, Path, reply};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::TodoId;
use contract::page::Success;
use contract::todos::{MoveTodo, Todo};

/// Gives a todo the place directly before or after another one. All todos of a person stand in one order; a list shows its part of
/// it.
#[utoipa::path(
    post,
    path = "/api/v1/todos/{id}/move",
    tag = "todos",
    security(("bearer" = [])),
    request_body = MoveTodo,
    params(Once, ("id" = TodoId, Path, description = "The todo")),
    responses(
        (status = 200, description = "The todo; its version has grown when it stood elsewhere", body = Success<Todo>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such todo of yours, or none to stand beside", body = ErrorBody),
        (status = 409, description = "It is in the bin; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(in crate::api) async fn move_todo(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Path(id): Path<TodoId>,
    seen: IfMatch,
    Json(to): Json<MoveTodo>,
) -> ApiResult<Response> {
    let (tx, todo) = app.move_todo(&who, id, to, &seen).await?;
    let version = todo.version;
    once.commit(tx, reply(todo.shown()).version(version)).await
}
