//! `POST /api/v1/events/calendar-links`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Created, Json, created};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::events::{CreateCalendarLink, NewCalendarLink};
use contract::page::Success;

/// Makes a calendar feed of the approved events of an organisation, in the place of the one that the caller had of it.
///
/// The answer holds the secret of the feed, which is told this once: so it takes no `Idempotency-Key`, and a second try makes
/// another secret in the place of the first.
#[utoipa::path(
    post,
    path = "/api/v1/events/calendar-links",
    tag = "events",
    security(("bearer" = [])),
    request_body = CreateCalendarLink,
    responses(
        (status = 201, description = "The feed with its secret", body = Success<NewCalendarLink>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such organisation that you belong to", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn create_calendar_link(
    State(app): State<App>,
    who: Principal,
    Json(asked): Json<CreateCalendarLink>,
) -> ApiResult<Created<NewCalendarLink>> {
    let (tx, made) = app.create_link(&who, asked).await?;
    tx.commit().await?;
    Ok(created(format!("/api/v1/events/calendar-links/{}", made.link.id), made))
}
