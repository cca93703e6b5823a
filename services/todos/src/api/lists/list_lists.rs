//! `GET /api/v1/todos/lists`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::page::Success;
use contract::todos::TodoList;

/// All lists of who asks, the oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/todos/lists",
    tag = "todos",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The lists", body = Success<Vec<TodoList>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(in crate::api) async fn list_lists(
    State(app): State<App>,
    who: Principal,
) -> ApiResult<Reply<Vec<TodoList>>> {
    Ok(reply(app.lists(&who).await?))
}
