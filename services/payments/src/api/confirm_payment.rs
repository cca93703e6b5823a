//! `POST /api/v1/payments/{id}/confirm`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Path, reply};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::CheckoutId;
use contract::page::Success;
use contract::payments::Payment;

/// Goes on with a payment for which the buyer had to prove something (`REQUIRES_ACTION`).
///
/// In the sandbox this is the proof. With Stripe, whose own code in the buyer's browser takes the proof, it makes the service
/// look at once. A payment that waits for nothing is answered as it stands.
#[utoipa::path(
    post,
    path = "/api/v1/payments/{id}/confirm",
    tag = "payments",
    security(("bearer" = [])),
    params(Once, ("id" = CheckoutId, Path, description = "The payment, which has its checkout's id")),
    responses(
        (status = 200, description = "The payment as it stands now", body = Success<Payment>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such payment of yours", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 429, description = "Too many requests about payments; Retry-After says when the next one counts", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn confirm_payment(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Path(id): Path<CheckoutId>,
) -> ApiResult<Response> {
    let (tx, record) = app.confirm(id, who.user()).await?;
    once.commit(tx, reply(record.view(true))).await
}
