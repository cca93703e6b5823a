//! `GET /api/v1/todos/{id}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::TodoId;
use contract::page::Success;
use contract::todos::Todo;

/// One todo, also from the bin.
#[utoipa::path(
    get,
    path = "/api/v1/todos/{id}",
    tag = "todos",
    security(("bearer" = [])),
    params(("id" = TodoId, Path, description = "The todo")),
    responses(
        (status = 200, description = "The todo; its ETag is good for If-Match", body = Success<Todo>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such todo of yours", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(in crate::api) async fn get_todo(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<TodoId>,
) -> ApiResult<Reply<Todo>> {
    let todo = app.todo(&who, id).await?;
    let version = todo.version;
    Ok(reply(todo.shown()).version(version))
}
