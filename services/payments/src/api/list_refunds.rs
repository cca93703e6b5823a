//! `GET /api/v1/payments/{id}/refunds`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::CheckoutId;
use contract::page::Success;
use contract::payments::Refund;

/// What was given back of a payment, oldest first; for who pays and for who may see all.
#[utoipa::path(
    get,
    path = "/api/v1/payments/{id}/refunds",
    tag = "payments",
    security(("bearer" = [])),
    params(("id" = CheckoutId, Path, description = "The payment, which has its checkout's id")),
    responses(
        (status = 200, description = "Its refunds", body = Success<Vec<Refund>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such payment of yours", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_refunds(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<CheckoutId>,
) -> ApiResult<Reply<Vec<Refund>>> {
    Ok(reply(app.refunds(id, &who).await?))
}
