//! `GET /api/v1/assistant/budgets/organizations/{id}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::assistant::BudgetState;
use contract::ids::OrganizationId;
use contract::page::Success;

/// What an organisation may use, and has used: for its admins and owners, and for who has the permission `assistant:manage`.
#[utoipa::path(
    get,
    path = "/api/v1/assistant/budgets/organizations/{id}",
    tag = "assistant",
    security(("bearer" = [])),
    params(("id" = OrganizationId, Path, description = "The organisation")),
    responses(
        (status = 200, description = "The budget", body = Success<BudgetState>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such organisation that you manage", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_organization_budget(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<OrganizationId>,
) -> ApiResult<Reply<BudgetState>> {
    Ok(reply(app.organization_budget(&who, id).await?))
}
