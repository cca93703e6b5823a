//! `GET /api/v1/users/me`.

use crate::app::{App, profile_version};
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::auth::User;
use contract::page::Success;

/// The account of who asks.
#[utoipa::path(
    get,
    path = "/api/v1/users/me",
    tag = "users",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The account; its ETag is good for If-Match", body = Success<User>),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_me(State(app): State<App>, who: Principal) -> ApiResult<Reply<User>> {
    let account = app.me(&who).await?;
    let (version, caching) = (profile_version(&account), account.caching());
    Ok(reply(account.into_inner()).version(version).cached(caching))
}
