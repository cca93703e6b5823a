//! `PUT /internal/v1/inventory/reservations/{checkout}/released`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::ids::CheckoutId;
use contract::inventory::Reservation;

/// Lets a reservation go, also one that is not made yet.
pub(super) async fn release(
    State(app): State<App>,
    _: ServiceCaller,
    Path(checkout): Path<CheckoutId>,
) -> ApiResult<Reply<Reservation>> {
    Ok(reply(app.release(checkout).await?))
}
