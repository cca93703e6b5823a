//! `GET /api/v1/assistant/budget`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::assistant::{BudgetScope, BudgetState};
use contract::page::Success;

/// What who asks may use, and has used.
#[utoipa::path(
    get,
    path = "/api/v1/assistant/budget",
    tag = "assistant",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The budget", body = Success<BudgetState>),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_budget(State(app): State<App>, who: Principal) -> ApiResult<Reply<BudgetState>> {
    Ok(reply(app.budget(BudgetScope::User, who.user().uuid()).await?))
}
