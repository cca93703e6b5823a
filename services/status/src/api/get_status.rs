//! `GET /api/v1/status`.

use crate::app::App;
use axum::extract::State;
use axum::response::IntoResponse;
use chassis::error::ApiResult;
use chassis::http::etag;
use contract::ErrorBody;
use contract::page::Success;
use contract::status::StatusPage;
use http::header::{CONTENT_TYPE, ETAG, HeaderValue};

/// How the platform is, for everybody: each service now and over 24 hours, 7 and 90 days, and the incidents.
///
/// It is read from the database every few seconds, however many ask, and goes on being answered while other services are away.
#[utoipa::path(
    get,
    path = "/api/v1/status",
    tag = "status",
    responses(
        (status = 200, description = "How it is", body = Success<StatusPage>),
        (status = 304, description = "As it was when who asks got the ETag in If-None-Match"),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_status(State(app): State<App>) -> ApiResult<impl IntoResponse> {
    let (shown, caching) = app.shown().await?;
    let json = HeaderValue::from_static("application/json");
    Ok((caching, [(ETAG, etag::of(&shown.version)), (CONTENT_TYPE, json)], shown.json.clone()))
}
