//! `GET /api/v1/events/calendar.ics`.

use crate::app::App;
use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::State;
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::error::ApiResult;
use chassis::http::{Caching, Query, etag};
use contract::ErrorBody;
use contract::events::CalendarToken;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, ETAG};

/// The approved events of an organisation as a calendar (RFC 5545), for a calendar program. The secret of the feed takes the place
/// of an access token.
#[utoipa::path(
    get,
    path = "/api/v1/events/calendar.ics",
    tag = "events",
    security(()),
    params(CalendarToken),
    responses(
        (status = 200, description = "The calendar", content_type = "text/calendar", body = String),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 404, description = "No such feed, or its owner does not belong to the organisation any more", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_calendar(
    State(app): State<App>,
    Query(query): Query<CalendarToken>,
) -> ApiResult<impl IntoResponse> {
    let calendar = app.calendar(&query.token).await?;
    let tag = URL_SAFE_NO_PAD.encode(digest(&SHA256, calendar.as_bytes()));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/calendar; charset=utf-8")),
        (CONTENT_DISPOSITION, HeaderValue::from_static("inline; filename=\"events.ics\"")),
        (ETAG, etag::of(tag)),
    ];
    Ok((Caching::private(), headers, calendar))
}
