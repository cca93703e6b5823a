//! `PUT /api/v1/assistant/budgets/organizations/{id}`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Json, Path, reply};
use chassis::idempotency::Once;
use chassis::identity::Can;
use chassis::identity::permits::ManageAssistant;
use contract::ErrorBody;
use contract::assistant::{BudgetScope, BudgetState, SetBudget};
use contract::ids::OrganizationId;
use contract::page::Success;

/// Sets what an organisation may use, as a whole: what is absent is as the settings say.
#[utoipa::path(
    put,
    path = "/api/v1/assistant/budgets/organizations/{id}",
    tag = "assistant",
    security(("bearer" = [])),
    request_body = SetBudget,
    params(Once, ("id" = OrganizationId, Path, description = "The organisation")),
    responses(
        (status = 200, description = "The budget as it is now", body = Success<BudgetState>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission assistant:manage", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn set_organization_budget(
    State(app): State<App>,
    who: Can<ManageAssistant>,
    once: Once,
    Path(id): Path<OrganizationId>,
    Json(set): Json<SetBudget>,
) -> ApiResult<Response> {
    let (tx, state) = app.set_budget(&who.0, (BudgetScope::Organization, id.uuid()), set).await?;
    once.commit(tx, reply(state)).await
}
