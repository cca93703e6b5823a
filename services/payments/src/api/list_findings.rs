//! `GET /api/v1/payments/reconciliation`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Query, Reply, reply};
use chassis::identity::Can;
use chassis::identity::permits::ManagePayments;
use contract::ErrorBody;
use contract::page::Success;
use contract::payments::{ListFindings, ReconciliationFinding};

/// Where the provider's books and ours differ, the last seen first.
#[utoipa::path(
    get,
    path = "/api/v1/payments/reconciliation",
    tag = "payments",
    extensions(("x-priority" = json!("low"))),
    security(("bearer" = [])),
    params(ListFindings),
    responses(
        (status = 200, description = "The findings", body = Success<Vec<ReconciliationFinding>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission payments:manage", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_findings(
    State(app): State<App>,
    _: Can<ManagePayments>,
    Query(query): Query<ListFindings>,
) -> ApiResult<Reply<Vec<ReconciliationFinding>>> {
    Ok(reply(app.findings(query).await?))
}
