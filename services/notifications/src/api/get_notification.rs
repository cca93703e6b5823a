//! `GET /api/v1/notifications/{id}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::NotificationId;
use contract::notifications::Notification;
use contract::page::Success;

/// One message to who asks, with its text; any message for who may read them.
#[utoipa::path(
    get,
    path = "/api/v1/notifications/{id}",
    tag = "notifications",
    security(("bearer" = [])),
    params(("id" = NotificationId, Path, description = "The message")),
    responses(
        (status = 200, description = "The message", body = Success<Notification>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such message of yours", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_notification(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<NotificationId>,
) -> ApiResult<Reply<Notification>> {
    Ok(reply(app.notification(&who, id).await?))
}
