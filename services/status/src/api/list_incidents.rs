//! `GET /api/v1/incidents`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Query, Reply, reply};
use chassis::identity::Can;
use chassis::identity::permits::ManageStatus;
use contract::ErrorBody;
use contract::page::{Pagination, Success};
use contract::status::{Incident, ListIncidents};

/// Incidents, the last opened first, without what was said about them.
///
/// `pagination.cursor` of an answer is the `cursor` of the next page; there is none on the last one.
#[utoipa::path(
    get,
    path = "/api/v1/incidents",
    tag = "status",
    security(("bearer" = [])),
    params(ListIncidents),
    responses(
        (status = 200, description = "A page of them", body = Success<Vec<Incident>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission status:manage", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_incidents(
    State(app): State<App>,
    _: Can<ManageStatus>,
    Query(query): Query<ListIncidents>,
) -> ApiResult<Reply<Vec<Incident>>> {
    let (incidents, next) = app.incidents(&query).await?;
    let place = Pagination::by_cursor(query.limit, query.cursor.is_some(), next.map(|next| next.text()));
    Ok(reply(incidents).page(place))
}
