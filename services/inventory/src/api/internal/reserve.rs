//! `PUT /internal/v1/inventory/reservations/{checkout}`.

use crate::app::App;
use crate::domain::demand::Demand;
use axum::extract::State;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Json, Path, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::ids::CheckoutId;
use contract::inventory::{Reservation, Reserve};

/// Keeps stock for a checkout: all lines or none.
pub(super) async fn reserve(
    State(app): State<App>,
    _: ServiceCaller,
    Path(checkout): Path<CheckoutId>,
    Json(request): Json<Reserve>,
) -> ApiResult<Reply<Reservation>> {
    let demand = Demand::of(&request.lines);
    let demand = demand.map_err(|nothing| ApiError::invalid_field("lines", nothing.to_string()))?;
    Ok(reply(app.reserve(checkout, request.order, demand).await?))
}
