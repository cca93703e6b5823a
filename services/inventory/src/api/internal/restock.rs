//! `PUT /internal/v1/inventory/restocks/{refund}`.

use crate::app::App;
use crate::domain::demand::Demand;
use axum::extract::State;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Json, Path, no_content};
use chassis::identity::ServiceCaller;
use contract::ids::RefundId;
use contract::inventory::Restock;
use http::StatusCode;

/// Takes goods back that were sold.
pub(super) async fn restock(
    State(app): State<App>,
    _: ServiceCaller,
    Path(refund): Path<RefundId>,
    Json(request): Json<Restock>,
) -> ApiResult<StatusCode> {
    if request.refund != refund {
        return Err(ApiError::invalid_field("refund", "is not the one of the path"));
    }
    let demand = Demand::of(&request.lines);
    let demand = demand.map_err(|nothing| ApiError::invalid_field("lines", nothing.to_string()))?;
    app.restock(refund, request.order, demand).await?;
    Ok(no_content())
}
