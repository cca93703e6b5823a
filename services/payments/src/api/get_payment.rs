//! `GET /api/v1/payments/{id}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::CheckoutId;
use contract::page::Success;
use contract::payments::Payment;

/// A payment, for who pays and for who may see all. What has to be done next is shown to who pays only.
#[utoipa::path(
    get,
    path = "/api/v1/payments/{id}",
    tag = "payments",
    security(("bearer" = [])),
    params(("id" = CheckoutId, Path, description = "The payment, which has its checkout's id")),
    responses(
        (status = 200, description = "The payment", body = Success<Payment>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such payment of yours", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_payment(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<CheckoutId>,
) -> ApiResult<Reply<Payment>> {
    Ok(reply(app.show(id, &who).await?))
}
