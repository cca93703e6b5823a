//! `PUT /internal/v1/payments/{checkout}/voided`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::ids::CheckoutId;
use contract::payments::Payment;

/// Lets the amount go.
pub(super) async fn void(
    State(app): State<App>,
    _: ServiceCaller,
    Path(checkout): Path<CheckoutId>,
) -> ApiResult<Reply<Payment>> {
    Ok(reply(app.void(checkout).await?.view(true)))
}
