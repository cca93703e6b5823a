//! `POST /api/v1/todos/lists`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Json, created};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::page::Success;
use contract::todos::{CreateTodoList, TodoList};

/// Makes a list.
#[utoipa::path(
    post,
    path = "/api/v1/todos/lists",
    tag = "todos",
    security(("bearer" = [])),
    request_body = CreateTodoList,
    params(Once),
    responses(
        (status = 201, description = "The list; its ETag is good for If-Match", body = Success<TodoList>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 409, description = "There are as many as one may have; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(in crate::api) async fn create_list(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Json(asked): Json<CreateTodoList>,
) -> ApiResult<Response> {
    let (tx, made) = app.create_list(&who, &asked).await?;
    let (location, version) = (format!("/api/v1/todos/lists/{}", made.id), made.version);
    once.commit(tx, created(location, made).version(version)).await
}
