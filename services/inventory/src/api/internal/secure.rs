//! `PUT /internal/v1/inventory/reservations/{checkout}/secured`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::ids::CheckoutId;
use contract::inventory::Reservation;

/// Keeps a reservation without an end.
pub(super) async fn secure(
    State(app): State<App>,
    _: ServiceCaller,
    Path(checkout): Path<CheckoutId>,
) -> ApiResult<Reply<Reservation>> {
    Ok(reply(app.secure(checkout).await?))
}
