//! `POST /internal/v1/catalog/quote`, for services only.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Json, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::catalog::{Quote, QuoteRequest};

/// What products are and cost at this moment. It changes nothing, so it may be sent again.
pub(super) async fn quote(
    State(app): State<App>,
    _: ServiceCaller,
    Json(request): Json<QuoteRequest>,
) -> ApiResult<Reply<Quote>> {
    Ok(reply(app.quote(&request).await?))
}
