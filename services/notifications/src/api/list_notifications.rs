//! `GET /api/v1/notifications`.

use crate::app::App;
use crate::domain::cursor;
use axum::extract::State;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Query, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::notifications::{ListNotifications, Notification};
use contract::page::{Pagination, Success};

/// What was sent to who asks, the newest first, without the texts. With `user` what was sent to somebody else.
///
/// `pagination.cursor` of an answer is the `cursor` of the next page; there is none on the last one.
#[utoipa::path(
    get,
    path = "/api/v1/notifications",
    tag = "notifications",
    security(("bearer" = [])),
    params(ListNotifications),
    responses(
        (status = 200, description = "A page of them", body = Success<Vec<Notification>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "Others' messages need the permission notifications:read", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_notifications(
    State(app): State<App>,
    who: Principal,
    Query(query): Query<ListNotifications>,
) -> ApiResult<Reply<Vec<Notification>>> {
    let after = query.cursor.as_deref().map(cursor::parse).transpose();
    let after = after.map_err(|error| ApiError::invalid_field("cursor", error.to_string()))?;
    let (messages, next) = app.log(&who, &query, after).await?;
    let place = Pagination::by_cursor(query.limit, after.is_some(), next.map(cursor::text));
    Ok(reply(messages).page(place))
}
