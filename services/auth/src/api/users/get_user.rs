//! `GET /api/v1/users/{id}`.

use crate::app::{App, profile_version};
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Can;
use chassis::identity::permits::ManageUsers;
use contract::ErrorBody;
use contract::auth::User;
use contract::ids::UserId;
use contract::page::Success;

/// An account.
#[utoipa::path(
    get,
    path = "/api/v1/users/{id}",
    tag = "users",
    security(("bearer" = [])),
    params(("id" = UserId, Path, description = "The account")),
    responses(
        (status = 200, description = "The account", body = Success<User>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission users:manage", body = ErrorBody),
        (status = 404, description = "No such account", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_user(
    State(app): State<App>,
    _: Can<ManageUsers>,
    Path(id): Path<UserId>,
) -> ApiResult<Reply<User>> {
    let account = app.account(id).await?;
    let (version, caching) = (profile_version(&account), account.caching());
    Ok(reply(account.into_inner()).version(version).cached(caching))
}
