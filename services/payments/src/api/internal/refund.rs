//! `PUT /internal/v1/payments/{checkout}/refunds/{refund}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Json, Path, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::ids::{CheckoutId, RefundId};
use contract::payments::{Refund, RefundPayment};

/// Gives some of a payment back.
pub(super) async fn refund(
    State(app): State<App>,
    _: ServiceCaller,
    Path((checkout, refund)): Path<(CheckoutId, RefundId)>,
    Json(asked): Json<RefundPayment>,
) -> ApiResult<Reply<Refund>> {
    Ok(reply(app.refund(checkout, refund, asked).await?))
}
