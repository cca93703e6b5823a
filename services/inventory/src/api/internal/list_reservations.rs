//! `GET /internal/v1/inventory/reservations`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Query, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::ids::CheckoutId;
use contract::inventory::Reservation;
use garde::Validate;
use serde::Deserialize;

/// From where, and how many.
#[derive(Debug, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Asked {
    /// The last one that was seen.
    #[garde(skip)]
    after: Option<CheckoutId>,
    /// At most.
    #[garde(range(min = 1, max = 500))]
    limit: u32,
}

/// Reservations by checkout, for who compares them with the orders.
pub(super) async fn list_reservations(
    State(app): State<App>,
    _: ServiceCaller,
    Query(asked): Query<Asked>,
) -> ApiResult<Reply<Vec<Reservation>>> {
    Ok(reply(app.reservations(asked.after, asked.limit).await?))
}
