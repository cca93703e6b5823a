//! `GET /api/v1/profiles/{user}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::{MaybePrincipal, Principal};
use contract::ErrorBody;
use contract::auth::PublicProfile;
use contract::ids::UserId;
use contract::page::Success;

/// A profile as others see it. One that is not public is there for its owner only, who sees here what others would.
#[utoipa::path(
    get,
    path = "/api/v1/profiles/{user}",
    tag = "profiles",
    security((), ("bearer" = [])),
    params(("user" = UserId, Path, description = "Whose profile")),
    responses(
        (status = 200, description = "What its owner lets others see", body = Success<PublicProfile>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such profile, or none that you may see", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_profile(
    State(app): State<App>,
    MaybePrincipal(who): MaybePrincipal,
    Path(user): Path<UserId>,
) -> ApiResult<Reply<PublicProfile>> {
    Ok(reply(app.profile(who.as_ref().map(Principal::user), user).await?))
}
