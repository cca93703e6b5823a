//! `PUT /internal/v1/inventory/reservations/{checkout}/committed`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::ids::CheckoutId;
use contract::inventory::Reservation;

/// The goods of a reservation leave.
pub(super) async fn commit(
    State(app): State<App>,
    _: ServiceCaller,
    Path(checkout): Path<CheckoutId>,
) -> ApiResult<Reply<Reservation>> {
    Ok(reply(app.commit(checkout).await?))
}
