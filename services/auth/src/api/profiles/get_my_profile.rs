//! `GET /api/v1/profiles/me`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::auth::Profile;
use contract::page::Success;

/// The profile of who asks, whole. Who has said nothing has an empty one that nobody else sees.
#[utoipa::path(
    get,
    path = "/api/v1/profiles/me",
    tag = "profiles",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The profile; its ETag is good for If-Match", body = Success<Profile>),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_my_profile(State(app): State<App>, who: Principal) -> ApiResult<Reply<Profile>> {
    let profile = app.my_profile(&who).await?;
    let tag = profile.tag();
    Ok(reply(profile.own()).version(tag))
}
