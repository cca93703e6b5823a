//! `GET /internal/v1/payments/{checkout}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::ids::CheckoutId;
use contract::payments::Payment;

/// How a payment stands.
pub(super) async fn get(
    State(app): State<App>,
    _: ServiceCaller,
    Path(checkout): Path<CheckoutId>,
) -> ApiResult<Reply<Payment>> {
    Ok(reply(app.find(checkout).await?.view(true)))
}
