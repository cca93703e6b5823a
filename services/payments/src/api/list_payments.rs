//! `GET /api/v1/payments`.

use crate::app::{App, Filter};
use axum::extract::State;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Cursor, Query, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::page::{Pagination, Success};
use contract::payments::{ListPayments, Payment};

/// Payments, newest first: one's own, and all for who may see all.
///
/// `pagination.cursor` of an answer is the `cursor` of the next page; there is none on the last one.
#[utoipa::path(
    get,
    path = "/api/v1/payments",
    tag = "payments",
    security(("bearer" = [])),
    params(ListPayments),
    responses(
        (status = 200, description = "A page of them", body = Success<Vec<Payment>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_payments(
    State(app): State<App>,
    who: Principal,
    Query(query): Query<ListPayments>,
) -> ApiResult<Reply<Vec<Payment>>> {
    let after = query.cursor.as_deref().map(Cursor::parse).transpose();
    let after = after.map_err(|error| ApiError::invalid_field("cursor", error.to_string()))?;
    let filter = Filter { user: query.user, order: query.order, state: query.state };
    let (payments, next) = app.list(&who, filter, after, query.limit).await?;
    let place = Pagination::by_cursor(query.limit, after.is_some(), next.map(|next| next.text()));
    Ok(reply(payments).page(place))
}
