//! `GET /api/v1/assistant/budgets/users/{id}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Can;
use chassis::identity::permits::ManageAssistant;
use contract::ErrorBody;
use contract::assistant::{BudgetScope, BudgetState};
use contract::ids::UserId;
use contract::page::Success;

/// What a person may use, and has used.
#[utoipa::path(
    get,
    path = "/api/v1/assistant/budgets/users/{id}",
    tag = "assistant",
    security(("bearer" = [])),
    params(("id" = UserId, Path, description = "The person")),
    responses(
        (status = 200, description = "The budget", body = Success<BudgetState>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission assistant:manage", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_user_budget(
    State(app): State<App>,
    _: Can<ManageAssistant>,
    Path(id): Path<UserId>,
) -> ApiResult<Reply<BudgetState>> {
    Ok(reply(app.budget(BudgetScope::User, id.uuid()).await?))
}
