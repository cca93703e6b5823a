//! `DELETE /api/v1/todos/lists/{id}`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Path, no_content};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::TodoListId;

/// Removes a list. What stood in it, also in the bin, stands in none.
#[utoipa::path(
    delete,
    path = "/api/v1/todos/lists/{id}",
    tag = "todos",
    security(("bearer" = [])),
    params(Once, ("id" = TodoListId, Path, description = "The list")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such list of yours", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(in crate::api) async fn delete_list(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Path(id): Path<TodoListId>,
    seen: IfMatch,
) -> ApiResult<Response> {
    let tx = app.delete_list(&who, id, &seen).await?;
    once.commit(tx, no_content()).await
}
