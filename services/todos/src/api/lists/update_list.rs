//! `PATCH /api/v1/todos/lists/{id}`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Json, Path, reply};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::TodoListId;
use contract::page::Success;
use contract::todos::{TodoList, UpdateTodoList};

/// Renames a list.
#[utoipa::path(
    patch,
    path = "/api/v1/todos/lists/{id}",
    tag = "todos",
    security(("bearer" = [])),
    request_body = UpdateTodoList,
    params(Once, ("id" = TodoListId, Path, description = "The list")),
    responses(
        (status = 200, description = "The list as it is now", body = Success<TodoList>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such list of yours", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(in crate::api) async fn update_list(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Path(id): Path<TodoListId>,
    seen: IfMatch,
    Json(change): Json<UpdateTodoList>,
) -> ApiResult<Response> {
    let (tx, list) = app.rename_list(&who, id, &change, &seen).await?;
    let version = list.version;
    once.commit(tx, reply(list).version(version)).await
}
