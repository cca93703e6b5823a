//! `GET /api/v1/alerts`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Query, Reply, reply};
use chassis::identity::Can;
use chassis::identity::permits::ManageStatus;
use contract::ErrorBody;
use contract::page::{Pagination, Success};
use contract::status::{Alert, ListAlerts};

/// Alerts, the last changed first.
///
/// `pagination.cursor` of an answer is the `cursor` of the next page; there is none on the last one.
#[utoipa::path(
    get,
    path = "/api/v1/alerts",
    tag = "status",
    security(("bearer" = [])),
    params(ListAlerts),
    responses(
        (status = 200, description = "A page of them", body = Success<Vec<Alert>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission status:manage", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_alerts(
    State(app): State<App>,
    _: Can<ManageStatus>,
    Query(query): Query<ListAlerts>,
) -> ApiResult<Reply<Vec<Alert>>> {
    let (alerts, next) = app.alerts(&query).await?;
    let place = Pagination::by_cursor(query.limit, query.cursor.is_some(), next.map(|next| next.text()));
    Ok(reply(alerts).page(place))
}
