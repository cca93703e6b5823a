//! `GET /.well-known/jwks.json`.

use crate::app::{App, PublishedKeys};
use axum::extract::State;
use axum::response::IntoResponse;
use chassis::error::ApiResult;
use chassis::http::{Json, etag};
use contract::auth::Jwks;
use http::header::ETAG;

/// The public keys that verify access tokens (RFC 7517), without the envelope that other answers have.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "auth",
    extensions(("x-priority" = json!("critical"))),
    responses((status = 200, description = "The keys that verify, also the one that will sign next", body = Jwks))
)]
pub(super) async fn get_jwks(State(app): State<App>) -> ApiResult<impl IntoResponse> {
    let keys = app.published_keys().await?;
    let caching = keys.caching();
    let PublishedKeys { jwks, version } = keys.into_inner();
    Ok((caching, [(ETAG, etag::of(version))], Json(jwks)))
}
