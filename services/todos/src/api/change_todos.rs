//! `POST /api/v1/todos/bulk`.

use crate::app::App;
use crate::domain::todo;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Json, reply};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::page::Success;
use contract::todos::{ChangeTodos, Todo};

/// Does one thing to many todos: to all of them, or to none. A refusal names each that cannot be changed as `ids[n]` in `details`.
#[utoipa::path(
    post,
    path = "/api/v1/todos/bulk",
    tag = "todos",
    security(("bearer" = [])),
    request_body = ChangeTodos,
    params(Once),
    responses(
        (status = 200, description = "All of them as they are now, in the order of the request", body = Success<Vec<Todo>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "Nothing was changed: one of them is none of yours, or the list is not", body = ErrorBody),
        (status = 409, description = "Nothing was changed: one of them is in the bin, or would have too many tags; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(in crate::api) async fn change_todos(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Json(asked): Json<ChangeTodos>,
) -> ApiResult<Response> {
    let (tx, todos) = app.change_many(&who, &asked).await?;
    let todos: Vec<Todo> = todos.into_iter().map(todo::Todo::shown).collect();
    once.commit(tx, reply(todos)).await
}
