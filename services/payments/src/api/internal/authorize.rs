//! `PUT /internal/v1/payments/{checkout}/authorized`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Json, Path, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::ids::CheckoutId;
use contract::payments::{Authorize, Payment};

/// Begins a payment.
pub(super) async fn authorize(
    State(app): State<App>,
    _: ServiceCaller,
    Path(checkout): Path<CheckoutId>,
    Json(asked): Json<Authorize>,
) -> ApiResult<Reply<Payment>> {
    Ok(reply(app.authorize(checkout, asked).await?.view(true)))
}
