//! `GET /status`.

use crate::app::App;
use crate::page;
use axum::extract::State;
use axum::response::IntoResponse;
use chassis::error::{ApiError, ApiResult};
use chassis::http::etag;
use contract::ErrorBody;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue};

/// How the platform is, as a page for people: without scripts, and without anything from elsewhere.
#[utoipa::path(
    get,
    path = "/status",
    tag = "status",
    extensions(("x-priority" = json!("normal"))),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 304, description = "As it was when who asks got the ETag in If-None-Match"),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_page(State(app): State<App>) -> ApiResult<impl IntoResponse> {
    let (shown, caching) = app.shown().await?;
    let policy = HeaderValue::try_from(page::policy()).map_err(ApiError::internal)?;
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    let headers = [(ETAG, etag::of(&shown.version)), (CONTENT_TYPE, html), (CONTENT_SECURITY_POLICY, policy)];
    Ok((caching, headers, shown.html.clone()))
}
