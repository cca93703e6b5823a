//! `GET /internal/v1/payments`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Query, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::payments::{AllPayments, Payment};

/// All payments by their id, for whoever compares books.
pub(super) async fn list(
    State(app): State<App>,
    _: ServiceCaller,
    Query(query): Query<AllPayments>,
) -> ApiResult<Reply<Vec<Payment>>> {
    Ok(reply(app.list_all(query.after, query.limit).await?))
}
