//! `GET /api/v1/todos/lists/{id}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::TodoListId;
use contract::page::Success;
use contract::todos::TodoList;

/// One list.
#[utoipa::path(
    get,
    path = "/api/v1/todos/lists/{id}",
    tag = "todos",
    security(("bearer" = [])),
    params(("id" = TodoListId, Path, description = "The list")),
    responses(
        (status = 200, description = "The list; its ETag is good for If-Match", body = Success<TodoList>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such list of yours", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(in crate::api) async fn get_list(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<TodoListId>,
) -> ApiResult<Reply<TodoList>> {
    let list = app.list(&who, id).await?;
    let version = list.version;
    Ok(reply(list).version(version))
}
