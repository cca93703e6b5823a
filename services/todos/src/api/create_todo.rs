//! `POST /api/v1/todos`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Json, created};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::page::Success;
use contract::todos::{CreateTodo, Todo};

/// Makes a todo, behind all others of who asks.
#[utoipa::path(
    post,
    path = "/api/v1/todos",
    tag = "todos",
    security(("bearer" = [])),
    request_body = CreateTodo,
    params(Once),
    responses(
        (status = 201, description = "The todo; its ETag is good for If-Match", body = Success<Todo>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such list of yours", body = ErrorBody),
        (status = 409, description = "There are as many as one may have; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(in crate::api) async fn create_todo(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Json(asked): Json<CreateTodo>,
) -> ApiResult<Response> {
    let (tx, made) = app.create(&who, asked).await?;
    let (location, version) = (format!("/api/v1/todos/{}", made.id), made.version);
    once.commit(tx, created(location, made.shown()).version(version)).await
}
