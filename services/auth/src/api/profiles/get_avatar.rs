//! `GET /api/v1/profiles/{user}/avatar`.

use crate::app::App;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::error::ApiResult;
use chassis::http::{Caching, Path, etag};
use chassis::identity::{MaybePrincipal, Principal};
use contract::ErrorBody;
use contract::ids::UserId;
use http::HeaderValue;
use http::header::{CONTENT_TYPE, ETAG};
use std::time::Duration;

/// For how long everybody may keep a picture that everybody may see. So long it may still be seen once its owner has hidden it.
const KEPT: Duration = Duration::from_secs(60);

/// A picture. That of a profile which is not public is there for its owner only.
#[utoipa::path(
    get,
    path = "/api/v1/profiles/{user}/avatar",
    tag = "profiles",
    security((), ("bearer" = [])),
    params(("user" = UserId, Path, description = "Whose picture")),
    responses(
        (status = 200, description = "A JPEG of 256 by 256 pixels, with an ETag", body = String, content_type = "image/jpeg"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such picture, or none that you may see", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_avatar(
    State(app): State<App>,
    MaybePrincipal(who): MaybePrincipal,
    Path(user): Path<UserId>,
) -> ApiResult<Response> {
    let avatar = app.avatar(who.as_ref().map(Principal::user), user).await?;
    let caching = match avatar.public {
        true => Caching::public(KEPT, Duration::ZERO, Duration::ZERO),
        false => Caching::private(),
    };
    let headers = [(CONTENT_TYPE, HeaderValue::from_static("image/jpeg")), (ETAG, etag::of(&avatar.tag))];
    Ok((caching, headers, avatar.image).into_response())
}
