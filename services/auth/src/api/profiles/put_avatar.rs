//! `PUT /api/v1/profiles/me/avatar`.

use crate::app::{App, Client};
use crate::error::AuthError;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Cx, Upload, reply};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::auth::Profile;
use contract::page::Success;

/// Keeps a picture of who asks: the middle of what is sent, 256 by 256 pixels, made anew so that nothing else is in it.
#[utoipa::path(
    put,
    path = "/api/v1/profiles/me/avatar",
    tag = "profiles",
    security(("bearer" = [])),
    request_body(content = String, content_type = "image/*", description = "A PNG, JPEG, WebP or GIF of 5 MiB and 40 million pixels at most; what it is, its content says"),
    params(Once),
    responses(
        (status = 200, description = "The profile as it is now", body = Success<Profile>),
        (status = 400, description = "It begins as a picture and does not go on as one", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 413, description = "More bytes or more pixels than that", body = ErrorBody),
        (status = 415, description = "Not sent as image/*, or none of these by its content", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn put_avatar(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
    once: Once,
    seen: IfMatch,
    sent: Upload,
) -> ApiResult<Response> {
    if !sent.kind.starts_with("image/") {
        return Err(AuthError::NotSentAsPicture.into());
    }
    let (tx, profile) = app.put_avatar(&who, sent.bytes, &seen, &Client::of(&cx)).await?;
    let tag = profile.tag();
    once.commit(tx, reply(profile.own()).version(tag)).await
}
