//! `GET /.well-known/jwks.json`.

use crate::app::App;
use axum::extract::State;
use axum::response::IntoResponse;
use chassis::http::{Json, etag};
use contract::auth::Jwks;
use http::header::{CACHE_CONTROL, ETAG};

/// The public keys that verify access tokens (RFC 7517), without the envelope that other answers have.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "auth",
    responses((status = 200, description = "The keys that verify, also the one that will sign next", body = Jwks))
)]
pub(super) async fn get_jwks(State(app): State<App>) -> impl IntoResponse {
    let (jwks, version) = app.keys.published(app.clock.now());
    // Half of the time between a key's publication and its first signature: who asks that often has it in time.
    let max_age = format!("public, max-age={}", app.jwks_max_age.as_secs());
    ([(CACHE_CONTROL, max_age)], [(ETAG, etag::of(version))], Json(jwks))
}
