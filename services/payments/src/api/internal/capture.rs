//! `PUT /internal/v1/payments/{checkout}/captured`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::ids::CheckoutId;
use contract::payments::Payment;

/// Takes the amount.
pub(super) async fn capture(
    State(app): State<App>,
    _: ServiceCaller,
    Path(checkout): Path<CheckoutId>,
) -> ApiResult<Reply<Payment>> {
    Ok(reply(app.capture(checkout).await?.view(true)))
}
